"""Weights given from outside: for a detector as it is, or for the start of its training."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from frs_core.context import RunContext
from frs_core.detectors.builders import build_detector
from frs_core.detectors.checkpoints import ClassLayers, LoadedCheckpoint, LoadReport, load_into, load_tensors
from frs_core.detectors.checkpoints.fitting import shortened
from frs_core.errors import CheckpointError
from frs_core.files import file_sha256, save_json
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.imagenet import imagenet_weights
from frs_core.spec.job import JobSpec
from frs_core.weights.locate import locate


@dataclass(frozen=True, kw_only=True)
class _Given:
    """A checkpoint as it was named, found and read; `place` is its field in the job."""

    reference: str
    place: str
    file: Path
    sha256: str
    content: LoadedCheckpoint

    def record(self, context: RunContext, report: LoadReport) -> None:
        """Publish what was loaded as an artifact, and warn of what the detector did not get."""
        facts = {
            "source": self.reference,
            "file": self.file.name,
            "sha256": self.sha256,
            "set_aside": self.content.set_aside,
            **asdict(report),
            "meta": self.content.meta,
        }
        save_json(context, f"imported_{self.place.replace('.checkpoint', '')}.json", facts)
        if report.missing:
            message = f"{self.place} lacks {shortened(report.missing)}: they are as they were initialised"
            context.warn("weights_missing", message, count=len(report.missing))
        if report.replaced:
            message = f"{self.place} is for other classes: {shortened(report.replaced)} start anew"
            context.warn("weights_replaced", message, count=len(report.replaced))


def load_given(
    spec: DetectorSpec, classes: Sequence[str], reference: str, context: RunContext, *, place: str
) -> nn.Module:
    """A detector with exactly the weights that `reference` names.

    Raises CheckpointError unless they fit (a hundredth may be missing, with a warning) and are for these
    classes, where the file names its own; and Stopped.
    """
    given = _read(reference, spec, context, place)
    detector = build_detector(spec, len(classes), seed=0)
    given.record(context, _fit(detector, given, "all"))
    theirs = class_names(given.content.meta)
    if theirs is not None and _differ(theirs, classes):
        raise CheckpointError(
            f"the weights are for the classes {theirs}, and the data set has {','.join(classes)}: "
            "give weights of the same classes in the same order, or have the detector trained on this "
            "data set (`train` beside `checkpoint`)",
            field=place,
        )
    return detector


def load_start(detector: nn.Module, spec: JobSpec, classes: Sequence[str], context: RunContext) -> None:
    """Give a detector that is about to be trained the weights of the job's `checkpoint` or `init`, if any.

    Where a checkpoint is for other classes, the layers that depend on classes stay as the seed made them.
    Raises CheckpointError where anything else does not fit, and Stopped.
    """
    if spec.init == "imagenet":
        given = _read(imagenet_weights(spec.detector).url, spec.detector, context, "init")
        with _at("init"):
            report = load_into(cast(nn.Module, detector.backbone), _of_backbone(given.content.state_dict))
        given.record(context, report)
    if spec.checkpoint is None:
        return
    given = _read(spec.checkpoint, spec.detector, context, "checkpoint")
    theirs = class_names(given.content.meta)
    others = theirs is not None and _differ(theirs, classes)
    given.record(context, _fit(detector, given, "none" if others else "fitting"))


def class_names(meta: Mapping[str, Any]) -> str | None:
    """The classes that a file says it was trained on, joined by commas: ours, or OpenMMLab's, new or old."""
    described = meta.get("dataset_meta")
    found = meta.get("classes") or meta.get("CLASSES")
    if isinstance(described, dict):
        found = found or described.get("classes") or described.get("CLASSES")
    if isinstance(found, list) and all(isinstance(name, str) for name in found):
        return ",".join(found)
    return found if isinstance(found, str) else None


def _of_backbone(weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """A classifier's backbone by its own names; torchvision's files have no prefix, mmpretrain's have one."""
    prefix = "backbone."
    found = {name.removeprefix(prefix): item for name, item in weights.items() if name.startswith(prefix)}
    return found or weights


def _differ(theirs: str, ours: Sequence[str]) -> bool:
    return theirs.casefold() != ",".join(ours).casefold()


def _read(reference: str, spec: DetectorSpec, context: RunContext, place: str) -> _Given:
    with _at(place):
        file = locate(reference, spec.zoo, context)
        content = load_tensors(file)
        return _Given(reference=reference, place=place, file=file, sha256=file_sha256(file), content=content)


def _fit(detector: nn.Module, given: _Given, class_layers: ClassLayers) -> LoadReport:
    with _at(given.place):
        return load_into(detector, given.content.state_dict, class_layers=class_layers)


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Have a CheckpointError name the field of the job that it is about."""
    try:
        yield
    except CheckpointError as error:
        error.field = place
        raise
