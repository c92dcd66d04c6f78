"""Where a run may take weights from."""

from dataclasses import dataclass
from pathlib import Path

from frs_core.weights.reference import DEFAULT_HOSTS


@dataclass(frozen=True, kw_only=True)
class WeightsSources:
    """A folder and some hosts.

    `mirror` is looked into first, and keeps what is downloaded: as HOST/PATH, or under the file's bare name
    where that ends in digits of its hash. `hosts` are those to download from, with a port unless it is 443.
    `private_hosts` are those of them that may be in a network of one's own, or on this machine.
    """

    mirror: Path
    hosts: tuple[str, ...] = DEFAULT_HOSTS
    private_hosts: tuple[str, ...] = ()
