"""Archives that strangers send: read with suspicion, written into a folder whole or not at all."""

from frs_core.archives.kept import RECEIVED_PREFIX, discard, discard_unfinished, discard_unknown, kept
from frs_core.archives.members import ArchiveError, Limits
from frs_core.archives.unpack import unpack

__all__ = [
    "RECEIVED_PREFIX",
    "ArchiveError",
    "Limits",
    "discard",
    "discard_unfinished",
    "discard_unknown",
    "kept",
    "unpack",
]
