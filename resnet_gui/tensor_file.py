"""Models and checkpoints on disk: one safetensors file, a description in its header, and a SHA-256 over all of it.

A safetensors file is the length of its header (8 bytes, little end first), the header (JSON), and the tensors' bytes.
The header's `__metadata__` holds the description, as JSON, and in it the digest: that of the whole file in which the
64 digits of the digest are zeros. So a flipped bit is found wherever it is. Nothing here imports torch: the window
reads headers, too.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from resnet_gui import __version__
from resnet_gui.atomic_write import atomic_write
from resnet_gui.memory import free_memory
from resnet_gui.messages import Value
from resnet_gui.regular_file import open_regular
from resnet_gui.tensor_header import LONGEST, TensorEntry, parse_header, parse_json

FORMAT = 3
"""The newest version of a description. A reader refuses a newer one, since it could not know what it misses.

Files of format 1 had no digest. What needs a format above the usual one is listed in `model_fields.FORMATS`.
"""
USUAL_FORMAT = 2
"""The version of a description that names no other: earlier versions of this program read it, too."""

_DESCRIPTION = "resnet_gui"
_DIGEST = "sha256"
_ZEROS = "0" * 64
_CHUNK = 2**20
_VERIFIED_BYTES = 2**28
"""The largest file whose digest is computed only to tell damage from other faults."""


class NewerFormat(ValueError):
    """The file was written by a newer version of this program, in the format given as argument."""

    def __init__(self, number: int, version: object) -> None:
        super().__init__(number)
        self._version = version

    @property
    def values(self) -> dict[str, Value]:
        """For a sentence: the file's format and the version that wrote it, and this program's own."""
        known = isinstance(self._version, str) and re.fullmatch(r"[\w.+!-]{1,30}", self._version, re.ASCII)
        version = str(self._version) if known else "(a newer version)"
        return {"format": self.args[0], "version": version, "own": __version__, "known": FORMAT}


class TensorFile:
    """An open file whose header has been read and found to fit the file; its digest is not verified yet."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        if not self.size:
            raise ValueError("it is empty (0 bytes)")
        self._start = file.read(8)
        length = int.from_bytes(self._start, "little")
        if not 0 < length <= self.size - 8:
            raise ValueError("it is not a complete safetensors file")
        if length > LONGEST:
            raise ValueError("its header is larger than that of any model")
        self._header = file.read(length)
        if f'"{_DESCRIPTION}"'.encode() not in self._header:
            raise ValueError("it holds weights, but not this program's description of them")
        header = parse_header(self._header, self.size - 8 - length)
        self.tensors: Mapping[str, TensorEntry] = header.tensors
        self.description = _description(header.metadata)

    def read(self) -> bytes:
        """The whole file's bytes, whose digest was verified.

        The file is read, not mapped: a mapped file that is cut short would kill the process. Raises `ValueError`, also for
        a file that memory does not hold.
        """
        if self.size > free_memory():
            raise ValueError("it is larger than the memory that is free")
        self._file.seek(0)
        data = self._file.read(self.size)
        self._compare(iter((memoryview(data)[len(self._start) + len(self._header) :],)))
        return data

    @contextlib.contextmanager
    def unless_damaged(self) -> Iterator[None]:
        """A `ValueError` in here becomes that of a damaged file if the digest is not right: a bit may have flipped."""
        try:
            yield
        except ValueError:
            if self.size <= _VERIFIED_BYTES:
                self.verify()
            raise

    def verify(self) -> None:
        """Reads the file through. Raises `ValueError` if its digest is not right."""
        self._file.seek(len(self._start) + len(self._header))
        self._compare(iter(lambda: self._file.read(_CHUNK), b""))

    def _compare(self, tensors: Iterator[bytes | memoryview]) -> None:
        digest = self.description.get(_DIGEST)
        if not digest and self.description["format"] == 1:
            return
        offset = _digest_offset(f"{digest}", self._header)
        hashed = hashlib.sha256(self._start + self._header[:offset])
        hashed.update(_ZEROS.encode("ascii") + self._header[offset + len(_ZEROS) :])
        for piece in tensors:
            hashed.update(piece)
        if hashed.hexdigest() != digest:
            raise ValueError("its content does not match its checksum, so it is damaged")


@contextlib.contextmanager
def open_tensor_file(path: Path) -> Iterator[TensorFile]:
    """The file `path`, for what must be checked before it is read.

    Raises `OSError`, `ValueError` for a file that is damaged or is another's, `NewerFormat`.
    """
    with open_regular(path) as opened:
        file = TensorFile(opened)
        if file.description["format"] > FORMAT:
            file.verify()  # a flipped bit must not look like a newer version
        yield _known(file)


def read_tensor_file(path: Path) -> tuple[dict[str, Any], bytes]:
    """The description and the whole file's bytes, whose digest was verified. Raises as `open_tensor_file`."""
    with open_tensor_file(path) as file:
        return file.description, file.read()


def read_description(path: Path) -> dict[str, Any]:
    """The description alone, without reading the tensors: quick, and not verified. Raises as `open_tensor_file`."""
    with open_regular(path) as file:
        return _known(TensorFile(file)).description


def safetensors_metadata(description: Mapping[str, Any]) -> dict[str, str]:
    """The metadata to pass to safetensors' `save`. Raises `ValueError` for NaN, which JSON does not have."""
    return {_DESCRIPTION: json.dumps({"format": USUAL_FORMAT, **description, _DIGEST: _ZEROS}, allow_nan=False)}


def write_tensor_file(path: Path, data: bytes) -> None:
    """Puts the digest into `data`, a safetensors file made with `safetensors_metadata()`, and writes it atomically.

    Raises `OSError`; then `path` holds what it held before, or `data`, which a power cut could still lose.
    """
    offset = _digest_offset(_ZEROS, data)
    digest = hashlib.sha256(data).hexdigest().encode("ascii")
    atomic_write(path, data[:offset], digest, memoryview(data)[offset + len(_ZEROS) :])


def _known(file: TensorFile) -> TensorFile:
    number, best = file.description["format"], file.description.get("best")
    if number > FORMAT:
        made_by = file.description.get("resnet_gui") or (best.get("resnet_gui") if isinstance(best, dict) else None)
        raise NewerFormat(number, made_by)
    return file


def _description(metadata: Mapping[str, Any]) -> dict[str, Any]:
    text = metadata.get(_DESCRIPTION)
    if text is None:
        raise ValueError("it holds weights, but not this program's description of them")
    description = parse_json(text) if isinstance(text, str) else None
    number = description.get("format") if isinstance(description, dict) else None
    if type(number) is not int or not 1 <= number < 10**6:
        raise ValueError("its header is damaged")
    assert isinstance(description, dict)
    return description


def _digest_offset(digest: str, data: bytes) -> int:
    """The offset of `digest` in the header: JSON in a string of the header's JSON, so its quotes are escaped."""
    before = f'\\"{_DIGEST}\\": \\"'.encode("ascii")
    return data.find(before + digest.encode("ascii", "replace")) + len(before)
