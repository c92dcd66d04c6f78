"""Methods that work on a head's outputs, on real detectors and beside mmdet's own losses."""

from copy import deepcopy
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frs_core import methods
from tests.unit.frs_core.detectors.test_student_signals import ONE_STAGE, detector_of, seen

pytestmark = pytest.mark.torch
CONVS = 3


def frozen(family: str) -> Any:
    """A teacher of other weights and a wider backbone than `student`'s."""
    return detector_of(family, stacked_convs=CONVS, base_channels=8).eval().requires_grad_(False)


def student(family: str) -> Any:
    return detector_of(family, stacked_convs=CONVS).train()


def terms(
    name: str, family: str, student: Any, teacher: Any, image: dict[str, Any], **options: Any
) -> tuple[dict[str, Tensor], Any, Any]:
    """The method's terms of one image, and the signals of student and teacher."""
    from frs_core.detectors.signals import teacher_signals
    from frs_core.methods.batch import Batch, Levels

    info = methods.get(name)
    theirs = teacher_signals(teacher, family, image["inputs"], info.requires)
    _, ours = seen(student, image, *info.requires)
    levels = Levels(num_levels=5, student_channels=64, teacher_channels=64, family=family)
    method = import_module(f"frs_core.methods.{name}.loss").Method(
        info.resolve(options, family), levels, seed=0
    )
    batch = Batch(data_samples=image["data_samples"], input_shape=(64, 64))
    return method.losses(ours, theirs, batch, 1000), ours, theirs


def reached(head: nn.Module) -> set[str]:
    """The head's direct children, those of its towers by number, that have a gradient."""
    with_gradient = [name for name, value in head.named_parameters() if value.grad is not None]
    return {".".join(name.split(".")[: 2 if "_convs." in name else 1]) for name in with_gradient}


class TestCrossKD:
    """Wang et al. 2024, figure 3: the student's tower up to convolution i, the teacher's from there."""

    @pytest.mark.parametrize("conv", range(1, CONVS + 1))
    @pytest.mark.parametrize("family", ONE_STAGE)
    def test_gradient_reaches_the_towers_up_to_there_and_nothing_beyond(
        self, family: str, conv: int, one_image: dict[str, Any]
    ) -> None:
        ours, theirs = student(family), frozen(family)
        found, _, _ = terms("crosskd", family, ours, theirs, one_image, conv=conv)
        sum(found.values(), torch.zeros(())).backward()
        towers = {f"{tower}.{index}" for tower in ("cls_convs", "reg_convs") for index in range(conv)}
        assert reached(ours.bbox_head) == towers
        # The coarsest maps of one image are single values, which their own mean leaves without gradient.
        assert ours.neck.fpn_convs[0].conv.weight.grad.any()
        assert all(parameter.grad is None for parameter in theirs.parameters())

    @pytest.mark.parametrize("align", [True, False])
    @pytest.mark.parametrize("family", ONE_STAGE)
    def test_a_student_that_is_its_teacher_has_nothing_to_learn(
        self, family: str, align: bool, one_image: dict[str, Any]
    ) -> None:
        teacher = frozen(family)
        found, _, _ = terms("crosskd", family, deepcopy(teacher), teacher, one_image, conv=2, align=align)
        other, _, _ = terms("crosskd", family, student(family), teacher, one_image, conv=2, align=align)
        for key, term in found.items():
            assert abs(term) < 1e-6
            assert abs(term) < 0.01 * other[key]


class TestLd:
    @staticmethod
    def sharpened(detector: Any) -> Any:
        """Apart enough that float32 tells two softened distributions from each other."""
        with torch.no_grad():
            detector.bbox_head.gfl_reg.weight.mul_(200)
            detector.bbox_head.gfl_cls.weight.mul_(50)
        return detector

    def test_its_box_term_is_that_of_mmdets_head(self, one_image: dict[str, Any]) -> None:
        """Its LDHead has no term for classes."""
        from frs_core.detectors.wall import MODELS

        ours, teacher = self.sharpened(student("gfl")), self.sharpened(frozen("gfl"))
        found, signals, theirs = terms("ld", "gfl", ours, teacher, one_image)
        config = {
            "type": "LDHead",
            "num_classes": 3,
            "in_channels": 64,
            "feat_channels": 64,
            "stacked_convs": CONVS,
            "anchor_generator": {
                "type": "AnchorGenerator",
                "ratios": [1.0],
                "octave_base_scale": 8,
                "scales_per_octave": 1,
                "strides": [8, 16, 32, 64, 128],
            },
            "loss_cls": {"type": "QualityFocalLoss", "use_sigmoid": True, "beta": 2.0},
            "loss_bbox": {"type": "GIoULoss", "loss_weight": 2.0},
            "loss_ld": {"type": "KnowledgeDistillationKLDivLoss", "loss_weight": 0.25, "T": 10},
            "train_cfg": {
                "assigner": {"type": "ATSSAssigner", "topk": 9},
                "allowed_border": -1,
                "pos_weight": -1,
            },
        }
        head = MODELS.build(config)
        head.load_state_dict(ours.bbox_head.state_dict())
        losses = head.loss(signals.neck, (theirs.cls, theirs.distributions), one_image["data_samples"])
        expected = torch.stack(losses["loss_ld"]).sum()
        assert expected > 1e-3
        torch.testing.assert_close(found["ld_box"], expected, rtol=1e-4, atol=0.0)

    def test_its_class_term_is_mmdets_divergence(self, one_image: dict[str, Any]) -> None:
        from mmdet.models.losses import KnowledgeDistillationKLDivLoss

        pair = self.sharpened(student("gfl")), self.sharpened(frozen("gfl"))
        found, ours, theirs = terms("ld", "gfl", *pair, one_image)
        divergence, expected = KnowledgeDistillationKLDivLoss(T=2, loss_weight=10.0), torch.zeros(())
        for level, target, positive in zip(ours.cls, theirs.cls, ours.positives, strict=True):
            where = positive[:, 0]
            if where.any():
                expected += divergence(level.permute(0, 2, 3, 1)[where], target.permute(0, 2, 3, 1)[where])
        assert expected > 1e-3
        torch.testing.assert_close(found["ld_classification"], expected, rtol=1e-4, atol=0.0)


class TestBoxDistancesBesideMmdets:
    @pytest.fixture
    def draws(self) -> torch.Generator:
        return torch.Generator().manual_seed(0)

    def test_giou_of_decoded_deltas(self, draws: torch.Generator) -> None:
        from mmdet.models.losses import GIoULoss
        from mmdet.models.task_modules import DeltaXYWHBBoxCoder

        from frs_core.imitation.box_distances import decode_deltas, giou_loss

        corners, sizes = (torch.rand(50, 2, generator=draws) * 20 for _ in range(2))
        anchors = torch.cat([corners, corners + sizes + 1], dim=1)
        ours, theirs = (torch.randn(50, 4, generator=draws) for _ in range(2))
        ours[0, 2:] = 9.0  # more than either lets a box grow
        expected = [DeltaXYWHBBoxCoder().decode(anchors, each) for each in (ours, theirs)]
        found = [decode_deltas(each, anchors) for each in (ours, theirs)]
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(giou_loss(found[0], found[1]), GIoULoss(reduction="none")(*expected))

    def test_iou_of_sides(self, draws: torch.Generator) -> None:
        from mmdet.models.losses import IoULoss

        from frs_core.imitation.box_distances import iou_loss_of_sides

        points = torch.rand(50, 2, generator=draws) * 20
        ours, theirs = (torch.rand(50, 4, generator=draws) * 9 + 1 for _ in range(2))
        boxes = [torch.cat([points - each[:, :2], points + each[:, 2:]], dim=1) for each in (ours, theirs)]
        found, expected = iou_loss_of_sides(ours, theirs), IoULoss(reduction="none")(*boxes)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)

    def test_divergence_of_sides_summed_over_bins(self, draws: torch.Generator) -> None:
        """mmdet's divides by the number of bins."""
        from mmdet.models.losses import KnowledgeDistillationKLDivLoss

        from frs_core.imitation.box_distances import side_divergence

        ours, theirs = (torch.randn(50, 4 * 17, generator=draws) for _ in range(2))
        divergence = KnowledgeDistillationKLDivLoss(T=1, reduction="none")
        expected = divergence(ours.reshape(-1, 17), theirs.reshape(-1, 17)).reshape(50, 4).mean(dim=1) * 17
        torch.testing.assert_close(side_divergence(ours, theirs), expected)
