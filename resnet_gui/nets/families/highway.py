"""Highway networks (Srivastava, Greff, Schmidhuber 2015, arXiv:1505.00387 and 1507.06228), the ancestors of the shortcut.

A layer learns a gate that sets, number by number, how much to transform and how much to carry past unchanged. The
gate's bias starts negative, so at first nearly all is carried, and even a hundred layers begin to learn. Residual networks came
half a year later: the same way past, without the gate.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

import torch
from torch import Tensor, nn


def highway_cifar_19(classes: int, channels: int) -> nn.Sequential:
    """The 19-layer network for CIFAR-10, "Highway B": [N, channels, H, W] to logits [N, classes].

    The paper says only that it has the shape of FitNet-4 (Romero et al. 2015, arXiv:1412.6550) and about 2.3 million
    parameters. What gives them: layers that change the number of channels are plain, all others of the 17 convolutions
    are highway layers, then 500 units. The last pooling takes the largest of all points, 8 x 8 of them in the paper.
    """
    network = nn.Sequential(
        OrderedDict(
            stage1=nn.Sequential(*highway(channels, 32, 3), *highway(32, 48, 2), nn.MaxPool2d(2)),
            stage2=nn.Sequential(*highway(48, 80, 6), nn.MaxPool2d(2)),
            stage3=nn.Sequential(*highway(80, 128, 6), nn.AdaptiveMaxPool2d(1)),
            flatten=nn.Flatten(),
            fc1=nn.Linear(128, 500), relu=nn.ReLU(),
            fc2=nn.Linear(500, classes),
        )
    )  # fmt: skip
    # The paper's rule of thumb for convolutions: -1, -2 and -3 at about 10, 20 and 30 layers.
    initialise(network, gate_bias=-2.0)
    return network


def highway_mnist(layers: int, gate_bias: float, classes: int, channels: int) -> nn.Sequential:
    """A plain layer of 50 units, then highway layers: [N, channels, 28, 28] to logits [N, classes].

    With the plain one they are `layers`, as the paper counts. It searched the gate's first bias by chance between -1 and
    -10 for each depth and does not print it; here it is such that about half of the picture is carried to the end.
    """
    network = nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            first=nn.Sequential(nn.Linear(channels * 28 * 28, 50), nn.ReLU()),
            highway=nn.Sequential(*(Highway(nn.Linear(50, 50), nn.Linear(50, 50)) for _ in range(layers - 1))),
            output=nn.Linear(50, classes),
        )
    )
    initialise(network, gate_bias)
    return network


class Highway(nn.Module):
    """y = H(x) T(x) + x (1 - T(x)): what the layer makes of its input, and the input, mixed by a learned gate T."""

    def __init__(self, transform: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        self.transform = transform
        self.gate = gate

    def forward(self, x: Tensor) -> Tensor:
        """Any shape that both layers keep, to the same shape."""
        gate = torch.sigmoid(self.gate(x))
        out: Tensor = torch.relu(self.transform(x)) * gate + x * (1 - gate)
        return out


def highway(in_channels: int, width: int, count: int) -> list[nn.Module]:
    """`count` 3x3 convolutions: a plain one to `width` channels, as a highway cannot change them, and highway layers."""
    plain = [nn.Conv2d(in_channels, width, 3, padding=1), nn.ReLU()]
    return [*plain, *(Highway(_same(width), _same(width)) for _ in range(count - 1))]


def _same(width: int) -> nn.Conv2d:
    return nn.Conv2d(width, width, 3, padding=1)


def initialise(network: nn.Module, gate_bias: float) -> None:
    """Random weights whose size keeps gradients alive through every ReLU (He et al. 2015b); all gates start nearly closed."""
    for name, parameter in network.named_parameters():
        if name.endswith("weight"):
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        else:
            nn.init.constant_(parameter, gate_bias if name.endswith("gate.bias") else 0.0)


BUILDERS = {
    "highway_cifar_19": highway_cifar_19,
    "highway_mnist_10": partial(highway_mnist, 10, -2.5),
    "highway_mnist_50": partial(highway_mnist, 50, -4.0),
}
