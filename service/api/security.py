"""How one gets in, as the OpenAPI document says it."""

from collections.abc import Mapping
from typing import Any

from service.api.csrf import HEADER
from service.api.route_table import RouteTable

SCHEMES: Mapping[str, Mapping[str, str]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "frs_<id>_<secret>",
        "description": "An API key, as `frs key create` makes it",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "frs_session_<installation>",
        "description": f"A browser's session after the login; what is not GET needs the header {HEADER} too",
    },
}


def describe(document: dict[str, Any], routes: RouteTable) -> None:
    """Say of each operation in the document who may use it."""
    document["components"]["securitySchemes"] = SCHEMES
    document["security"] = [{name: []} for name in SCHEMES]
    entries = {entry.name: entry for entry in routes.entries}
    for item in document["paths"].values():
        for operation in item.values():
            rule = entries[operation["operationId"]].rule
            if rule is None:
                operation["security"] = []
            else:
                operation["x-role"] = rule.role.value
                operation["x-own"] = rule.own
