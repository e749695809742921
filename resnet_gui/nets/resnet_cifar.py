"""The residual networks for CIFAR-sized pictures, 32 x 32: a stem, three stages of blocks, a head (He et al. 2015, section 4.2).

The stem halves nothing and there are few channels, so these networks are small, but at large pictures still slow.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

from torch import nn

from resnet_gui.nets.blocks import BasicBlock, conv3x3, padded
from resnet_gui.nets.resnet import Layers, initialise, stage


def resnet20(classes: int) -> nn.Sequential:
    """ResNet-20: [N, 3, H, W] to logits [N, classes]."""
    return resnet_cifar(3, classes)


def resnet_cifar(n: int, classes: int) -> nn.Sequential:
    """A network of 6n + 2 layers: `n` blocks of two in each stage, with 16, 32 and 64 channels, the stem and the head.

    [N, 3, H, W] to logits [N, classes], freshly initialised from torch's global seed; stages after the first halve.
    """
    layers = stem()
    channels, stride = 16, 1
    for number, width in enumerate((16, 32, 64), start=1):
        layers[f"layer{number}"] = nn.Sequential(
            *stage(partial(BasicBlock, shortcut=padded), n, channels, width, stride)
        )
        channels, stride = width, 2
    network = nn.Sequential(OrderedDict(layers | head(channels, classes)))
    initialise(network)
    return network


def stem() -> Layers:
    """The entrance: [N, 3, H, W] to [N, 16, H, W]."""
    return {"conv1": conv3x3(3, 16), "bn1": nn.BatchNorm2d(16), "relu": nn.ReLU(inplace=True)}


def head(channels: int, classes: int) -> Layers:
    """The classifier: [N, channels, h, w], averaged over all points, to logits [N, classes]."""
    return {
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "linear": nn.Linear(channels, classes),
    }
