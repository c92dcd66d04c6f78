"""What a detector's training starts with: random weights, a backbone's, or a checkpoint's."""

from typing import Literal

from frs_core import zoo
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.faults import fault
from frs_core.spec.imagenet import imagenet_weights
from frs_core.weights.reference import ZOO

Init = Literal["scratch", "imagenet"]


def check_start(detector: DetectorSpec, checkpoint: str | None, init: Init) -> None:
    """Raises a ValidationError at `checkpoint` or `init` for weights that nobody has published."""
    if checkpoint is not None and init != "scratch":
        raise fault("init", init, "a checkpoint sets every weight: give either `init` or `checkpoint`")
    if checkpoint == ZOO:
        _check_published(detector)
    if init == "imagenet":
        try:
            imagenet_weights(detector)
        except ValueError as error:
            raise fault("init", init, str(error)) from error


def _check_published(detector: DetectorSpec) -> None:
    known = zoo.entry(detector.zoo)
    if known.weights_url is None:
        message = f"{detector.zoo} has no published weights: give a path or an address, or train it"
        raise fault("checkpoint", ZOO, message)
    given = detector.model_dump(exclude={"zoo"}, exclude_defaults=True)
    changed = [name for name, value in given.items() if value != getattr(known, name, None)]
    if changed:
        message = (
            f"the published weights are those of {detector.zoo} as it is: leave out {', '.join(changed)}, or "
            "give a checkpoint of this detector"
        )
        raise fault("checkpoint", ZOO, message)
