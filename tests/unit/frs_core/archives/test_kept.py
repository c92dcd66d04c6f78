"""What killed processes leave beside the data sets that were sent."""

import os
import time
from pathlib import Path

from frs_core.archives import RECEIVED_PREFIX, discard_unfinished
from frs_core.archives.unpack import UNFINISHED_PREFIX

DAY = 24 * 3600


def left(path: Path, *, days: float) -> str:
    """A file, or a folder with one, that was last touched so long ago; gives its name."""
    if path.name.startswith(RECEIVED_PREFIX):
        path.write_bytes(b"half")
    else:
        path.mkdir()
        (path / "archive").write_bytes(b"half")
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment))
    return path.name


def test_what_is_unfinished_for_more_than_a_day_is_removed_and_all_else_stays(tmp_path: Path) -> None:
    old = [left(tmp_path / f"{prefix}old", days=1.1) for prefix in (RECEIVED_PREFIX, UNFINISHED_PREFIX)]
    new = [left(tmp_path / f"{prefix}new", days=0.9) for prefix in (RECEIVED_PREFIX, UNFINISHED_PREFIX)]
    kept = left(tmp_path / "0123456789abcdef", days=100)
    assert discard_unfinished(tmp_path) == sorted(old)
    assert {path.name for path in tmp_path.iterdir()} == {*new, kept}


def test_where_nothing_was_ever_sent_nothing_is_removed(tmp_path: Path) -> None:
    assert discard_unfinished(tmp_path / "none") == []
