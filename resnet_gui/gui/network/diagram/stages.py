"""The stages of a network as they are shown: names, input channels and output shapes, blocks, and a description."""

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
"""Modules whose names begin so do not name their stage."""
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
    """A stage: its input channels, its output shape (() if it is not known), and the kinds of its layers as in a summary."""

    stage: Stage
    incoming: int
    shape: tuple[int, ...]
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawnBlock:
    """A block that is drawn large, with its caption and its input channels."""

    caption: str
    incoming: int
    block: Block


def stage_shapes(network: NetworkSpec, size: int, summarised: NetworkSummary | None) -> tuple[StageShape, ...]:
    """The stages of `network` with their shapes; without a summary the side is worked out from the strides."""
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
    """The output shape of one stage's `layers`. Without a `stage` (the spec has none), that of the last layer."""
    shape = next((layer.shape for layer in reversed(layers) if layer.shape), ())
    return stage.gives(shape) if stage else shape


def initial_row(stages: Sequence[Stage]) -> int:
    """The index of the stage that is selected first: the first residual one, or else the first that has blocks."""
    residual = [row for row, stage in enumerate(stages) if stage.kind in _RESIDUAL]
    others = [row for row, stage in enumerate(stages) if stage.kind not in SINGLE]
    return (residual or others or [0])[0]


def folded(stage_shape: StageShape, length: Callable[[Block], float], room: float) -> list[tuple[Block, int]]:
    """The blocks of a stage with how often each is repeated: all of them if they fit into `room` pixels, else folded."""
    if row := _layers_in_a_row(stage_shape):
        return [(row, 1)]
    first, other = _first_and_other(stage_shape.stage)
    others = stage_shape.stage.count - 1
    if length(first) + others * length(other) <= room:
        return [(first, 1), *[(other, 1)] * others]
    return [(first, others + 1)] if first == other else [(first, 1), (other, others)]


def drawn_blocks(stage_shape: StageShape) -> tuple[DrawnBlock, ...]:
    """The blocks of a stage that differ; none if the list of stages shows all there is in them."""
    stage = stage_shape.stage
    first, other = _first_and_other(stage)
    is_whole = sum(map(len, first.steps)) == 1 or stage.kind == "fractal"
    if is_whole and not first.join:
        return ()
    if first == other or stage.count == 1:
        each = _tr("Each of {count} blocks").format(count=stage.count) if stage.count > 1 else _tr("The block")
        return (DrawnBlock(each, stage_shape.incoming, first),)
    halved = _tr("First block, side ÷ {stride}").format(stride=stage.stride)
    rest = _tr("The other {count}").format(count=stage.count - 1) if stage.count > 2 else _tr("The other one")
    return (
        DrawnBlock(halved if stage.stride > 1 else _tr("First block"), stage_shape.incoming, first),
        DrawnBlock(rest, stage.channels, other),
    )


def _first_and_other(stage: Stage) -> tuple[Block, Block]:
    """The first block of a stage, and those after it."""
    return block_of(stage, stage.shortcut), block_of(stage, "none" if stage.shortcut == "none" else "identity")


def _layers_in_a_row(stage_shape: StageShape) -> Block | None:
    return row_of(stage_shape.layers) if stage_shape.stage.kind in SINGLE else None


def stage_description(stage_shape: StageShape) -> str:
    """A stage in words: its name, its blocks and their layers, its shortcut, and its output shape."""
    stage = stage_shape.stage
    kind = _tr(_KINDS[stage.kind])
    parts = [
        f"{stage_title(stage)}: " + (f"{stage.count} × {kind}" if stage.count > 1 else kind),
        _boxes_in_words(_layers_in_a_row(stage_shape) or block_of(stage, stage.shortcut)),
        _tr(_AROUND[stage.shortcut]) if stage.shortcut != "none" else "",
        _tr("Gives {shape}").format(shape=shape_text(stage_shape.shape)) if stage_shape.shape else "",
    ]
    return "\n".join(part for part in parts if part)


def _boxes_in_words(block: Block) -> str:
    boxes = [box for step in block.steps for box in step]
    return ", ".join(f"{box.text} → {box.channels:,}" if box.channels else box.text for box in boxes if box.text)


def stage_title(stage: Stage) -> str:
    """A stage's name, made of the names of its modules, without those that say little."""
    if " " in stage.name and stage.kind in ("stem", "head"):
        return _tr(_KINDS[stage.kind])
    names = [_inner(name) for name in stage.name.split() if not name.startswith(_SILENT)] or [stage.name]
    first, last = names[0], names[-1]
    prefix = first.rpartition(".")[0]
    shared = f"{prefix}." if prefix else _beginning(first, last) if stage.kind not in SINGLE else ""
    return f"{first}–{last.removeprefix(shared)}" if first != last and shared and last.startswith(shared) else first


def _inner(name: str) -> str:
    """`features.denseblock1` is shortened to its last part; `features.0` is not, since a number alone is no name."""
    inside = name.removeprefix("features.")
    return name if inside[0].isdigit() else inside


def _beginning(one: str, other: str) -> str:
    """What both begin with."""
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _tr(text: str) -> str:
    return QCoreApplication.translate("stages", text)
