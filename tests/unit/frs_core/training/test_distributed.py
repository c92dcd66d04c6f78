"""Two processes that share each batch train what one process would that accumulates the two halves."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from frs_core.context import LocalContext
from frs_core.events import MetricEvent, ResultEvent, event_adapter

pytestmark = pytest.mark.torch

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
FRS = {"name": "frs", "options": {"feature_weight": 0.5, "classification_weight": 0.5, "warmup_steps": 0}}
SCHEDULE = {"epochs": 2, "batch_size": 4, "warmup_steps": 0, "decay": "constant", "norm_eval": True,
            "optimizer": {"name": "sgd", "lr": 0.01}, "evaluate_every_epochs": 2}  # fmt: skip


@pytest.fixture
def job(tiny_job: Callable[..., Any], teacher_of: Callable[[str], dict[str, Any]]) -> Any:
    """Two epochs of two batches of four, under a teacher that is sure of some places and not of others."""
    from frs_core.detectors.checkpoints import load_tensors, save_weights

    teacher = teacher_of("retinanet")
    path = Path(teacher["checkpoint"])
    tensors = dict(load_tensors(path).state_dict)
    tensors["bbox_head.retina_cls.weight"] = tensors["bbox_head.retina_cls.weight"] * 3000
    save_weights(tensors, path, {})
    dataset = {**tiny_job().dataset.model_dump(), "test": None}
    dataset["options"] = {**dataset["options"], "train_images": 8}
    return tiny_job("distill", method=FRS, teacher=teacher, schedule=SCHEDULE, dataset=dataset)


def batches(spec: Any, rank: int) -> Iterator[Any]:
    from frs_core.datasets.check import read_split
    from frs_core.training.samples import SplitImages, StepSampler, make_loader

    split = read_split(spec.dataset, "train")
    images = SplitImages(split, spec.dataset.format, spec.input_size, seed=spec.seed, flip_probability=0.5)
    size = spec.schedule.batch_size
    sampler = StepSampler(
        len(images), size, seed=spec.seed, first_step=0, total_steps=4, rank=rank, world_size=2
    )
    return (half for [half] in make_loader(images, sampler, batch_size=size // 2, data_workers=0))


def accumulated(
    spec: Any, workdir: Path, *, shared_sums: bool
) -> tuple[dict[str, torch.Tensor], list[float]]:
    """One process: the detector's own losses of the halves, averaged, and FRS over both halves at once.

    Gives the student's parameters and the value of `frs_feature` of every step. Without shared sums FRS is
    averaged over the halves as well.
    """
    from frs_core.datasets.check import read_split
    from frs_core.detectors.signals import Signals
    from frs_core.detectors.student_signals import student_losses
    from frs_core.methods.batch import Batch
    from frs_core.training.optimizer import build_optimizer
    from frs_core.training.train import build_model

    def halved(data: Any) -> tuple[torch.Tensor, Any, Any]:
        teacher = model._teacher.signals(list(data["inputs"]))
        prepared = model.student.data_preprocessor(data, True)
        losses, student = student_losses(model.student, prepared["inputs"], prepared["data_samples"])
        flat = [part for value in losses.values() for part in (value if isinstance(value, list) else [value])]
        return torch.stack([part.mean() for part in flat]).sum(), student, teacher

    def joined(parts: tuple[Any, ...]) -> Any:
        levels = {name: [getattr(part, name) for part in parts] for name in ("neck", "cls")}
        return Signals(
            **{name: tuple(map(torch.cat, zip(*each, strict=True))) for name, each in levels.items()}
        )

    def frs(student: Any, teacher: Any) -> dict[str, torch.Tensor]:
        return model.method.losses(student, teacher, Batch(data_samples=(), input_shape=(64, 96)), 0)

    classes = read_split(spec.dataset, "train").classes
    model = build_model(spec, classes, LocalContext(workdir))
    model.train()
    optimizer = build_optimizer(model, spec.schedule)
    features = []
    for halves in zip(batches(spec, 0), batches(spec, 1), strict=True):
        plain, students, teachers = zip(*map(halved, halves), strict=True)
        if shared_sums:
            terms = frs(joined(students), joined(teachers))
        else:
            first, second = (frs(*each) for each in zip(students, teachers, strict=True))
            terms = {name: (first[name] + second[name]) / 2 for name in first}
        optimizer.update_params(sum(plain) / 2 + sum(terms.values()))
        features.append(terms["frs_feature"].item())
    return dict(model.student.named_parameters()), features


def test_two_processes_train_what_one_does_that_accumulates_both_halves(
    tmp_path: Path, repo_root: Path, job: Any
) -> None:
    from safetensors.torch import load_file

    (tmp_path / "job.yaml").write_text(yaml.safe_dump(job.model_dump(mode="json", exclude={"resources"})))
    command = [sys.executable, *TORCHRUN, "-m", "frs_core.run", "job.yaml", "--workdir", "out"]
    environment = {**os.environ, "PYTHONPATH": str(repo_root), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)

    lines = (tmp_path / "out" / "events.jsonl").read_text().splitlines()
    events = [event_adapter.validate_json(line) for line in lines]
    assert [event.outcome for event in events if isinstance(event, ResultEvent)] == ["succeeded"]
    reported = [
        event.values["train/loss/frs_feature"]
        for event in events
        if isinstance(event, MetricEvent) and "train/loss/frs_feature" in event.values
    ]
    together = load_file(tmp_path / "out" / "weights.safetensors")
    parameters, features = accumulated(job, tmp_path, shared_sums=True)
    assert reported == pytest.approx(features, rel=1e-5)
    for name, parameter in parameters.items():
        torch.testing.assert_close(together[name], parameter.detach(), rtol=1e-5, atol=1e-6)

    apart, other = accumulated(job, tmp_path, shared_sums=False)
    assert other != pytest.approx(features, rel=1e-2)
    largest = max((apart[name] - parameters[name]).abs().max() for name in parameters)
    assert largest > 1e-4
