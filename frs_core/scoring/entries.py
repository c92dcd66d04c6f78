"""Predictions from outside as entries of COCO's results, each checked against the split it is about.

A list's ids are those of the ground truth that every evaluation publishes (`ground_truth_<split>.json`). A
document with `images` or `categories` brings its own ids, which are then found by file name and class.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from reprlib import Repr
from typing import Any

from frs_core.datasets.records import Split
from frs_core.errors import PredictionsError

Entry = dict[str, Any]
Ids = Mapping[Any, int | str]
"""The ids that entries give, and what they mean here; a text says why one means nothing."""
Find = Callable[[str], int | None]

MAX_NUMBER = 1e9
_REPR = Repr()
_REPR.maxstring = 60
_KEYS = ("image_id", "category_id", "bbox", "score")


def entries_of(content: Any, split: Split) -> list[Entry]:
    """The entries in their order, with the ids of our ground truth.

    Raises PredictionsError for the first one that is amiss.
    """
    items = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(items, list):
        raise PredictionsError(
            "the file holds no predictions: give a list of {image_id, category_id, bbox, score}, or a COCO "
            "document whose `annotations` are such",
            field="predictions",
        )
    images: Ids = {image.id: image.id for image in split.images}
    categories: Ids = {label + 1: label + 1 for label in range(len(split.classes))}
    if isinstance(content, dict):
        images = _named(content, "images", "file_name", _image_finder(split)) or images
        categories = _named(content, "categories", "name", _class_finder(split)) or categories
    return [_entry(item, _Place(number, len(items)), images, categories) for number, item in enumerate(items)]


def images_without_entry(entries: Sequence[Entry], split: Split) -> list[str]:
    """The names of images that no entry is about."""
    seen = {entry["image_id"] for entry in entries}
    return [image.name for image in split.images if image.id not in seen]


def _named(content: Mapping[str, Any], part: str, key: str, find: Find) -> dict[Any, int | str]:
    """From a document's ids to ours; empty where it has no such part."""
    found: dict[Any, int | str] = {}
    listed = content.get(part) or []
    for number, item in enumerate(listed if isinstance(listed, list) else [listed]):
        name = item.get(key) if isinstance(item, dict) else None
        if not isinstance(name, str) or not isinstance(item, dict) or not _is_int(item.get("id")):
            raise PredictionsError(
                f"{part}.{number} is {_shown(item)}: give `id` (an integer) and `{key}` (a text), or leave "
                f"`{part}` out and use the ids of the published ground truth",
                field=f"predictions.{part}.{number}",
            )
        ours = find(name)
        found[item["id"]] = f", which the document calls {_shown(name)}" if ours is None else ours
    return found


def _image_finder(split: Split) -> Find:
    """By the whole name, else by its last part, else without its ending: where that is one image's."""
    forms: tuple[Callable[[str], str], ...] = (
        str,
        lambda name: PurePosixPath(name).name,
        lambda name: PurePosixPath(name).stem,
    )
    tables = []
    for form in forms:
        counts = Counter(form(image.name) for image in split.images)
        table = {form(image.name): image.id for image in split.images if counts[form(image.name)] == 1}
        tables.append((form, table))

    def find(name: str) -> int | None:
        return next((table[form(name)] for form, table in tables if form(name) in table), None)

    return find


def _class_finder(split: Split) -> Find:
    return {name: label + 1 for label, name in enumerate(split.classes)}.get


@dataclass(frozen=True)
class _Place:
    """Where an entry stands: `number` of `count`, from 0."""

    number: int
    count: int

    def fault(self, field: str, value: Any, what: str) -> PredictionsError:
        given = f"{field} {_shown(value)}" if field else _shown(value)
        return PredictionsError(
            f"entry {self.number + 1} of {self.count}: {given}: {what}",
            field=".".join(filter(None, ("predictions", str(self.number), field))),
        )


def _entry(item: Any, place: _Place, images: Ids, categories: Ids) -> Entry:
    if not isinstance(item, dict):
        raise place.fault("", item, f"give an object with {', '.join(_KEYS)}")
    for key in _KEYS:
        if key not in item:
            raise place.fault("", item, f"it lacks {key}; give {', '.join(_KEYS)}")
    score = item["score"]
    if not _is_number(score):
        raise place.fault("score", score, "give a finite number, higher for what is surer")
    return {
        "image_id": _meant(images, item, "image_id", place, "image of the split"),
        "category_id": _meant(categories, item, "category_id", place, "class of the data set"),
        "bbox": _box(item["bbox"], place),
        "score": float(score),
    }


def _meant(ids: Ids, item: Entry, key: str, place: _Place, what: str) -> int:
    given = item[key]
    found = ids.get(given, "") if _is_int(given) else ""
    if isinstance(found, int):
        return found
    known = sorted(each for each, ours in ids.items() if isinstance(ours, int))
    shown = ", ".join(map(str, known[:10])) + (f" and {len(known) - 10} more" if len(known) > 10 else "")
    raise place.fault(key, given, f"no {what} has it{found}; known: {shown or 'none'}")


def _box(value: Any, place: _Place) -> list[float]:
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
        raise place.fault(
            "bbox", value, "give four finite numbers: x, y, width, height in the image's pixels"
        )
    if value[2] < 0 or value[3] < 0:
        raise place.fault("bbox", value, "its size is negative; give x, y, width, height, not two corners")
    return [float(number) for number in value]


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """Finite, and of a size that arithmetic bears; a NaN is less than nothing."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER


def _shown(value: Any) -> str:
    return _REPR.repr(value)
