"""Plain records that events, models and the catalogue share: what a layer, a score, a prediction is."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from dataclasses import dataclass
from typing import Any

from resnet_gui.messages import Message


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Of `total` pictures of class `name`, `right` were recognised (top-1)."""

    name: str
    right: int
    total: int


@dataclass(frozen=True, slots=True)
class TestScore:
    """The score on pictures the model has never seen. `opened` counts how often they were used for a score."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    right: int
    total: int
    loss: float
    classes: tuple[ClassScore, ...]
    opened: int

    @property
    def percent(self) -> int:
        """The share of right answers in whole per cent; 100 and 0 only where it is all or nothing."""
        if self.right in (0, self.total):
            return 100 if self.right else 0
        return min(99, max(1, round(100 * self.right / self.total)))


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small PNG of `path`, written to `png`."""

    path: str
    png: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The description that a model file holds of its model."""

    path: str
    network: str
    classes: tuple[str, ...]
    image_size: int
    epoch: int
    validated: bool
    val_accuracy: float | None
    test: TestScore | None
    test_opened: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction for one picture: most probable classes first, probabilities from 0 to 1; or else a `problem`.

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
    precision: str = ""


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


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    """Cached: resolving them takes four times as long as all else, and a long run has tens of thousands of lines."""
    return typing.get_type_hints(kind)


def from_plain(kind: Any, value: Any) -> Any:
    """`value`, as JSON gave it, as an instance of `kind`: a dataclass, a tuple, an optional or a plain value.

    Keys that a dataclass does not have are ignored. Raises `TypeError` or `KeyError` where `value` does not fit.
    """
    if value is None:
        return None
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise TypeError(f"{value!r} is no {kind.__name__}")
        hints = _hints(kind)
        known = {field.name for field in dataclasses.fields(kind)} & value.keys()
        return kind(**{name: from_plain(hints[name], value[name]) for name in known})
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        if arguments[-1] is Ellipsis:
            return tuple(from_plain(arguments[0], item) for item in value)
        return tuple(from_plain(each, item) for each, item in zip(arguments, value, strict=True))
    if typing.get_origin(kind) is types.UnionType and type(None) in arguments:
        return from_plain(next(each for each in arguments if each is not type(None)), value)
    return value
