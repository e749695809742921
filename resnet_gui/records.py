"""Plain records that events, models and the catalogue share: what a layer, a score, a prediction is."""

from __future__ import annotations

import dataclasses
import functools
import reprlib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from resnet_gui.messages import Message, Value, message, sentence

LATER: Mapping[str, bool] = types.MappingProxyType({"later": True})
"""Metadata of a field that files of version 1 do not have: `to_plain` leaves it out where it has its default. So what
needs nothing new is written as before, and earlier versions of this program read it."""


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Of `total` pictures of class `name`, `right` were recognised (top-1)."""

    name: str
    right: int
    total: int


@dataclass(frozen=True, slots=True)
class TestScore:
    """The score on the test pictures. `opened` counts how often they were used for a score.

    `leaked` of them, `leaked_right` of which were right, are not pictures that the model has never seen: the same
    bytes were among the training pictures.
    """

    __test__ = False  # not a test class, whatever pytest thinks of the name

    right: int
    total: int
    loss: float
    classes: tuple[ClassScore, ...]
    opened: int
    leaked: int = field(default=0, metadata=LATER)
    leaked_right: int = field(default=0, metadata=LATER)

    @property
    def percent(self) -> int:
        """The share of right answers in whole per cent; 100 and 0 only where it is all or nothing."""
        return _percent(self.right, self.total)

    @property
    def unseen(self) -> tuple[int, int, int]:
        """The same score without the leaked pictures: how many were right, of how many, and in per cent."""
        right, total = self.right - self.leaked_right, self.total - self.leaked
        return right, total, _percent(right, total)


def leak_note(test: TestScore) -> Message:
    """What must be known beside a score with leaked pictures, and the score without them."""
    right, total, percent = test.unseen
    if not total:
        return message("score_of_seen")
    return message("score_leaked", count=test.leaked, others=total, right=right, percent=percent)


def _percent(right: int, total: int) -> int:
    if right in (0, total):
        return 100 if right else 0
    return min(99, max(1, round(100 * right / total)))


@dataclass(frozen=True, slots=True)
class GreyRange:
    """Which values of pictures with more than 8 bits are black and white: `low` and `high`, and all beyond them.

    With `stretch` it is each picture's own lowest and highest value, and `low` and `high` are 0.
    """

    low: float
    high: float
    stretch: bool = False

    @property
    def limits(self) -> dict[str, Value]:
        """`low` and `high` for a sentence: 4095, 0.25."""
        return {"low": f"{self.low:.10g}", "high": f"{self.high:.10g}"}


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small PNG of `path`, written to `png`."""

    path: str
    png: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The description that a model file holds of its model.

    An engine sends only the first of `classes` to the window, and how many there are as `class_count`.
    """

    path: str
    network: str
    classes: tuple[str, ...]
    image_size: int
    epoch: int
    validated: bool
    val_accuracy: float | None
    test: TestScore | None
    test_opened: int
    class_count: int = field(default=0, metadata=LATER)

    @property
    def known(self) -> int:
        """How many classes the model knows."""
        return self.class_count or len(self.classes)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction for one picture: most probable classes first, probabilities from 0 to 1; or else a `problem`.

    `notes` are what the user should know of how the picture was read.
    `precision` is that in which its probabilities were computed: "float32", "bfloat16" or "float16".
    """

    path: str
    labels: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    width: int = 0
    height: int = 0
    milliseconds: float = 0.0
    png: str = ""
    problem: Message | None = None
    notes: tuple[Message, ...] = field(default=(), metadata=LATER)
    precision: str = field(default="", metadata=LATER)


@dataclass(frozen=True, slots=True)
class Weights:
    """Trained weights that someone shares, and the preprocessing with which they were trained.

    `sha256` is the file's, whole or its first digits; "" if only the server states it. `megabytes` are of 10^6
    bytes. `top1` is the accuracy that the source states, from 0 to 1. `resize` and `image_size` are as in
    `data.transforms.Preprocessing`.
    """

    url: str
    megabytes: float
    licence: str
    trained_on: str = "ImageNet-1k"
    sha256: str = ""
    top1: float | None = None
    image_size: int = 224
    resize: int = 256
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)

    @property
    def host(self) -> str:
        """The host of the URL: `download.pytorch.org`."""
        return self.url.partition("//")[2].partition("/")[0]


@dataclass(frozen=True, slots=True)
class Layer:
    """A row of the layer table. `shape` is the output's, without the batch dimension.

    `stage` is the spec's stage that contains the layer, or the first part of the layer's name. A layer that is called
    in training only, such as an auxiliary classifier, has an empty shape. `parameters` and `multiply_adds` are its own;
    a layer that is called again has 0 parameters in its second row.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A tensor that was not copied from a file into a network: its shape in each, None if it is missing there."""

    name: str
    wanted: tuple[int, ...] | None
    found: tuple[int, ...] | None


def to_plain(value: Any) -> Any:
    """`value` as JSON takes it: dicts in place of dataclasses, without unused fields that are marked as `LATER`."""
    if dataclasses.is_dataclass(value):
        return {
            each.name: to_plain(found)
            for each in dataclasses.fields(value)
            if (found := getattr(value, each.name)) != each.default or each.metadata != LATER
        }
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: Any, value: Any) -> Any:
    """`value`, as JSON gave it, as an instance of `kind`: a dataclass, a tuple, an optional or a plain value.

    Keys that a dataclass does not have are ignored; None stays None. A whole number will do for a fraction.
    Raises `TypeError` where `value` does not fit, also for numbers that are infinite or none.
    """
    return None if value is None else _reader(kind)(value)


_Reader = Callable[[Any], Any]
_LARGEST = 1e308


@functools.cache
def _reader(kind: Any) -> _Reader:
    """What reads a `kind`. Cached: to resolve its hints takes longer than all else, and a long run has 10,000s of lines."""
    if kind is Message:
        return _message_reader(_record_reader(kind))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _record_reader(kind)
    if kind is Any:
        return lambda value: value
    arguments = typing.get_args(kind)
    match typing.get_origin(kind):
        case typing.Literal:
            return _checked(kind, lambda value: isinstance(value, str) and value in arguments)
        case types.UnionType:
            return _union_reader(kind, arguments)
        case origin if origin is tuple and arguments[-1] is Ellipsis:
            return _list_reader(_reader(arguments[0]))
        case origin if origin is tuple:
            return _tuple_reader(tuple(map(_reader, arguments)))
        case origin if origin is dict:
            return _checked(kind, lambda value: isinstance(value, dict))
    return _checked(kind, _PLAIN[kind])


_PLAIN: Mapping[Any, Callable[[Any], bool]] = {
    str: lambda value: isinstance(value, str),
    bool: lambda value: isinstance(value, bool),
    int: lambda value: type(value) is int and -_LARGEST < value < _LARGEST,
    float: lambda value: type(value) in (int, float) and -_LARGEST < value < _LARGEST,
}


def _checked(kind: Any, holds: Callable[[Any], bool]) -> _Reader:
    def read(value: Any) -> Any:
        if not holds(value):
            raise TypeError(f"{reprlib.repr(value)} is no {getattr(kind, '__name__', kind)}")
        return value

    return read


def _record_reader(kind: type) -> _Reader:
    hints = typing.get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError(f"{reprlib.repr(value)} is no {kind.__name__}")
        return kind(**{name: readers[name](each) for name, each in value.items() if name in readers})

    return read


def _message_reader(read_record: _Reader) -> _Reader:
    """Of messages that this version has words for."""

    def read(value: Any) -> Any:
        found = read_record(value)
        try:
            sentence(found)
        except (LookupError, ValueError) as error:
            raise TypeError(f"{reprlib.repr(found.code)} is no message, or not with these values") from error
        return found

    return read


def _union_reader(kind: Any, members: tuple[Any, ...]) -> _Reader:
    """Of an optional, or of plain types that are told apart by the value's own."""
    others = [member for member in members if member is not types.NoneType]
    if len(others) == 1:
        inner = _reader(others[0])
        return lambda value: None if value is None else inner(value)
    return _checked(kind, lambda value: any(_PLAIN[member](value) for member in others))


def _list_reader(inner: _Reader) -> _Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise TypeError(f"{reprlib.repr(value)} is no list")
        return tuple(map(inner, value))

    return read


def _tuple_reader(inner: tuple[_Reader, ...]) -> _Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, list | tuple) or len(value) != len(inner):
            raise TypeError(f"{reprlib.repr(value)} is no list of {len(inner)}")
        return tuple(read_one(each) for read_one, each in zip(inner, value, strict=True))

    return read
