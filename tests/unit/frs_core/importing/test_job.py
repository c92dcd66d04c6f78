"""An import keeps tensors and says what they are; what is no checkpoint, or another one, is refused."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from frs_core.context import LocalContext
from frs_core.errors import CheckpointError
from frs_core.spec import ImportSpec, read_spec
from frs_core.weights.sources import WeightsSources

if TYPE_CHECKING:
    from tests.fixtures.https_server import HttpsServer

pytestmark = pytest.mark.torch


@pytest.fixture
def source(tmp_path: Path) -> Path:
    import torch

    tensors = {"module.a": torch.arange(6.0).reshape(2, 3), "module.b": torch.ones(2, dtype=torch.float16)}
    torch.save(
        {"state_dict": tensors, "meta": {"CLASSES": ("cell", "plate"), "epoch": 3}}, tmp_path / "a.pth"
    )
    return tmp_path / "a.pth"


def imported(workdir: Path, **spec: Any) -> list[dict[str, Any]]:
    """The events of an import, and no others than these."""
    from frs_core.importing.job import import_checkpoint

    sources = spec.pop("sources", None)
    context = LocalContext(workdir, sources=sources)
    import_checkpoint(ImportSpec(name="theirs", **spec), context)
    return [json.loads(line) for line in (workdir / "events.jsonl").read_text().splitlines()]


def test_tensors_are_kept_under_plain_names_with_the_classes_that_the_file_names(
    source: Path, tmp_path: Path
) -> None:
    import safetensors.torch

    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    *_, artifact, checkpoint = imported(tmp_path / "work", source=str(source), sha256=sha256)
    assert (checkpoint["kind"], checkpoint["path"]) == ("weights", "weights.safetensors")
    expected = {"imported": True, "source_sha256": sha256, "classes": ["cell", "plate"]}
    assert checkpoint["metadata"] == expected
    loaded = safetensors.torch.load_file(tmp_path / "work" / "weights.safetensors")
    assert {name: tensor.tolist() for name, tensor in loaded.items()} == {
        "a": [[0, 1, 2], [3, 4, 5]],
        "b": [1, 1],
    }
    facts = json.loads((tmp_path / "work" / artifact["path"]).read_text())
    assert (facts["num_tensors"], facts["num_parameters"], facts["meta"]["epoch"]) == (2, 8, 3)


def test_another_file_than_announced_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not the one given") as caught:
        imported(tmp_path / "work", source=str(source), sha256="0" * 64)
    assert caught.value.field == "sha256"


def test_code_is_not_run(tmp_path: Path) -> None:
    import torch

    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"a": torch.zeros(1), "b": Hostile()}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError):
        imported(tmp_path / "work", source=str(tmp_path / "a.pth"))
    assert not (tmp_path / "ran").exists()


def test_an_address_is_fetched_first(source: Path, tmp_path: Path, https_server: "HttpsServer") -> None:
    https_server.files["/a.pth"] = source.read_bytes()
    own = (https_server.host,)
    sources = WeightsSources(mirror=tmp_path / "mirror", hosts=own, private_hosts=own)
    events = imported(tmp_path / "work", source=https_server.url("/a.pth"), sources=sources)
    assert events[-1]["kind"] == "weights"


def test_its_specification_is_known_by_its_kind() -> None:
    spec = ImportSpec(name="theirs", source="/a.pth")
    assert read_spec(spec.model_dump(mode="json")) == spec
