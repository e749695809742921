"""Reads a pickle without running it. A pickle is a program: loading one runs what its author wrote.

Here it is followed instruction by instruction, with stand-ins for all objects that it would make. Nothing that it names
is imported, called or built. What it says of tensors is checked, and no tensor may reach beyond its storage.
"""

from __future__ import annotations

import codecs
import contextlib
import gc
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from resnet_gui.weights.pickled_objects import MOST_INSTRUCTIONS, Reading, build, call, make_object, put
from resnet_gui.weights.refusals import CutShort, Damaged, UnsafePickle, Unsupported
from resnet_gui.weights.stored_tensor import Global, Opaque

_LONGEST_LINE = 2**24
_LARGE = 2**16
_LONGEST_NUMBER = 2**16
"""Bytes. The state of a random generator, as one number, has 2,500."""

Persistent = Callable[[Any], Any]
"""Gives the stand-in for an object that a pickle names by a persistent id. Raises any exception if it is none."""


def no_persistent_ids(wanted: Any) -> Any:
    """For pickles in which nothing may be named so. Raises `Damaged`."""
    raise Damaged("a part is named that lies elsewhere")


def read_pickle(file: BinaryIO, reading: Reading, persistent: Persistent = no_persistent_ids) -> Any:
    """What one pickle would make, as contents, from the current position of `file` to the pickle's end.

    Contents may hold themselves, and share parts. Raises `UnsafePickle` if loading the pickle could run a program,
    `CutShort`, `Unsupported`, and any exception if it is malformed.
    """
    with _no_garbage_collection():
        return _PickleMachine(file, reading, persistent).run()


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Python would look through the growing contents again and again: half the time, for many objects."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _PickleMachine:
    """The stack, marks and memo of the pickle machine. `pickletools.opcodes` documents the instructions."""

    def __init__(self, file: BinaryIO, reading: Reading, persistent: Persistent) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.reading = reading
        self.persistent = persistent
        self._file = file
        self._below: list[list[Any]] = []

    def run(self) -> Any:
        read, instructions, reading = self._file.read, _INSTRUCTIONS, self.reading
        for count in range(reading.instructions):
            code = read(1)
            instruction = instructions.get(code)
            if instruction is not None:
                instruction(self)
            elif code == b".":
                reading.instructions -= count
                return self.stack.pop()
            else:
                raise _not_an_instruction(code)
        reading.instructions = 0
        raise Unsupported(f"a pickle with more than {MOST_INSTRUCTIONS:,} instructions, most of them not for weights")

    def read(self, size: int) -> bytes:
        """The next `size` bytes. Raises `CutShort` if there are fewer, before memory is taken for them."""
        if size > _LARGE:
            here = self._file.tell()
            if self._file.seek(0, 2) - here < size:
                raise CutShort("it ends within a text or a number")
            self._file.seek(here)
        data = self._file.read(size)
        if len(data) < size:
            raise CutShort("it ends within its description of the weights")
        return data

    def number(self, form: struct.Struct) -> Any:
        """The next number, in the form `form`."""
        return form.unpack(self.read(form.size))[0]

    def line(self) -> bytes:
        """The next line, without its end."""
        line = self._file.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise CutShort("it ends within its description of the weights")
        return line[:-1]

    def mark(self) -> None:
        """Begins a new stack on top of this one."""
        self._below.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        """Takes off the stack that began at the last mark."""
        items, self.stack = self.stack, self._below.pop()
        return items

    def name(self, module: Any, name: Any) -> Global:
        """The stand-in for a name. Raises `UnsafePickle` if a program could be run by it."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise Damaged("a name is no text")
        self.reading.count_object()
        return self.reading.named(f"{module}.{name}")

    def reduce(self, maker: Any, arguments: Any) -> Any:
        """What a call of `maker` would give."""
        self.reading.count_object()
        return call(maker, arguments, self.reading)


def _not_an_instruction(code: bytes) -> Exception:
    if not code:
        return CutShort("it ends within its description of the weights")
    if code in _EXTENSIONS:
        return UnsafePickle("a name of the extension registry")
    if code in _BUFFERS:
        return Unsupported("a pickle whose numbers lie in another file")
    return Damaged(f"its pickle has no instruction {code!r}")


_EXTENSIONS = (b"\x82", b"\x83", b"\x84")
_BUFFERS = (b"\x97", b"\x98")
_BYTE, _SHORT, _INT, _UNSIGNED, _LONG, _FLOAT = (struct.Struct(form) for form in ("B", "<H", "<i", "<I", "<Q", ">d"))


def _text(data: bytes) -> str | bytes:
    """A text of Python 2, which did not say whether it was text or bytes."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def _decimal(machine: _PickleMachine) -> None:
    line = machine.line()
    machine.stack.append(line == b"01" if line in (b"00", b"01") else int(line))


def _escaped_text(machine: _PickleMachine) -> None:
    line = machine.line().strip()
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in b"'\"":
        raise Damaged("a text has no quotation marks")
    machine.stack.append(_text(codecs.escape_decode(line[1:-1])[0]))


def _append(machine: _PickleMachine) -> None:
    item = machine.stack.pop()
    _extend(machine.stack[-1], [item])


def _extend(target: Any, items: list[Any]) -> None:
    if isinstance(target, Opaque) and not isinstance(target, Global):
        target.items = target.items if isinstance(target.items, list) else []
        target = target.items
    if not isinstance(target, list):
        raise Damaged("something is appended to what is no list")
    target.extend(items)


def _set_item(machine: _PickleMachine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    put(machine.stack[-1], ((key, value),))


def _set_items(machine: _PickleMachine) -> None:
    items = machine.since_mark()
    put(machine.stack[-1], zip(items[::2], items[1::2], strict=True))


def _tuple_of(count: int) -> Callable[[_PickleMachine], None]:
    def make(machine: _PickleMachine) -> None:
        stack = machine.stack
        if len(stack) < count:
            raise Damaged("a tuple has too few items")
        stack[-count:] = [tuple(stack[-count:])]

    return make


def _dict(machine: _PickleMachine) -> None:
    items = machine.since_mark()
    made: dict[Any, Any] = {}
    put(made, zip(items[::2], items[1::2], strict=True))
    machine.stack.append(made)


def _memoize(machine: _PickleMachine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _push_set(machine: _PickleMachine) -> None:
    machine.reading.count_object()
    machine.stack.append(Opaque("builtins.set", items=[]))


def _frozen_set(machine: _PickleMachine) -> None:
    machine.reading.count_object()
    items = machine.since_mark()
    machine.stack.append(Opaque("builtins.frozenset", items=items))


def _add_items(machine: _PickleMachine) -> None:
    items = machine.since_mark()
    _extend(machine.stack[-1], items)


def _stack_global(machine: _PickleMachine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.name(module, name))


def _reduce(machine: _PickleMachine) -> None:
    arguments = machine.stack.pop()
    machine.stack.append(machine.reduce(machine.stack.pop(), arguments))


def _instance(machine: _PickleMachine) -> None:
    maker = machine.name(machine.line().decode(), machine.line().decode())
    arguments = tuple(machine.since_mark())
    machine.stack.append(machine.reduce(maker, arguments))


def _object(machine: _PickleMachine) -> None:
    maker, *arguments = machine.since_mark()
    machine.stack.append(machine.reduce(maker, tuple(arguments)))


def _new_object(machine: _PickleMachine) -> None:
    machine.reading.count_object()
    arguments = machine.stack.pop()
    machine.stack.append(make_object(machine.stack.pop(), arguments, machine.reading))


def _new_object_by_name(machine: _PickleMachine) -> None:
    machine.reading.count_object()
    by_name, arguments = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(make_object(machine.stack.pop(), (*arguments, by_name), machine.reading))


def _build(machine: _PickleMachine) -> None:
    machine.reading.count_object()
    state = machine.stack.pop()
    build(machine.stack[-1], state, machine.reading)


def _persistent(machine: _PickleMachine) -> None:
    machine.reading.count_object()
    machine.stack.append(machine.persistent(machine.stack.pop()))


def _bounded(size: int) -> int:
    """The bytes of a whole number. Raises `Unsupported` for one that no checkpoint has."""
    if size > _LONGEST_NUMBER:
        raise Unsupported("a pickle with a number of thousands of digits")
    return size


def _integer(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _discard(machine: _PickleMachine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.since_mark()


def _pushing(value: Callable[[_PickleMachine], Any]) -> Callable[[_PickleMachine], None]:
    def push(machine: _PickleMachine) -> None:
        pushed = value(machine)  # first, since a mark changes which stack it is
        machine.stack.append(pushed)

    return push


def _noting(index: Callable[[_PickleMachine], Any]) -> Callable[[_PickleMachine], None]:
    def note(machine: _PickleMachine) -> None:
        machine.memo[index(machine)] = machine.stack[-1]

    return note


def _fetching(index: Callable[[_PickleMachine], Any]) -> Callable[[_PickleMachine], None]:
    def fetch(machine: _PickleMachine) -> None:
        machine.stack.append(machine.memo[index(machine)])

    return fetch


_PUSHED: dict[bytes, Callable[[_PickleMachine], Any]] = {
    b"N": lambda machine: None,
    b"\x88": lambda machine: True,
    b"\x89": lambda machine: False,
    b")": lambda machine: (),
    b"]": lambda machine: [],
    b"}": lambda machine: {},
    b"K": lambda machine: machine.read(1)[0],
    b"M": lambda machine: machine.number(_SHORT),
    b"J": lambda machine: machine.number(_INT),
    b"G": lambda machine: machine.number(_FLOAT),
    b"F": lambda machine: float(machine.line()),
    b"L": lambda machine: int(machine.line().rstrip(b"L")),
    b"\x8a": lambda machine: _integer(machine.read(machine.number(_BYTE))),
    b"\x8b": lambda machine: _integer(machine.read(_bounded(machine.number(_UNSIGNED)))),
    b"V": lambda machine: machine.line().decode("raw-unicode-escape"),
    b"X": lambda machine: machine.read(machine.number(_UNSIGNED)).decode("utf-8", "surrogatepass"),
    b"\x8c": lambda machine: machine.read(machine.number(_BYTE)).decode("utf-8", "surrogatepass"),
    b"\x8d": lambda machine: machine.read(machine.number(_LONG)).decode("utf-8", "surrogatepass"),
    b"T": lambda machine: _text(machine.read(machine.number(_UNSIGNED))),
    b"U": lambda machine: _text(machine.read(machine.number(_BYTE))),
    b"B": lambda machine: machine.read(machine.number(_UNSIGNED)),
    b"C": lambda machine: machine.read(machine.number(_BYTE)),
    b"\x8e": lambda machine: machine.read(machine.number(_LONG)),
    b"\x96": lambda machine: machine.read(machine.number(_LONG)),
    b"t": lambda machine: tuple(machine.since_mark()),
    b"l": lambda machine: machine.since_mark(),
    b"2": lambda machine: machine.stack[-1],
    b"c": lambda machine: machine.name(machine.line().decode(), machine.line().decode()),
    b"P": lambda machine: machine.persistent(machine.line().decode()),
}
"""Instructions that put one value on the stack."""

_INSTRUCTIONS: dict[bytes, Callable[[_PickleMachine], Any]] = {
    **{code: _pushing(value) for code, value in _PUSHED.items()},
    b"\x80": lambda machine: machine.read(1),  # the protocol
    b"\x95": lambda machine: machine.read(8),  # a frame
    b"I": _decimal,
    b"S": _escaped_text,
    b"(": _PickleMachine.mark,
    b"0": _discard,
    b"1": _PickleMachine.since_mark,
    b"\x85": _tuple_of(1),
    b"\x86": _tuple_of(2),
    b"\x87": _tuple_of(3),
    b"a": _append,
    b"e": _add_items,
    b"s": _set_item,
    b"u": _set_items,
    b"d": _dict,
    b"q": _noting(lambda machine: machine.read(1)[0]),
    b"r": _noting(lambda machine: machine.number(_UNSIGNED)),
    b"p": _noting(lambda machine: int(machine.line())),
    b"\x94": _memoize,
    b"h": _fetching(lambda machine: machine.read(1)[0]),
    b"j": _fetching(lambda machine: machine.number(_UNSIGNED)),
    b"g": _fetching(lambda machine: int(machine.line())),
    b"\x8f": _push_set,
    b"\x90": _add_items,
    b"\x91": _frozen_set,
    b"\x93": _stack_global,
    b"R": _reduce,
    b"i": _instance,
    b"o": _object,
    b"\x81": _new_object,
    b"\x92": _new_object_by_name,
    b"b": _build,
    b"Q": _persistent,
}
