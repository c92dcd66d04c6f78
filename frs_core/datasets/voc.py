"""Pascal VOC folders: JPEGImages, Annotations and ImageSets/Main/<split>.txt.

`xmin ymin xmax ymax` are taken as the box's edges, without offsets. The original standard counts pixels
from 1 and includes the last one; most tools that export the format today do neither, and a file does not
say which it is. Taking edges as they stand is off by at most a pixel, and keeps what the annotator's
tool drew. A `difficult` object is a crowd box.
"""

from pathlib import Path
from xml.etree import ElementTree  # nosec B405  # parsed by _NoDoctype alone, which refuses entities

from pydantic import BaseModel, ConfigDict, Field, field_validator

from frs_core.datasets.boxes import fit_box
from frs_core.datasets.faults import FaultLog
from frs_core.datasets.folder import inside, is_file, open_root
from frs_core.datasets.images import load_file
from frs_core.datasets.records import BoxRecord, ImageRecord, Split
from frs_core.spec.dataset import DatasetSpec

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".JPG", ".JPEG", ".PNG")

load_image = load_file


class Options(BaseModel):
    """`classes` fixes the class names and their order; by default the train split's names, sorted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=10_000)

    @field_validator("classes")
    @classmethod
    def _distinct(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and len(set(value)) < len(value):
            raise ValueError("each class must be named once")
        return value


class _Object(BaseModel):
    name: str = Field(min_length=1)
    box: tuple[float, float, float, float]
    difficult: bool


class _Annotation(BaseModel):
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    objects: list[_Object]


def read(dataset: DatasetSpec, split_name: str) -> Split:
    """The split with its faults; `split_name` is train, val or test, `dataset` says which list that is."""
    root, root_log = open_root(dataset)
    if root_log.errors:
        return Split(name=split_name, classes=(), images=(), errors=root_log.errors)
    log = FaultLog(f"dataset.{split_name}")
    names = _list(root, getattr(dataset, split_name), log)
    found = {name: note for name in names if (note := _annotation(root, name, log)) is not None}
    classes = _classes(dataset, root, found if split_name == "train" else None)
    if not classes and split_name != "train":
        log.add("classes_unknown")
        return Split(name=split_name, classes=(), images=(), errors=log.errors)
    labels = {name: label for label, name in enumerate(classes)}
    images = [
        _record(root, number, name, found[name], labels, log=log)
        for number, name in enumerate(names, start=1)
        if name in found
    ]
    return Split(
        name=split_name,
        classes=classes,
        images=tuple(image for image in images if image is not None),
        errors=log.errors,
        warnings=log.warnings,
    )


def _list(root: Path, split: str, log: FaultLog) -> list[str]:
    """The names in the split's list, in its order."""
    folder = root / "ImageSets" / "Main"
    path = inside(folder, f"{split}.txt")
    if path is None:
        log.add("path_escapes_root", split)
        return []
    try:
        if is_file(path):
            text = path.read_text(encoding="utf-8-sig")
            return [line.strip() for line in text.splitlines() if line.strip()]
    except (OSError, ValueError):
        log.add("split_invalid", str(path), hint="give a readable list of names in UTF-8")
        return []
    present = ", ".join(sorted(other.stem for other in folder.glob("*.txt"))[:20])
    log.add("split_missing", str(path), hint=f"splits there: {present or 'none'}")
    return []


def _annotation(root: Path, name: str, log: FaultLog) -> _Annotation | None:
    path = inside(root / "Annotations", f"{name}.xml")
    if path is None:
        log.add("path_escapes_root", name)
        return None
    if not is_file(path):
        log.add("annotation_missing", f"Annotations/{name}.xml")
        return None
    try:
        return _parse(path.read_bytes())
    except (ElementTree.ParseError, OSError, ValueError, LookupError) as error:
        log.add("annotation_invalid", f"Annotations/{name}.xml: {_first_line(error)}")
        return None


class _NoDoctype(ElementTree.TreeBuilder):
    """Refuses document types: entities that expand without end are declared there."""

    def doctype(self, *_: object) -> None:
        raise ValueError("a DOCTYPE is not allowed")


def _parse(content: bytes) -> _Annotation:
    parser = ElementTree.XMLParser(target=_NoDoctype())  # noqa: S314  # nosec B314  # its target refuses entities
    root = ElementTree.fromstring(content, parser)  # noqa: S314  # nosec B314  # by that parser
    return _Annotation.model_validate(
        {
            "width": root.findtext("size/width"),
            "height": root.findtext("size/height"),
            "objects": [_object(item) for item in root.findall("object")],
        }
    )


def _object(item: ElementTree.Element) -> dict[str, object]:
    return {
        "name": (item.findtext("name") or "").strip(),
        "box": [item.findtext(f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")],
        "difficult": (item.findtext("difficult") or "0").strip(),
    }


def _first_line(error: Exception) -> str:
    """The reason in one line; for a ValidationError, its first field and reason."""
    lines = [line.strip() for line in str(error).splitlines()[1:3]]
    return ": ".join(lines) if lines else str(error)


def _classes(dataset: DatasetSpec, root: Path, train: dict[str, _Annotation] | None) -> tuple[str, ...]:
    """The class names in order. `train` are the train split's annotations where they are already read."""
    options = Options.model_validate(dataset.options)
    if options.classes is not None:
        return options.classes
    if train is None:
        elsewhere = FaultLog("dataset.train")  # reported when that split is read
        names = _list(root, dataset.train, elsewhere)
        train = {name: note for name in names if (note := _annotation(root, name, elsewhere)) is not None}
    return tuple(sorted({item.name for note in train.values() for item in note.objects}))


def _record(
    root: Path, number: int, name: str, note: _Annotation, labels: dict[str, int], *, log: FaultLog
) -> ImageRecord | None:
    paths = (root / "JPEGImages" / f"{name}{suffix}" for suffix in _SUFFIXES)
    path = next((path for path in paths if is_file(path)), None)
    if path is None:
        log.add("image_missing", f"JPEGImages/{name}.jpg")
        return None
    boxes = (_box(item, name, note, labels, log) for item in note.objects)
    return ImageRecord(
        id=number,
        name=name,
        path=str(path),
        width=note.width,
        height=note.height,
        boxes=tuple(box for box in boxes if box is not None),
    )


def _box(
    item: _Object, image: str, note: _Annotation, labels: dict[str, int], log: FaultLog
) -> BoxRecord | None:
    if item.name not in labels:
        log.add("unknown_class", f"{image}: {item.name}", hint=", ".join(list(labels)[:20]) or "none")
        return None
    box = fit_box(item.box, note.width, note.height, log, f"{image}: {item.name}")
    return None if box is None else BoxRecord(box=box, label=labels[item.name], crowd=item.difficult)
