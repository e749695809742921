"""A name becomes a network: ours, torchvision's or timm's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from resnet_gui.messages import Problem, first_line
from resnet_gui.nets.catalog import find
from resnet_gui.nets.families import alexnet, fractalnet, highway, inception, lenet, resnet, resnet_cifar, tutorial, vgg
from resnet_gui.nets.libraries import timm_models, torchvision_models
from resnet_gui.nets.spec import NetworkSpec

Builder = Callable[[int, int], nn.Module]
"""Makes a network for so many classes and channels."""

_OURS = (resnet, resnet_cifar, tutorial, lenet, alexnet, vgg, fractalnet, highway, inception)
_BUILDERS: dict[str, Builder] = {name: make for module in _OURS for name, make in module.BUILDERS.items()}

_ARGUMENTS: dict[str, dict[str, Any]] = {
    "googlenet": {"aux_logits": True, "transform_input": False, "init_weights": True},
    "inception_v3": {"aux_logits": True, "transform_input": False, "init_weights": True},
}
"""The arguments of torchvision's networks beside the classes.

`transform_input` is off, since pictures come preprocessed as the weights need them.
"""


def build(name: str, classes: int, channels: int = 3) -> nn.Module:
    """The network called `name` with random weights: pictures [N, channels, H, W] to logits [N, classes].

    In training mode, a network with auxiliary classifiers returns a tuple: see `main_and_auxiliary`.

    Raises `Problem`: `network_unknown` if the name is not in the catalogue and has no library's prefix,
    `network_not_in_library` if the library does not have it, `network_cannot_be_built` if the library cannot make it.
    On the meta device, which cannot compute, the library's own error is raised instead: on another device the network
    may well be built.
    """
    spec = find(name)
    match spec.source:
        case "ours":
            return _BUILDERS[name](classes, channels)
        case "torchvision":
            return _from_library(_of_torchvision, spec, classes, channels)
        case "timm":
            return _from_library(_of_timm, spec, classes, channels)


def main_and_auxiliary(output: Any) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Splits a network's output into its logits [N, classes] and those of its auxiliary classifiers, if it has any."""
    if isinstance(output, Tensor):
        return output, ()
    logits, *auxiliary = output
    return logits, tuple(each for each in auxiliary if each is not None)


def _from_library(
    make: Callable[[str, int, int], nn.Module], spec: NetworkSpec, classes: int, channels: int
) -> nn.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a library's warnings are for programmers
            return make(spec.library_name, classes, channels)
    except Problem:
        raise
    except Exception as error:  # each network fails in its own way
        if torch.get_default_device().type == "meta":
            raise
        why = first_line(error)
        raise Problem("network_cannot_be_built", name=spec.library_name, library=spec.source, reason=why) from error


def _of_torchvision(name: str, classes: int, channels: int) -> nn.Module:
    models = torchvision_models()
    if name not in models.list_models(module=models):
        raise Problem("network_not_in_library", name=name, library="torchvision")
    network: nn.Module = models.get_model(name, weights=None, num_classes=classes, **_ARGUMENTS.get(name, {}))
    if channels != 3:
        _adapt_first_convolution(network, channels)
    return network


def _adapt_first_convolution(network: nn.Module, channels: int) -> None:
    """Replaces the three input channels of a torchvision network by `channels`, with random weights in that layer."""
    first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    first.in_channels = channels
    first.weight = nn.Parameter(first.weight.new_empty(first.out_channels, channels, *first.kernel_size))
    first.reset_parameters()


def _of_timm(name: str, classes: int, channels: int) -> nn.Module:
    timm = timm_models()
    if not timm.is_model(name):
        raise Problem("network_not_in_library", name=name, library="timm")
    network: nn.Module = timm.create_model(name, pretrained=False, num_classes=classes, in_chans=channels)
    return network
