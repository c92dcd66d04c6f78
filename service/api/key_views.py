"""What is said of keys."""

from datetime import datetime
from typing import Literal

from service.access.roles import Role
from service.api.views import View
from service.db.api_keys import is_valid
from service.db.models import ApiKey


class KeyView(View):
    """A key without its secret. A limit that is null does not limit."""

    id: str
    name: str
    role: Role
    state: Literal["valid", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    max_queued_jobs: int | None
    max_running_gpus: int | None
    max_stored_bytes: int | None
    requests_per_minute: int | None

    @classmethod
    def of(cls, key: ApiKey, moment: datetime) -> "KeyView":
        """The view of a row, as it is at that moment."""
        state = "valid" if is_valid(key, moment) else "revoked" if key.revoked_at else "expired"
        row = {name: getattr(key, name) for name in cls.model_fields if name != "state"}
        return cls.model_validate({**row, "state": state})


class NewKeyView(KeyView):
    """A key that was just made. `key` is told this once: keep it, or make another one."""

    key: str
