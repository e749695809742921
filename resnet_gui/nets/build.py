"""A name becomes a network."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from resnet_gui.nets import resnet, resnet_cifar
from resnet_gui.nets.catalog import find

_BUILDERS: dict[str, Callable[[int], nn.Module]] = {
    "resnet18": resnet.resnet18,
    "resnet34": resnet.resnet34,
    "resnet50": resnet.resnet50,
    "resnet101": resnet.resnet101,
    "resnet152": resnet.resnet152,
    "resnet20": resnet_cifar.resnet20,
}


def build(name: str, classes: int) -> nn.Module:
    """The network called `name` with fresh weights: pictures [N, 3, H, W] to logits [N, classes].

    Raises `Problem` (`network_unknown`) if the catalogue has no such name.
    """
    return _BUILDERS[find(name).name](classes)
