"""What a file of weights holds besides plain values: tensors that are read when they are taken, and stand-ins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from resnet_gui.messages import Problem
from resnet_gui.weights.refusals import Damaged, problems_of, refuse_if_larger_than_memory

ITEM_SIZES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "complex128": 16, "complex64": 8, "complex32": 4,
    "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1, "bool": 1,
    "qint8": 1, "quint8": 1, "qint32": 4, "quint4x2": 1, "quint2x4": 1,
}  # fmt: skip
"""Bytes of one number, by dtype."""

_FLOATS = {"float64", "float32", "float16", "bfloat16"}
_READABLE = _FLOATS | {"int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"}
MOST_DIMENSIONS = 64
_MOST_REPEATED = 2**24
"""The most numbers of a tensor that repeats its storage's numbers, as `expand()` gives it."""


class Source(Protocol):
    """Where the bytes of storages are."""

    big_endian: bool

    def read(self, key: str, start: int, size: int) -> bytearray:
        """`size` bytes of the storage `key`, from `start`. Raises any exception if they are not there."""
        ...


class ModuleState(dict[str, Any]):
    """A state dict: the stored tensors of a module and of those within it, with dotted names."""


@dataclass(slots=True, eq=False, repr=False)
class Opaque:
    """Stands in for an object that is no plain value and no tensor, and is never made.

    `name` is its class ("argparse.Namespace") or itself, for a class or function that is only mentioned. What the file
    says of it is kept as contents: what it would be called with, its items, and its attributes.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    items: Any = None
    attributes: Any = None

    def __repr__(self) -> str:  # what it holds can be such that printing it takes for ever
        return f"<{self.name}>"

    @property
    def state(self) -> Any:
        """The one of the three that there is, a tuple of them if there are several, None if there is none.

        Of a module that was saved as a whole, it is the state dict.
        """
        if isinstance(self.attributes, ModuleState):
            return self.attributes
        parts = tuple(part for part in (self.arguments, self.items, self.attributes) if part)
        return parts[0] if len(parts) == 1 else parts or None


@dataclass(slots=True, eq=False, repr=False)
class Global(Opaque):
    """A class, function or constant that a pickle names. It may be called, other stand-ins may not."""


@dataclass(slots=True, eq=False, repr=False)
class Storage(Opaque):
    """Stands in for `numel` numbers of type `dtype` in a row, from byte `start` of the storage `key` of `source`."""

    source: Source | None = None
    key: str = ""
    dtype: str = "uint8"
    numel: int = 0
    start: int = 0

    @property
    def bytes(self) -> int:
        """Its size in the file."""
        return ITEM_SIZES[self.dtype] * self.numel


@dataclass(slots=True, eq=False)
class StoredTensor:
    """A tensor whose numbers are still in the file. Its bounds were checked: it lies within its storage.

    `layout` is empty for an ordinary tensor, otherwise what it is instead ("a sparse tensor"). `name` is the name under
    which the file has it, for sentences.
    """

    storage: Storage | None
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: str
    layout: str = ""
    name: str = ""
    path: Path = Path()

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for tensors that are the same numbers of the same file."""
        if self.storage is None:
            return (id(self),)
        start = self.storage.start + self.offset * ITEM_SIZES[self.dtype]
        return id(self.storage.source), self.storage.key, start, self.shape, self.stride, self.dtype

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoredTensor) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def read(self) -> Tensor:
        """The tensor, on the CPU and with memory of its own. Floating-point numbers of any precision become float32.

        Raises `Problem` (a code that begins with `weights_`): it is complex, float8, sparse or the like, holds NaN or
        infinity, or the file has changed since.
        """
        with problems_of(self.path):
            if self.layout or self.dtype not in _READABLE:
                kind = self.layout or self.dtype
                raise Problem("weights_stored_as", path=str(self.path), name=self.name, kind=kind)
            refuse_if_larger_than_memory(self.path, (4 + 3 * ITEM_SIZES[self.dtype]) * math.prod(self.shape))
            tensor = self._numbers()
            if self.dtype not in _FLOATS:
                return tensor
            tensor = tensor.float()
            if tensor.numel() and not all(math.isfinite(bound) for bound in tensor.aminmax()):  # NaN is both bounds
                raise Problem("weights_not_finite", path=str(self.path), name=self.name)
            return tensor

    def _numbers(self) -> Tensor:
        dtype = getattr(torch, self.dtype)
        if self.storage is None or self.storage.source is None or 0 in self.shape:
            return torch.empty(self.shape, dtype=dtype)
        size = ITEM_SIZES[self.dtype]
        count = extent(self.shape, self.stride)
        data = self.storage.source.read(self.storage.key, self.storage.start + self.offset * size, count * size)
        if self.storage.source.big_endian and size > 1:
            data = bytearray(torch.frombuffer(data, dtype=torch.uint8).view(-1, size).flip(1).contiguous().numpy())
        return torch.frombuffer(data, dtype=dtype).as_strided(self.shape, self.stride).clone().contiguous()


def extent(shape: tuple[int, ...], stride: tuple[int, ...]) -> int:
    """How many numbers there are from a tensor's first to its last in the storage. The tensor is not empty."""
    return 1 + sum((count - 1) * step for count, step in zip(shape, stride, strict=True))


def contiguous_stride(shape: Sequence[Any]) -> tuple[int, ...]:
    """How far apart neighbours along each axis are, if the numbers of `shape` lie side by side, the last axis closest.

    Raises `Damaged` if it is no shape.
    """
    if len(shape) > MOST_DIMENSIONS or any(type(count) is not int or not 0 <= count < 2**63 for count in shape):
        raise Damaged("a tensor has an odd form")
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def tensor_in(storage: Storage, offset: Any, shape: Any, stride: Any, dtype: str = "") -> StoredTensor:
    """A tensor within `storage`, whose dtype it has unless another is given.

    Raises `Damaged` if it is not a tensor's form, or would reach beyond the storage.
    """
    dtype = dtype or storage.dtype
    if len(shape) > MOST_DIMENSIONS or len(stride) != len(shape):
        raise Damaged("a tensor has an odd form")
    numbers = (offset, *shape, *stride)
    if any(type(number) is not int or not 0 <= number < 2**63 for number in numbers) or len(shape) > MOST_DIMENSIONS:
        raise Damaged("a tensor has an odd form")
    available = storage.bytes // ITEM_SIZES[dtype]
    if math.prod(shape) > max(available, _MOST_REPEATED):
        raise Damaged("a tensor is larger than the bytes for it")
    if (0 if 0 in shape else extent(shape, stride)) + offset > available:
        raise Damaged("a tensor is larger than the bytes for it")
    return StoredTensor(storage, offset, tuple(shape), tuple(stride), dtype)
