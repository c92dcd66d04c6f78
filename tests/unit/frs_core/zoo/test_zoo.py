import pytest

from frs_core import zoo


def test_a_config_is_known_by_its_name() -> None:
    entry = zoo.entry("retinanet/retinanet_r50_fpn_1x_coco")

    assert entry.family == "retinanet"
    assert entry.strides == (8, 16, 32, 64, 128)
    assert entry.scores_per_location == 9
    assert (entry.backbone_type, entry.backbone_depth, entry.fpn_channels) == ("ResNet", 50, 256)
    assert entry.bgr_to_rgb
    assert entry.weights_sha256_prefix == "c2398f9e"
    assert entry.published_ap == 36.5


def test_fcos_has_group_norm_and_one_score_per_location() -> None:
    entry = zoo.entry("fcos/fcos_r50-caffe_fpn_gn-head_1x_coco")

    assert (entry.family, entry.scores_per_location, entry.head_norm_groups) == ("fcos", 1, 32)
    assert entry.mean == (102.9801, 115.9465, 122.7717)
    assert not entry.bgr_to_rgb


def test_operators_beyond_the_usual_are_named() -> None:
    entry = zoo.entry("fcos/fcos_r50-dcn-caffe_fpn_gn-head-center-normbbox-centeronreg-giou_1x_coco")

    assert entry.operators == ("modulated_deform_conv",)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"retinanet_r50.*did you mean .*retinanet/retinanet_r50_fpn"):
        zoo.entry("retinanet_r50")


@pytest.mark.parametrize(
    ("name", "lack"),
    [
        ("faster_rcnn/faster-rcnn_r50-caffe_c4-1x_coco", "no FPN: a C4 detector"),
        ("faster_rcnn/faster-rcnn_r50-caffe-dc5_1x_coco", "no FPN: a DC5 detector"),
        ("mask_rcnn/mask-rcnn_r50_fpn_1x_coco", "a mask head"),
        ("dcn/faster-rcnn_r50_fpn_dpool_1x_coco", "pools regions with DeformRoIPoolPack"),
        ("atss/atss_r50_fpn_1x_coco", "type ATSS, of none of the families retinanet, fcos"),
        ("v3det/fcos_r50_fpn_8x4_sample1e-3_mstrain_v3det_2x", "NormedLinear"),
    ],
)
def test_a_config_that_is_not_taken_is_answered_with_what_it_lacks(name: str, lack: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is not taken: .*did you mean") as caught:
        zoo.entry(name)

    assert lack in str(caught.value)


def test_a_name_that_is_nearly_one_not_taken_is_told_so() -> None:
    with pytest.raises(ValueError, match=r"did you mean .*c4_ms-1x_coco is there, but it has no FPN"):
        zoo.entry("faster_rcnn/faster-rcnn_r50-caffe-c4_1x_coco")


def test_no_config_is_both_taken_and_refused() -> None:
    assert not set(zoo.refused()) & set(zoo.names())


def test_a_very_long_name_is_cut_in_the_message() -> None:
    with pytest.raises(ValueError, match="no detector") as caught:
        zoo.entry("x" * 100_000)

    assert len(str(caught.value)) < 1000


def test_names_are_sorted_and_each_has_levels() -> None:
    names = zoo.names()

    assert list(names) == sorted(names)
    assert {zoo.entry(name).family for name in names} >= {"retinanet", "fcos"}
    assert all(zoo.entry(name).strides == tuple(sorted(zoo.entry(name).strides)) for name in names)
