"""What every specification shares: frozen, strict about keys, hashed canonically."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_NAME_LENGTH = 120
_NAME = re.compile(r"^\w[\w .,:()+=@/-]*$")


class Spec(BaseModel):
    """Base of all specifications. Unknown keys are errors; NaN and infinity are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _check_name(value: str) -> str:
    if not _NAME.match(value):
        raise ValueError(
            "use letters, digits, spaces and . , : ( ) + = @ / - _ only, starting with a letter or digit"
        )
    return value


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(_check_name)]
"""A name or label shown to people. Markup and control characters are refused."""

Tag = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_check_name)]


def canonical_hash(value: BaseModel | Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the value's JSON with sorted keys and no white space.

    >>> canonical_hash({"b": 1, "a": 2}) == canonical_hash({"a": 2, "b": 1})
    True
    """
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else dict(value)
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
