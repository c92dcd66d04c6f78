"""A cache changes how long a run takes and nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from frs_core.context import LocalContext
from frs_core.events import event_adapter
from tests.unit.frs_core.training.conftest import DETECTORS, _classes

pytestmark = pytest.mark.torch
FAMILIES = tuple(DETECTORS)
Make = Callable[..., Any]


@pytest.fixture
def teacher(tmp_path: Path, tiny_job: Make, teacher_of: Make) -> Iterator[Make]:
    """`teacher(family, cache, method)`: the teacher of such a job, on a folder that all of a test share."""
    from frs_core.datasets.check import read_split
    from frs_core.training.cached_teacher import cached
    from frs_core.training.train import build_model

    made = []

    def make(family: str = "retinanet", cache: Any = None, options: Any = None) -> Any:
        weights = {"feature_weight": 0.01, "classification_weight": 0.05}
        spec = tiny_job(
            "distill",
            family,
            method={"name": "frs", "options": {**weights, **(options or {})}},
            teacher={**teacher_of(family), "cache": cache or {}},
        )
        split = read_split(spec.dataset, "train")
        context = context_of(tmp_path)
        plain = build_model(spec, split.classes, context)._teacher
        made.append(cached(plain, spec, split, context))
        return made[-1]

    yield make
    for each in made:
        each.close()


def context_of(tmp_path: Path) -> LocalContext:
    return LocalContext(tmp_path / "run", cache_dir=tmp_path / "cache")


def images(number: int = 3, size: tuple[int, int] = (64, 96)) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=generator) for _ in range(number)]


def levels(signals: Any) -> list[torch.Tensor]:
    return [*signals.neck, *signals.cls, *signals.centerness]


def entries(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "cache").glob("*/*") if path.is_file())


def warnings(tmp_path: Path) -> list[str]:
    path = tmp_path / "run" / "events.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [event.code for event in map(event_adapter.validate_json, lines) if event.type == "warning"]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_read_is_what_was_computed_and_as_large_as_was_foretold(
    family: str, teacher: Make, tmp_path: Path
) -> None:
    from frs_core.methods import Signal
    from frs_core.spec.cache import CacheSpec, cache_size
    from frs_core.spec.detector import DetectorSpec
    from frs_core.training.cached_teacher import CachedTeacher

    first = teacher(family)
    cold = first.signals(images())
    assert isinstance(first, CachedTeacher)
    warm = teacher(family).signals(images())

    assert len(entries(tmp_path)) == 6
    assert all(torch.equal(old, new) for old, new in zip(levels(cold), levels(warm), strict=True))
    plain = first._teacher.signals(images())
    for old, new in zip(levels(plain), levels(warm), strict=True):
        torch.testing.assert_close(new, old, rtol=1e-5, atol=1e-5 * float(old.abs().max()))
    foretold = cache_size(
        CacheSpec(),
        DetectorSpec.model_validate(DETECTORS[family]),
        image_sizes=[(96, 64)] * 3,
        input_size=(96, 64),
        num_classes=len(_classes()),
        flip_probability=0,
        requires={Signal.NECK, Signal.CLS},
    )
    assert foretold.size_bytes == sum(level.nbytes for level in levels(warm))


def test_a_batch_padded_otherwise_finds_nothing_of_another(teacher: Make) -> None:
    """What a convolution yields depends on its input's padding."""
    mine = teacher()
    narrow, (wide,) = images(1, (64, 64)), images(1, (64, 96))
    alone = mine.signals(narrow)
    together = mine.signals([*narrow, wide])
    plain = mine._teacher.signals([*narrow, wide])
    assert alone.neck[0].shape != together.neck[0].shape
    for old, new in zip(levels(plain), levels(together), strict=True):
        torch.testing.assert_close(new, old, rtol=1e-5, atol=1e-5 * float(old.abs().max()))


def test_a_spoilt_entry_is_computed_anew(teacher: Make, tmp_path: Path) -> None:
    cold = teacher().signals(images())
    kept = [path.read_bytes() for path in entries(tmp_path)]
    for path, content in zip(entries(tmp_path)[:3], kept, strict=False):
        path.write_bytes(content[:-7])
    entries(tmp_path)[3].write_bytes(bytes(len(kept[3])))
    warm = teacher().signals(images())
    assert all(torch.equal(old, new) for old, new in zip(levels(cold), levels(warm), strict=True))
    assert [path.read_bytes() for path in entries(tmp_path)] == kept


def test_a_method_that_reads_more_shares_what_is_there(teacher: Make, tmp_path: Path) -> None:
    teacher("fcos").signals(images(1))
    before = {path.name: path.stat().st_mtime_ns for path in entries(tmp_path)}
    more = teacher("fcos", options={"score": "cls_x_centerness"}).signals(images(1))
    assert len(more.centerness) == len(more.neck)
    assert {path.suffix for path in entries(tmp_path)} == {".neck", ".cls", ".centerness"}
    assert before.keys() <= {path.name for path in entries(tmp_path)}


def test_other_weights_are_another_teacher(teacher: Make, tmp_path: Path) -> None:
    first = teacher()
    with torch.no_grad():
        next(first.detector.parameters()).add_(1e-3)
    from frs_core.spec import DetectorSpec
    from frs_core.spec.cache import CacheSpec
    from frs_core.spec.job import JobTeacher
    from frs_core.training.cached_teacher import _key

    spec = JobTeacher(detector=DetectorSpec.model_validate(DETECTORS["retinanet"]), cache=CacheSpec())
    changed = _key(first.detector, spec)
    assert changed != _key(teacher().detector, spec)


def test_half_precision_rounds_what_is_kept_and_what_is_not_alike(teacher: Make) -> None:
    half = {"precision": "fp16"}
    cold, warm = teacher(cache=half).signals(images()), teacher(cache=half).signals(images())
    exact = teacher().signals(images())
    assert all(torch.equal(old, new) for old, new in zip(levels(cold), levels(warm), strict=True))
    for old, new in zip(levels(exact), levels(warm), strict=True):
        assert new.dtype == torch.float32
        torch.testing.assert_close(new, old, rtol=1e-3, atol=1e-3 * float(old.abs().max()))


def test_half_precision_is_refused_where_it_cannot_hold_the_outputs(teacher: Make) -> None:
    from frs_core.errors import SpecError

    large = teacher(cache={"precision": "fp16"})
    with torch.no_grad():
        large.detector.neck.fpn_convs[0].conv.bias.fill_(1e5)
    with pytest.raises(SpecError, match="precision: fp32"):
        large.signals(images(1))


def test_a_folder_that_fails_costs_a_warning_and_no_job(teacher: Make, tmp_path: Path) -> None:
    failing = teacher()
    failing._shelf.path.write_text("in the way")
    signals = [failing.signals(images()), failing.signals(images())]
    assert all(torch.equal(old, new) for old, new in zip(*map(levels, signals), strict=True))
    assert warnings(tmp_path) == ["teacher_cache_failed"]


def test_a_folder_that_cannot_be_made_costs_a_warning_and_no_job(teacher: Make, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    assert teacher().signals(images(1)).neck
    assert warnings(tmp_path) == ["teacher_cache_failed"]


def test_a_run_ends_with_the_same_weights_whatever_was_kept_and_wherever_it_stopped(
    tmp_path: Path, tiny_job: Make, teacher_of: Make
) -> None:
    from frs_core.run import STOPPED_EXIT_CODE, run_and_report
    from tests.unit.frs_core.training.test_resume import StopsAfter, weights

    spec = tiny_job("distill", method={"name": "frs"}, teacher={**teacher_of("retinanet"), "cache": {}})
    cache = tmp_path / "cache"
    assert run_and_report(spec, LocalContext(tmp_path / "cold", cache_dir=cache)) == 0
    kept = entries(tmp_path)
    assert len(kept) > 10  # five images, some in both flips
    assert run_and_report(spec, StopsAfter(tmp_path / "first", 2, cache_dir=cache)) == STOPPED_EXIT_CODE
    (state,) = (tmp_path / "first").glob("state_*2.pth")
    assert run_and_report(spec, LocalContext(tmp_path / "warm", resume_from=state, cache_dir=cache)) == 0
    assert weights(tmp_path / "warm") == weights(tmp_path / "cold")
    assert entries(tmp_path) == kept


def test_a_run_whose_cache_could_not_hold_it_is_refused_before_it_trains(
    tmp_path: Path, tiny_job: Make, teacher_of: Make
) -> None:
    from frs_core.run import run_and_report

    small = {"max_gib": 1e-6}
    spec = tiny_job("distill", method={"name": "frs"}, teacher={**teacher_of("retinanet"), "cache": small})
    assert run_and_report(spec, context_of(tmp_path)) == 1
    last = event_adapter.validate_json((tmp_path / "run" / "events.jsonl").read_text().splitlines()[-1])
    assert (last.code, last.field) == ("invalid_spec", "teacher.cache.max_gib")
    assert "5 images x 2 flips" in last.message
