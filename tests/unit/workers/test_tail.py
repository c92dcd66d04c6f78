"""Whole lines only, each once, in order."""

from pathlib import Path

import pytest

from frs_core.events import MetricEvent, WarningEvent
from workers.tail import MAX_CHUNK_BYTES, EventTail, LogTail, last_lines


def line(step: int) -> str:
    return MetricEvent(time=1.0, step=step, values={"train/loss": 0.5}).model_dump_json() + "\n"


def append(path: Path, text: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(text.encode() if isinstance(text, str) else text)


def test_a_line_is_read_once_it_is_whole_and_only_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    assert tail.read() == []
    append(path, line(1) + line(2)[:10])
    assert [event.step for event in tail.read() if isinstance(event, MetricEvent)] == [1]
    assert tail.read() == []
    append(path, line(2)[10:] + line(3))
    assert [event.step for event in tail.read() if isinstance(event, MetricEvent)] == [2, 3]


def test_a_line_longer_than_one_read_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    values = {f"val/{'x' * 40}/{number}": 0.25 for number in range(30_000)}
    append(path, MetricEvent(time=1.0, step=1, values=values).model_dump_json() + "\n" + line(2))
    tail = EventTail(path)
    first, *others = tail.read()
    assert isinstance(first, MetricEvent)
    assert len(first.values) == 30_000
    assert len(others or tail.read()) == 1


@pytest.mark.parametrize("text", ["not json", '{"type": "metric"}', '{"type": "unknown"}', "\x00\xff"])
def test_a_line_that_is_no_event_becomes_a_warning_that_shows_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "events.jsonl"
    append(path, text + "\n" + line(1))
    warning, event = EventTail(path).read()
    assert isinstance(warning, WarningEvent)
    assert warning.code == "malformed_event"
    assert text in warning.message
    assert isinstance(event, MetricEvent)


def test_output_comes_in_chunks_that_end_with_a_line(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    tail = LogTail(path)
    assert tail.peek() is None
    append(path, "one\ntwo\nthr")
    chunk = tail.peek()
    assert chunk is not None
    assert (chunk.offset, chunk.text) == (0, "one\ntwo\n")
    assert tail.peek() == chunk
    tail.advance(chunk)
    assert tail.peek() is None
    last = tail.peek(final=True)
    assert last is not None
    assert (last.offset, last.text) == (8, "thr")


def test_endless_lines_bytes_that_are_no_text_and_nulls_are_delivered(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    append(path, b"\xff\0" + b"." * (2 * MAX_CHUNK_BYTES))
    tail = LogTail(path)
    offsets = []
    texts = []
    while chunk := tail.peek(final=True):
        offsets.append(chunk.offset)
        texts.append(chunk.text)
        tail.advance(chunk)
    assert offsets == [0, MAX_CHUNK_BYTES, 2 * MAX_CHUNK_BYTES]
    assert "".join(texts) == "\ufffd\ufffd" + "." * (2 * MAX_CHUNK_BYTES)


def test_the_last_lines_are_those_with_something_in_them(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    assert last_lines(path, 2) == []
    append(path, "x" * 20_000 + "\none\n\n  two  \n\n")
    assert last_lines(path, 2) == ["one", "  two"]
