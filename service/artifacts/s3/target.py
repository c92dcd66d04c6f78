"""What is written."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """The object that is written."""

    client: Any
    bucket: str
    key: str

    @property
    def named(self) -> dict[str, str]:
        """The parameters by which every request names it."""
        return {"Bucket": self.bucket, "Key": self.key}
