"""Checks a pickle without running it. A pickle is a program: loading one runs what its author wrote.

It is read instruction by instruction, with stand-ins for all objects that it would make. It may contain only what makes
tensors, each function with the arguments of an honest file, and no tensor may reach beyond its storage.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

PROTOCOL = 2
"""The pickle protocol that `torch.save` writes, and the only one that is read."""

_ITEM_SIZES = {
    "Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1, "Bool": 1,
}  # fmt: skip
_STORAGES = {
    f"{module}.{kind}Storage": size for module in ("torch", "torch.cuda") for kind, size in _ITEM_SIZES.items()
}
_MAKERS = {
    "collections.OrderedDict", "collections.Counter", "torch.Size", "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter",
}  # fmt: skip
_DTYPES = {f"torch.{name}" for name in ("float16", "bfloat16", "float32", "float64", "int32", "int64", "uint8", "bool")}
_GLOBALS = _MAKERS | _STORAGES.keys() | _DTYPES

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_LITERALS = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "SHORT_BINSTRING",
}  # fmt: skip


class UnsafePickle(Exception):
    """A pickle contains something that tensors do not need; `str()` names it."""


class OtherProtocol(Exception):
    """The pickle is safe, but its protocol is not `PROTOCOL`; `str()` is the number of its protocol."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Stands in for the `numel` numbers of `item_size` bytes each from which tensors are made."""

    key: str
    item_size: int
    numel: int

    @property
    def bytes(self) -> int:
        """Its size in the file."""
        return self.item_size * self.numel

    def holds(self, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> bool:
        """Whether a tensor of this form lies within the storage and has no more items, as it could by strides of 0."""
        if min((offset, *size, *stride)) < 0 or math.prod(size) > self.numel:
            return False
        return offset + sum((count - 1) * step for count, step in zip(size, stride, strict=True)) < max(self.numel, 1)


@dataclass(frozen=True, slots=True)
class _Global:
    """Stands in for a class, function or constant that a pickle names."""

    name: str


class _Tensor:
    """Stands in for a tensor."""


@dataclass(frozen=True, slots=True)
class CheckedPickle:
    """What a pickle would make, in plain values and stand-ins, and the storages that it refers to, by key."""

    made: Any
    storages: dict[str, Storage]


def check_pickle(file: BinaryIO) -> CheckedPickle:
    """Reads one pickle from the current position of `file` to the pickle's end.

    Raises `UnsafePickle` if it contains more than tensors and plain values, `OtherProtocol` if it has another protocol,
    and any exception if it is malformed.
    """
    machine = _PickleMachine()
    protocol: int | None = None
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name == "PROTO":
            protocol = argument
        machine.step(opcode.name, argument)
    if protocol != PROTOCOL:
        raise OtherProtocol(protocol)
    return CheckedPickle(machine.stack.pop(), machine.storages)


class _PickleMachine:
    """The stack, marks and memo of the pickle machine. `pickletools.opcodes` documents the instructions."""

    def __init__(self) -> None:
        self.storages: dict[str, Storage] = {}
        self.stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Executes the instruction `name` with stand-ins. Raises `UnsafePickle` if it is not one of those below."""
        stack = self.stack
        match name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case _ if name in _CONSTANTS:
                stack.append(_CONSTANTS[name])
            case _ if name in _LITERALS:
                stack.append(argument)
            case "EMPTY_LIST" | "EMPTY_DICT":
                stack.append([] if name == "EMPTY_LIST" else {})
            case "MARK":
                self._below.append(stack)
                self.stack = []
            case "TUPLE":
                items = self._since_mark()
                self.stack.append(tuple(items))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "APPEND" | "APPENDS":
                items = [stack.pop()] if name == "APPEND" else self._since_mark()
                _extend(self.stack[-1], items)
            case "SETITEM" | "SETITEMS":
                items = [stack.pop(-2), stack.pop()] if name == "SETITEM" else self._since_mark()
                _put(self.stack[-1], zip(items[::2], items[1::2], strict=True))
            case "BINPUT" | "LONG_BINPUT" | "MEMOIZE":
                self._memo[len(self._memo) if argument is None else argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self._memo[argument])
            case "GLOBAL":
                stack.append(_allowed(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                stack[-2:] = [_allowed(f"{stack[-2]}.{stack[-1]}")]
            case "REDUCE":
                arguments = stack.pop()
                stack[-1] = _call(stack[-1], arguments)
            case "BUILD":
                _build(stack[-2], stack.pop())
            case "BINPERSID":
                stack[-1] = self._storage(stack[-1])
            case _:
                raise UnsafePickle(argument.replace(" ", ".") if name == "INST" else f"the instruction {name}")

    def _since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self._below.pop()
        return items

    def _storage(self, wanted: Any) -> Storage:
        match wanted:
            case ("storage", _Global(kind), str(key), str(), int(numel), *view) if kind in _STORAGES and not any(view):
                storage = Storage(key, _STORAGES[kind], numel)
                if numel >= 0 and self.storages.setdefault(key, storage) == storage:
                    return storage
        raise UnsafePickle("a part that is no plain row of numbers")


def _allowed(name: str) -> _Global:
    if name not in _GLOBALS:
        raise UnsafePickle(name)
    return _Global(name)


def _extend(target: Any, items: list[Any]) -> None:
    if not isinstance(target, list):
        raise ValueError("something is appended to what is no list")
    target.extend(items)


def _put(target: Any, items: Iterable[tuple[Any, Any]]) -> None:
    """Puts `items` into `target`, which must be a dict, since old versions of torch would write into a tensor.

    Keys must be plain values, since a tuple that is nested a million times cannot be hashed.
    """
    for key, value in items:
        if not isinstance(target, dict) or not isinstance(key, str | int | float | None):
            raise ValueError("something is put where it cannot be")
        target[key] = value


def _build(target: Any, state: Any) -> None:
    """Accepts the versions that a state dict has as an attribute. Other attributes could replace its methods."""
    if not isinstance(target, dict) or not isinstance(state, dict) or state.keys() - {"_metadata"}:
        raise UnsafePickle("an object with attributes of its own")


def _call(maker: Any, arguments: Any) -> Any:
    """A stand-in for the result of one of the allowed functions."""
    match maker, arguments:
        case _Global("collections.OrderedDict" | "collections.Counter"), ():
            return {}
        case _Global("collections.OrderedDict"), ([*pairs],):  # as Python 2 wrote it
            made: dict[Any, Any] = {}
            _put(made, ((key, value) for key, value in pairs))
            return made
        case _Global("collections.Counter"), (dict(counts),):
            return dict(counts)
        case _Global("torch.Size"), (tuple(),):
            return maker
        case _Global("torch._utils._rebuild_parameter"), (_Tensor() as tensor, bool(), dict(hooks)) if not hooks:
            return tensor
        case (
            _Global("torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2"),
            (Storage() as storage, int(offset), tuple(size), tuple(stride), *others),
        ) if not any(others[1:]):  # hooks, and marks such as that of complex conjugates
            if storage.holds(offset, size, stride):
                return _Tensor()
            raise ValueError("a tensor is larger than the bytes for it")
    raise UnsafePickle(f"{getattr(maker, 'name', 'something')} in an odd way")
