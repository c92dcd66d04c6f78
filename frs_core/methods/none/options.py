"""The baseline: the student trained alone, without a teacher."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from frs_core.methods import Signal


class Options(BaseModel):
    """Nothing to choose."""

    model_config = ConfigDict(frozen=True, extra="forbid")


DEFAULTS: Mapping[str, Mapping[str, Any]] = {}
requires: frozenset[Signal] = frozenset()
