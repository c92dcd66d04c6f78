"""COCO annotation files: `train`, `val` and `test` are paths of JSON files under `root`.

Boxes are `x y width height`; `iscrowd` makes a crowd box. Labels follow the order of the categories in the
train split's file, whatever their ids; the other files must have the same names.
"""

from collections import Counter
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from frs_core.datasets.boxes import fit_box
from frs_core.datasets.faults import FaultLog
from frs_core.datasets.folder import inside, is_file, open_root
from frs_core.datasets.images import load_file
from frs_core.datasets.records import BoxRecord, ImageRecord, Split
from frs_core.spec.dataset import DatasetSpec

load_image = load_file

FileT = TypeVar("FileT", bound=BaseModel)


class Options(BaseModel):
    """`images` is the folder under root that file names start from: one for all splits, or one for each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: str | dict[Literal["train", "val", "test"], str] = ""

    def folder(self, split_name: str) -> str:
        """The folder of one split; root itself where none is given."""
        if isinstance(self.images, str):
            return self.images
        return next((folder for split, folder in self.images.items() if split == split_name), "")


class _Image(BaseModel):
    id: int
    file_name: str = Field(min_length=1)
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class _Annotation(BaseModel):
    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: bool = False
    area: float | None = Field(default=None, ge=0)


class _Category(BaseModel):
    id: int
    name: str = Field(min_length=1)


class _Categories(BaseModel):
    categories: list[_Category]


class _File(_Categories):
    images: list[_Image]
    annotations: list[_Annotation]


def read(dataset: DatasetSpec, split_name: str) -> Split:
    """The split with its faults; `split_name` is train, val or test, `dataset` names the file."""
    root, root_log = open_root(dataset)
    log = FaultLog(f"dataset.{split_name}")
    file = None if root_log.errors else _load(root, getattr(dataset, split_name), log, _File)
    if file is None:
        return Split(name=split_name, classes=(), images=(), errors=(*root_log.errors, *log.errors))
    _look_at_ids(file, log)
    classes = _classes(dataset, root, split_name, file, log)
    boxes = _boxes(file, classes, log)
    folder = _image_folder(dataset, root, split_name, log)
    found = [_record(folder, image, boxes.get(image.id, []), log) for image in file.images] if folder else []
    return Split(
        name=split_name,
        classes=classes,
        images=tuple(record for record in found if record is not None),
        errors=log.errors,
        warnings=log.warnings,
    )


def _load(root: Path, name: str, log: FaultLog, kind: type[FileT]) -> FileT | None:
    path = inside(root, name)
    if path is None:
        log.add("path_escapes_root", name)
        return None
    if not is_file(path):
        log.add("split_missing", str(path), hint="give the path of its annotation file, relative to root")
        return None
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            place = ".".join(str(part) for part in fault["loc"])
            log.add("annotation_invalid", f"{name}: {place or 'file'}: {fault['msg']}")
    except OSError as error:
        log.add("split_invalid", str(path), hint=str(error))
    return None


def _look_at_ids(file: _File, log: FaultLog) -> None:
    for what, items in (("image", file.images), ("annotation", file.annotations)):
        for item_id, count in Counter(item.id for item in items).items():
            if count > 1:
                log.add("duplicate_id", f"{what} id {item_id}")
    for values in (
        Counter(category.id for category in file.categories),
        Counter(category.name for category in file.categories),
    ):
        for value, count in values.items():
            if count > 1:
                log.add("duplicate_class", str(value))


def _classes(
    dataset: DatasetSpec, root: Path, split_name: str, file: _File, log: FaultLog
) -> tuple[str, ...]:
    """The train file's class names in its order; says where this file's are others."""
    own = tuple(category.name for category in file.categories)
    if split_name == "train":
        return own
    train = _load(root, dataset.train, FaultLog("dataset.train"), _Categories)
    if train is None or not train.categories:
        log.add("classes_unknown")
        return own
    names = tuple(category.name for category in train.categories)
    for name in sorted({*names} ^ {*own}):
        log.add("classes_differ", name)
    return names


def _boxes(file: _File, classes: tuple[str, ...], log: FaultLog) -> dict[int, list[BoxRecord]]:
    """Image id -> its boxes, in the file's order."""
    labels = {name: label for label, name in enumerate(classes)}
    label_of = {category.id: labels.get(category.name) for category in file.categories}
    images = {image.id: image for image in file.images}
    boxes: dict[int, list[BoxRecord]] = {}
    for item in file.annotations:
        example = f"annotation {item.id}"
        image = images.get(item.image_id)
        if image is None:
            log.add("unknown_image", f"{example}: image_id {item.image_id}")
        elif item.category_id not in label_of:
            hint = ", ".join(str(known) for known in sorted(label_of)[:20])
            log.add("unknown_class", f"{example}: category_id {item.category_id}", hint=hint)
        elif (label := label_of[item.category_id]) is not None:
            x, y, width, height = item.bbox
            box = fit_box((x, y, x + width, y + height), image.width, image.height, log, example)
            if box is not None:
                record = BoxRecord(box=box, label=label, crowd=item.iscrowd, area=item.area)
                boxes.setdefault(image.id, []).append(record)
    return boxes


def _image_folder(dataset: DatasetSpec, root: Path, split_name: str, log: FaultLog) -> Path | None:
    name = Options.model_validate(dataset.options).folder(split_name)
    folder = inside(root, name) if Path(name).parts else root
    if folder is None:
        log.add("path_escapes_root", f"options.images: {name}")
    return folder


def _record(folder: Path, image: _Image, boxes: list[BoxRecord], log: FaultLog) -> ImageRecord | None:
    path = inside(folder, image.file_name)
    if path is None:
        log.add("path_escapes_root", image.file_name)
        return None
    if not is_file(path):
        log.add("image_missing", str(path))
        return None
    return ImageRecord(
        id=image.id,
        name=image.file_name,
        path=str(path),
        width=image.width,
        height=image.height,
        boxes=tuple(boxes),
    )
