"""The residual networks for CIFAR-sized pictures, 32 x 32: a stem, three stages of blocks, a head (He et al. 2015, section 4.2).

The stem halves nothing and there are few channels, so these networks are small, but at large pictures still slow.
`BUILDERS` names them; each takes the classes and the picture's channels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from resnet_gui.nets.families.blocks import BasicBlock, PlainBlock, conv3x3
from resnet_gui.nets.families.preact import PreactBlock, PreactBottleneckV1
from resnet_gui.nets.families.resnet import MakeBlock, closing, head, joined, stages
from resnet_gui.nets.families.shortcuts import PaddedIdentity, padded, projected
from resnet_gui.nets.families.stems import small_stem


def resnet_cifar(block: MakeBlock, count: int, classes: int, channels: int = 3) -> nn.Sequential:
    """`count` blocks in each of three stages, with 16, 32 and 64 channels: 6 * `count` + 2 layers if a block has two.

    [N, channels, H, W] to logits [N, classes], freshly initialised from torch's global seed; stages after the first halve.
    """
    entrance, width = small_stem(channels, nn.BatchNorm2d, width=16)
    blocks, width = stages(block, (count,) * 3, width, 16, dilated=(False, False))
    return joined(entrance | blocks | head(width, classes, "linear"))


def resnet_v2_cifar(block: MakeBlock, count: int, classes: int, channels: int = 3, widen: int = 1) -> nn.Sequential:
    """The same of pre-activation blocks, `widen` times as wide (He et al. 2016; Zagoruyko and Komodakis 2016, table 1).

    As every path of a pre-activation block begins with a norm, the stem is a convolution alone, and a norm closes the last.
    """
    entrance = {"conv1": conv3x3(channels, 16)}
    blocks, width = stages(block, (count,) * 3, 16, 16 * widen, dilated=(False, False))
    return joined(entrance | blocks | closing(width, nn.BatchNorm2d) | head(width, classes, "linear"))


def resnet110_v2(classes: int, channels: int = 3) -> nn.Sequential:
    """ResNet-110 of pre-activation blocks: [N, channels, H, W] to logits [N, classes].

    The first block's input is activated before it goes both ways (He et al. 2016, appendix), so its shortcut, which has
    nothing to pad, is made of the kind that takes what is activated.
    """
    network = resnet_v2_cifar(partial(PreactBlock, shortcut=padded), 18, classes, channels)
    network.get_submodule("layer1.0").downsample = PaddedIdentity(16, 16, stride=1)
    return network


BUILDERS: dict[str, Callable[..., nn.Sequential]] = {
    **{
        f"resnet{depth}": partial(resnet_cifar, partial(BasicBlock, shortcut=padded), (depth - 2) // 6)
        for depth in (20, 32, 44, 56, 110, 1202)
    },
    **{
        f"resnet{depth}_b": partial(resnet_cifar, partial(BasicBlock, shortcut=projected), (depth - 2) // 6)
        for depth in (20, 32, 44, 56)
    },
    **{f"plain{depth}": partial(resnet_cifar, PlainBlock, (depth - 2) // 6) for depth in (20, 32, 44, 56, 110)},
    "resnet110_v2": resnet110_v2,
    **{f"resnet{depth}_v2": partial(resnet_v2_cifar, PreactBottleneckV1, (depth - 2) // 9) for depth in (164, 1001)},
    **{
        f"wrn_{depth}_{widen}": partial(resnet_v2_cifar, PreactBlock, (depth - 4) // 6, widen=widen)
        for depth, widen in ((16, 4), (16, 8), (28, 10), (40, 2), (40, 4))
    },
}
"""From classes and channels to a network, by name."""
