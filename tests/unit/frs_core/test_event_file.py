"""Event files are what TensorBoard's own reader makes of them."""

import io
import math
import struct
from pathlib import Path

from frs_core.event_file import FILE_NAME, EventFile
from tests.fixtures.tensorboards import read_events


def written(folder: Path, **series: list[tuple[int, float, float]]) -> Path:
    with (folder / FILE_NAME).open("wb") as file:
        events = EventFile(file, begun=1_700_000_000.25)
        events.hparams({"method": "frs", "seed": 3, "schedule.lr": 0.001, "is": True})
        for tag, points in series.items():
            events.scalars(tag.replace("_", "/"), points)
    return folder


def single(value: float) -> float:
    found: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return found


def test_tensorboard_reads_every_point_of_every_series(tmp_path: Path) -> None:
    loss = [(step, 1_700_000_000.5 + step, 1 / (step + 1)) for step in range(0, 40_000, 7)]
    found, _ = read_events(written(tmp_path, train_loss=loss, val_ap=[(9, 1.0, 0.25), (5, 2.0, 0.5)]))
    assert found["train/loss"] == [(step, moment, single(value)) for step, moment, value in loss]
    assert found["val/ap"] == [(9, 1.0, 0.25), (5, 2.0, 0.5)]


def test_what_is_no_number_stays_so(tmp_path: Path) -> None:
    points = [
        (0, 1.0, math.nan),
        (1, 1.0, math.inf),
        (2, 1.0, -math.inf),
        (3, 1.0, 1e300),
        (2**40, 1.0, -1e300),
    ]
    found, _ = read_events(written(tmp_path, a=points))
    values = [value for _, _, value in found["a"]]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf, math.inf, -math.inf]
    assert found["a"][-1][0] == 2**40


def test_its_hparams_tab_knows_what_the_run_was_made_with(tmp_path: Path) -> None:
    from tensorboard.plugins.hparams import plugin_data_pb2

    _, reader = read_events(written(tmp_path, a=[(0, 1.0, 1.0)]))
    content = reader.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    started = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    assert {name: value.WhichOneof("kind") for name, value in started.hparams.items()} == {
        "method": "string_value", "seed": "number_value", "schedule.lr": "number_value", "is": "bool_value",
    }  # fmt: skip
    assert started.hparams["schedule.lr"].number_value == 0.001
    assert started.start_time_secs == 1_700_000_000.25
    content = reader.SummaryMetadata("_hparams_/session_end_info").plugin_data.content
    assert plugin_data_pb2.HParamsPluginData.FromString(content).session_end_info.status == 1


def test_the_same_makes_the_same_bytes() -> None:
    files = []
    for _ in range(2):
        files.append(io.BytesIO())
        EventFile(files[-1], begun=1.0).scalars("a", [(1, 2.0, 3.0)])
    assert files[0].getvalue() == files[1].getvalue()
