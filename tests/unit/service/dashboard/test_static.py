"""Files of others are those that were vendored, with their licences."""

import hashlib
from pathlib import Path

from service import dashboard

VENDOR = Path(dashboard.__file__).parent / "static" / "vendor"


def test_vendored_files_have_their_recorded_hashes_and_licences() -> None:
    recorded = dict(reversed(line.split()) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    files = {path.name: path for path in VENDOR.iterdir() if path.suffix in {".js", ".css"}}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == recorded
    for name in files:
        project = name.rsplit("-", 1)[0]
        licence = " ".join((VENDOR / f"{project}-LICENSE.txt").read_text().split())
        assert "copy, modify," in licence
