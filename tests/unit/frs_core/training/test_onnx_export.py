"""The ONNX files say what PyTorch says, for images of other sizes and numbers than they were made of."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.frs_core.training.conftest import DETECTORS

pytestmark = pytest.mark.torch
TWO_STAGE = ("faster_rcnn", "cascade_rcnn")


def lively_detector(family: str) -> Any:
    """A detector in eval mode whose every output varies, as after a training."""
    import torch

    from frs_core.detectors.builders import build_detector
    from frs_core.spec import DetectorSpec

    detector = build_detector(DetectorSpec.model_validate(DETECTORS[family]), 3, seed=0).eval()
    random = torch.Generator().manual_seed(0)
    for name, tensor in detector.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            tensor.normal_(0, 0.1, generator=random)
        elif "head" in name and tensor.dim() > 1:
            tensor.normal_(0, tensor[0].numel() ** -0.5, generator=random)
    return detector


def images(number: int, height: int, width: int) -> Any:
    import torch

    random = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (number, 3, height, width), dtype=torch.uint8, generator=random)


def assert_close(ours: Any, theirs: Any) -> None:
    theirs = theirs.numpy()
    assert ours.shape == theirs.shape
    assert theirs.std() > 1e-3, "an output that does not vary shows nothing"
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def mmdets_features(detector: Any, batch: Any) -> Any:
    return detector.extract_feat(
        detector.data_preprocessor({"inputs": list(batch), "data_samples": None})["inputs"]
    )


@pytest.mark.parametrize("family", DETECTORS)
def test_the_raw_outputs_are_mmdets_own(family: str, tmp_path: Path) -> None:
    import onnx
    import torch

    from frs_core.training.onnx_export import open_session, write_onnx

    detector = lively_detector(family)
    written = write_onnx(detector, family, images(1, 60, 90)[0], tmp_path, {"classes": "a, b, c"})

    assert [graph["check"]["agrees"] for graph in written] == [True] * (2 if family in TWO_STAGE else 1)
    assert onnx.load(tmp_path / "model.onnx").metadata_props[0].value == "a, b, c"
    batch = images(2, 101, 70)
    ours = open_session(tmp_path / "model.onnx").run(None, {"image_bgr": batch.numpy()})
    with torch.no_grad():
        levels = mmdets_features(detector, batch)
        head = detector.rpn_head if family in TWO_STAGE else detector.bbox_head
        theirs = [level for kind in head(levels) for level in kind]
    if family in TWO_STAGE:
        theirs.extend(levels[:4])
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert_close(one, other)


@pytest.mark.parametrize("family", TWO_STAGE)
def test_the_second_stage_is_mmdets_own(family: str, tmp_path: Path) -> None:
    import torch

    from frs_core.detectors.wall import DetDataSample, InstanceData
    from frs_core.training.onnx_export import open_session, write_onnx

    detector = lively_detector(family)
    write_onnx(detector, family, images(1, 60, 90)[0], tmp_path, {})
    session = open_session(tmp_path / "model_regions.onnx")
    corners = torch.rand(40, 2, 2, generator=torch.Generator().manual_seed(2)) * torch.tensor([70, 101])
    proposals = torch.cat([corners.amin(1), corners.amax(1)], 1)
    with torch.no_grad():
        levels = mmdets_features(detector, images(1, 101, 70))
        sample = DetDataSample(metainfo={"img_shape": (101, 70)})
        theirs = detector.roi_head.forward(levels, [InstanceData(bboxes=proposals)], [sample])
    fed = {f"feature_p{number}": level.numpy() for number, level in enumerate(levels[:4], start=2)}
    fed |= {"proposals": proposals.numpy(), "image_size": np.array([101, 70])}
    ours = session.run(None, {port.name: fed[port.name] for port in session.get_inputs()})

    for one, other in zip(ours[:2], theirs[:2], strict=True):
        assert_close(one, other if isinstance(other, torch.Tensor) else other[0])


def test_a_graph_that_computes_something_else_is_not_said_to_agree(tmp_path: Path) -> None:
    import torch

    from frs_core.training.onnx_export import write_onnx

    class Brighter(torch.nn.Conv2d):
        """Exported otherwise than it computes."""

        def forward(self, image: Any) -> Any:
            return super().forward(image * 1.05 if torch.onnx.is_in_onnx_export() else image)

    detector = lively_detector("retinanet")
    detector.backbone.conv1.__class__ = Brighter
    (written,) = write_onnx(detector, "retinanet", images(1, 60, 90)[0], tmp_path, {})

    assert not written["check"]["agrees"]
    assert written["check"]["max_relative_difference"] > written["check"]["tolerance"]
