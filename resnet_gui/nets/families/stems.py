"""The entrances of residual networks: from a picture to the channels that the first stage takes.

A stem is made from the picture's channels (1, 3, 4 or any) and a norm, and is a dict of named layers, with the number of
channels it gives.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from resnet_gui.nets.families.blocks import conv3x3
from resnet_gui.nets.families.shortcuts import MakeNorm

Layers = dict[str, nn.Module]

MakeStem = Callable[[int, MakeNorm], tuple[Layers, int]]
"""From the picture's channels and a norm to layers and the channels that come out of them."""


def large_stem(channels: int, norm: MakeNorm) -> tuple[Layers, int]:
    """[N, channels, H, W] to [N, 64, H / 4, W / 4]: a 7x7 convolution and a pooling, each halving (He et al. 2015, table 1)."""
    return {
        "conv1": nn.Conv2d(channels, 64, kernel_size=7, stride=2, padding=3, bias=False),
        "bn1": norm(64),
        "relu": nn.ReLU(inplace=True),
        "maxpool": halving_pool(),
    }, 64


def bare_stem(channels: int, norm: MakeNorm) -> tuple[Layers, int]:
    """The same without norm and ReLU, which the first pre-activation block brings (He et al. 2016)."""
    layers, width = large_stem(channels, norm)
    return {"conv1": layers["conv1"], "maxpool": layers["maxpool"]}, width


def deep_stem(channels: int, norm: MakeNorm, width: int = 32) -> tuple[Layers, int]:
    """[N, channels, H, W] to [N, 2 * width, H / 4, W / 4]: three 3x3 convolutions in place of the 7x7.

    A `width` of 32 makes ResNet-C's and -D's (He et al. 2019, figure 2b), 64 that of PSPNet (Zhao et al. 2017).
    """
    return {
        "conv1": nn.Sequential(
            conv3x3(channels, width, stride=2), norm(width), nn.ReLU(inplace=True),
            conv3x3(width, width), norm(width), nn.ReLU(inplace=True),
            conv3x3(width, 2 * width),
        ),
        "bn1": norm(2 * width),
        "relu": nn.ReLU(inplace=True),
        "maxpool": halving_pool(),
    }, 2 * width  # fmt: skip


def small_stem(channels: int, norm: MakeNorm, width: int = 64) -> tuple[Layers, int]:
    """[N, channels, H, W] to [N, width, H, W]: one 3x3 convolution that halves nothing, for small pictures."""
    return {"conv1": conv3x3(channels, width), "bn1": norm(width), "relu": nn.ReLU(inplace=True)}, width


def halving_pool() -> nn.MaxPool2d:
    """The largest of 3x3 points, at every second point."""
    return nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
