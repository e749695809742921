"""Model files as anyone might write them: any description, any tensors, any header, and a checksum that fits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resnet_gui.tensor_file import read_tensor_file

_ZEROS = "0" * 64


def parts_of(path: Path) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """The description, the header's entry of each tensor, and the tensors' bytes of the file `path`."""
    description, data = read_tensor_file(path)
    length = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + length])
    del entries["__metadata__"]
    return description, entries, data[8 + length :]


def changed(description: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `description` with other values under dotted names; `...` takes one out."""
    copy: dict[str, Any] = json.loads(json.dumps(description))
    for name, value in changes.items():
        *groups, last = name.split(".")
        inner = copy
        for group in groups:
            inner = inner[int(group)] if isinstance(inner, list) else inner[group]  # type: ignore[index]
        if value is ...:
            del inner[last]
        else:
            inner[int(last) if isinstance(inner, list) else last] = value
    return copy


def write_model(
    path: Path, description: Mapping[str, Any] | str, entries: Mapping[str, Any] | str, data: bytes
) -> Path:
    """The file of these parts; a `str` is JSON that is written as it is. What the digest covers is right."""
    described = {**description, "sha256": _ZEROS} if not isinstance(description, str) else description
    text = described if isinstance(described, str) else json.dumps(described)
    metadata = json.dumps({"__metadata__": {"resnet_gui": text}})
    tensors = entries if isinstance(entries, str) else json.dumps(entries)
    header = f"{metadata[:-1]}, {tensors[1:-1]}}}".encode() if tensors != "{}" else metadata.encode()
    whole = len(header).to_bytes(8, "little") + header + data
    digest = hashlib.sha256(whole).hexdigest().encode()
    mark = b'\\"sha256\\": \\"'
    path.write_bytes(whole.replace(mark + _ZEROS.encode(), mark + digest, 1))
    return path


def entries_of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Entries of float32 tensors of these shapes, one behind the other."""
    entries: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        size = 4
        for side in shape:
            size *= side
        entries[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    return entries
