"""What one FRS step costs over its parts, and over the step as it was published. One run, medians.

`python benchmarks/distill_step.py [--voc ROOT]`: RetinaNet, ResNet-34 teacher and narrow ResNet-18 student,
320 x 240, batch 8, random weights; images of a VOC folder, or generated ones.

- floor: the plain student's step, the forward pass of just the teacher parts FRS reads, and the adapter's
  own forward and backward pass, each timed alone
- published form: student head run twice, the teacher's whole head, gradients recorded through the teacher
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from frs_core.datasets.check import read_split
from frs_core.detectors.builders import build_detector, load_detector
from frs_core.detectors.checkpoints import save_weights
from frs_core.detectors.signals import Signals
from frs_core.methods.batch import Batch
from frs_core.spec import JobSpec
from frs_core.training.model import DistillingDetector
from frs_core.training.optimizer import build_optimizer
from frs_core.training.samples import SplitImages, StepSampler, make_loader
from frs_core.training.train import build_model

ZOO = "retinanet/retinanet_r50_fpn_1x_coco"
TEACHER = {"zoo": ZOO, "backbone_depth": 34, "fpn_channels": 96}
STUDENT = {"zoo": ZOO, "backbone_depth": 18, "base_channels": 16, "fpn_channels": 96}
SYNTHETIC = {"format": "synthetic", "options": {"train_images": 64, "width": 320, "height": 240}}


def main() -> None:
    """Time every part in turn, several times over, and print medians and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--voc", type=Path, help="a VOC folder; default: generated images")
    parser.add_argument("--repeats", type=int, default=7)
    chosen = parser.parse_args()
    dataset = {"format": "voc", "root": str(chosen.voc.absolute())} if chosen.voc else SYNTHETIC
    with tempfile.TemporaryDirectory() as folder:
        parts = _parts(dataset, Path(folder) / "teacher.safetensors")
    for run in parts.values():  # warm up
        run()
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    order = random.Random(0)
    for _ in range(chosen.repeats):
        for name, run in order.sample(list(parts.items()), len(parts)):  # what ran before must favour nobody
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    _show({name: statistics.median(times) for name, times in seconds.items()}, chosen.repeats)


def _show(median: dict[str, float], repeats: int) -> None:
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, median of {repeats}")
    for name, value in median.items():
        print(f"{name:28} {value:7.3f} s")
    floor = median["plain step"] + median["teacher, needed parts"] + median["adapter"]
    step = median["FRS step"]
    print(f"FRS step / floor           {step / floor:9.3f}    wanted: 1.03 or less")
    print(f"FRS step / published form  {step / median['published form']:9.3f}    wanted: 0.80 or less")
    print(f"FRS step / plain step      {step / median['plain step']:9.3f}")


def _parts(dataset: dict[str, Any], weights: Path) -> dict[str, Callable[[], object]]:
    spec = _spec(dataset, weights)
    split = read_split(spec.dataset, "train")
    num_classes = len(split.classes)
    save_weights(build_detector(spec.teacher.detector, num_classes, seed=1).state_dict(), weights, {})
    images = SplitImages(split, spec.dataset.format, spec.input_size, seed=0, flip_probability=0.5)
    (batch,) = make_loader(
        images, StepSampler(len(images), 8, seed=0, first_step=0, total_steps=1), data_workers=0
    )
    plain = build_model(
        spec.model_copy(update={"method": spec.method.model_copy(update={"name": "none"})}), num_classes
    )
    frs = build_model(spec, num_classes)
    published = build_model(spec, num_classes)
    whole_teacher, _ = load_detector(spec.teacher.detector, num_classes, weights)
    whole_teacher.eval()
    return {
        "plain step": _step(plain, spec, batch),
        "teacher, needed parts": lambda: frs._teacher.signals(list(batch["inputs"])),
        "adapter": _adapter(frs, batch),
        "FRS step": _step(frs, spec, batch),
        "published form": _published_step(published, whole_teacher, spec, batch),
    }


def _spec(dataset: dict[str, Any], weights: Path) -> JobSpec:
    return JobSpec.model_validate(
        {
            "kind": "distill",
            "name": "benchmark",
            "dataset": dataset,
            "input_size": (320, 240),
            "detector": STUDENT,
            "teacher": {"detector": TEACHER, "checkpoint": str(weights)},
            "method": {"name": "frs"},
            "schedule": {"epochs": 1, "batch_size": 8},
        }
    )


def _step(model: DistillingDetector, spec: JobSpec, batch: Any) -> Callable[[], object]:
    optimizer = build_optimizer(model, spec.schedule)
    model.train()
    model.diagnose_every = 10**9
    model.step = 1  # step 0 is a multiple of every interval
    return lambda: model.train_step(batch, optimizer)


def _adapter(model: DistillingDetector, batch: Any) -> Callable[[], object]:
    inputs = model.student.data_preprocessor({"inputs": list(batch["inputs"]), "data_samples": None}, False)[
        "inputs"
    ]
    with torch.no_grad():
        features = [level.requires_grad_() for level in model.student.extract_feat(inputs)]

    def run() -> None:
        sum(level.square().sum() for level in model.method.adapters(features)).backward()

    return run


def _published_step(
    model: DistillingDetector, teacher: Any, spec: JobSpec, batch: Any
) -> Callable[[], object]:
    optimizer = build_optimizer(model, spec.schedule)
    student = model.student.train()

    def run() -> None:
        data = student.data_preprocessor(batch, True)
        features = student.extract_feat(data["inputs"])
        losses = student.bbox_head.loss(features, data["data_samples"])
        again = student.bbox_head(features)
        raw = {"inputs": list(batch["inputs"]), "data_samples": None}
        teacher_features = teacher.extract_feat(teacher.data_preprocessor(raw, False)["inputs"])
        teacher_outputs = teacher.bbox_head(teacher_features)
        terms = model.method.losses(
            Signals(neck=tuple(features), cls=tuple(again[0])),
            Signals(neck=tuple(level.detach() for level in teacher_features),
                    cls=tuple(level.detach() for level in teacher_outputs[0])),
            Batch(data_samples=data["data_samples"], input_shape=tuple(data["inputs"].shape[-2:])),
            1,
        )  # fmt: skip
        plain = [value.mean() for levels in losses.values() for value in levels]
        optimizer.update_params(torch.stack([*plain, *terms.values()]).sum())

    return run


if __name__ == "__main__":
    main()
