"""Files under a data set's root, never outside it."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

from frs_core.datasets.faults import FaultLog
from frs_core.spec.dataset import DatasetSpec


def open_root(dataset: DatasetSpec) -> tuple[Path, FaultLog]:
    """The data set's folder, and a log for faults of `dataset.root` that says so where there is none."""
    log = FaultLog("dataset.root")
    root = Path(dataset.root)
    if not dataset.root or not _is(root.is_dir):
        log.add("root_missing", dataset.root or "nothing")
    return root, log


def inside(root: Path, name: str) -> Path | None:
    """`name` under `root`; None where it is absolute, empty or climbs out. Links are followed as they are."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if not parts.name or parts.is_absolute() or PureWindowsPath(name).drive:
        return None
    if ".." in parts.parts or "\0" in name:
        return None
    return root / parts


def is_file(path: Path) -> bool:
    """Whether there is such a file; False also for names that the file system refuses."""
    return _is(path.is_file)


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; False also for names that the file system refuses."""
    return _is(path.is_dir)


def _is(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except (OSError, ValueError):
        return False
