"""`frs datasets`: what is sent, what is shown, and how it ends."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.service.cli.conftest import NOW, FakeServer, Run


def version_of(state: str, **more: Any) -> dict[str, Any]:
    number = 1 if state == "ready" else None
    return {
        "id": "v123456789abcdef",
        "dataset": "cells",
        "number": number,
        "reference": number and "cells@1",
        "state": state,
        "source": "folder",
        "format": "voc",
        "root": "/srv/cells",
        "created_at": NOW,
        **more,
    }


def dataset_of(*versions: dict[str, Any]) -> dict[str, Any]:
    return {"id": "d1", "name": "cells", "created_at": NOW, "versions": list(versions)}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.client.datasets.POLL_SECONDS", 0.0)


def test_a_folder_is_registered_by_its_whole_path_and_waited_for(
    server: FakeServer, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server.answers["POST /datasets"] = version_of("registered")
    server.answers["GET /datasets/cells/versions/v123456789abcdef"] = [
        version_of("checking"), version_of("ready", images={"train": 3}),
    ]  # fmt: skip
    ended = run("datasets", "register", "cells", "voc", "--format", "voc", "--test", "test", "--wait")
    assert (ended.code, "cells@1  ready" in ended.out) == (0, True)
    assert server.sent(0) == {
        "name": "cells", "format": "voc", "root": str(tmp_path / "voc"), "train": "train", "val": "val",
        "test": "test", "options": {},
    }  # fmt: skip


def test_an_archive_is_sent_as_it_is(server: FakeServer, run: Run, tmp_path: Path) -> None:
    archive = tmp_path / "cells.zip"
    archive.write_bytes(b"zip" * 1000)
    server.answers["POST /datasets/upload"] = version_of("registered", source="upload", root=None)
    options = '{"images": "images"}'
    ended = run("datasets", "upload", "cells", archive, "--format", "coco", "--options", options, "--json")
    assert ended.code == 0
    [request] = server.requests
    assert request.content == archive.read_bytes()
    assert dict(request.url.params) == {
        "name": "cells", "format": "coco", "train": "train", "val": "val", "options": options,
    }  # fmt: skip


def test_data_that_cannot_be_used_end_with_their_faults(server: FakeServer, run: Run) -> None:
    fault = {
        "severity": "error",
        "code": "x",
        "field": "dataset.train",
        "message": "is empty",
        "examples": ["a"],
    }
    server.answers["POST /datasets"] = version_of("failed", faults=[fault])
    ended = run("datasets", "register", "cells", "/srv/cells", "--format", "voc", "--wait")
    assert ended.code == 1
    assert "error: dataset.train: is empty (a)" in ended.out
    assert "cells cannot be used" in ended.err


def test_a_list_names_the_newest_version_and_show_its_numbers(
    server: FakeServer, run: Run, make_problem: Callable[..., Any]
) -> None:
    split = {
        "images": 3, "images_without_boxes": 1, "boxes": 7, "per_class": {"red": 7},
        "sizes": {"small": 4, "medium": 2, "large": 1},
    }  # fmt: skip
    ready = version_of("ready", images={"train": 3}, classes=["red"], statistics={"splits": {"train": split}})
    server.answers["GET /datasets"] = {"items": [dataset_of(ready)], "next_cursor": None}
    server.answers["GET /datasets/cells"] = dataset_of(version_of("failed"), ready)
    server.answers["GET /datasets/cells/versions/9"] = make_problem(404, "cells has no version '9'")
    assert "cells@1" in run("datasets", "list").out
    server.answers["GET /datasets"] = {
        "items": [dataset_of(version_of("failed", id="v" * 16), ready)],
        "next_cursor": None,
    }
    assert "cells@1  ready, then failed" in run("datasets", "list").out
    assert "red 7" in run("datasets", "show", "cells").out
    assert "no version '9'" in run("datasets", "show", "cells@9").err
    assert run("datasets", "show", "cells", "--json").out.startswith("{")


def test_deleting_asks_first(server: FakeServer, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["DELETE /datasets/cells/versions/1"] = {}
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run("datasets", "delete", "cells@1").code != 0
    assert server.requests == []
    assert run("datasets", "delete", "cells@1", "--yes").code == 0
    assert server.requests[-1].url.path.endswith("/versions/1")
