"""Which GPUs a worker lends, by what nvidia-smi and CUDA_VISIBLE_DEVICES say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers.devices import DevicesError, compiled_operators, describe, discover_gpus, lent_gpus

LISTING = """GPU-aaaa, NVIDIA H100 80GB HBM3, 81559
GPU-bbbb, NVIDIA H100 80GB HBM3, [N/A]
"""


@pytest.fixture
def nvidia_smi(tmp_path: Path) -> str:
    """A PATH with a program that answers as nvidia-smi does."""
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\nprintf '%s' '{LISTING}'\n")
    program.chmod(0o755)
    return str(tmp_path)


def test_a_host_without_the_driver_has_none(tmp_path: Path) -> None:
    assert discover_gpus({"PATH": str(tmp_path)}) == []


def test_a_driver_that_fails_means_none(nvidia_smi: str) -> None:
    (Path(nvidia_smi) / "nvidia-smi").write_text("#!/bin/sh\necho 'no devices were found'\nexit 6\n")
    assert discover_gpus({"PATH": nvidia_smi}) == []


def test_every_gpu_is_found_with_its_name_and_memory(nvidia_smi: str) -> None:
    first, second = discover_gpus({"PATH": nvidia_smi})
    assert (first.uuid, first.name, first.memory_mib) == ("GPU-aaaa", "NVIDIA H100 80GB HBM3", 81559)
    assert (second.uuid, second.memory_mib) == ("GPU-bbbb", None)


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        ("", []),
        ("-1", []),
        ("1,0", ["GPU-bbbb", "GPU-aaaa"]),
        ("GPU-bb", ["GPU-bbbb"]),
        ("0,7,1", ["GPU-aaaa"]),
        ("MIG-1234", ["MIG-1234"]),
    ],
)
def test_only_visible_devices_count(nvidia_smi: str, visible: str, found: list[str]) -> None:
    gpus = discover_gpus({"PATH": nvidia_smi, "CUDA_VISIBLE_DEVICES": visible})
    assert [gpu.uuid for gpu in gpus] == found


def test_operators_are_found_by_the_file_of_the_extension(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "a_package_like_mmcv"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('it was imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert compiled_operators("a_package_like_mmcv") == ()
    (package / "_ext.cpython-311-x86_64-linux-gnu.so").touch()
    assert compiled_operators("a_package_like_mmcv") == ("deform_conv", "modulated_deform_conv", "softnms")
    assert compiled_operators("a_package_that_is_not_there") == ()


def test_the_ledger_is_told_devices_slots_and_cpus(nvidia_smi: str) -> None:
    told = describe(discover_gpus({"PATH": nvidia_smi}), 2, ("softnms",))
    assert told["slots"] == 2
    assert told["cpus"] >= 1
    assert (told["gpus_per_job"], told["operators"]) == (2, ["softnms"])
    assert [gpu["uuid"] for gpu in told["gpus"]] == ["GPU-aaaa", "GPU-bbbb"]


@pytest.mark.parametrize(
    ("devices", "uuids"),
    [
        ("", ["GPU-aaaa", "GPU-bbbb"]),
        ("none", []),
        ("1", ["GPU-bbbb"]),
        ("1, 0", ["GPU-bbbb", "GPU-aaaa"]),
        ("GPU-aa", ["GPU-aaaa"]),
    ],
)
def test_a_worker_lends_the_devices_that_it_is_told_to(
    nvidia_smi: str, devices: str, uuids: list[str]
) -> None:
    assert [gpu.uuid for gpu in lent_gpus(devices, {"PATH": nvidia_smi})] == uuids


@pytest.mark.parametrize(
    ("devices", "fault"),
    [
        ("0,2", "'2' is not there"),
        ("0,0", "'0' is named twice"),
        ("0,", "'' is not there"),
        ("x", "'x' is not"),
    ],
)
def test_devices_that_are_not_there_are_refused_with_those_that_are(
    nvidia_smi: str, devices: str, fault: str
) -> None:
    with pytest.raises(DevicesError, match=fault) as caught:
        lent_gpus(devices, {"PATH": nvidia_smi})
    assert "0 (GPU-aaaa), 1 (GPU-bbbb)" in str(caught.value)


def test_the_command_refuses_devices_that_are_not_there(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "workers", "--devices", "0,1"]
    ended = subprocess.run(
        command, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, "This host has none" in ended.stderr) == (1, True)
