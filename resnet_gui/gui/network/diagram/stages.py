"""The stages of a network, for people: what each is called, what goes in and out, its blocks, and all that in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from PySide6.QtCore import QCoreApplication

from resnet_gui.events import NetworkSummary
from resnet_gui.gui.network.diagram.block_shapes import Block, block_of, row_of
from resnet_gui.gui.text import shape_text
from resnet_gui.nets.spec import SINGLE, NetworkSpec, Stage
from resnet_gui.records import Layer

_RESIDUAL = ("basic", "bottleneck", "preact", "preact_bottleneck", "dual_path")
_SILENT = ("flatten", "drop", "relu", "bn")
"""What the names of modules begin with that say nothing of their stage."""
_KINDS = {
    "stem": "Stem", "conv": "Convolution", "pool": "Pooling", "plain": "plain block", "plain_bottleneck": "plain bottleneck",
    "basic": "basic block", "bottleneck": "bottleneck", "preact": "pre-activation block",
    "preact_bottleneck": "pre-activation bottleneck", "dense": "dense layer", "transition": "transition",
    "inception": "Inception block", "fire": "fire module", "dual_path": "dual path block", "fractal": "fractal block",
    "highway": "highway layer", "linear": "Linear layer", "head": "Head",
}  # fmt: skip
_AROUND = {
    "identity": "The input is added again at the end.",
    "projection": "The input is added again at the end; in the first block through a 1×1 convolution, so that it fits.",
    "padded": "The input is added again at the end; in the first block padded with zeros, so that it fits.",
}


@dataclass(frozen=True, slots=True)
class StageShape:
    """A stage of the chain: the channels that come in, the shape that goes out (() where it is not known), and the kinds
    of its layers as a summary tells them.
    """

    stage: Stage
    incoming: int
    shape: tuple[int, ...]
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawnBlock:
    """A block that is drawn large, with its caption and the channels that come into it."""

    caption: str
    incoming: int
    block: Block


def stage_shapes(network: NetworkSpec, size: int, summarised: NetworkSummary | None) -> tuple[StageShape, ...]:
    """The stages of `network` with what goes in and out; without a summary the strides tell the side."""
    made, incoming, side = [], network.channels, size
    for stage in network.stages:
        layers = [layer for layer in summarised.layers if layer.stage == stage.name] if summarised else []
        side = -(-side // stage.stride)
        by_strides = () if stage.kind in ("linear", "head") else (stage.channels, side, side)
        kinds = tuple(layer.kind for layer in layers)
        made.append(StageShape(stage, incoming, outgoing(layers, stage) or by_strides, kinds))
        incoming = stage.channels
    return tuple(made)


def outgoing(layers: Sequence[Layer], stage: Stage | None) -> tuple[int, ...]:
    """The shape that goes out of `layers` of one stage; of one that no card knows, that of the last."""
    shape = next((layer.shape for layer in reversed(layers) if layer.shape), ())
    return stage.gives(shape) if stage else shape


def most_telling(stages: Sequence[Stage]) -> int:
    """The place of the stage whose block says most: the first residual one, or else the first that is a block at all."""
    residual = [row for row, stage in enumerate(stages) if stage.kind in _RESIDUAL]
    others = [row for row, stage in enumerate(stages) if stage.kind not in SINGLE]
    return (residual or others or [0])[0]


def folded(place: StageShape, length: Callable[[Block], float], room: float) -> list[tuple[Block, int]]:
    """The blocks of a stage with how often each comes: all of them where they fit into `room`, else folded."""
    if row := _layers_in_a_row(place):
        return [(row, 1)]
    first, other = _first_and_other(place.stage)
    others = place.stage.count - 1
    if length(first) + others * length(other) <= room:
        return [(first, 1), *[(other, 1)] * others]
    return [(first, others + 1)] if first == other else [(first, 1), (other, others)]


def drawn_blocks(place: StageShape) -> tuple[DrawnBlock, ...]:
    """The blocks of a stage that differ; none where there is no more in them than the chain shows."""
    stage = place.stage
    first, other = _first_and_other(stage)
    is_whole = sum(map(len, first.steps)) == 1 or stage.kind == "fractal"
    if is_whole and not first.join:
        return ()
    if first == other or stage.count == 1:
        each = _tr("Each of {count} blocks").format(count=stage.count) if stage.count > 1 else _tr("The block")
        return (DrawnBlock(each, place.incoming, first),)
    halved = _tr("First block, side ÷ {stride}").format(stride=stage.stride)
    rest = _tr("The other {count}").format(count=stage.count - 1) if stage.count > 2 else _tr("The other one")
    return (
        DrawnBlock(halved if stage.stride > 1 else _tr("First block"), place.incoming, first),
        DrawnBlock(rest, stage.channels, other),
    )


def _first_and_other(stage: Stage) -> tuple[Block, Block]:
    """The first block of a stage, and those after it."""
    return block_of(stage, stage.shortcut), block_of(stage, "none" if stage.shortcut == "none" else "identity")


def _layers_in_a_row(place: StageShape) -> Block | None:
    return row_of(place.layers) if place.stage.kind in SINGLE else None


def described(place: StageShape) -> str:
    """A stage in words: what it is called, its blocks and their layers, what leads around them, what it gives."""
    stage = place.stage
    kind = _tr(_KINDS[stage.kind])
    parts = [
        f"{stage_title(stage)}: " + (f"{stage.count} × {kind}" if stage.count > 1 else kind),
        _boxes_in_words(_layers_in_a_row(place) or block_of(stage, stage.shortcut)),
        _tr(_AROUND[stage.shortcut]) if stage.shortcut != "none" else "",
        _tr("Gives {shape}").format(shape=shape_text(place.shape)) if place.shape else "",
    ]
    return "\n".join(part for part in parts if part)


def _boxes_in_words(block: Block) -> str:
    boxes = [box for step in block.steps for box in step]
    return ", ".join(f"{box.text} → {box.channels:,}" if box.channels else box.text for box in boxes if box.text)


def stage_title(stage: Stage) -> str:
    """What a stage is called: as its modules are, the most telling of them where it has several."""
    if " " in stage.name and stage.kind in ("stem", "head"):
        return _tr(_KINDS[stage.kind])
    names = [_inner(name) for name in stage.name.split() if not name.startswith(_SILENT)] or [stage.name]
    first, last = names[0], names[-1]
    prefix = first.rpartition(".")[0]
    shared = f"{prefix}." if prefix else _beginning(first, last) if stage.kind not in SINGLE else ""
    return f"{first}–{last.removeprefix(shared)}" if first != last and shared and last.startswith(shared) else first


def _inner(name: str) -> str:
    """`features.denseblock1` is called by its last part; of `features.0` that would say nothing."""
    inside = name.removeprefix("features.")
    return name if inside[0].isdigit() else inside


def _beginning(one: str, other: str) -> str:
    """What both begin with."""
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _tr(text: str) -> str:
    return QCoreApplication.translate("stages", text)
