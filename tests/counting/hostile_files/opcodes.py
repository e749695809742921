"""Writes pickles instruction by instruction, in every protocol: honest values, calls, and what no pickler would write."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PROTOCOLS = range(6)


@dataclass(frozen=True)
class Name:
    """A class, function or constant of a module, found when the pickle is loaded."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """The call of what `callee` makes, with `arguments`, by the instruction `REDUCE`."""

    callee: Any
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Raw:
    """Instructions as they are."""

    code: bytes


@dataclass(frozen=True)
class Later:
    """Instructions that are so many that they are made only when they are written."""

    make: Callable[[], bytes]


@dataclass(frozen=True)
class Persistent:
    """What the loader is asked to find by `value`, as storages are."""

    value: Any


def call(path: str, *arguments: Any) -> Call:
    """The call of `module:name`."""
    return Call(Name(*path.split(":")), arguments)


def storage(key: str, numel: object, kind: str = "FloatStorage", device: object = "cpu") -> Persistent:
    """A storage, as `torch.save` refers to it."""
    return Persistent(("storage", Name("torch", kind), key, device, numel))


def tensor(
    source: object, shape: tuple[Any, ...], stride: tuple[Any, ...] | None = None, offset: object = 0, *more: Any
) -> Call:
    """A tensor of `source`, with the strides of contiguous rows unless others are given."""
    steps = contiguous(shape) if stride is None else stride
    hooks = more or (False, call("collections:OrderedDict"))
    return call("torch._utils:_rebuild_tensor_v2", source, offset, shape, steps, *hooks)


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a tensor without gaps."""
    steps = [1]
    for count in reversed(shape[1:]):
        steps.insert(0, steps[0] * count)
    return tuple(steps[: len(shape)])


def state_dict(shapes: Mapping[str, tuple[int, ...]], values: Mapping[str, bytes]) -> dict[str, Any]:
    """Honest tensors of float32, each in a storage of its own, whose key is its number."""
    return {
        name: tensor(storage(f"{number}", len(values[name]) // 4), shape)
        for number, (name, shape) in enumerate(shapes.items())
    }


def pickled(value: Any, protocol: int = 2) -> bytes:
    """One whole pickle that makes `value`."""
    head = b"\x80" + bytes([protocol]) if protocol >= 2 else b""
    return head + encoded(value, protocol) + b"."


def encoded(value: Any, protocol: int) -> bytes:
    """The instructions that leave `value` on the stack."""
    match value:
        case Raw(code):
            return code
        case Later(make):
            return make()
        case Name(module, name):
            return _global(module, name, protocol)
        case Call(callee, arguments):
            return encoded(callee, protocol) + encoded(arguments, protocol) + b"R"
        case Persistent(inner):
            return b"P" + f"{inner}".encode() + b"\n" if protocol == 0 else encoded(inner, protocol) + b"Q"
        case None:
            return b"N"
        case bool():
            return (b"\x88" if value else b"\x89") if protocol >= 2 else (b"I01\n" if value else b"I00\n")
        case int():
            return _int(value, protocol)
        case float():
            return b"G" + struct.pack(">d", value) if protocol else f"F{value!r}\n".encode()
        case str():
            return _text(value, protocol)
        case bytes():
            return _bytes(value, protocol)
    return _container(value, protocol)


def _container(value: tuple[Any, ...] | list[Any] | Mapping[Any, Any], protocol: int) -> bytes:
    match value:
        case tuple():
            return _tuple(value, protocol)
        case list():
            if protocol == 0:
                return b"(l" + b"".join(encoded(item, protocol) + b"a" for item in value)
            return b"](" + b"".join(encoded(item, protocol) for item in value) + b"e"
        case dict():
            items = b"".join(encoded(key, protocol) + encoded(item, protocol) for key, item in value.items())
            return (b"(" + items + b"d") if protocol == 0 else b"}(" + items + b"u"
    raise TypeError(f"{value!r} cannot be pickled here")


def _tuple(items: Sequence[Any], protocol: int) -> bytes:
    inner = b"".join(encoded(item, protocol) for item in items)
    if not items and protocol:
        return b")"
    if protocol >= 2 and len(items) <= 3:
        return inner + b"\x84\x85\x86\x87"[len(items) : len(items) + 1]
    return b"(" + inner + b"t"


def _global(module: str, name: str, protocol: int) -> bytes:
    if protocol >= 4:
        return _text(module, protocol) + _text(name, protocol) + b"\x93"
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def _int(value: int, protocol: int) -> bytes:
    if protocol and 0 <= value < 256:
        return b"K" + bytes([value])
    if protocol and -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    if protocol >= 2:
        data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8a" + bytes([len(data)]) + data
    return f"L{value}L\n".encode()


def _text(value: str, protocol: int) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    if protocol == 0:
        return b"V" + value.encode("raw-unicode-escape").replace(b"\n", b"\\u000a") + b"\n"
    if protocol >= 4 and len(data) < 256:
        return b"\x8c" + bytes([len(data)]) + data
    return b"X" + struct.pack("<I", len(data)) + data


def _bytes(value: bytes, protocol: int) -> bytes:
    if protocol >= 3:
        return b"B" + struct.pack("<I", len(value)) + value
    return encoded(call("_codecs:encode", value.decode("latin-1"), "latin1"), protocol)
