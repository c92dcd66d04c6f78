"""A page that says what a trained detector is, what it earned, and how to load it."""

from collections.abc import Mapping, Sequence
from typing import Any

from frs_core.cost import Cost, TrainingCost
from frs_core.datasets.records import DatasetReport
from frs_core.evaluation.judge import Metrics
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.imagenet import describe
from frs_core.spec.job import JobKind, JobSpec
from frs_core.spec.method import MethodPart
from frs_core.spec.schedule import ScheduleSpec
from frs_core.training.onnx_card import onnx_card

_HOW_TO_LOAD = """## How to load it

```python
from mmdet.apis import inference_detector, init_detector

# Without mmcv's compiled operators, first:
#   from frs_core.detectors.operators import install; install()
model = init_detector("export_config.py", "export.pth", device="cpu")
result = inference_detector(model, "image.jpg")
```

`weights.safetensors` holds the same tensors alone.
"""


def model_card(
    spec: JobSpec,
    report: DatasetReport,
    results: Mapping[str, Metrics],
    *,
    environment: Mapping[str, Any],
    given_weights: Mapping[str, str],
    cost: Cost,
    graphs: Sequence[Mapping[str, Any]],
) -> str:
    """Markdown: detector, training, data, numbers unrounded, cost, and how to load the export.

    `given_weights` are hashes by their place in the job, `graphs` the ONNX files as `onnx.json` has them.
    """
    given = ", ".join(f"{place} SHA-256 {digest}" for place, digest in given_weights.items())
    facts = {
        "Detector": _detector(spec.detector),
        "Input": f"{spec.input_size[0]} x {spec.input_size[1]} pixels, aspect ratio kept",
        "Classes": ", ".join(report.classes),
        "Training": _training(spec),
        "Weights it was given": given or "none",
        "Data": f"format {spec.dataset.format}, SHA-256 {report.dataset_hash}",
        "Software": ", ".join(f"{name} {value}" for name, value in environment.items()),
    }
    lines = [f"# {spec.name}", "", *(f"- **{name}**: {value}" for name, value in facts.items()), ""]
    lines += [*_numbers(report, results), "", *_cost(cost), "", _HOW_TO_LOAD, *onnx_card(spec, graphs)]
    return "\n".join(lines)


def _detector(detector: DetectorSpec) -> str:
    knobs = detector.model_dump(exclude_defaults=True, exclude={"zoo", "backbone"})
    backbone = [] if detector.backbone is None else [f"backbone {describe(detector.backbone)}"]
    return ", ".join([f"`{detector.zoo}`", *backbone, *(f"{name} {value}" for name, value in knobs.items())])


def _training(spec: JobSpec) -> str:
    if spec.kind is JobKind.EVALUATE:
        return "none here: the weights were given and evaluated"
    text = f"{_schedule(spec.schedule)}, seed {spec.seed}, {_start(spec)}"
    if spec.method is None or spec.teacher is None:
        return f"{text}, without a teacher"
    chosen = " and ".join(_method(part, spec.detector.family) for part in spec.method.parts)
    teacher = _detector(spec.teacher.detector)
    return f"{text}, method {chosen}, init {spec.method.init}, teacher {teacher}"


def _method(part: MethodPart, family: str) -> str:
    options = part.resolve(family).model_dump(mode="json")
    weight = "" if part.weight == 1 else f" times {part.weight:g}"
    return f"`{part.name}`{weight}" + (f" {options}" if options else "")


def _start(spec: JobSpec) -> str:
    if spec.checkpoint is not None:
        return "from a given checkpoint (see imported_checkpoint.json)"
    return "from ImageNet weights of the backbone" if spec.init == "imagenet" else "from scratch"


def _schedule(schedule: ScheduleSpec) -> str:
    """The rate is the one used, scaled where `reference_batch` asks for it; what is off is left out."""
    length = f"{schedule.epochs} epochs" if schedule.steps is None else f"{schedule.steps} steps"
    parts = [
        length,
        f"batch {schedule.batch_size}",
        f"{schedule.optimizer.name} {schedule.learning_rate:g}",
        f"{schedule.decay} decay",
        schedule.precision,
    ]
    if schedule.accumulate > 1:
        parts.append(f"{schedule.accumulate} batches a step")
    if schedule.ema is not None:
        parts.append(f"moving average of momentum {schedule.ema.momentum:g}")
    if schedule.frozen_stages >= 0:
        parts.append(f"frozen stages {schedule.frozen_stages}")
    if schedule.multi_scale is not None:
        sizes = ", ".join(f"{width} x {height}" for width, height in schedule.multi_scale.sizes)
        parts.append(f"sizes by {schedule.multi_scale.mode} of {sizes}")
    return ", ".join(parts)


def _numbers(report: DatasetReport, results: Mapping[str, Metrics]) -> list[str]:
    header = ["split", "images", "boxes", *next(iter(results.values()))]
    rows = [
        [name, report.splits[name].images, report.splits[name].boxes, *metrics.values()]
        for name, metrics in results.items()
    ]
    return [_row(header), _row(["---"] * len(header)), *map(_row, rows)]


def _cost(cost: Cost) -> list[str]:
    """Rounded; `cost.json` has the numbers as they were measured."""
    latency = cost.latency
    regions = f" and {cost.flops_proposals} regions" if cost.flops_proposals else ""
    lines = [
        "## Cost",
        "",
        f"- **Parameters**: {cost.params:,}, of which {cost.trainable_params:,} trainable",
        f"- **Arithmetic** on {_size(cost.flops_input)}{regions}: {cost.macs / 1e9:.4g} GMACs, "
        f"that is {cost.flops / 1e9:.4g} GFLOPs (papers print MACs under the name FLOPs)",
        f"- **Latency**: median {latency.median_ms:.4g} ms, p95 {latency.p95_ms:.4g} ms over "
        f"{latency.repeats} runs after {latency.warm_up} of warm-up; batch {latency.batch_size}, "
        f"image {_size(latency.image)}, {latency.dtype}, {latency.device}, threads {latency.threads}, "
        f"CPUs {latency.cpus}, load average {latency.load_average:.2f}. Includes {latency.includes}",
    ]
    if cost.inference_peak_memory_bytes is not None:
        lines.append(
            f"- **Peak GPU memory** of inference: {cost.inference_peak_memory_bytes / 2**20:.0f} MiB"
        )
    if cost.training is not None:
        lines.append(_training_cost(cost.training, cost.adapter_params))
    return lines


def _training_cost(cost: TrainingCost, adapter_params: int) -> str:
    return (
        f"- **Training step** of {cost.batch_size} images: median {cost.step_seconds_median:.4g} s, "
        f"p95 {cost.step_seconds_p95:.4g} s over {cost.timed_steps} steps on {cost.device}, "
        f"threads {cost.threads}; {adapter_params:,} parameters of the method, left out of the export"
    )


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _row(cells: list[Any]) -> str:
    return f"| {' | '.join('n/a' if cell is None else str(cell) for cell in cells)} |"
