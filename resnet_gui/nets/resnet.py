"""The residual networks for ImageNet-sized pictures: a stem, four stages of blocks, a head (He et al. 2015, table 1).

Each part is a dict of named layers, and a network is those layers one after the other. So another stem, block or head
makes another network, a network cut off before its head gives features, and weights have the names that are shared.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from torch import nn

from resnet_gui.nets.blocks import BasicBlock, Block, Bottleneck

Layers = dict[str, nn.Module]
MakeBlock = Callable[[int, int, int], Block]
"""From incoming channels, base width and stride to a block."""


def resnet18(classes: int) -> nn.Sequential:
    """ResNet-18: [N, 3, H, W] to logits [N, classes]."""
    return resnet(BasicBlock, (2, 2, 2, 2), classes)


def resnet34(classes: int) -> nn.Sequential:
    """ResNet-34: [N, 3, H, W] to logits [N, classes]."""
    return resnet(BasicBlock, (3, 4, 6, 3), classes)


def resnet50(classes: int) -> nn.Sequential:
    """ResNet-50: [N, 3, H, W] to logits [N, classes]."""
    return resnet(Bottleneck, (3, 4, 6, 3), classes)


def resnet101(classes: int) -> nn.Sequential:
    """ResNet-101: [N, 3, H, W] to logits [N, classes]."""
    return resnet(Bottleneck, (3, 4, 23, 3), classes)


def resnet152(classes: int) -> nn.Sequential:
    """ResNet-152: [N, 3, H, W] to logits [N, classes]."""
    return resnet(Bottleneck, (3, 8, 36, 3), classes)


def resnet(block: MakeBlock, counts: tuple[int, ...], classes: int) -> nn.Sequential:
    """A network with `counts[i]` blocks in stage `i`, each stage twice as wide and half as large as the one before.

    [N, 3, H, W] to logits [N, classes], freshly initialised from torch's global seed; stages after the first halve.
    """
    layers = stem()
    channels, width, stride = 64, 64, 1
    for number, count in enumerate(counts, start=1):
        blocks = stage(block, count, channels, width, stride)
        layers[f"layer{number}"] = nn.Sequential(*blocks)
        channels, width, stride = blocks[-1].out_channels, 2 * width, 2
    network = nn.Sequential(OrderedDict(layers | head(channels, classes)))
    initialise(network)
    return network


def stem() -> Layers:
    """The entrance: [N, 3, H, W] to [N, 64, H / 4, W / 4], a 7x7 convolution and a pooling, each halving the picture."""
    return {
        "conv1": nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False),
        "bn1": nn.BatchNorm2d(64),
        "relu": nn.ReLU(inplace=True),
        "maxpool": nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
    }


def stage(block: MakeBlock, count: int, channels: int, width: int, stride: int) -> list[Block]:
    """`count` blocks of one width after `channels` incoming ones; the first has the `stride`."""
    blocks = [block(channels, width, stride)]
    while len(blocks) < count:
        blocks.append(block(blocks[-1].out_channels, width, 1))
    return blocks


def head(channels: int, classes: int) -> Layers:
    """The classifier: [N, channels, h, w], averaged over all points, to logits [N, classes]."""
    return {
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "fc": nn.Linear(channels, classes),
    }


def initialise(network: nn.Module) -> None:
    """Random weights whose size keeps gradients alive through every ReLU (He et al. 2015b, arXiv:1502.01852, section 2.2).

    Norms start as torch makes them: scale 1, shift 0.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
