"""The header of a safetensors file, of which nothing is believed: its size is bounded, and its tensors must fill the file.

Nothing here imports torch or safetensors: the window reads headers, too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 32_000_000
"""Bytes of a header. That of a model with 20,000 classes of 255 letters each takes 21 million."""
_MOST_PARTS = 700_000
"""Brackets and commas in a header, and so what parsing it can take: 120 MB. A model with 100,000 classes has 520,000."""
_MOST_SIDES = 64
_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2, "U32": 4,
    "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8, "C64": 8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """A tensor's type as safetensors names it (`F32`, `I64`), and its shape."""

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{' × '.join(map(str, self.shape)) or 'one number'} {self.dtype}"


@dataclass(frozen=True, slots=True)
class Header:
    """The header's texts (`__metadata__`), and the tensors by name."""

    metadata: Mapping[str, Any]
    tensors: Mapping[str, TensorEntry]


def parse_header(raw: bytes, size: int) -> Header:
    """The header `raw` of a file with `size` bytes of tensors behind it. Raises `ValueError`."""
    found = parse_json(raw.decode("utf-8"))
    if not isinstance(found, dict):
        raise ValueError("its header is damaged")
    metadata = found.pop("__metadata__", {})
    return Header(metadata if isinstance(metadata, dict) else {}, _entries(found, size))


def parse_json(text: str) -> Any:
    """JSON as this program writes it: no key twice, no NaN, nothing infinite. Raises `ValueError`."""
    if sum(map(text.count, "[{,")) > _MOST_PARTS:
        raise ValueError("its header has more parts than that of any model")
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("its header is nested too deeply") from error


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("its header names something twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"its header holds {constant}, which is no number")


def _finite(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise ValueError("its header holds a number that is too large")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_each_key_once, parse_constant=_refuse, parse_float=_finite)


def _entries(found: Mapping[str, Any], size: int) -> dict[str, TensorEntry]:
    """The tensors, whose bytes must follow one another from the header to the end of the file."""
    entries, spans = {}, []
    for name, entry in found.items():
        entries[name], span = _entry(entry)
        spans.append(span)
    reached = 0
    for begin, end in sorted(spans):
        if begin != reached:
            raise ValueError("its header does not fit the file: tensors overlap, or leave a gap")
        reached = end
    if reached != size:
        raise ValueError(f"its header does not fit the file: it tells of {reached:,} bytes of tensors, not {size:,}")
    return entries


def _entry(entry: Any) -> tuple[TensorEntry, tuple[int, int]]:
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        raise ValueError("its header is damaged")
    dtype, shape, span = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not _are_sizes(shape, range(_MOST_SIDES + 1)) or not _are_sizes(span, (2,)):
        raise ValueError("its header is damaged")
    if not isinstance(dtype, str) or dtype not in _BYTES:
        raise ValueError("its header has a type of numbers that is not known")
    begin, end = span
    if math.prod(shape) * _BYTES[dtype] != end - begin:
        raise ValueError("its header does not fit the file: a tensor has another number of bytes than its shape")
    return TensorEntry(dtype, tuple(shape)), (begin, end)


def _are_sizes(value: Any, lengths: Iterable[int]) -> bool:
    """Whether `value` is a list of one of the `lengths` that holds whole numbers, none below 0."""
    return isinstance(value, list) and len(value) in lengths and all(type(each) is int and each >= 0 for each in value)
