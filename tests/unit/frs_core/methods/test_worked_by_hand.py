"""Losses on numbers small enough to work out; each test cites the equation."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from frs_core.detectors.signals import Signals
from frs_core.imitation.box_distances import (
    decode_deltas,
    giou_loss,
    iou_loss_of_sides,
    side_divergence,
)
from frs_core.imitation.channels import aligned
from frs_core.imitation.features import imitation_loss, ramp, variance
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.crosskd.loss import box_loss as crosskd_box
from frs_core.methods.crosskd.loss import classification_loss as crosskd_classes
from frs_core.methods.cwd.loss import cwd_loss
from frs_core.methods.defeat.loss import score_losses
from frs_core.methods.fgd.loss import area_masks, attention
from frs_core.methods.fgfi.loss import intersection_over_union, near_objects
from frs_core.methods.label_and_threshold.loss import Method as LabelAndThreshold
from frs_core.methods.label_and_threshold.options import Options as LabelOptions
from frs_core.methods.ld.loss import box_loss as ld_box
from frs_core.methods.ld.loss import classification_loss as ld_classes
from frs_core.methods.ld.loss import soft_divergence
from frs_core.methods.mgd.loss import mgd_loss, visible
from frs_core.methods.pkd.loss import pkd_loss

pytestmark = pytest.mark.torch


def row(*values: float, channels: int = 1) -> Tensor:
    """(1, C, 1, W): the values, the same in every channel."""
    return (
        torch.tensor(values, dtype=torch.float32).reshape(1, 1, 1, -1).expand(1, channels, 1, -1).contiguous()
    )


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


class TestMaskedImitation:
    """sum(M (T - S)^2) / norm, squares summed over channels (FRS equation 3; FGFI equation 2)."""

    def test_the_norm_is_the_sum_of_the_mask(self) -> None:
        student, teacher, mask = row(0, 0, channels=2), row(1, 3, channels=2), row(1, 0.5)
        # (1 x 2 channels x 1 + 0.5 x 2 x 9) / 1.5
        assert imitation_loss([student], [teacher], [mask]).item() == pytest.approx(11 / 1.5)

    def test_or_that_times_the_channels(self) -> None:
        student, teacher, mask = row(0, 0, channels=2), row(1, 3, channels=2), row(1, 0.5)
        loss = imitation_loss([student], [teacher], [mask], normalisation="mask_x_channels")
        assert loss.item() == pytest.approx(11 / 3)

    def test_divided_by_the_teachers_deviation_its_unit_does_not_matter(self) -> None:
        student, teacher, mask = row(0, 2), row(1, 3), row(1, 1)
        assert variance(teacher).item() == 1
        loss = imitation_loss([student], [teacher], [mask], scale="teacher_variance")
        larger = imitation_loss([10 * student], [10 * teacher], [mask], scale="teacher_variance")
        assert (loss.item(), larger.item()) == (pytest.approx(1), pytest.approx(1))

    def test_it_grows_over_the_warm_up(self) -> None:
        assert [ramp(step, 4) for step in (0, 1, 4, 9)] == [0, 0.25, 1, 1]
        assert ramp(0, 0) == 1


class TestFgfi:
    """Wang et al. 2019, equation 1: anchors whose IoU with a box exceeds psi x the best of that box."""

    ANCHORS = torch.tensor([[0.0, 0, 2, 2], [1, 0, 3, 2], [4, 0, 6, 2]]).reshape(1, 3, 1, 4)

    def test_iou(self) -> None:
        found = intersection_over_union(torch.tensor([[0.0, 0, 2, 2]]), self.ANCHORS.reshape(-1, 4))
        assert found.tolist() == [pytest.approx([1, 2 / 6, 0])]

    def test_a_location_is_near_by_the_share_of_the_best(self) -> None:
        box = torch.tensor([[0.0, 0, 2, 2]])
        assert near_objects([box], self.ANCHORS, 0.5).flatten().tolist() == [1, 0, 0]
        assert near_objects([box], self.ANCHORS, 0.3).flatten().tolist() == [1, 1, 0]

    def test_each_box_has_its_own_best_and_no_box_is_near_nothing(self) -> None:
        boxes = torch.tensor([[0.0, 0, 2, 2], [5, 0, 7, 2]])  # the second overlaps by a third at best
        assert near_objects([boxes, boxes[:0]], self.ANCHORS, 0.5).flatten(1).tolist() == [
            [1, 0, 1],
            [0, 0, 0],
        ]


def test_label_and_threshold_takes_positive_locations_with_s_above() -> None:
    """FRS's ablation; any positive anchor makes a location positive."""
    method = LabelAndThreshold(
        LabelOptions(feature_weight=1.0, threshold=0.1, warmup_steps=0),
        Levels(num_levels=1, student_channels=1, teacher_channels=1),
        seed=0,
    )
    teacher = Signals(cls=(row(logit(0.2), logit(0.05), logit(0.2)),))
    student = Signals(positives=(torch.tensor([[[[True, True, False]], [[False, False, False]]]]),))
    batch = Batch(data_samples=(SimpleNamespace(),), input_shape=(1, 3))
    (mask,) = method.masks(student, teacher, batch)
    assert mask.flatten().tolist() == [1, 0, 0]


class TestDefeat:
    """Guo et al. 2021, equation 6: the scores of positive and of other anchors apart."""

    def test_each_half_is_an_average_of_its_own(self) -> None:
        zeros = row(0, 0, 0)
        positive = torch.tensor([[[[True, False, False]]]])
        own, others = score_losses([zeros], [row(logit(0.5), 0, 0)], [positive], 1.0)
        assert (own.item(), others.item()) == (pytest.approx(math.log(2)), pytest.approx(math.log(2)))

    def test_a_half_without_anchors_is_zero(self) -> None:
        own, _ = score_losses([row(0)], [row(0)], [torch.zeros(1, 1, 1, 1, dtype=torch.bool)], 1.0)
        assert own.item() == 0

    def test_the_temperature_softens_and_is_made_up_for(self) -> None:
        positive = torch.ones(1, 1, 1, 1, dtype=torch.bool)
        own, _ = score_losses([row(0)], [row(2 * logit(0.8))], [positive], 2.0)
        assert own.item() == pytest.approx(4 * math.log(2))  # BCE to 0.8 at 0.5 is ln 2


def test_cwd_is_the_divergence_of_where_a_channel_is_active() -> None:
    """Shu et al. 2021, equation 5: tau^2 / C x KL(teacher || student)."""
    teacher = row(math.log(0.75), math.log(0.25), channels=2)
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert cwd_loss([row(0, 0, channels=2)], [teacher], 1.0).item() == pytest.approx(expected)
    assert cwd_loss([row(0, 0)], [2 * teacher[:, :1]], 2.0).item() == pytest.approx(4 * expected)


def test_pkd_is_one_less_the_correlation() -> None:
    """Cao et al. 2022, equation 6; the deviation is the unbiased one, hence (n - 1) / n."""
    wave, other = row(1, -1, 1, -1), row(1, 1, -1, -1)
    assert pkd_loss([wave], [5 * wave + 7]).item() == pytest.approx(0, abs=1e-6)
    assert pkd_loss([wave], [-wave]).item() == pytest.approx(2 * 3 / 4, abs=1e-5)
    assert pkd_loss([wave], [other]).item() == pytest.approx(1 * 3 / 4, abs=1e-5)


class TestFgd:
    """Yang et al. 2022 (focal and global), equations 1 to 7."""

    def test_a_location_counts_by_its_smallest_box_and_outside_by_their_number(self) -> None:
        boxes = torch.tensor([[0.0, 0, 30, 10], [0, 0, 10, 10]])
        inside, outside = area_masks([boxes, boxes[:0]], (2, 8), (20, 80))
        # in locations, both ends included: columns 0 to 3 and 0 to 1, rows 0 to 1
        assert inside[0].tolist() == [pytest.approx([1 / 4, 1 / 4, 1 / 8, 1 / 8, 0, 0, 0, 0])] * 2
        assert outside[0].tolist() == [pytest.approx([0, 0, 0, 0, 1 / 8, 1 / 8, 1 / 8, 1 / 8])] * 2
        assert inside[1].sum() == 0
        assert outside[1].tolist() == [pytest.approx([1 / 16] * 8)] * 2

    def test_attention_has_a_mean_of_one(self) -> None:
        spatial, channel = attention(row(math.log(3), 0), 1.0)
        assert spatial.flatten().tolist() == pytest.approx([1.5, 0.5])
        assert channel.tolist() == [[1.0]]


class TestMgd:
    """Yang et al. 2022 (masked generation), equations 3 to 5."""

    def test_squares_are_summed_and_averaged_over_images(self) -> None:
        generated, teacher = torch.zeros(2, 3, 1, 2), torch.ones(2, 3, 1, 2)
        assert mgd_loss([generated], [teacher]).item() == 6

    def test_about_so_many_locations_are_hidden_and_others_when_drawn_again(self) -> None:
        level, draws = torch.zeros(1, 3, 100, 100), torch.Generator().manual_seed(0)
        first, second = (visible(level, 0.65, draws) for _ in range(2))
        assert first.shape == (1, 1, 100, 100)
        assert first.mean().item() == pytest.approx(0.35, abs=0.02)
        assert not torch.equal(first, second)


class TestLd:
    """Zheng et al. 2022, equation 4: divergence of softened distributions at positive locations."""

    TEACHER = torch.tensor([math.log(0.75), math.log(0.25)])
    DIVERGENCE = (0.75 * math.log(1.5) + 0.25 * math.log(0.5)) / 2  # the mean over two bins

    def test_softened_and_made_up_for(self) -> None:
        assert soft_divergence(torch.zeros(2), self.TEACHER, 1.0).item() == pytest.approx(self.DIVERGENCE)
        assert soft_divergence(torch.zeros(2), 10 * self.TEACHER, 10.0).item() == pytest.approx(
            100 * self.DIVERGENCE
        )

    def test_a_positive_location_counts_by_its_score(self) -> None:
        student = torch.zeros(1, 8, 1, 2)  # four sides of two bins, two locations
        teacher = self.TEACHER.repeat(4).reshape(1, 8, 1, 1).expand(1, 8, 1, 2)
        positive = torch.tensor([[[[True, False]]]])
        loss = ld_box([student], [teacher], [row(0.5, 1)], [positive], 1.0)
        assert loss.item() == pytest.approx(0.5 * self.DIVERGENCE)

    def test_classes_are_averaged_over_a_levels_positives(self) -> None:
        student, teacher = torch.zeros(1, 2, 1, 3), self.TEACHER.reshape(1, 2, 1, 1).expand(1, 2, 1, 3)
        positive = torch.tensor([[[[True, True, False]]]])
        none = torch.zeros_like(positive)
        loss = ld_classes([student, student], [teacher, teacher], [positive, none], 1.0)
        assert loss.item() == pytest.approx(self.DIVERGENCE)


class TestCrossKD:
    """Wang et al. 2024, equations 4 to 6, with the distances of each family."""

    def test_classes_are_weighed_by_how_far_apart_the_scores_are(self) -> None:
        """Quality focal loss with beta 1: |s - p| BCE(p, s), over the positives."""
        loss = crosskd_classes([row(0.0)], [row(logit(0.8))], torch.tensor(2.0))
        assert loss.item() == pytest.approx(0.3 * math.log(2) / 2)

    def test_boxes_are_weighed_by_the_teachers_score(self) -> None:
        """-ln IoU of distances from a point: a quarter of the area at the first, equal at the second."""
        ours = torch.tensor([[1.0, 1, 1, 1], [2, 2, 2, 2]]).T.reshape(1, 4, 1, 2)
        theirs = torch.full((1, 4, 1, 2), 2.0)
        loss = crosskd_box([ours], [theirs], [row(0.9, 0.1)], (), "fcos")
        assert loss.item() == pytest.approx(0.9 * math.log(4))

    def test_each_anchors_box_has_its_own_score(self) -> None:
        """Two anchors at two locations; the first's box at the second is one width away: GIoU 0."""
        anchors = torch.tensor([[[0.0, 0, 2, 2], [0, 0, 4, 1]]] * 2).reshape(1, 2, 2, 4)
        ours, theirs = torch.zeros(1, 8, 1, 2), torch.zeros(1, 8, 1, 2)
        theirs[0, 0, 0, 1] = 1.0
        scores = torch.tensor([[0.1, 0.2], [0.3, 0.4]]).reshape(1, 2, 1, 2)
        loss = crosskd_box([ours], [theirs], [scores], [anchors], "retinanet")
        assert loss.item() == pytest.approx(0.2)

    def test_distributions_are_averaged_over_levels_by_their_scores(self) -> None:
        """0.6 of the weight is at the level that differs, in all four sides."""
        student, same = torch.zeros(1, 8, 1, 1), torch.zeros(1, 8, 1, 1)
        teacher = torch.tensor([math.log(0.75), math.log(0.25)] * 4).reshape(1, 8, 1, 1)
        loss = crosskd_box([student, student], [teacher, same], [row(0.6), row(0.4)], (), "gfl")
        assert loss.item() == pytest.approx(0.6 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5)))

    def test_no_positive_counts_as_one(self) -> None:
        loss = crosskd_classes([row(0.0)], [row(logit(0.8))], torch.tensor(0.0))
        assert loss.item() == pytest.approx(0.3 * math.log(2))

    def test_alignment_gives_the_teachers_mean_and_deviation(self) -> None:
        found = aligned(row(1, -1, 1, -1), row(5, 5, 9, 9))
        assert found.mean().item() == pytest.approx(7)
        assert found.std().item() == pytest.approx(row(5, 5, 9, 9).std().item(), rel=1e-4)


class TestBoxDistances:
    def test_deltas_move_and_stretch_an_anchor(self) -> None:
        """Girshick et al. 2014, appendix C."""
        found = decode_deltas(torch.tensor([[0.5, 0, math.log(2), 0]]), torch.tensor([[0.0, 0, 4, 2]]))
        assert found.tolist() == [pytest.approx([0, 0, 8, 2])]

    def test_giou_punishes_the_gap_between_boxes(self) -> None:
        """Rezatofighi et al. 2019, equation 3: IoU - (hull - union) / hull."""
        box, apart = torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([[2.0, 0, 3, 1]])
        assert giou_loss(box, box).item() == pytest.approx(0)
        assert giou_loss(box, apart).item() == pytest.approx(1 + 1 / 3)

    def test_iou_of_sides(self) -> None:
        """Yu et al. 2016, algorithm 1."""
        assert iou_loss_of_sides(torch.ones(1, 4), torch.ones(1, 4)).item() == pytest.approx(0)
        assert iou_loss_of_sides(torch.ones(1, 4), 2 * torch.ones(1, 4)).item() == pytest.approx(math.log(4))

    def test_divergence_of_sides_is_their_mean(self) -> None:
        teacher = torch.tensor([[math.log(0.75), math.log(0.25), 0, 0, 0, 0, 0, 0]])
        expected = (0.75 * math.log(1.5) + 0.25 * math.log(0.5)) / 4
        assert side_divergence(torch.zeros(1, 8), teacher).item() == pytest.approx(expected)
