"""A tiny run of the same experiment, to see it work from end to end before hours are spent on it."""

from collections.abc import Mapping
from typing import Any

from frs_core.spec.base import MAX_NAME_LENGTH

SMOKE_TAG = "smoke"
STEPS = 4
MIN_IMAGES = 16
SEARCHED_VALUES = 2
"""Of each search: the fewest that are a choice."""

_LENGTHS = ("epochs", "steps", "milestones")
_MAX_TAGS = 20


def smoke_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same detectors, methods, batch and data in a few steps on a few images with the first seed.

    It is named and tagged as what it is, and `dataset.max_images` keeps its numbers from passing as a result.
    What the experiment expects of a finished teacher is left out. A part that is malformed stays as it is:
    who checks the specification names it.
    """
    smoke = {key: value for key, value in content.items() if key != "expected"}
    smoke["name"] = f"smoke: {content.get('name', '')}"[:MAX_NAME_LENGTH]
    smoke["schedule"] = _shortened(content.get("schedule") or {}, warmup_steps=1)
    smoke["teacher"] = _teacher(content.get("teacher"))
    smoke["dataset"] = _few_images(content)
    if isinstance(content.get("methods"), list):
        smoke["methods"] = [_searched_less(method) for method in content["methods"]]
    if isinstance(content.get("seeds"), list | tuple):
        smoke["seeds"] = list(content["seeds"][:1])
    tags = content.get("tags") or []
    if isinstance(tags, list | tuple):
        others = [tag for tag in tags if tag != SMOKE_TAG]
        smoke["tags"] = [*others[: _MAX_TAGS - 1], SMOKE_TAG]
    return smoke


def _shortened(training: Any, **more: int) -> Any:
    if not isinstance(training, Mapping):
        return training
    return {key: value for key, value in training.items() if key not in _LENGTHS} | {"steps": STEPS} | more


def _teacher(teacher: Any) -> Any:
    if not isinstance(teacher, Mapping):
        return teacher
    kept = {key: value for key, value in teacher.items() if key != "min_ap"}
    if kept.get("train") is not None:
        kept["train"] = _shortened(kept["train"])
    return kept


def _few_images(content: Mapping[str, Any]) -> Any:
    dataset = content.get("dataset")
    if not isinstance(dataset, Mapping):
        return dataset
    given = dataset.get("max_images")
    wanted = max(MIN_IMAGES, *map(_images_per_step, _trainings(content)))
    return {**dataset, "max_images": min(given, wanted) if isinstance(given, int) else wanted}


def _trainings(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schedule as it is, and as the teacher has it."""
    schedule = content.get("schedule")
    schedule = schedule if isinstance(schedule, Mapping) else {}
    teacher = content.get("teacher")
    train = teacher.get("train") if isinstance(teacher, Mapping) else None
    return [schedule, {**schedule, **(train if isinstance(train, Mapping) else {})}]


def _images_per_step(training: Mapping[str, Any]) -> int:
    batch, accumulate = training.get("batch_size") or 8, training.get("accumulate") or 1
    return batch * accumulate if isinstance(batch, int) and isinstance(accumulate, int) else 0


def _searched_less(method: Any) -> Any:
    search = method.get("search") if isinstance(method, Mapping) else None
    if not isinstance(search, Mapping):
        return method
    return {**method, "search": {**search, "budget": SEARCHED_VALUES}}
