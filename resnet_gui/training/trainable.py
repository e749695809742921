"""The network of a run, built for its pictures, and the part of it that learns."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from resnet_gui.config import StartConfig, TrainConfig
from resnet_gui.messages import Problem, first_line
from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import find
from resnet_gui.nets.head import head_of
from resnet_gui.training.schedule import training_size

_Norm = nn.modules.batchnorm._BatchNorm


def make_network(config: TrainConfig, classes: int, channels: int) -> nn.Module:
    """The network that `config` names, with fresh weights, on the CPU; parameters that do not learn take no gradients.

    Raises `Problem` if there is no such network, or it refuses a picture size of the run.
    """
    size = config.data.image_size
    network = build(config.network, classes, channels)
    if find(config.network).source != "ours":
        for each in {training_size(config, 1), size}:
            _try(network, config.network, classes, channels, each)
    if config.start.train_part == "head":
        network.requires_grad_(False)
        for head in _heads(network, channels, size):
            head.requires_grad_(True)
    return network


def _heads(network: nn.Module, channels: int, size: int) -> tuple[nn.Module, ...]:
    """The head; a few of timm's networks have two, whose logits are averaged."""
    classifier: Any = getattr(network, "get_classifier", lambda: None)()
    return classifier if isinstance(classifier, tuple) else (network.get_submodule(head_of(network, channels, size)),)


def _try(network: nn.Module, name: str, classes: int, channels: int, size: int) -> None:
    """Sends a picture through: for most networks of a library, nothing else shows whether they take the size."""
    network.eval()
    try:
        with torch.no_grad():  # not inference mode: tensors that a layer caches must be usable in training
            logits = network(torch.zeros(1, channels, size, size))
    except Exception as error:  # each network raises its own kind
        raise Problem("network_refuses_size", network=name, size=size, reason=first_line(error)) from error
    if tuple(getattr(logits, "shape", ())) != (1, classes):
        raise Problem("network_no_classifier", network=name)


def learning(network: nn.Module) -> list[nn.Parameter]:
    """The parameters that learn, in the order of their names in the network."""
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def set_to_learn(network: nn.Module, config: StartConfig) -> None:
    """Sets training mode where something learns. If only the head does, the backbone has no dropout.

    Norms keep their running averages in evaluation mode, or follow the batches in training mode, as set;
    their scale and shift learn with the layers around them.
    """
    for layer in network.modules():
        if isinstance(layer, _Norm):
            layer.training = config.norm_statistics != "frozen"
        else:
            layer.training = config.train_part == "everything"
