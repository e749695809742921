"""A network's description before it is built, as plain data: nothing here imports torch, so the window can read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resnet_gui.records import Weights

Source = Literal["ours", "torchvision", "timm"]

Kind = Literal[
    "stem", "conv", "pool", "plain", "plain_bottleneck", "basic", "bottleneck", "preact", "preact_bottleneck", "dense",
    "transition", "inception", "fire", "dual_path", "fractal", "highway", "linear", "head",
]  # fmt: skip
"""The kind of layers or blocks in a stage, as the diagram draws it."""

SINGLE: tuple[Kind, ...] = ("stem", "conv", "pool", "linear", "head")
"""Stages that are a sequence of layers; the others are made of blocks, which may have parallel branches."""

Shortcut = Literal["none", "identity", "projection", "padded"]


@dataclass(frozen=True, slots=True)
class Stage:
    """`count` layers or blocks of one kind, as the diagram draws them and the layer table folds them.

    `name` is the first part of its modules' names, up to a dot (`layer1`); several are separated by spaces (`conv1 bn1
    relu maxpool`). `channels` is the number of output channels; `width` is that inside a bottleneck, 0 elsewhere.
    The first block has the `stride` and the `shortcut`; later blocks have the identity, unless the shortcut is "none".
    """

    name: str
    kind: Kind
    count: int
    channels: int
    width: int = 0
    stride: int = 1
    shortcut: Shortcut = "none"

    def gives(self, last: tuple[int, ...]) -> tuple[int, ...]:
        """The stage's output shape, if its last layer's is `last`; in a block, that layer may be in one branch."""
        return (self.channels, *last[1:]) if self.kind not in SINGLE and len(last) == 3 else last


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """The description of one network.

    `name` is what a user types, `title` what a user reads. `depth` counts the layers with weights as the papers do:
    convolutions and linear layers on the longest path, without projections in shortcuts. `parameters` is the number of
    all trainable parameters with `classes` classes and `channels` channels, `multiply_adds` that of convolutions and
    linear layers for one picture of `default_size` x `default_size` pixels; figures that are not known are 0.

    Pictures may have sides from `smallest` to `largest` pixels (None: no limit); a network with a fixed size has both
    equal. `auxiliary` is the weight of each auxiliary classifier's loss. `lesson` is a worked example of a calculation,
    `note` something to know before choosing the network; both may be empty.
    """

    name: str
    title: str
    family: str
    paper: str
    year: int
    depth: int
    parameters: int
    multiply_adds: int
    description: str
    source: Source = "ours"
    library_name: str = ""
    classes: int = 1000
    channels: int = 3
    default_size: int = 224
    smallest: int = 32
    largest: int | None = None
    stages: tuple[Stage, ...] = ()
    weights: Weights | None = None
    auxiliary: float = 0.0
    lesson: str = ""
    note: str = ""

    @property
    def is_curated(self) -> bool:
        """Whether it is in the catalogue; for any other network of a library nothing but the name is known."""
        return bool(self.paper)

    def channels_for(self, colour: str) -> int:
        """The number of input channels, if the setting `data.colour` is `colour`: "auto", "colour" or "grey"."""
        return {"grey": 1, "colour": 3, "auto": self.channels}[colour]

    @property
    def sizes(self) -> str:
        """ "227", "27 to 50" or "from 32": the sides of pictures, in pixels."""
        if not self.is_curated:
            return "not known beforehand"
        if self.largest is None:
            return f"from {self.smallest}"
        return f"{self.smallest}" if self.largest == self.smallest else f"{self.smallest} to {self.largest}"

    def takes(self, size: int) -> bool:
        """Whether pictures of `size` x `size` pixels can go through it."""
        return self.smallest <= size and (self.largest is None or size <= self.largest)
