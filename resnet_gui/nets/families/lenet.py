"""LeNet-5 (LeCun et al. 1998, "Gradient-based learning applied to document recognition", section II.B), and its heir.

The paper's network is the pattern of all that followed: convolutions that grow in number while the picture shrinks,
then fully connected layers. Its pooling is learned, its third layer looks only at a part of the maps before it, and its
squashing is a stretched tanh, not yet a ReLU.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

C3_INPUTS = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip
"""Which of S2's six maps each of C3's sixteen looks at (the paper's table I)."""


def lenet5(classes: int, channels: int) -> nn.Sequential:
    """The paper's network: [N, channels, 32, 32] to logits [N, classes], freshly initialised from torch's global seed.

    Only the output differs: the paper compares its 84 numbers with drawn figures of the ten digits (radial basis
    functions), which no other classes have; here a linear layer learns what to make of them.
    """
    network = nn.Sequential(
        OrderedDict(
            c1=nn.Conv2d(channels, 6, 5), c1_squash=Squash(),
            s2=Subsampling(6), s2_squash=Squash(),
            c3=PartlyConnected(C3_INPUTS), c3_squash=Squash(),
            s4=Subsampling(16), s4_squash=Squash(),
            c5=nn.Conv2d(16, 120, 5), c5_squash=Squash(),
            flatten=nn.Flatten(),
            f6=nn.Linear(120, 84), f6_squash=Squash(),
            output=nn.Linear(84, classes),
        )
    )  # fmt: skip
    initialise(network)
    return network


def lenet5_cifar(classes: int, channels: int) -> nn.Sequential:
    """What is called LeNet today, with ReLU and the largest of four points: [N, channels, 32, 32] to logits [N, classes]."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 16, 5), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(16, 32, 5), relu2=nn.ReLU(), pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(800, 32), relu3=nn.ReLU(),
            fc2=nn.Linear(32, classes),
        )
    )  # fmt: skip


class Squash(nn.Module):
    """1.7159 tanh(2x / 3): about 1 at 1, where it still has slope, so that a unit is not stuck (appendix A)."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same shape, between -1.7159 and 1.7159."""
        return 1.7159 * torch.tanh(x * (2 / 3))


class Subsampling(nn.Module):
    """Pooling that learns: the sum of four points, times a number of its map, plus another."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2)
        self.weight = nn.Parameter(torch.empty(maps, 1, 1))
        self.bias = nn.Parameter(torch.empty(maps, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """[N, maps, H, W] to [N, maps, H / 2, W / 2]."""
        out: Tensor = 4 * self.pool(x) * self.weight + self.bias
        return out


class PartlyConnected(nn.Module):
    """5x5 convolutions of one map each, from some of the incoming maps only: so they have to learn different things."""

    def __init__(self, inputs: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        self.inputs = inputs
        self.maps = nn.ModuleList(nn.Conv2d(len(chosen), 1, 5) for chosen in inputs)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to [N, len(inputs), H - 4, W - 4]."""
        chosen = zip(self.inputs, self.maps, strict=True)
        return torch.cat([convolution(x[:, list(inputs)]) for inputs, convolution in chosen], dim=1)


def initialise(network: nn.Module) -> None:
    """Weights and biases from -2.4 / F to 2.4 / F, where F numbers come into a unit (appendix A)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | Subsampling):
            incoming = 4 if isinstance(layer, Subsampling) else layer.weight[0].numel()
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -2.4 / incoming, 2.4 / incoming)


BUILDERS = {"lenet5": lenet5, "lenet5_cifar": lenet5_cifar}
