"""The Inception networks that neither torchvision nor timm has: version 2, and the first that is also residual.

An Inception module looks at its input in several ways at once, through windows of different sizes, and lays the answers
side by side (Szegedy et al. 2014, section 4). 1x1 convolutions before the larger windows keep that cheap.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import Tensor, nn

from resnet_gui.nets.families.resnet import initialise

Size = int | tuple[int, int]
"""Of a convolution's window: its side, or height and width."""


class Branches(nn.Module):
    """Layers beside each other: [N, C, H, W] to their outputs, one after the other along the channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for number, branch in enumerate(branches):
            self.add_module(f"branch{number}", branch)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to [N, sum of the branches' channels, h, w]."""
        return torch.cat([branch(x) for branch in self.children()], 1)


class ResidualBranches(nn.Module):
    """Branches whose sum with the input goes on: relu(x + scale * project(branches(x))), [N, C, H, W] kept.

    `inner` channels come from the branches. Where there are many blocks, adding all of each made training die, and a
    `scale` of 0.1 to 0.3 kept it alive (Szegedy et al. 2016, section 3.3).
    """

    def __init__(self, channels: int, inner: int, scale: float, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = Branches(*branches)
        self.conv2d = nn.Conv2d(inner, channels, kernel_size=1)
        self.relu = nn.ReLU(inplace=True)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        out: Tensor = self.relu(x + self.scale * self.conv2d(self.branches(x)))
        return out


def convolution(in_channels: int, out_channels: int, size: Size, stride: int = 1, padded: bool = True) -> nn.Sequential:
    """A convolution, its norm and a ReLU; without padding the map loses a border of half the window."""
    height, width = (size, size) if isinstance(size, int) else size
    padding = (height // 2, width // 2) if padded else 0
    return normed(nn.Conv2d(in_channels, out_channels, (height, width), stride, padding, bias=False))


def normed(convolution: nn.Conv2d) -> nn.Sequential:
    """`convolution` with its norm and a ReLU after it."""
    norm = nn.BatchNorm2d(convolution.out_channels, eps=0.001)
    return nn.Sequential(OrderedDict(conv=convolution, bn=norm, relu=nn.ReLU(inplace=True)))


def head(channels: int, classes: int, dropout: float = 0.0) -> dict[str, nn.Module]:
    """The classifier: [N, channels, h, w], averaged over all points, to logits [N, classes]."""
    return {
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "dropout": nn.Dropout(dropout),
        "fc": nn.Linear(channels, classes),
    }


class Row(NamedTuple):
    """A module of Inception v2: channels of its 1x1 branch, those of 1x1 and 3x3 in its branch with one 3x3 convolution
    and in that with two, its pooling, and the channels of the 1x1 convolution after that. None of the 1x1 branch and of
    the projection: the module halves the map."""

    name: str
    ones: int
    single: tuple[int, int]
    double: tuple[int, int]
    pool: str
    projection: int

    @property
    def stride(self) -> int:
        """2 where the module halves the map."""
        return 1 if self.projection else 2


INCEPTION_V2 = (
    Row("inception3a", 64, (64, 64), (64, 96), "average", 32),
    Row("inception3b", 64, (64, 96), (64, 96), "average", 64),
    Row("inception3c", 0, (128, 160), (64, 96), "max", 0),
    Row("inception4a", 224, (64, 96), (96, 128), "average", 128),
    Row("inception4b", 192, (96, 128), (96, 128), "average", 128),
    Row("inception4c", 160, (128, 160), (128, 160), "average", 96),
    Row("inception4d", 96, (128, 192), (160, 192), "average", 96),
    Row("inception4e", 0, (128, 192), (192, 256), "max", 0),
    Row("inception5a", 352, (192, 320), (160, 224), "average", 128),
    Row("inception5b", 352, (192, 320), (192, 224), "max", 128),
)
"""Ioffe and Szegedy 2015, arXiv:1502.03167, figure 5."""


def inception_v2(classes: int, channels: int) -> nn.Sequential:
    """Inception v2, also BN-Inception (Ioffe and Szegedy 2015, appendix): [N, channels, H, W] to logits [N, classes].

    In place of each 5x5 convolution of version 1 it has two of 3x3, and a norm after every convolution.
    """
    layers: dict[str, nn.Module] = {
        # Separable, as in the paper: each channel by itself is looked at in 8 ways, then a 1x1 convolution mixes them.
        "conv1_depthwise": nn.Conv2d(channels, 8 * channels, 7, stride=2, padding=3, groups=channels, bias=False),
        "conv1": convolution(8 * channels, 64, 1),
        "maxpool1": nn.MaxPool2d(3, stride=2, padding=1),
        "conv2": convolution(64, 64, 1),
        "conv3": convolution(64, 192, 3),
        "maxpool2": nn.MaxPool2d(3, stride=2, padding=1),
    }
    width = 192
    for row in INCEPTION_V2:
        layers[row.name] = inception(width, row)
        width = row.ones + row.single[1] + row.double[1] + (row.projection or width)
    network = nn.Sequential(OrderedDict(layers | head(width, classes)))
    initialise(network)
    return network


def inception(in_channels: int, row: Row) -> Branches:
    """A module of Inception v2 after `in_channels` incoming ones."""
    (before1, single), (before2, double), stride = row.single, row.double, row.stride
    pool = nn.AvgPool2d(3, stride, padding=1) if row.pool == "average" else nn.MaxPool2d(3, stride, padding=1)
    branches: list[nn.Module] = [
        nn.Sequential(convolution(in_channels, before1, 1), convolution(before1, single, 3, stride)),
        nn.Sequential(
            convolution(in_channels, before2, 1),
            convolution(before2, double, 3),
            convolution(double, double, 3, stride),
        ),
        nn.Sequential(pool, convolution(in_channels, row.projection, 1)) if row.projection else pool,
    ]
    return Branches(*([convolution(in_channels, row.ones, 1)] if row.ones else []), *branches)


def inception_resnet_v1(classes: int, channels: int) -> nn.Sequential:
    """Inception-ResNet v1 (Szegedy et al. 2016, arXiv:1602.07261, figures 10 to 15): [N, channels, H, W] to logits [N, classes].

    The scales are those of the implementations that are trained; the paper gives their range.
    """
    layers: dict[str, nn.Module] = {
        "conv2d_1a": convolution(channels, 32, 3, stride=2, padded=False),
        "conv2d_2a": convolution(32, 32, 3, padded=False),
        "conv2d_2b": convolution(32, 64, 3),
        "maxpool_3a": nn.MaxPool2d(3, stride=2),
        "conv2d_3b": convolution(64, 80, 1),
        "conv2d_4a": convolution(80, 192, 3, padded=False),
        "conv2d_4b": convolution(192, 256, 3, stride=2, padded=False),
        "repeat_1": nn.Sequential(*(block_a() for _ in range(5))),
        "mixed_6a": reduction_a(),
        "repeat_2": nn.Sequential(*(block_b() for _ in range(10))),
        "mixed_7a": reduction_b(),
        "repeat_3": nn.Sequential(*(block_c() for _ in range(5))),
    }
    network = nn.Sequential(OrderedDict(layers | head(1792, classes, dropout=0.2)))
    initialise(network)
    return network


def block_a() -> ResidualBranches:
    """Inception-ResNet-A (figure 10): [N, 256, H, W] kept."""
    return ResidualBranches(
        256, 96, 0.17,
        convolution(256, 32, 1),
        nn.Sequential(convolution(256, 32, 1), convolution(32, 32, 3)),
        nn.Sequential(convolution(256, 32, 1), convolution(32, 32, 3), convolution(32, 32, 3)),
    )  # fmt: skip


def reduction_a() -> Branches:
    """Reduction-A (figure 7, with table 1's widths): [N, 256, H, W] to [N, 896, H / 2, W / 2], rounded down."""
    return Branches(
        convolution(256, 384, 3, stride=2, padded=False),
        nn.Sequential(convolution(256, 192, 1), convolution(192, 192, 3), convolution(192, 256, 3, 2, padded=False)),
        nn.MaxPool2d(3, stride=2),
    )


def block_b() -> ResidualBranches:
    """Inception-ResNet-B (figure 11): [N, 896, H, W] kept; 1x7 and 7x1 together see as much as 7x7."""
    return ResidualBranches(
        896, 256, 0.1,
        convolution(896, 128, 1),
        nn.Sequential(convolution(896, 128, 1), convolution(128, 128, (1, 7)), convolution(128, 128, (7, 1))),
    )  # fmt: skip


def reduction_b() -> Branches:
    """Reduction-B (figure 12): [N, 896, H, W] to [N, 1792, H / 2, W / 2], rounded down."""
    return Branches(
        nn.Sequential(convolution(896, 256, 1), convolution(256, 384, 3, 2, padded=False)),
        nn.Sequential(convolution(896, 256, 1), convolution(256, 256, 3, 2, padded=False)),
        nn.Sequential(convolution(896, 256, 1), convolution(256, 256, 3), convolution(256, 256, 3, 2, padded=False)),
        nn.MaxPool2d(3, stride=2),
    )


def block_c() -> ResidualBranches:
    """Inception-ResNet-C (figure 13): [N, 1792, H, W] kept."""
    return ResidualBranches(
        1792, 384, 0.2,
        convolution(1792, 192, 1),
        nn.Sequential(convolution(1792, 192, 1), convolution(192, 192, (1, 3)), convolution(192, 192, (3, 1))),
    )  # fmt: skip


BUILDERS = {"inception_v2": inception_v2, "inception_resnet_v1": inception_resnet_v1}
