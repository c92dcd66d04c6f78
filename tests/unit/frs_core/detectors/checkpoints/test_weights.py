"""Weights into a model, and out to a file."""

from pathlib import Path

import pytest
import torch
from torch import nn

from frs_core.detectors.checkpoints import ClassLayers, load_into, load_tensors, save_weights
from frs_core.errors import CheckpointError


class Detector(nn.Module):
    def __init__(self, classes: int, depth: int = 12) -> None:
        super().__init__()
        self.backbone = nn.Sequential(*(nn.Linear(2, 2) for _ in range(depth)))
        self.norm = nn.BatchNorm1d(2)
        self.retina_cls = nn.Conv2d(2, 3 * classes, 1)
        self.retina_reg = nn.Conv2d(2, 12, 1)


def weights_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_equal(model: nn.Module, expected: dict[str, torch.Tensor]) -> None:
    assert all(torch.equal(tensor, expected[name]) for name, tensor in model.state_dict().items())


def test_everything_that_fits_is_copied() -> None:
    source, target = Detector(3), Detector(3)
    report = load_into(target, weights_of(source) | {"adapter.weight": torch.ones(1)})
    assert_equal(target, source.state_dict())
    assert (report.missing, report.unexpected, report.mismatched) == ([], ["adapter.weight"], [])
    assert report.loaded == list(source.state_dict())


def test_counters_of_batch_norm_may_be_missing() -> None:
    weights = weights_of(Detector(3))
    del weights["norm.num_batches_tracked"]
    assert load_into(Detector(3), weights, max_missing_share=0).missing == []


def test_a_small_share_may_be_missing_and_is_reported() -> None:
    target, weights = Detector(3), weights_of(Detector(3))
    del weights["retina_reg.bias"]
    kept = target.retina_reg.bias.detach().clone()
    report = load_into(target, weights, max_missing_share=0.05)
    assert report.missing == ["retina_reg.bias"]
    assert torch.equal(target.retina_reg.bias, kept)
    assert torch.equal(target.retina_reg.weight, weights["retina_reg.weight"])


def test_more_than_the_share_is_an_error_that_gives_examples_and_changes_nothing() -> None:
    target, weights = Detector(3), weights_of(Detector(3, depth=4))
    weights["norm.weight"] = torch.ones(9)
    before = weights_of(target)
    with pytest.raises(CheckpointError) as caught:
        load_into(target, weights)
    assert_equal(target, before)
    message = str(caught.value)
    assert (
        "16 are missing (backbone.4.weight, backbone.4.bias, backbone.5.weight and 13 more; 1% may be)"
        in message
    )
    assert "1 have another shape (norm.weight (9,) for (2,))" in message


def test_a_head_of_another_class_count_is_explained() -> None:
    with pytest.raises(
        CheckpointError, match=r"another number of classes.*retina_cls\.weight \(240, 2, 1, 1\)"
    ):
        load_into(Detector(3), weights_of(Detector(80)), max_missing_share=0)


def test_a_file_of_something_else_is_an_error_whatever_the_share() -> None:
    with pytest.raises(CheckpointError, match="not one of this detector"):
        load_into(Detector(3), {"encoder.weight": torch.ones(1)}, max_missing_share=1)


def test_what_was_saved_is_read_back(tmp_path: Path) -> None:
    shared = torch.arange(6.0).reshape(2, 3)
    weights = {"a": shared, "b": shared.t(), "c": shared[:, 1], "d": torch.ones(1, dtype=torch.float16)}
    path = save_weights(weights, tmp_path / "weights.safetensors", {"method": "frs", "seed": "0"})
    loaded = load_tensors(path)
    assert loaded.meta == {"method": "frs", "seed": "0"}
    assert loaded.state_dict.keys() == weights.keys()
    assert all(torch.equal(loaded.state_dict[name], weights[name]) for name in weights)
    assert list(tmp_path.iterdir()) == [path]


def test_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    weights, names = weights_of(Detector(2)), list("abcdefgh")
    files = [
        save_weights(weights, tmp_path / "weights", {name: name for name in order}).read_bytes()
        for order in (names, names[::-1], names, names[::-1])  # the library alone gives four orders
    ]
    assert len(set(files)) == 1


@pytest.mark.parametrize("class_layers", ["fitting", "none"])
def test_layers_for_other_classes_stay_as_they_are_where_that_is_asked_for(class_layers: ClassLayers) -> None:
    target, source = Detector(3), Detector(80)
    before = weights_of(target)
    report = load_into(target, weights_of(source), class_layers=class_layers)
    assert report.replaced == ["retina_cls.weight", "retina_cls.bias"]
    assert torch.equal(target.retina_cls.weight, before["retina_cls.weight"])
    assert torch.equal(target.retina_reg.weight, source.retina_reg.weight)


def test_as_many_classes_are_kept_or_replaced_as_is_asked_for() -> None:
    source = weights_of(Detector(3))
    assert load_into(Detector(3), source, class_layers="fitting").replaced == []
    assert load_into(Detector(3), source, class_layers="none").replaced == [
        "retina_cls.weight",
        "retina_cls.bias",
    ]


def test_another_shape_elsewhere_is_an_error_whatever_the_classes() -> None:
    weights = weights_of(Detector(80))
    weights["retina_reg.weight"] = torch.ones(24, 2, 1, 1)
    with pytest.raises(CheckpointError, match=r"retina_reg\.weight \(24, 2, 1, 1\) for \(12, 2, 1, 1\)"):
        load_into(Detector(3), weights, class_layers="none")


def test_predictors_under_their_older_names_are_found() -> None:
    class Fcos(nn.Module):
        def __init__(self, prefix: str) -> None:
            super().__init__()
            layers = {f"{prefix}_{part}": nn.Linear(2, 2) for part in ("cls", "reg", "centerness")}
            self.bbox_head = nn.ModuleDict(layers)

    old, new = Fcos("fcos"), Fcos("conv")
    report = load_into(new, weights_of(old))
    assert (report.missing, report.unexpected) == ([], [])
    assert torch.equal(new.bbox_head["conv_centerness"].weight, old.bbox_head["fcos_centerness"].weight)
