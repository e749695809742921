"""What the calls in a pickle would make: contents for tensors and containers, stand-ins for all else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resnet_gui.weights.module_state import state_dict_of
from resnet_gui.weights.pickle_globals import (
    ARRAY_FROM_BUFFER,
    ARRAY_MAKERS,
    BYTES,
    DICTS,
    GETATTR,
    HARMLESS,
    LISTS,
    OBJECT_MAKERS,
    RECONSTRUCTORS,
    SETS,
    TYPES,
    is_class,
    is_dangerous,
)
from resnet_gui.weights.pickled_tensors import TENSOR_MAKERS, array_from_buffer, fill_array, make_tensor, refill
from resnet_gui.weights.refusals import Damaged, UnsafePickle, Unsupported
from resnet_gui.weights.stored_tensor import Global, ModuleState, Opaque, Storage, StoredTensor

_KEYS = (str, bytes, float, bool, type(None), Opaque, StoredTensor)
_LARGEST_KEY = 2**60
_LONGEST_KEY, _MOST_TUPLES = 16, 1000

MOST_INSTRUCTIONS = 1_500_000
"""More are not followed. A checkpoint has about 30 for each tensor, and one for each number in a list."""


MOST_OBJECTS = 200_000
"""More are not looked at: tensors, of which each is two or three, and all that is no plain value."""

MOST_COPIES = 4_000_000
"""Items that are copied or looked through once more: a short pickle can name one long list again and again."""
_OF_ENTRY = 4
"""An entry of a dict costs as much as so many items."""
_LETTERS = 2**26
"""Letters and bytes of texts that are copied, beside twice the file's size: an honest pickle copies each of its own once."""

MOST_NAMES = 5_000
_LONGEST_NAME = 500


@dataclass(slots=True, eq=False)
class Reading:
    """The reading of one file: what it has met, and what it may still spend, as its pickles may hold pickles."""

    path: Path
    saved_within: Callable[[bytes, Reading], Any]
    """Reads what `torch.save` wrote into bytes within a pickle."""
    instructions: int = MOST_INSTRUCTIONS
    depth: int = 4
    objects: int = MOST_OBJECTS
    names: dict[str, Global] = field(default_factory=dict)
    """The classes and functions that were named."""
    module_names: int = 200_000
    """How many names of tensors may be made for modules within modules."""
    tensors: int = 0
    copies: int = MOST_COPIES
    letters: int = _LETTERS

    def named(self, name: str) -> Global:
        """The stand-in for `name`. Raises `UnsafePickle` if a program could be run by it, `Unsupported` and others."""
        found = self.names.get(name)
        if found is None:
            if len(name) > _LONGEST_NAME:
                raise Damaged("a name is too long")
            if len(self.names) > MOST_NAMES:
                raise Unsupported(f"a pickle that names more than {MOST_NAMES:,} classes and functions")
            found = self.names[name] = Global(name)
            if is_dangerous(name):
                raise UnsafePickle(name)
        return found

    def count_object(self) -> None:
        """Counts an object that has to be looked at. Raises `Unsupported` if there are too many."""
        self.objects -= 1
        if self.objects < 0:
            raise Unsupported(f"a pickle with more than {MOST_OBJECTS:,} objects, most of them not for weights")

    def count_copy(self, value: Any) -> None:
        """Counts what it takes to copy `value`, or to look through it. Raises `Unsupported` if it is too much in all."""
        match value:
            case list() | tuple():
                self.copies -= len(value)
            case dict():
                self.copies -= _OF_ENTRY * len(value)
            case str() | bytes():
                self.letters -= len(value)
        if self.copies < 0 or self.letters < 0:
            raise Unsupported("a pickle that holds the same things again and again")

    def met(self, tensor: StoredTensor) -> StoredTensor:
        """Counts `tensor`, and gives it the file's path."""
        self.count_object()
        tensor.path = self.path
        self.tensors += 1
        return tensor


def put(target: Any, items: Iterable[tuple[Any, Any]]) -> None:
    """Puts `items` into `target`, a dict or a stand-in. Raises `Damaged` if it is neither."""
    if isinstance(target, Opaque) and not isinstance(target, Global):
        target.items = target.items if isinstance(target.items, dict) else {}
        target = target.items
    if not isinstance(target, dict):
        raise Damaged("something is put where it cannot be")
    for key, value in items:
        if isinstance(value, StoredTensor) and not value.name and isinstance(key, str):
            value.name = key
        target[_key(key, len(target))] = value


def _key(key: Any, others: int) -> Any:
    """`key`, or a stand-in for it, in a dict that has so many `others`.

    A tuple can be nested a million times, and of tuples and of large numbers can be made as many as one likes that have
    one hash, with which a dict takes for ever.
    """
    if isinstance(key, _KEYS) or (isinstance(key, int) and -_LARGEST_KEY < key < _LARGEST_KEY):
        return key
    is_short = isinstance(key, tuple) and len(key) <= _LONGEST_KEY and others < _MOST_TUPLES
    if is_short and all(isinstance(item, str | int | float | bytes | None) for item in key):
        return key
    return Opaque(f"builtins.{type(key).__name__}", items=key)


def call(maker: Any, arguments: Any, reading: Reading) -> Any:
    """What a call of `maker` would give.

    Raises `UnsafePickle` if the call could run a program, and any
    exception if it is not that of an honest file.
    """
    if not isinstance(maker, Global):
        raise UnsafePickle(f"{getattr(maker, 'name', 'something')}() called once more")
    if not isinstance(arguments, tuple):
        raise Damaged("a call has no arguments")
    name = maker.name
    if name in TENSOR_MAKERS:
        return reading.met(make_tensor(name, arguments))
    reading.count_copy(arguments)
    if name in DICTS:
        return _made_dict(name, arguments, reading)
    if name in LISTS or name in SETS:
        items = [*arguments[0]] if arguments and isinstance(arguments[0], list | tuple) else []
        reading.count_copy(items)
        return items if name in LISTS else Opaque(name, items=items)
    special = _SPECIAL.get(name)
    if special is not None:
        return special(maker, arguments, reading)
    if not is_class(name) and name not in HARMLESS:
        raise UnsafePickle(name)
    return Opaque(name, arguments)


def _made_dict(name: str, arguments: tuple[Any, ...], reading: Reading) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    values = arguments[1:] if name.endswith("defaultdict") else arguments
    match values:
        case ():
            return made
        case (dict(items),):
            pairs: Any = items.items()
        case (list(pairs) | tuple(pairs),):  # as Python 2 wrote it
            pass
        case _:
            raise Damaged("a dict is made in an odd way")
    reading.copies -= (_OF_ENTRY - 1) * len(pairs)
    reading.count_copy([*pairs])
    put(made, ((key, value) for key, value in pairs))
    return made


def _attribute(maker: Global, arguments: tuple[Any, ...], reading: Reading) -> Any:
    """A member of an enum or a class within a class, as older protocols name them; all else could be a program."""
    match arguments:
        case (Global(owner), str(attribute)) if is_class(owner) and attribute.isidentifier():
            if attribute[:1] != "_" or f"{owner}.{attribute}" in HARMLESS:
                return reading.named(f"{owner}.{attribute}")
    raise UnsafePickle(maker.name)


def _object_of_first(maker: Global, arguments: tuple[Any, ...], reading: Reading) -> Any:
    if not arguments:
        raise Damaged("an object has no class")
    return make_object(arguments[0], arguments[1:], reading)


def _reconstructed(maker: Global, arguments: tuple[Any, ...], reading: Reading) -> Any:
    match arguments:
        case (Global() as kind, Global(base), value):
            return make_object(kind, () if base.endswith(".object") else (value,), reading)
    raise Damaged("an object has no class")


def _bytes(maker: Global, arguments: tuple[Any, ...], reading: Reading) -> Any:
    return Opaque(maker.name, arguments) if arguments else b""


def _type(maker: Global, arguments: tuple[Any, ...], reading: Reading) -> Any:
    """The class of a value, as that of None is written. With three arguments it would make a new class."""
    if len(arguments) != 1:
        raise UnsafePickle(maker.name)
    return Opaque(maker.name, arguments)


def _saved_within(maker: Global, arguments: tuple[Any, ...], reading: Reading) -> Any:
    match arguments:
        case (bytes(data),):
            return reading.saved_within(data, reading)
    raise Damaged("weights within weights are not in bytes")


def _encoded(maker: Global, arguments: tuple[Any, ...], reading: Reading) -> Any:
    """Bytes, as protocols before 3 write them."""
    match arguments:
        case (str(text), "latin1" | "latin-1"):
            reading.count_copy(text)
            return text.encode("latin-1")
    return Opaque(maker.name, arguments)


def _new_array(maker: Global, arguments: tuple[Any, ...], reading: Reading) -> Any:
    return reading.met(StoredTensor(None, 0, (0,), (1,), "object", layout="an empty numpy array"))


def _buffer_array(maker: Global, arguments: tuple[Any, ...], reading: Reading) -> Any:
    reading.count_copy(arguments[0] if arguments else ())
    return reading.met(array_from_buffer(*arguments))


_SPECIAL: dict[str, Callable[[Global, tuple[Any, ...], Reading], Any]] = {
    **dict.fromkeys(GETATTR, _attribute),
    **dict.fromkeys(OBJECT_MAKERS, _object_of_first),
    **dict.fromkeys(RECONSTRUCTORS, _reconstructed),
    **dict.fromkeys(BYTES, _bytes),
    **dict.fromkeys(TYPES, _type),
    **dict.fromkeys(ARRAY_MAKERS, _new_array),
    **dict.fromkeys(ARRAY_FROM_BUFFER, _buffer_array),
    "torch.storage._load_from_bytes": _saved_within,
    "_codecs.encode": _encoded,
}


def make_object(maker: Any, arguments: Any, reading: Reading) -> Any:
    """The stand-in for a new object of the class `maker`, whose code is not run. Raises `Damaged` if it is none."""
    if not isinstance(maker, Global) or not isinstance(arguments, tuple):
        raise Damaged("an object has no class")
    if maker.name in TENSOR_MAKERS:
        return reading.met(make_tensor(maker.name, arguments))
    reading.count_copy(arguments)
    if maker.name in DICTS:
        return {}
    return Opaque(maker.name, arguments)


def _state_dict(attributes: Any, reading: Reading) -> ModuleState | None:
    for part in attributes.values() if isinstance(attributes, dict) and "_modules" in attributes else ():
        reading.count_copy(part.items if isinstance(part, Opaque) else part)
    found = state_dict_of(attributes, reading.module_names)
    reading.module_names -= len(found or ())
    return found


def build(target: Any, state: Any, reading: Reading) -> None:
    """Gives the stand-in `target` its attributes.

    Raises `UnsafePickle` for the attributes of a class, with which its methods could be replaced, and `Damaged`.
    """
    reading.count_copy(state)
    match target:
        case Global(name):
            raise UnsafePickle(name)
        case Storage():
            raise Damaged("a row of numbers has attributes")
        case Opaque():
            target.attributes = _state_dict(state, reading) or state
        case StoredTensor(layout="an empty numpy array"):
            reading.count_copy(state[-1] if isinstance(state, tuple) and state else ())
            fill_array(target, state)
        case StoredTensor():
            refill(target, state)
        case dict() if isinstance(state, dict):
            if any(isinstance(name, str) and hasattr(dict, name) for name in state):
                raise Damaged("a dict has attributes in place of its methods")
        case list() | dict():
            pass
        case _:
            raise Damaged("a plain value has attributes")
