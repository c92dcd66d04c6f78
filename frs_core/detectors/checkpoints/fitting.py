"""Puts weights into a model, and says what did not fit."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from frs_core.errors import CheckpointError

MAX_MISSING_SHARE = 0.01
"""Of a model's names. What is missing beyond it makes the file one of another detector."""

ClassLayers = Literal["all", "fitting", "none"]

_EXAMPLES = 3
_CLASSIFIERS = frozenset({"retina_cls", "conv_cls", "gfl_cls", "fc_cls"})
_OLD_NAMES = {
    f"bbox_head.fcos_{old}.": f"bbox_head.conv_{new}."
    for old, new in (("cls", "cls"), ("reg", "reg"), ("centerness", "centerness"))
}
"""FCOS's predictors as mmdet 1 called them; the zoo's older files still do."""


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """Names: loaded, those the file lacks, those the model lacks, those of another shape, those left as made.

    `replaced` are tensors of class-dependent layers which the model keeps as they were initialised.
    """

    loaded: list[str]
    missing: list[str]
    unexpected: list[str]
    mismatched: list[str]
    replaced: list[str] = field(default_factory=list)


def load_into(
    model: nn.Module,
    state_dict: Mapping[str, Tensor],
    *,
    max_missing_share: float = MAX_MISSING_SHARE,
    class_layers: ClassLayers = "all",
) -> LoadReport:
    """Copy what fits into the model, and say what did not.

    `class_layers` says which of the layers that depend on the classes are copied: all of them, those of the
    model's shape, or none. The others stay as they are.

    Raises:
        CheckpointError: if more than this share of the model's names is missing, or any has another shape;
            the model is then unchanged. Counters of batch norm (`num_batches_tracked`) may be missing freely.
    """
    own = {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor)}
    given = {_current_name(name, own): value for name, value in state_dict.items()}
    mismatched = [name for name in own if name in given and own[name].shape != given[name].shape]
    replaced = _replaced(own, given, mismatched, class_layers)
    mismatched = [name for name in mismatched if name not in replaced]
    left_alone = {*mismatched, *replaced}
    report = LoadReport(
        loaded=[name for name in own if name in given and name not in left_alone],
        missing=[name for name in own if name not in given and not name.endswith("num_batches_tracked")],
        unexpected=[name for name in given if name not in own],
        mismatched=mismatched,
        replaced=replaced,
    )
    known = len(report.loaded) + len(report.missing) + len(left_alone)
    if not report.loaded or mismatched or len(report.missing) > max_missing_share * known:
        raise CheckpointError(_misfit(own, given, report, max_missing_share), field="checkpoint")
    model.load_state_dict({name: given[name] for name in report.loaded}, strict=False)
    return report


def shortened(names: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - _EXAMPLES} more" if len(names) > _EXAMPLES else ""
    return (", ".join(names[:_EXAMPLES]) or "none") + more


def _current_name(name: str, own: Collection[str]) -> str:
    if name not in own:
        for old, new in _OLD_NAMES.items():
            if name.startswith(old) and name.replace(old, new) in own:
                return name.replace(old, new)
    return name


def _replaced(
    own: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
    mismatched: Collection[str],
    class_layers: ClassLayers,
) -> list[str]:
    if class_layers == "all":
        return []
    return [
        name
        for name in own
        if name in given
        and _depends_on_classes(name, own[name], given[name])
        and (class_layers == "none" or name in mismatched)
    ]


def _depends_on_classes(name: str, own: Tensor, given: Tensor) -> bool:
    """Whether only the outputs of a classifying layer may differ; class-wise box regression counts as one."""
    layer = name.split(".")[-2] if "." in name else ""
    is_class_wise_box = layer == "fc_reg" and (own.shape[0], given.shape[0]) != (4, 4)
    return own.shape[1:] == given.shape[1:] and (layer in _CLASSIFIERS or is_class_wise_box)


def _misfit(
    own: Mapping[str, Tensor], given: Mapping[str, Tensor], report: LoadReport, max_missing_share: float
) -> str:
    shapes = [f"{name} {tuple(given[name].shape)} for {tuple(own[name].shape)}" for name in report.mismatched]
    heads = [name for name in report.mismatched if _depends_on_classes(name, own[name], given[name])]
    if heads and len(heads) == len(report.mismatched) and not report.missing:
        return (
            "the checkpoint's head was trained for another number of classes than this dataset has: "
            f"{shortened(shapes)}. Give a checkpoint that was trained on these classes, or have the detector "
            "trained on this dataset first (`train` beside `checkpoint`)."
        )
    return (
        f"the checkpoint is not one of this detector: of {len(own)} names, {len(report.missing)} are missing "
        f"({shortened(report.missing)}; {max_missing_share:.0%} may be) and {len(shapes)} have another shape "
        f"({shortened(shapes)}); the file has {len(report.unexpected)} others "
        f"({shortened(report.unexpected)}). "
        "Check that the detector's name and its options are those the checkpoint was trained with."
    )
