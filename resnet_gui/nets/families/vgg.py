"""The VGG networks (Simonyan and Zisserman 2014, arXiv:1409.1556, table 1): small convolutions, one after the other.

Two 3x3 convolutions see as much of the picture as one of 5x5, with fewer weights and a ReLU more between them. So a
network is five stages of them, each with a pooling at its end, and three fully connected layers that hold most weights.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from itertools import pairwise
from math import isqrt

import torch
from torch import nn

WIDTHS = (64, 128, 256, 512, 512)
"""The channels of the five stages."""

Kernels = tuple[tuple[int, ...], ...]
"""For each stage the kernel sizes of its convolutions, one after the other."""

A: Kernels = ((3,), (3,), (3, 3), (3, 3), (3, 3))
B: Kernels = ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3))
C: Kernels = ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1))
D: Kernels = ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3))
E: Kernels = ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3))


def vgg(kernels: Kernels, classes: int, channels: int, norm: bool = False) -> nn.Sequential:
    """A configuration of table 1, if `norm` with batch norm: [N, channels, 224, 224] to logits [N, classes]."""
    return assembled(convolutions(kernels, channels, norm), (512 * 7 * 7, 4096, 4096, classes))


def vgg_a_lrn(classes: int, channels: int) -> nn.Sequential:
    """Configuration A with AlexNet's norm over neighbouring channels after the first convolution; it did not help."""
    first, relu, *others = convolutions(A, channels)
    # torch multiplies alpha with the mean of the five squares, the paper with their sum.
    norm = nn.LocalResponseNorm(size=5, alpha=5 * 1e-4, beta=0.75, k=2.0)
    return assembled([first, relu, norm, *others], (512 * 7 * 7, 4096, 4096, classes))


def vgg13_small(classes: int, channels: int) -> nn.Sequential:
    """Configuration B for small pictures, as a tutorial has it: [N, channels, 32, 32] to logits [N, classes].

    Five poolings leave one point of 512 channels, so the fully connected layers are small.
    """
    return assembled(convolutions(B, channels), (512, 300, 200, classes), dropout=0.0)


def convolutions(kernels: Kernels, channels: int, norm: bool = False) -> list[nn.Module]:
    """The five stages: [N, channels, H, W] to [N, 512, H / 32, W / 32]."""
    layers: list[nn.Module] = []
    for width, sizes in zip(WIDTHS, kernels, strict=True):
        for size in sizes:
            layers.append(nn.Conv2d(channels, width, size, padding=size // 2))
            layers += [nn.BatchNorm2d(width), nn.ReLU()] if norm else [nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return layers


def assembled(features: list[nn.Module], sizes: tuple[int, ...], dropout: float = 0.5) -> nn.Sequential:
    """The whole network: the convolutions, then fully connected layers with so many numbers between them."""
    layers: list[nn.Module] = []
    for incoming, outgoing in pairwise(sizes):
        layers += [nn.Linear(incoming, outgoing), nn.ReLU(), nn.Dropout(dropout)]
    classifier = nn.Sequential(*layers[:-2])  # logits may be negative, and all of them count
    network = nn.Sequential(OrderedDict(features=nn.Sequential(*features), flatten=nn.Flatten(), classifier=classifier))
    initialise(network)
    return network


def initialise(network: nn.Module) -> None:
    """Random weights as large as the layer's size requires (He et al. 2015b), biases 0.

    The paper started all from one spread of 0.01, and its deep ones from a trained shallow one, as they learned nothing
    else; it notes that a spread by size makes that needless (section 3.1).
    """
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() > 1:  # a norm's scales stay 1
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")


def dense_to_convolution(network: nn.Sequential) -> nn.Sequential:
    """The same network for pictures of any size from its own on: [N, C, H, W] to logits [N, classes] (section 3.2).

    Its fully connected layers become convolutions that slide over the larger picture; the scores of all positions are
    averaged. At the size it was made for the logits stay what they were. Both networks share their weights' memory.
    """
    features, _, classifier = network
    channels = WIDTHS[-1]
    layers: list[nn.Module] = []
    for layer in classifier.children():
        if isinstance(layer, nn.Linear):
            layers.append(_sliding(layer, channels))
            channels = layer.out_features
        else:
            layers.append(layer)
    return nn.Sequential(
        OrderedDict(
            features=features,
            classifier=nn.Sequential(*layers),
            avgpool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
        )
    ).train(network.training)


def _sliding(layer: nn.Linear, channels: int) -> nn.Conv2d:
    """The convolution that does at each position what `layer` does with one square of `channels` channels."""
    side = isqrt(layer.in_features // channels)
    with torch.device("meta"):
        convolution = nn.Conv2d(channels, layer.out_features, side)
    convolution.weight = nn.Parameter(layer.weight.detach().view(convolution.weight.shape))
    convolution.bias = nn.Parameter(layer.bias.detach())
    return convolution


BUILDERS = {
    "vgg_a": partial(vgg, A),
    "vgg_a_lrn": vgg_a_lrn,
    "vgg_b": partial(vgg, B),
    "vgg_c": partial(vgg, C),
    "vgg_d": partial(vgg, D),
    "vgg_e": partial(vgg, E),
    "vgg_a_bn": partial(vgg, A, norm=True),
    "vgg_b_bn": partial(vgg, B, norm=True),
    "vgg_c_bn": partial(vgg, C, norm=True),
    "vgg_d_bn": partial(vgg, D, norm=True),
    "vgg_e_bn": partial(vgg, E, norm=True),
    "vgg13_small": vgg13_small,
}
