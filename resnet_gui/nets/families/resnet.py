"""The residual networks for ImageNet-sized pictures: a stem, four stages of blocks, a head (He et al. 2015, table 1).

Each part is a dict of named layers, and a network is those layers one after the other. So another stem, block or head
makes another network, a network cut off before its head gives features, and weights have the names that are shared.
`BUILDERS` names the networks; each takes the classes, the picture's channels and, by name, what `resnet` takes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial

from torch import nn

from resnet_gui.nets.families.blocks import (
    BasicBlock,
    Bottleneck,
    BottleneckV1,
    PlainBlock,
    PlainBottleneck,
    SEBasicBlock,
    SEBottleneck,
)
from resnet_gui.nets.families.preact import PreactBlock, PreactBottleneck
from resnet_gui.nets.families.shortcuts import MakeNorm, averaged, padded, projection
from resnet_gui.nets.families.stems import Layers, MakeStem, bare_stem, deep_stem, large_stem, small_stem

Block = PlainBlock | PlainBottleneck | PreactBlock | PreactBottleneck

MakeBlock = Callable[..., Block]
"""From incoming channels, base width, stride, dilation and norm to a block."""

group_norm: MakeNorm = partial(nn.GroupNorm, 32)
"""Channels are normalised in 32 groups, each picture by itself: for batches too small for batch norm (Wu and He 2018)."""

layer_norm: MakeNorm = partial(nn.GroupNorm, 1)
"""All channels of a picture are normalised together."""


def resnet(
    block: MakeBlock,
    counts: Sequence[int],
    classes: int,
    channels: int = 3,
    stem: MakeStem = large_stem,
    norm: MakeNorm = nn.BatchNorm2d,
    replace_stride_with_dilation: Sequence[bool] = (False, False, False),
    zero_init_residual: bool = False,
    include_top: bool = True,
) -> nn.Sequential:
    """A network with `counts[i]` blocks in stage `i`, each stage twice as wide and half as large as the one before.

    [N, channels, H, W] to logits [N, classes], or without its top to features [N, C, h, w]; freshly initialised from
    torch's global seed. Stages after the first halve the size, or dilate if `replace_stride_with_dilation`.
    With `zero_init_residual` every residual block starts as its shortcut.
    """
    entrance, width = stem(channels, norm)
    blocks, width = stages(partial(block, norm=norm), counts, width, 64, replace_stride_with_dilation)
    top = head(width, classes) if include_top else {}
    return joined(entrance | blocks | top, zero_init_residual)


def resnet_v2(
    block: MakeBlock,
    counts: Sequence[int],
    classes: int,
    channels: int = 3,
    norm: MakeNorm = nn.BatchNorm2d,
    replace_stride_with_dilation: Sequence[bool] = (False, False, False),
    zero_init_residual: bool = False,
    include_top: bool = True,
) -> nn.Sequential:
    """As `resnet`, of pre-activation blocks: since these end in a sum, a norm and a ReLU close the last (He et al. 2016)."""
    entrance, width = bare_stem(channels, norm)
    blocks, width = stages(partial(block, norm=norm), counts, width, 64, replace_stride_with_dilation)
    top = head(width, classes) if include_top else {}
    return joined(entrance | blocks | closing(width, norm) | top, zero_init_residual)


def stages(
    block: MakeBlock, counts: Sequence[int], channels: int, width: int, dilated: Sequence[bool]
) -> tuple[Layers, int]:
    """Stages called `layer1`, `layer2`, …, after `channels` incoming ones, and how many channels go out.

    The first has blocks of base width `width` and keeps the size; each later one doubles the width, and halves the size
    unless it is `dilated` (one entry for each stage but the first): then its blocks look at points twice as far apart.
    """
    layers: Layers = {}
    dilation = 1
    for number, (count, dilate) in enumerate(zip(counts, (False, *dilated), strict=True), start=1):
        blocks = [block(channels, width, 1 if number == 1 or dilate else 2, dilation)]
        dilation = 2 * dilation if dilate else dilation
        while len(blocks) < count:
            blocks.append(block(blocks[-1].out_channels, width, 1, dilation))
        layers[f"layer{number}"] = nn.Sequential(*blocks)
        channels, width = blocks[-1].out_channels, 2 * width
    return layers, channels


def closing(channels: int, norm: MakeNorm) -> Layers:
    """What a pre-activation network has after its last block: [N, channels, h, w] to the same shape."""
    return {"bn": norm(channels), "relu": nn.ReLU(inplace=True)}


def head(channels: int, classes: int, name: str = "fc") -> Layers:
    """The classifier, called `name`: [N, channels, h, w], averaged over all points, to logits [N, classes]."""
    return {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), name: nn.Linear(channels, classes)}


def joined(layers: Layers, zero_init_residual: bool = False) -> nn.Sequential:
    """The layers as one network, initialised; with `zero_init_residual` every residual block starts as its shortcut."""
    network = nn.Sequential(OrderedDict(layers))
    initialise(network)
    for block in network.modules():
        if zero_init_residual and isinstance(block, BasicBlock | Bottleneck | PreactBlock | PreactBottleneck):
            block.start_as_shortcut()
    return network


def initialise(network: nn.Module) -> None:
    """Random weights whose size keeps gradients alive through every ReLU (He et al. 2015b, arXiv:1502.01852, section 2.2).

    Norms start as torch makes them: scale 1, shift 0.
    """
    for layer in network.modules():
        # On the meta device there is nothing to draw, and torch would load its compiler, for seconds, in order to do so.
        if isinstance(layer, nn.Conv2d) and not layer.weight.is_meta:
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


SHALLOW = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
"""Blocks of two layers in each stage, by depth."""

DEEP = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)}
"""Blocks of three layers in each stage, by depth."""

BUILDERS: dict[str, Callable[..., nn.Sequential]] = {
    **{f"resnet{depth}": partial(resnet, BasicBlock, counts) for depth, counts in SHALLOW.items()},
    **{f"resnet{depth}": partial(resnet, Bottleneck, DEEP[depth]) for depth in (50, 101, 152)},
    **{f"resnet{depth}_v1": partial(resnet, BottleneckV1, DEEP[depth]) for depth in (50, 101, 152)},
    "resnet34_a": partial(resnet, partial(BasicBlock, shortcut=padded), SHALLOW[34]),
    "resnet34_c": partial(resnet, partial(BasicBlock, shortcut=projection), SHALLOW[34]),
    "resnet18d": partial(resnet, partial(BasicBlock, shortcut=averaged), SHALLOW[18], stem=deep_stem),
    "resnet34d": partial(resnet, partial(BasicBlock, shortcut=averaged), SHALLOW[34], stem=deep_stem),
    **{
        f"resnet{depth}d": partial(resnet, partial(Bottleneck, shortcut=averaged), DEEP[depth], stem=deep_stem)
        for depth in (50, 101, 152)
    },
    "resnet50c": partial(resnet, Bottleneck, DEEP[50], stem=deep_stem),
    "resnet50s": partial(resnet, Bottleneck, DEEP[50], stem=partial(deep_stem, width=64)),
    "resnet18_small": partial(resnet, BasicBlock, SHALLOW[18], stem=small_stem),
    "resnet34_small": partial(resnet, BasicBlock, SHALLOW[34], stem=small_stem),
    "resnet50_small": partial(resnet, Bottleneck, DEEP[50], stem=small_stem),
    "resnet50_gn": partial(resnet, Bottleneck, DEEP[50], norm=group_norm),
    "resnext50_32x4d": partial(resnet, partial(Bottleneck, groups=32, group_width=4), DEEP[50]),
    "resnext101_32x8d": partial(resnet, partial(Bottleneck, groups=32, group_width=8), DEEP[101]),
    "wide_resnet50_2": partial(resnet, partial(Bottleneck, group_width=128), DEEP[50]),
    "wide_resnet101_2": partial(resnet, partial(Bottleneck, group_width=128), DEEP[101]),
    "seresnet18": partial(resnet, SEBasicBlock, SHALLOW[18]),
    "seresnet34": partial(resnet, SEBasicBlock, SHALLOW[34]),
    **{f"seresnet{depth}": partial(resnet, SEBottleneck, DEEP[depth]) for depth in (50, 101, 152)},
    "seresnext50_32x4d": partial(resnet, partial(SEBottleneck, groups=32, group_width=4), DEEP[50]),
    **{f"resnet{depth}_v2": partial(resnet_v2, PreactBlock, SHALLOW[depth]) for depth in (18, 34)},
    **{f"resnet{depth}_v2": partial(resnet_v2, PreactBottleneck, counts) for depth, counts in DEEP.items()},
    **{f"plain{depth}": partial(resnet, PlainBlock, counts) for depth, counts in SHALLOW.items()},
    **{f"plain{depth}": partial(resnet, PlainBottleneck, DEEP[depth]) for depth in (50, 101, 152)},
}  # fmt: skip
"""From classes and channels to a network, by name."""
