"""Models and checkpoints on disk: one safetensors file, a description in its header, and a SHA-256 over all of it.

A safetensors file is the length of its header (8 bytes, little end first), the header (JSON), and the tensors' bytes.
The header's `__metadata__` holds the description, as JSON, and in it the digest: that of the whole file in which the
64 digits of the digest are zeros. So a flipped bit is found wherever it is. Nothing here imports torch: the window
reads headers, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from resnet_gui.atomic_write import atomic_write

FORMAT = GREY_RANGE_FORMAT = 3
"""The newest version of a description. A reader refuses a newer one, since it could not know what it misses.

Files of format 1 had no digest. Those of format 3 have a range of grey, without which their pictures look otherwise.
"""
_USUAL_FORMAT = 2
"""The version of a description that names no other: earlier versions of this program read it, too."""

_DESCRIPTION = "resnet_gui"
_DIGEST = "sha256"
_ZEROS = "0" * 64
_LONGEST_HEADER = 100_000_000  # bytes, as safetensors itself has it


class NewerFormat(ValueError):
    """The file was written by a newer version of this program, in the format given as argument."""


def safetensors_metadata(description: Mapping[str, Any]) -> dict[str, str]:
    """The metadata to pass to safetensors' `save`. Raises `ValueError` for NaN, which JSON does not have."""
    return {_DESCRIPTION: json.dumps({"format": _USUAL_FORMAT, **description, _DIGEST: _ZEROS}, allow_nan=False)}


def write_tensor_file(path: Path, data: bytes) -> None:
    """Puts the digest into `data`, a safetensors file made with `safetensors_metadata()`, and writes it atomically.

    Raises `OSError`; then `path` holds what it held before, or `data`, which a power cut could still lose.
    """
    offset = _digest_offset(_ZEROS, data)
    digest = hashlib.sha256(data).hexdigest().encode("ascii")
    atomic_write(path, data[:offset], digest, memoryview(data)[offset + len(_ZEROS) :])


def read_tensor_file(path: Path) -> tuple[dict[str, Any], bytes]:
    """The description and the whole file's bytes, whose digest was verified.

    The file is read, not mapped: a mapped file that is cut short would kill the process.
    Raises `OSError`, `ValueError` for a file that is damaged or is another's, `NewerFormat`.
    """
    with path.open("rb") as file:
        description = _read_header(
            file
        )  # first, so that another program's file of many gigabytes is not read for nothing
        file.seek(0)
        data = file.read()
    digest = description.get(_DIGEST)
    if (digest or description["format"] > 1) and _digest_of(data, digest) != digest:
        raise ValueError("its content does not match its checksum, so it is damaged")
    return _known(description), data


def read_description(path: Path) -> dict[str, Any]:
    """The description alone, without reading the tensors: quick, and not verified. Raises as `read_tensor_file`."""
    with path.open("rb") as file:
        return _known(_read_header(file))


def _known(description: dict[str, Any]) -> dict[str, Any]:
    """Checks the format, once the digest is verified: a flipped bit must not look like a newer version."""
    if description["format"] > FORMAT:
        raise NewerFormat(description["format"])
    return description


def _read_header(file: BinaryIO) -> dict[str, Any]:
    length = int.from_bytes(file.read(8), "little")
    header = file.read(length) if length <= _LONGEST_HEADER else b""
    if not header or len(header) < length:
        raise ValueError("it is not a complete safetensors file")
    try:
        found = json.loads(header).get("__metadata__", {})
        if _DESCRIPTION not in found:
            raise ValueError("it holds weights, but not this program's description of them")
        description: dict[str, Any] = json.loads(found[_DESCRIPTION])
        description["format"] += 0  # it is a number
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("its header is damaged") from error
    return description


def _digest_of(data: bytes, digest: object) -> str:
    offset = _digest_offset(f"{digest}", data)
    hashed = hashlib.sha256(memoryview(data)[:offset])
    hashed.update(_ZEROS.encode("ascii"))
    hashed.update(memoryview(data)[offset + len(_ZEROS) :])
    return hashed.hexdigest()


def _digest_offset(digest: str, data: bytes) -> int:
    """The offset of `digest` in the header: JSON in a string of the header's JSON, so its quotes are escaped."""
    before = f'\\"{_DIGEST}\\": \\"'.encode("ascii")
    return data.find(before + digest.encode("ascii", "replace")) + len(before)
