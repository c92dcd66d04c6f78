"""Writes TensorBoard's event files: framed records, each an `Event` message of TensorFlow's protocol.

Written out here because it is little: three messages and a checksum. The libraries that write such files
stamp them with the host and the moment, so that no two are equal, and bring a cloud's client or TensorBoard
itself. The formats are those of tensorflow/core/util/event.proto, framework/summary.proto and
lib/io/record_writer.h, and of TensorBoard's plugins/hparams/plugin_data.proto.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, islice
from typing import Any, BinaryIO

import numpy as np

FILE_NAME = "events.out.tfevents.frs"
"""TensorBoard takes whatever has `tfevents` in its name."""

Point = tuple[int, float, float]
"""A step, the seconds of the epoch when it was recorded, and the value: a finite number or not."""

Hparam = str | float | bool
_BATCH = 10_000
_MASK_DELTA = 0xA282EAD8
_POLYNOMIAL = 0x82F63B78  # Castagnoli's, reflected
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class EventFile:
    """An event file that is being written to `file`; the same content always makes the same bytes."""

    def __init__(self, file: BinaryIO, *, begun: float) -> None:
        self._file = file
        self._begun = begun
        self._write(_event(begun, 0, _text(3, "brain.Event:2")))

    def hparams(self, values: Mapping[str, Hparam]) -> None:
        """Say what the run was made with, for the tab that compares runs by it."""
        entries = b"".join(
            _message(1, _text(1, name) + _message(2, _hparam(value)))
            for name, value in sorted(values.items())
        )
        started = _message(3, entries + _double(5, self._begun))
        ended = _message(4, _integer(1, 1))
        for tag, content in (("session_start_info", started), ("session_end_info", ended)):
            plugin = _message(1, _text(1, "hparams") + _message(2, content))
            value = _text(1, f"_hparams_/{tag}") + _message(9, plugin)
            self._write(_event(self._begun, 0, _message(5, _message(1, value))))

    def scalars(self, tag: str, points: Iterable[Point]) -> None:
        """Write a series. Values become single precision, as all readers of such files expect them."""
        name = _text(1, tag)
        records = (_scalar(name, *point) for point in points)
        while batch := list(islice(records, _BATCH)):
            for _, same in groupby(batch, len):
                self._write(*same)

    def _write(self, *records: bytes) -> None:
        """Append records of one length, whose checksums are then reckoned side by side."""
        length = struct.pack("<Q", len(records[0]))
        head = length + struct.pack("<I", *_masked([length]))
        ends = _masked(records)
        for data, end in zip(records, ends, strict=True):
            self._file.write(head + data + struct.pack("<I", end))


def _scalar(name: bytes, step: int, moment: float, value: float) -> bytes:
    scalar = _key(2, _FIXED32) + struct.pack("<f", _single(value))
    return _event(moment, step, _message(5, _message(1, name + scalar)))


def _event(moment: float, step: int, what: bytes) -> bytes:
    return _double(1, moment) + _integer(2, step) + what


def _hparam(value: Hparam) -> bytes:
    """A google.protobuf.Value."""
    if isinstance(value, bool):
        return _integer(4, int(value))
    return _text(3, value) if isinstance(value, str) else _double(2, float(value))


def _single(value: float) -> float:
    """Beyond what single precision holds, the infinity that rounding gives."""
    try:
        struct.pack("<f", value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return value


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _integer(number: int, value: int) -> bytes:
    return _key(number, _VARINT) + _varint(value)


def _double(number: int, value: float) -> bytes:
    return _key(number, _FIXED64) + struct.pack("<d", value)


def _message(number: int, content: bytes) -> bytes:
    return _key(number, _BYTES) + _varint(len(content)) + content


def _text(number: int, text: str) -> bytes:
    return _message(number, text.encode())


def _row(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = np.array([_row(byte) for byte in range(256)], dtype=np.uint32)


def crc32c(records: Sequence[bytes]) -> "np.ndarray[Any, np.dtype[np.uint32]]":
    """Castagnoli's checksums of records that are all of one length.

    >>> [hex(crc) for crc in crc32c([b"123456789", b"123456789"]).tolist()]
    ['0xe3069283', '0xe3069283']
    """
    rows = np.frombuffer(b"".join(records), np.uint8).reshape(len(records), -1)
    crc = np.full(len(records), 0xFFFFFFFF, np.uint32)
    for column in rows.T:
        crc = _TABLE[(crc ^ column) & 0xFF] ^ (crc >> 8)
    return crc ^ np.uint32(0xFFFFFFFF)


def _masked(records: Sequence[bytes]) -> list[int]:
    """As record files have them, lest a checksum of checksums be weak."""
    return [(crc >> 15 | crc << 17) + _MASK_DELTA & 0xFFFFFFFF for crc in map(int, crc32c(records))]
