"""A page that says what a trained detector is, what it earned, and how to load it."""

from collections.abc import Mapping
from typing import Any

from frs_core.datasets.records import DatasetReport
from frs_core.evaluation.evaluate import Metrics
from frs_core.spec.job import JobKind, JobSpec

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
    spec: JobSpec, report: DatasetReport, results: Mapping[str, Metrics], environment: Mapping[str, Any]
) -> str:
    """Markdown: detector, training, data, numbers unrounded, and how to load the export."""
    facts = {
        "Detector": _detector(spec.detector.model_dump(exclude_none=True)),
        "Input": f"{spec.input_size[0]} x {spec.input_size[1]} pixels, aspect ratio kept",
        "Classes": ", ".join(report.classes),
        "Training": _training(spec),
        "Data": f"format {spec.dataset.format}, SHA-256 {report.dataset_hash}",
        "Software": ", ".join(f"{name} {value}" for name, value in environment.items()),
    }
    lines = [f"# {spec.name}", "", *(f"- **{name}**: {value}" for name, value in facts.items()), ""]
    return "\n".join([*lines, *_numbers(report, results), "", _HOW_TO_LOAD])


def _detector(knobs: Mapping[str, Any]) -> str:
    overrides = [f"{name} {value}" for name, value in knobs.items() if name != "zoo"]
    return ", ".join([f"`{knobs['zoo']}`", *overrides])


def _training(spec: JobSpec) -> str:
    if spec.kind is JobKind.EVALUATE:
        return "none here: the weights were given and evaluated"
    schedule = spec.schedule
    text = (
        f"{schedule.epochs} epochs, batch {schedule.batch_size}, {schedule.optimizer.name} "
        f"{schedule.optimizer.lr:g}, {schedule.decay} decay, seed {spec.seed}"
    )
    if spec.method is None or spec.teacher is None:
        return f"{text}, from scratch, without a teacher"
    options = spec.method.resolve(spec.detector.family).model_dump(mode="json")
    chosen = f" {options}" if options else ""
    teacher = _detector(spec.teacher.detector.model_dump(exclude_none=True))
    return f"{text}, method `{spec.method.name}`{chosen}, init {spec.method.init}, teacher {teacher}"


def _numbers(report: DatasetReport, results: Mapping[str, Metrics]) -> list[str]:
    header = ["split", "images", "boxes", *next(iter(results.values()))]
    rows = [
        [name, report.splits[name].images, report.splits[name].boxes, *metrics.values()]
        for name, metrics in results.items()
    ]
    return [_row(header), _row(["---"] * len(header)), *map(_row, rows)]


def _row(cells: list[Any]) -> str:
    return f"| {' | '.join('n/a' if cell is None else str(cell) for cell in cells)} |"
