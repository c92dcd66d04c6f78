"""What one FRS step costs over its parts, and over the step as it was published. One run, medians.

`python benchmarks/distill_step.py [--voc ROOT]`: RetinaNet, ResNet-34 teacher and narrow ResNet-18 student,
320 x 240, batch 8, random weights; images of a VOC folder, or generated ones. On the GPU where there is one
(`CUDA_VISIBLE_DEVICES= python ...` for the CPU).

- floor: the plain student's step, the forward pass of just the teacher parts FRS reads, and the adapter's
  own forward and backward pass, each timed alone
- published form: student head run twice, the teacher's whole head, gradients recorded through the teacher
- warm cache: the teacher's outputs of these images are on disk (teacher.cache), and in the page cache
- memory: the peak of fresh processes that train for a few steps, beyond what they held before the first
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import memory
import torch

from frs_core.context import LocalContext
from frs_core.datasets.check import read_split
from frs_core.detectors.builders import build_detector, load_detector
from frs_core.detectors.checkpoints import save_weights
from frs_core.detectors.signals import Signals
from frs_core.detectors.wall import get_device
from frs_core.methods.batch import Batch
from frs_core.spec import JobSpec
from frs_core.training.cached_teacher import cached
from frs_core.training.model import DistillingDetector
from frs_core.training.optimizer import build_optimizer
from frs_core.training.samples import SplitImages, StepSampler, make_loader
from frs_core.training.train import build_model

ZOO = "retinanet/retinanet_r50_fpn_1x_coco"
TEACHER = {"zoo": ZOO, "backbone_depth": 34, "fpn_channels": 96}
STUDENT = {"zoo": ZOO, "backbone_depth": 18, "base_channels": 16, "fpn_channels": 96}
SYNTHETIC = {"format": "synthetic", "options": {"train_images": 64, "width": 320, "height": 240}}
FULL_WEIGHT_STEP = 500
STEPS_FOR_MEMORY = 3

Run = Callable[[], object]


class Bench:
    """The data, one batch of it, and models of a job on it."""

    def __init__(self, dataset: dict[str, Any], folder: Path, *, zoo: str = ZOO) -> None:
        self._dataset, self._zoo = dataset, zoo
        self._weights = folder / "teacher.safetensors"
        self._context = LocalContext(folder)
        self.spec = self._spec("frs")
        self._split = read_split(self.spec.dataset, "train")
        if not self._weights.exists():
            detector = build_detector(self.spec.teacher.detector, len(self._split.classes), seed=1)
            with torch.no_grad():  # untrained, it would score all places alike
                classifier = detector.bbox_head.retina_cls if zoo == ZOO else detector.bbox_head.gfl_cls
                classifier.weight.mul_(50)
            save_weights(detector.state_dict(), self._weights, {})
        images = SplitImages(
            self._split, self.spec.dataset.format, self.spec.input_size, seed=0, flip_probability=0.5
        )
        sampler = StepSampler(len(images), 8, seed=0, first_step=0, total_steps=1)
        [[self.batch]] = make_loader(images, sampler, batch_size=8, data_workers=0)

    def model(self, method: str | dict[str, Any] = "frs", **teacher: Any) -> DistillingDetector:
        """A model at a step where the method's weights are full, which diagnoses nothing."""
        spec = self._spec(method, **teacher)
        model = build_model(spec, self._split.classes, self._context).to(get_device())
        model.read_teacher_through(lambda plain: cached(plain, spec, self._split, self._context))
        model.train()
        model.diagnose_every = 10**9
        model.step = FULL_WEIGHT_STEP
        return model

    def whole_teacher(self) -> Any:
        """The teacher as it was trained."""
        detector, _ = load_detector(self.spec.teacher.detector, len(self._split.classes), self._weights)
        return detector.eval().to(get_device())

    def step(self, model: DistillingDetector) -> Run:
        """An optimizer step of the model."""
        optimizer = build_optimizer(model, self.spec.schedule)
        return lambda: model.train_step([self.batch], optimizer)

    def _spec(self, method: str | dict[str, Any], **teacher: Any) -> JobSpec:
        return JobSpec.model_validate(
            {
                "kind": "distill",
                "name": "benchmark",
                "dataset": self._dataset,
                "input_size": (320, 240),
                "detector": {**STUDENT, "zoo": self._zoo},
                "teacher": {
                    "detector": {**TEACHER, "zoo": self._zoo},
                    "checkpoint": str(self._weights),
                    **teacher,
                },
                "method": {"name": method} if isinstance(method, str) else method,
                "schedule": {"epochs": 1, "batch_size": 8},
            }
        )


def main() -> None:
    """Time every part in turn, several times over, and print medians and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--voc", type=Path, help="a VOC folder; default: generated images")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--peak-of", choices=memory_parts(), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    dataset = {"format": "voc", "root": str(chosen.voc.absolute())} if chosen.voc else SYNTHETIC
    if chosen.peak_of:
        print(memory.peak_bytes(memory_parts()[chosen.peak_of](Bench(dataset, chosen.folder))))
        return
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(dataset, Path(folder))
        _show_times(timed(_parts(bench), chosen.repeats), chosen.repeats)
        _show_losses(bench)
        given = ["--voc", str(chosen.voc)] if chosen.voc else []
        _show_memory(
            bench,
            {
                part: memory.measured(__file__, "--peak-of", part, "--folder", folder, *given)
                for part in memory_parts()
            },
        )


def timed(parts: dict[str, Run], repeats: int) -> dict[str, float]:
    """Median seconds of each."""
    for run in parts.values():  # warm up
        run()
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    order = random.Random(0)
    for _ in range(repeats):
        for name, run in order.sample(list(parts.items()), len(parts)):  # what ran before must favour nobody
            _finish_device()
            began = time.perf_counter()
            run()
            _finish_device()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in seconds.items()}


def _finish_device() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _parts(bench: Bench) -> dict[str, Run]:
    frs = bench.model()
    return {
        "plain step": bench.step(bench.model("none")),
        "teacher, needed parts": lambda: frs._teacher.signals(list(bench.batch["inputs"])),
        "adapter": _adapter(frs, bench.batch),
        "FRS step": bench.step(frs),
        "FRS step, warm cache": bench.step(bench.model(cache={})),
        "published form": _published_step(bench),
    }


def _adapter(model: DistillingDetector, batch: Any) -> Run:
    raw = {"inputs": list(batch["inputs"]), "data_samples": None}
    with torch.no_grad():
        inputs = model.student.data_preprocessor(raw, False)["inputs"]
        features = [level.requires_grad_() for level in model.student.extract_feat(inputs)]

    def run() -> None:
        sum(level.square().sum() for level in model.method.parts[0].adapters(features)).backward()

    return run


def _published_step(bench: Bench) -> Run:
    model, teacher, batch = bench.model(), bench.whole_teacher(), bench.batch
    optimizer = build_optimizer(model, bench.spec.schedule)
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
            FULL_WEIGHT_STEP,
        )  # fmt: skip
        plain = [value.mean() for levels in losses.values() for value in levels]
        optimizer.update_params(torch.stack([*plain, *terms.values()]).sum())

    return run


def _show_times(median: dict[str, float], repeats: int) -> None:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"torch {torch.__version__}, {device}, {torch.get_num_threads()} threads, median of {repeats}\n")
    print("| part | seconds |\n|---|---|")
    for name, value in median.items():
        print(f"| {name} | {value:.4f} |")
    floor = median["plain step"] + median["teacher, needed parts"] + median["adapter"]
    step, plain = median["FRS step"], median["plain step"]
    print("\n| ratio | measured | wanted |\n|---|---|---|")
    print(f"| FRS step / floor | {step / floor:.3f} | 1.03 or less |")
    print(f"| FRS step / published form | {step / median['published form']:.3f} | 0.80 or less |")
    print(
        f"| FRS step, warm cache / plain step | {median['FRS step, warm cache'] / plain:.3f} | 1.30 or less |"
    )
    print(f"| FRS step / plain step | {step / plain:.3f} | |")


def _show_losses(bench: Bench) -> None:
    """How far the method's terms are from those under the teacher as it was trained."""
    print("\n| teacher | largest relative difference of a term |\n|---|---|")
    reference = bench.model()
    reference._teacher = _Unfolded(bench)
    wanted = _terms(reference, bench)
    variants = {
        "folded, channels-last (default)": {},
        "cache": {"cache": {}},
        "cache, precision: fp16": {"cache": {"precision": "fp16"}},
        "precision: bf16": {"precision": "bf16"},
    }
    for name, teacher in variants.items():
        found = _terms(bench.model(**teacher), bench)
        print(f"| {name} | {max(abs(found[term] / value - 1) for term, value in wanted.items()):.1e} |")


class _Unfolded:
    """The teacher as it was trained, all of its head."""

    def __init__(self, bench: Bench) -> None:
        self._detector = bench.whole_teacher()

    @torch.no_grad()
    def signals(self, images: list[torch.Tensor]) -> Signals:
        raw = {"inputs": images, "data_samples": None}
        neck = self._detector.extract_feat(self._detector.data_preprocessor(raw, False)["inputs"])
        return Signals(neck=tuple(neck), cls=tuple(self._detector.bbox_head(neck)[0]))


@torch.no_grad()
def _terms(model: DistillingDetector, bench: Bench) -> dict[str, float]:
    terms = model.terms(bench.batch)
    return {name: float(terms[name]) for name in ("frs_feature", "frs_classification")}


def memory_parts() -> dict[str, Callable[[Bench], Run]]:
    """What is run in a process of its own."""
    return {
        "plain": lambda bench: _repeated(bench.step(bench.model("none"))),
        "frs": lambda bench: _repeated(bench.step(bench.model())),
        "teacher": lambda bench: _forward_alone(bench.model(), bench),
    }


def _repeated(step: Run) -> Run:
    return lambda: [step() for _ in range(STEPS_FOR_MEMORY)]


def _forward_alone(model: DistillingDetector, bench: Bench) -> Run:
    return lambda: model._teacher.signals(list(bench.batch["inputs"]))


def _show_memory(bench: Bench, peaks: dict[str, memory.Peak]) -> None:
    state = bench.model()._teacher.detector.state_dict().values()
    weights = sum(tensor.numel() * tensor.element_size() for tensor in state)
    activations = peaks["teacher"].above
    over = peaks["frs"].total - peaks["plain"].total
    print("\n| memory | MiB |\n|---|---|")
    for name, value in (
        ("peak of plain training", peaks["plain"].total),
        ("peak of FRS training", peaks["frs"].total),
        ("FRS over plain", over),
        ("teacher's weights", weights),
        ("teacher's forward pass alone, above its weights", activations),
        ("teacher's weights and activations", weights + activations),
    ):
        print(f"| {name} | {value / 2**20:.1f} |")
    print(f"\nover plain / (weights + activations): {over / (weights + activations):.3f}, wanted: 1 or less")


if __name__ == "__main__":
    main()
