"""The head of a network: the last layer that learns. What enters it are the features."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from torch import nn


def head_of(network: nn.Module, channels: int, size: int) -> str:
    """The name of the last layer with parameters that is called for a picture of `channels` x `size` x `size`.

    The order is that of execution in evaluation mode, so auxiliary classifiers do not count. `network` stays as it is.
    Raises `ValueError` if no layer has parameters, and whatever the network raises for a picture that it does not take.
    """
    return _last_entered(network, channels, size)[0]


def features_shape(network: nn.Module, channels: int, size: int) -> tuple[int, ...]:
    """The shape of one picture's features, the head's input; () if it is a keyword argument. Nothing is computed.

    Raises what `head_of` raises.
    """
    inputs = _last_entered(network, channels, size)[1]
    return tuple(inputs[0].shape[1:]) if inputs else ()


def _last_entered(network: nn.Module, channels: int, size: int) -> tuple[str, tuple[Any, ...]]:
    shadow = _without_numbers(network).eval()
    return last_entered(shadow, torch.empty(1, channels, size, size, device="meta"))


def last_entered(network: nn.Module, pictures: torch.Tensor) -> tuple[str, tuple[Any, ...]]:
    """The name of the layer that `head_of` finds, and its positional inputs. `network` computes `pictures` [N, C, H, W].

    Raises what `head_of` raises.
    """
    entered: list[tuple[str, tuple[Any, ...]]] = []
    hooks = [
        # Recorded on entry: a network with parameters of its own returns after all of its layers.
        layer.register_forward_pre_hook(partial(_note, entered, name))
        for name, layer in network.named_modules()
        if next(layer.parameters(recurse=False), None) is not None
    ]
    try:
        with torch.no_grad():
            network(pictures)
    finally:
        for hook in hooks:
            hook.remove()
    if not entered:
        raise ValueError("the network has no layer with parameters")
    return entered[-1]


def _note(entered: list[tuple[str, tuple[Any, ...]]], name: str, layer: nn.Module, inputs: tuple[Any, ...]) -> None:
    entered.append((name, inputs))


def _without_numbers(network: nn.Module) -> nn.Module:
    """A copy on the meta device: its tensors have shapes only, so that it takes no memory and computes nothing."""
    tensors = (*network.parameters(), *network.buffers())
    return copy.deepcopy(network, {id(tensor): _shape_of(tensor) for tensor in tensors})


def _shape_of(tensor: torch.Tensor) -> torch.Tensor:
    shape = tensor.detach().to("meta")
    return nn.Parameter(shape, requires_grad=False) if isinstance(tensor, nn.Parameter) else shape
