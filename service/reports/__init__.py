"""Report formats, one file each. A file here with MEDIA_TYPE, EXTENSION and `render` is a format.

The file's name is the format's name for users.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from service.reports.material.dossier import Dossier


@dataclass(frozen=True, kw_only=True)
class Report:
    """A way to write a dossier down. `extension` has no dot; `headers` go with it over HTTP.

    One with images shows those of the dossier; for the others they need not be drawn.
    """

    name: str
    media_type: str
    extension: str
    render: Callable[[Dossier], str | bytes]
    headers: Mapping[str, str]
    has_images: bool


@cache
def names() -> tuple[str, ...]:
    """The formats there are, sorted."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))


@cache
def get(name: str) -> Report:
    """The format of that name; KeyError if there is none."""
    if name not in names():
        raise KeyError(name)
    module = import_module(f"{__name__}.{name}")
    return Report(
        name=name,
        media_type=module.MEDIA_TYPE,
        extension=module.EXTENSION,
        render=module.render,
        headers=getattr(module, "HEADERS", {}),
        has_images=getattr(module, "HAS_IMAGES", False),
    )
