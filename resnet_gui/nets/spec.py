"""What is known of a network before it is built, as plain data: nothing here imports torch, so the window can read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resnet_gui.records import Weights

Source = Literal["ours", "torchvision", "timm"]

Kind = Literal[
    "stem", "conv", "pool", "plain", "plain_bottleneck", "basic", "bottleneck", "preact", "preact_bottleneck", "dense",
    "transition", "inception", "fire", "dual_path", "fractal", "highway", "linear", "head",
]  # fmt: skip
"""What a stage is made of, as the diagram draws it."""

SINGLE: tuple[Kind, ...] = ("stem", "conv", "pool", "linear", "head")
"""Stages of layers in a row; the others are made of blocks, in which layers may stand side by side."""

Shortcut = Literal["none", "identity", "projection", "padded"]


@dataclass(frozen=True, slots=True)
class Stage:
    """`count` layers or blocks of one kind, as the diagram draws them and the layer table folds them.

    `name` is that of the modules whose names begin with it, up to a point (`layer1`); several are parted by spaces
    (`conv1 bn1 relu maxpool`). `channels` go out; `width` is what a bottleneck narrows to, 0 where nothing is narrowed.
    The first block has the `stride` and the `shortcut`; those after it have the identity, unless it is "none".
    """

    name: str
    kind: Kind
    count: int
    channels: int
    width: int = 0
    stride: int = 1
    shortcut: Shortcut = "none"

    def gives(self, last: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that goes out, where the last layer gives `last`: in a block that may be one of its branches."""
        return (self.channels, *last[1:]) if self.kind not in SINGLE and len(last) == 3 else last


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """One network's card.

    `name` is what a person types, `title` what they read. `depth` counts the layers with weights as the papers do:
    convolutions and linear layers on the longest way through, without projections in shortcuts. `parameters` are all
    trainable numbers with `classes` classes and `channels` channels, `multiply_adds` those of convolutions and linear
    layers for one picture of `usual` x `usual` pixels; figures that are not known before it is built are 0.

    Pictures may have sides from `smallest` to `largest` pixels (None: no limit); a network with a fixed size has both
    equal. `auxiliary` is the weight of each auxiliary classifier's loss. `lesson` is a worked sum that it teaches,
    `remark` something odd to know before one takes it; both may be empty.
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
        """Whether it is of the catalogue; of any other network of a library the card knows nothing but the name."""
        return bool(self.paper)

    def channels_for(self, colour: str) -> int:
        """How many channels pictures have for it, where the setting `data.colour` is "auto", "colour" or "grey"."""
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
