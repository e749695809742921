"""Which picture's pixels lie at which offset of a file: a table with 68 bytes for each picture."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from resnet_gui.data.snapshot import Version
from resnet_gui.tensor_file import read_tensor_file, safetensors_metadata

_ROW = struct.Struct("<Q 3q 16s 2i q I")
ROW_BYTES = _ROW.size
_HEADER_BYTES = 1024
_ROWS = np.dtype(
    [
        ("name", "<u8"), ("version", "<i8", 3), ("digest", "V16"), ("size", "<i4", 2), ("offset", "<i8"),
        ("checksum", "<u4"),
    ]
)  # fmt: skip
"""The same layout for numpy, to compute on all rows at once; for a single row `_ROW` is ten times as fast."""


class Row(NamedTuple):
    """One picture. `name` is a 64-bit hash of its path; size, times and digest are those of its file (see `Snapshot`).

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
    """The rows by name. Not thread-safe."""

    def __init__(self, table: bytes = b"") -> None:
        self._table = bytearray(table)
        names: list[int] = self._rows()["name"].tolist()
        self._indices = dict(zip(names, range(len(names)), strict=True))

    @classmethod
    def read(cls, path: Path, channels: int, size: int) -> PixelIndex:
        """The index that was `packed` into the file `path`, without rows that reach beyond `size` bytes of pixels.

        It is empty if the file is missing or damaged, or if most of the pixels belong to pictures that were replaced.
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
        """The whole index as bytes, for `write_tensor_file`."""
        rows = self._rows()[list(self._indices.values())]
        return safetensors.numpy.save({_ROW.format: rows.view(np.uint8)}, safetensors_metadata({"kind": "pixels"}))

    @property
    def packed_bytes(self) -> int:
        """How many bytes the packed index takes at most."""
        return len(self._table) + _HEADER_BYTES

    def end(self, channels: int) -> int:
        """The offset in bytes at which the last pixels end."""
        return int(_ends(self._rows(), channels).max(initial=0))

    def find(self, name: int) -> Row | None:
        """The picture's row, if it has one."""
        index = self._indices.get(name)
        return None if index is None else Row(*_ROW.unpack_from(self._table, index * ROW_BYTES))

    def set(self, row: Row) -> None:
        """Adds the row, or replaces the one of the same name."""
        index = self._indices.setdefault(row.name, len(self._table) // ROW_BYTES)
        self._table[index * ROW_BYTES : (index + 1) * ROW_BYTES] = _ROW.pack(*row)

    def forget(self, name: int) -> None:
        """Removes the row, if there is one."""
        self._indices.pop(name, None)

    def clear(self) -> None:
        """Removes all rows."""
        self._indices.clear()
        self._table.clear()

    def _rows(self) -> NDArray[Any]:
        return np.frombuffer(self._table, _ROWS)


def _counts(rows: NDArray[Any], channels: int) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = channels * rows["size"].prod(axis=1, dtype=np.int64)
    return counts


def _ends(rows: NDArray[Any], channels: int) -> NDArray[np.int64]:
    ends: NDArray[np.int64] = rows["offset"] + _counts(rows, channels)
    return ends
