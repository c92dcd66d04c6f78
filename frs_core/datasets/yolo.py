"""YOLO folders: images and label files side by side, one line `class cx cy width height` a box.

`train`, `val` and `test` are keys of the folder's data.yaml where it has them, else folders of images or
lists of them (.txt), relative to root. The labels of `images/a/b.jpg` are in `labels/a/b.txt`; where no part
of the path is called `images`, beside the image. A missing or empty label file is an image without objects.
Values are parts of the image's width and height; a line with three points or more is a polygon, which becomes
the box around it and keeps its own area.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from frs_core.datasets.faults import FaultLog
from frs_core.datasets.folder import inside, is_file, is_folder, open_root
from frs_core.datasets.images import ImageUnreadableError, load_file, upright_size
from frs_core.datasets.label_lines import read_boxes
from frs_core.datasets.records import ImageRecord, Split
from frs_core.spec.dataset import DatasetSpec

load_image = load_file

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
_DESCRIPTIONS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
_MAX_TEXT_BYTES = 64 * 2**20


class Options(BaseModel):
    """`data` is the file that names classes and splits (by default data.yaml, where it is there).

    `classes` names the classes in the order of their numbers where no file does, or in its place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str | None = Field(default=None, min_length=1, max_length=1024)
    classes: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=10_000)

    @field_validator("classes")
    @classmethod
    def _distinct(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and len(set(value)) < len(value):
            raise ValueError("each class must be named once")
        return value


class _Description(BaseModel):
    """What is read of a data.yaml; its other keys are for other programs."""

    path: str = ""
    names: tuple[str, ...] | dict[int, str] = ()
    nc: int | None = None
    kpt_shape: Any = None
    train: str | tuple[str, ...] | None = None
    val: str | tuple[str, ...] | None = None
    test: str | tuple[str, ...] | None = None

    def places(self, split: str) -> tuple[str, ...]:
        """Where the images of a split are; nothing where this file does not say."""
        found = getattr(self, split, None) if split in ("train", "val", "test") else None
        return (found,) if isinstance(found, str) else found or ()

    def classes(self) -> tuple[str, ...] | None:
        """The names in the order of their numbers; None where the numbers are not 0, 1, 2, ..."""
        if not isinstance(self.names, dict):
            return self.names
        numbers = sorted(self.names)
        return tuple(self.names[number] for number in numbers) if numbers == [*range(len(numbers))] else None


def read(dataset: DatasetSpec, split_name: str) -> Split:
    """The split with its faults; `split_name` is train, val or test, `dataset` says which images that is."""
    root, root_log = open_root(dataset)
    if root_log.errors:
        return Split(name=split_name, classes=(), images=(), errors=root_log.errors)
    log = FaultLog(f"dataset.{split_name}")
    options = Options.model_validate(dataset.options)
    description = _description(root, options, log)
    classes = () if description is None else _classes(root, options, description, log)
    images: tuple[ImageRecord, ...] = ()
    if description is not None and classes:
        paths = _images(root, description, getattr(dataset, split_name), log)
        records = (_record(root, number, path, classes, log) for number, path in enumerate(paths, start=1))
        images = tuple(record for record in records if record is not None)
    return Split(name=split_name, classes=classes, images=images, errors=log.errors, warnings=log.warnings)


def _description(root: Path, options: Options, log: FaultLog) -> _Description | None:
    """The folder's data.yaml; an empty one where there is none; None where it cannot be read."""
    name = options.data or next((each for each in _DESCRIPTIONS if is_file(root / each)), None)
    if name is None:
        return _Description()
    path = inside(root, name)
    if path is None:
        log.add("path_escapes_root", name)
        return None
    if not is_file(path):
        log.add("split_missing", name, hint="give the name of its data.yaml as options.data")
        return None
    try:
        found = _Description.model_validate(yaml.safe_load(_text(path)) or {})
    except (ValidationError, yaml.YAMLError, OSError, ValueError, RecursionError) as error:
        hint = " ".join(str(error).split())[:150]
        log.add("split_invalid", name, hint=f"{hint}; give `names` and the folders of `train` and `val`")
        return None
    if found.kpt_shape is not None:
        log.add("split_invalid", name, hint="its labels are keypoints (kpt_shape); export boxes instead")
        return None
    return found


def _classes(root: Path, options: Options, description: _Description, log: FaultLog) -> tuple[str, ...]:
    classes = options.classes or description.classes()
    if classes is None:
        log.add("classes_unnumbered", ", ".join(map(str, sorted(description.names)[:20])))
        return ()
    if not classes and is_file(root / "classes.txt"):
        classes = tuple(line.strip() for line in _lines(root / "classes.txt", root, log) if line.strip())
    if not classes:
        log.add("classes_unnamed")
    for name in sorted({name for name in classes if classes.count(name) > 1}):
        log.add("duplicate_class", name)
    if description.nc is not None and options.classes is None and description.nc != len(classes):
        log.add("classes_miscounted", f"nc is {description.nc}", hint=str(len(classes)))
    return classes


def _images(root: Path, description: _Description, given: str, log: FaultLog) -> list[Path]:
    """The image files of a split, each once, in the order of their names or of the list."""
    places = description.places(given) or (given,)
    found: dict[Path, None] = {}
    for place in places:
        path = _place(root, description.path, place, log)
        if path is None:
            continue
        listed = _listed(root, path, log) if path.suffix == ".txt" else _in_folder(root, path, log)
        for image in listed:
            if image in found:
                log.add("duplicate_image", _name(root, image))
            found[image] = None
    labels: dict[Path, Path] = {}
    for image in found:
        other = labels.setdefault(label_path(root, image), image)
        if other != image:
            log.add("duplicate_image", f"{_name(root, other)} and {image.name} share one label file")
    return list(found)


def _place(root: Path, base: str, place: str, log: FaultLog) -> Path | None:
    """The folder or list that a split is: some exporters begin with `../`, and mean the folder itself."""
    name = place.replace("\\", "/")
    while name.startswith("../"):
        name = name.removeprefix("../")
    tried = []
    for start in dict.fromkeys((base, "")):
        path = inside(root, f"{start}/{name}" if start else name)
        tried += [path / "images", path, path.parent / "images" / path.name] if path is not None else []
    if not tried:
        log.add("path_escapes_root", place)
        return None
    for path in tried:
        if (path.suffix == ".txt" and is_file(path)) or is_folder(path):
            return path
    log.add(
        "split_missing", place, hint="give a key of data.yaml, a folder of images or a .txt that lists them"
    )
    return None


def _in_folder(root: Path, folder: Path, log: FaultLog) -> list[Path]:
    """The images of a folder and the folders in it; label files without one are faults."""
    images = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and is_file(path))
    expected = {label_path(root, path) for path in images}
    labels = label_path(root, folder / "any.jpg").parent
    for path in sorted(labels.rglob("*.txt")) if is_folder(labels) else ():
        if path not in expected and not (labels == folder and path.name == "classes.txt"):
            log.add("label_without_image", _name(root, path))
    return images


def _listed(root: Path, path: Path, log: FaultLog) -> list[Path]:
    found = []
    for line in filter(None, map(str.strip, _lines(path, root, log))):
        image = inside(root, line)
        if image is None:
            log.add("path_escapes_root", line)
        elif not is_file(image):
            log.add("image_missing", line)
        else:
            found.append(image)
    return found


def label_path(root: Path, image: Path) -> Path:
    """Where the labels of an image are: the last `images` of its path becomes `labels`.

    >>> label_path(Path("/d"), Path("/d/images/train/a.jpg")).as_posix()
    '/d/labels/train/a.txt'
    >>> label_path(Path("/images"), Path("/images/train/a.jpg")).as_posix()
    '/images/train/a.txt'
    """
    parts = list(image.relative_to(root).parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return root.joinpath(*parts).with_suffix(".txt")


def _record(root: Path, number: int, path: Path, classes: Sequence[str], log: FaultLog) -> ImageRecord | None:
    name = _name(root, path)
    try:
        width, height, is_upright = upright_size(path)
    except (OSError, ImageUnreadableError) as error:
        log.add("image_unreadable", f"{name}: {error}")
        return None
    if not is_upright:
        log.add("image_turned", name)
    labels = label_path(root, path)
    lines = _lines(labels, root, log) if is_file(labels) else []
    boxes = tuple(read_boxes(lines, _name(root, labels), (width, height), classes, log))
    return ImageRecord(id=number, name=name, path=str(path), width=width, height=height, boxes=boxes)


def _lines(path: Path, root: Path, log: FaultLog) -> list[str]:
    try:
        return _text(path).splitlines()
    except (OSError, ValueError) as error:
        log.add("annotation_invalid", f"{_name(root, path)}: {error}")
        return []


def _text(path: Path) -> str:
    if path.stat().st_size > _MAX_TEXT_BYTES:
        raise ValueError(f"is larger than {_MAX_TEXT_BYTES} bytes")
    return path.read_text(encoding="utf-8-sig")


def _name(root: Path, path: Path) -> str:
    return PurePosixPath(path.relative_to(root)).as_posix()
