"""What no role may get, whatever it sends: judged for each answer."""

from dataclasses import dataclass

import schemathesis

from service.access.policy import PUBLIC, RULES
from service.access.roles import Role
from tests.fuzz.world import World

VIEWERS_CHANGES = frozenset({"create_ticket", "link_artifact", "link_checkpoint"})
"""What is for viewers and not only read: the caller's own way in, and addresses of what it may read."""
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Knows who asks. `name` is a role's, or `none` for nobody."""

    name: str
    world: World

    def __call__(
        self, ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
    ) -> None:
        """Raises AssertionError for an answer that this role must not get."""
        if not 200 <= response.status_code < 300:
            return
        route = str(case.operation.definition.raw["operationId"])
        asked = f"{self.name} got {response.status_code} from {route}"
        if self._is_without_key(response):
            assert route in PUBLIC, f"{asked} without a key"
            return
        rule, role = RULES.get(route), Role(self.name)
        assert rule is None or role.includes(rule.role), f"{asked}, which is for {rule and rule.role}"
        if role is Role.VIEWER and case.method.upper() not in _READS:
            assert route in VIEWERS_CHANGES, f"{asked}, which changes something"
        if rule is not None and rule.own and not role.includes(Role.OPERATOR):
            named = {str(value) for value in (case.path_parameters or {}).values()}
            taken = {each for ids in self.world.others.values() for each in ids if each in named}
            assert not taken, f"{asked} for {taken}, which another key owns"

    def _is_without_key(self, response: schemathesis.Response) -> bool:
        sent = response.request.headers.get("Authorization", "")
        return self.name == "none" or sent != self.world.headers[self.name]["Authorization"]
