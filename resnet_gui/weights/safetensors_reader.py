"""Reads the header of a safetensors file, and compares all it says with the file's size."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any, BinaryIO

from resnet_gui.tensor_header import LONGEST, parse_json
from resnet_gui.weights.pickled_objects import Reading
from resnet_gui.weights.refusals import CutShort, Damaged, Unsupported
from resnet_gui.weights.sources import FileParts
from resnet_gui.weights.stored_tensor import ITEM_SIZES, Storage, StoredTensor, contiguous_stride, tensor_in

_DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
    "C64": "complex64", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz",
}  # fmt: skip
_MOST_TENSORS = 40_000
"""Ten times those of the largest networks."""


def read_safetensors(file: BinaryIO, path: Path, reading: Reading) -> dict[str, StoredTensor]:
    """The tensors in the file, by name. Raises `CutShort`, `Unsupported`, and `Damaged` and others if it is damaged.

    As safetensors' own reader wants it, the tensors follow each other without gaps, and fill the file.
    """
    found = os.fstat(file.fileno())
    length = int.from_bytes(file.read(8), "little")
    if length > LONGEST:
        raise Unsupported("a safetensors file with an unusually long header")
    if length > found.st_size - 8:
        raise CutShort("it ends within its header")
    entries = _entries(file.read(length))
    source = FileParts(path, found)
    tensors = {name: _tensor(name, entry, source, 8 + length, reading) for name, entry in entries.items()}
    here = 8 + length
    for offset, size in sorted(source.parts.values()):
        if offset != here:
            raise Damaged("its tensors do not follow each other")
        here += size
    if here > found.st_size:
        raise CutShort("it ends before its weights do")
    if here < found.st_size:
        raise Damaged("it is longer than its weights are")
    return tensors


def _entries(header: bytes) -> dict[str, Any]:
    try:
        entries = parse_json(header.decode("utf-8"))
    except ValueError as error:
        raise Damaged("its header cannot be read" if isinstance(error, json.JSONDecodeError) else str(error)) from error
    if not isinstance(entries, dict):
        raise Damaged("its header is no list of tensors")
    entries.pop("__metadata__", None)
    if len(entries) > _MOST_TENSORS:
        raise Unsupported(f"a safetensors file with {len(entries):,} tensors, more than any network has")
    return entries


def _tensor(name: str, entry: Any, source: FileParts, first: int, reading: Reading) -> StoredTensor:
    match entry:
        case {"dtype": str(kind), "shape": [*shape], "data_offsets": [int(begin), int(end)]} if 0 <= begin <= end:
            pass
        case _:
            raise Damaged("a tensor is described in an odd way")
    source.parts[name] = (first + begin, end - begin)
    dtype = _DTYPES.get(kind)
    if dtype is None:
        tensor = StoredTensor(None, 0, (), (), kind, layout=f"{kind} numbers")
    else:
        stride = contiguous_stride(shape)
        if math.prod(shape) * ITEM_SIZES[dtype] != end - begin:
            raise Damaged("a tensor does not have as many bytes as it should")
        storage = Storage("safetensors", (), None, None, source, name, dtype, math.prod(shape))
        tensor = tensor_in(storage, 0, shape, stride)
    tensor.name = name
    return reading.met(tensor)
