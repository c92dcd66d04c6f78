import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

pytest.importorskip("mmengine")

from frs_core import zoo
from frs_core.zoo import generate

Package = Callable[..., Path]

DETECTOR = """
    model = dict(
        type='FCOS',
        data_preprocessor=dict(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0], bgr_to_rgb=True),
        backbone=dict(type='ResNet', depth=18),
        neck=dict(type='FPN', out_channels=64),
        bbox_head=dict(type='FCOSHead', strides=[4, 8], feat_channels=32),
    )
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Makes a package of configs, {path: text}, with one metafile, the installed one."""

    def make(configs: dict[str, str], metafile: str = "Models: []\n") -> Path:
        (tmp_path / "model-index.yml").write_text("Import:\n  - configs/metafile.yml\n")
        for name, text in configs.items():
            path = tmp_path / "configs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
        (tmp_path / "configs" / "metafile.yml").write_text(dedent(metafile))
        monkeypatch.setattr(generate, "mim_folder", lambda: tmp_path)
        return tmp_path

    return make


def _entries() -> list[zoo.ZooEntry]:
    return [zoo.ZooEntry.model_validate(item) for item in json.loads(generate.generate())["entries"]]


def test_an_entry_holds_what_config_and_metadata_state(package: Package) -> None:
    package(
        {"my/tiny.py": DETECTOR},
        """
        Models:
          - Name: tiny
            Config: configs/my/tiny.py
            Weights: https://example.org/tiny-0123abcd.pth
            Results: [{Task: Object Detection, Dataset: COCO, Metrics: {box AP: 12.5}}]
        """,
    )

    (entry,) = _entries()

    assert (entry.name, entry.family, entry.strides) == ("my/tiny", "fcos", (4, 8))
    assert (entry.fpn_channels, entry.head_channels, entry.stacked_convs) == (64, 32, 4)
    assert (entry.head_norm_groups, entry.backbone_depth, entry.mean) == (32, 18, (1.0, 2.0, 3.0))
    assert (entry.weights_sha256_prefix, entry.published_ap) == ("0123abcd", 12.5)


@pytest.mark.parametrize(
    ("old", "new", "lack"),
    [
        ("type='FCOS'", "type='NASFCOS'", "a detector of type NASFCOS"),
        ("type='FPN'", "type='PAFPN'", "its neck is PAFPN"),
        ("neck=dict(type='FPN', out_channels=64)", "roi_head=dict(shared_head=dict(type='ResLayer'))", "C4"),
        ("neck=dict(type='FPN', out_channels=64)", "neck=None", "DC5"),
        ("type='FCOSHead'", "type='FCOSMaskHead'", "its head is FCOSMaskHead"),
        ("backbone=", "mask_head=dict(type='FCNMaskHead'), backbone=", "mask head"),
        ("strides=[4, 8], ", "", "strides"),
        ("feat_channels=32", "cls_predictor_cfg=dict(type='NormedLinear')", "NormedLinear"),
    ],
)
def test_other_detectors_are_refused_for_what_they_lack(
    package: Package, old: str, new: str, lack: str
) -> None:
    package({"my/tiny.py": DETECTOR.replace(old, new)})

    index = json.loads(generate.generate())

    assert index["entries"] == []
    [refusal] = index["refused"]
    assert refusal["names"] == ["my/tiny"]
    assert lack in refusal["reason"]


def test_a_config_that_needs_another_package_is_refused_for_it(package: Package) -> None:
    package({"my/foreign.py": DETECTOR + "    custom_imports = dict(imports=['elsewhere.models'])\n"})

    [refusal] = json.loads(generate.generate())["refused"]

    assert refusal == {"reason": "it needs the package elsewhere", "names": ["my/foreign"]}


def test_parts_and_configs_that_miss_files_are_left_out(package: Package) -> None:
    package(
        {
            "my/incomplete.py": "_base_ = './gone.py'\n",
            "my/tiny_tta.py": DETECTOR,
            "_base_/tiny.py": DETECTOR,
        }
    )

    index = json.loads(generate.generate())
    assert (index["entries"], index["refused"]) == ([], [])


@pytest.mark.parametrize(
    ("old", "new", "operators"),
    [
        ("depth=18", "depth=18, dcn=dict(type='DCN')", ("deform_conv",)),
        ("depth=18", "depth=18, plugins=[dict(cfg=dict(type='DCNv2'))]", ("modulated_deform_conv",)),
        ("feat_channels=32", "dcn_on_last_conv=True", ("modulated_deform_conv",)),
        ("depth=18", "depth=34", ()),
    ],
)
def test_operators_are_found_wherever_they_stand(
    package: Package, old: str, new: str, operators: tuple[str, ...]
) -> None:
    package({"my/tiny.py": DETECTOR.replace(old, new)})

    [entry] = _entries()
    assert entry.operators == operators
    assert entry.backbone_operators == (operators if "depth" in old else ())


def test_the_backbones_weights_are_named_with_their_address(package: Package) -> None:
    start = "depth=18, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')"
    package({"my/tiny.py": DETECTOR.replace("depth=18", start)})

    [entry] = _entries()
    addresses = dict(json.loads(generate.generate())["backbone_weights"])

    assert entry.backbone_weights == "torchvision://resnet18"
    assert addresses["torchvision://resnet18"].startswith("https://download.pytorch.org/models/resnet18-")


def test_check_says_where_the_index_differs(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package({"my/tiny.py": DETECTOR})
    monkeypatch.setattr(generate, "INDEX", tmp_path / "index.json")
    said: list[str] = []

    def run(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["generate", *arguments])
        return generate.main(said.append)

    assert run("--check") == 1
    assert "run python -m frs_core.zoo.generate" in said[-1]
    assert run() == 0
    assert run("--check") == 0


def test_the_committed_index_agrees_with_the_installed_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For two configs; `--check` compares all of them and takes longer."""
    folder = generate.mim_folder()
    names = ("retinanet/retinanet_r50_fpn_1x_coco", "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco")
    metadata = generate._metadata(folder)
    configs = {name: generate._detector_config(folder / "configs" / f"{name}.py") for name in names}

    found = [
        generate._entry(name, config.model, metadata[f"configs/{name}.py"])
        for name, config in configs.items()
        if config is not None
    ]

    assert found == [zoo.entry(name) for name in names]
