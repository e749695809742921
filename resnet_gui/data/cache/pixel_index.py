"""Whose pixels lie where in a file: a table with 68 bytes for each picture."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from resnet_gui.data.snapshot import Version
from resnet_gui.tensor_file import metadata, read_tensor_file

_ROW = struct.Struct("<Q 3q 16s 2i q I")
ROW_BYTES = _ROW.size
_HEADER_BYTES = 1024
_ROWS = np.dtype(
    [
        ("name", "<u8"), ("version", "<i8", 3), ("digest", "V16"), ("size", "<i4", 2), ("offset", "<i8"),
        ("checksum", "<u4"),
    ]
)  # fmt: skip
"""The same bytes, to reckon with all rows at once; one at a time `_ROW` is ten times as fast."""


class Row(NamedTuple):
    """The picture `name`, 64 bits of a digest of its path, made from a file of that size, times and digest (see `Snapshot`).

    Its pixels begin at `offset` and have the CRC-32 `checksum`.
    """

    name: int
    file_size: int
    modified: int
    touched: int
    digest: bytes
    width: int
    height: int
    offset: int
    checksum: int

    @property
    def version(self) -> Version:
        """The file's version."""
        return self.file_size, self.modified, self.touched


class PixelIndex:
    """The rows by name. Not safe from several threads."""

    def __init__(self, table: bytes = b"") -> None:
        self._table = bytearray(table)
        names: list[int] = self._rows()["name"].tolist()
        self._places = dict(zip(names, range(len(names)), strict=True))

    @classmethod
    def read(cls, path: Path, channels: int, size: int) -> PixelIndex:
        """What was `packed` into the file `path`, as far as it lies within `size` bytes of pixels of so many channels.

        An empty one if the file is missing or damaged, or if most of the pixels are those of pictures that were
        replaced since.
        """
        try:
            rows = safetensors.numpy.load(read_tensor_file(path)[1])[_ROW.format].reshape(-1).view(_ROWS)
        except (OSError, ValueError, KeyError, SafetensorError):
            return cls()
        rows = rows[_ends(rows, channels) <= size]
        if 2 * _counts(rows, channels).sum() < _ends(rows, channels).max(initial=0):
            return cls()
        return cls(rows.tobytes())

    def packed(self) -> bytes:
        """All of it, for `write_tensor_file`."""
        rows = self._rows()[list(self._places.values())]
        return safetensors.numpy.save({_ROW.format: rows.view(np.uint8)}, metadata({"kind": "pixels"}))

    @property
    def packed_bytes(self) -> int:
        """How many bytes it takes at most, packed."""
        return len(self._table) + _HEADER_BYTES

    def end(self, channels: int) -> int:
        """Where the last of the pixels end."""
        return int(_ends(self._rows(), channels).max(initial=0))

    def find(self, name: int) -> Row | None:
        """The picture's row, if it has one."""
        place = self._places.get(name)
        return None if place is None else Row(*_ROW.unpack_from(self._table, place * ROW_BYTES))

    def set(self, row: Row) -> None:
        """Adds the row, in place of one of the same name."""
        place = self._places.setdefault(row.name, len(self._table) // ROW_BYTES)
        self._table[place * ROW_BYTES : (place + 1) * ROW_BYTES] = _ROW.pack(*row)

    def forget(self, name: int) -> None:
        """Takes the row out, if there is one."""
        self._places.pop(name, None)

    def clear(self) -> None:
        """Takes all rows out."""
        self._places.clear()
        self._table.clear()

    def _rows(self) -> NDArray[Any]:
        return np.frombuffer(self._table, _ROWS)


def _counts(rows: NDArray[Any], channels: int) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = channels * rows["size"].prod(axis=1, dtype=np.int64)
    return counts


def _ends(rows: NDArray[Any], channels: int) -> NDArray[np.int64]:
    ends: NDArray[np.int64] = rows["offset"] + _counts(rows, channels)
    return ends
