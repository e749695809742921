"""Blocks as the papers draw them: boxes one after the other or side by side, and the path around them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from resnet_gui.nets.spec import Shortcut, Stage

_NORM_FIRST = ("preact", "preact_bottleneck", "dense")
_MOST_BOXES = 6
"""More layers than this are not drawn one by one."""


@dataclass(frozen=True, slots=True)
class Box:
    """A layer as it is drawn: what it does, its output channels (0: not shown), and its colour.

    It is drawn in so many `parts`, one after the other.
    """

    text: str
    channels: int = 0
    colour: str = "class0"
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Block:
    """Steps one after the other, each of one box or of several side by side, and the path around them.

    `join` is how the path around is joined: "+" added, "c" concatenated, "+c" both, "g" by a gate; "" without a path.
    `norm_first` if norm and ReLU come before each convolution.
    """

    steps: tuple[tuple[Box, ...], ...]
    join: str = ""
    shortcut: Shortcut = "none"
    norm_first: bool = False


def block_of(stage: Stage, shortcut: Shortcut) -> Block:
    """How a block of `stage` is drawn, with `shortcut` around it."""
    width, out = stage.width, stage.channels
    join = "+" if shortcut != "none" else ""
    match stage.kind:
        case "basic" | "plain" | "preact":
            return Block(_steps(_conv("3×3", out), _conv("3×3", out)), join, shortcut, stage.kind in _NORM_FIRST)
        case "bottleneck" | "plain_bottleneck" | "preact_bottleneck":
            return Block(_narrowed(width, out), join, shortcut, stage.kind in _NORM_FIRST)
        case "dual_path":
            return Block(_narrowed(width, out), "+c", shortcut)
        case "dense":
            return Block(_steps(_conv("1×1", width), _conv("3×3")), "c", "identity", norm_first=True)
        case "highway":
            return Block(_steps(Box("H", out, "class4")), "g", "identity")
        case "inception":
            return Block(((_conv("1×1"), _conv("3×3"), _conv("5×5"), _POOL),), join, shortcut)
        case "fractal":
            return Block((tuple(Box("", colour="class4", parts=parts) for parts in (1, 2, 4)),))
        case "fire":
            return Block((*_steps(_conv("1×1", width)), (_conv("1×1"), _conv("3×3"))))
        case "transition":
            return Block(_steps(_conv("1×1", out), _POOL))
        case "linear" | "head":
            return Block(_steps(_LINEAR))
        case _:
            return Block(_steps(_POOL if stage.kind == "pool" else Box("conv", out)))


def row_of(kinds: Iterable[str]) -> Block | None:
    """Single layers of these `kinds`, as in a summary, in a row; None if there are none to draw, or too many."""
    boxes = [box for kind in kinds if (box := _box_from_name(kind))]
    return Block(_steps(*boxes)) if 0 < len(boxes) <= _MOST_BOXES else None


_POOL, _LINEAR = Box("pool", colour="class1"), Box("fc", colour="class2")


def _steps(*boxes: Box) -> tuple[tuple[Box, ...], ...]:
    return tuple((box,) for box in boxes)


def _conv(text: str, channels: int = 0) -> Box:
    return Box(text, channels, "class5" if text == "1×1" else "class0")


def _narrowed(width: int, out: int) -> tuple[tuple[Box, ...], ...]:
    return _steps(_conv("1×1", width), _conv("3×3", width), _conv("1×1", out))


def _box_from_name(kind: str) -> Box | None:
    """ "Conv2d 7×7 /2" is drawn as "7×7"; what is neither convolution, pooling nor linear is not drawn."""
    name, _, window = kind.partition(" ")
    if name.startswith("Conv"):
        return _conv(window.partition(" ")[0].rstrip(",") or "conv")
    if "Pool" in name:
        return _POOL if window else Box("avg", colour="class1")
    return _LINEAR if name == "Linear" else None
