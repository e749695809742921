"""The shapes of a network's tensors, before it takes memory: which of them depend on the classes, which on the channels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from resnet_gui.messages import Problem, first_line
from resnet_gui.nets.catalog import find, require_size
from resnet_gui.nets.head import head_of
from resnet_gui.nets.without_memory import build_without_memory

Shape = tuple[int, ...]

_COUNTS = (3, 5)
"""Two numbers of classes that are told apart by their shapes, and are not those of other layers' doing."""


@dataclass(frozen=True, slots=True)
class NetworkShapes:
    """What is known of a network before it is built.

    `shapes` are those of its tensors by name, for 3 channels and a few classes; `class_axes` and `channel_axes` name the
    tensors whose shape follows the number of classes or of channels, with the axis that does. `head` is the layer that
    answers.
    """

    shapes: dict[str, Shape]
    class_axes: dict[str, int]
    channel_axes: dict[str, int]
    head: str


def network_shapes(name: str, image_size: int) -> NetworkShapes:
    """The shapes of the network called `name`, whose pictures have `image_size` x `image_size` pixels.

    Raises `Problem`: `size_not_taken`, `network_refuses_size`, and those of `build`.
    """
    spec = find(name)
    require_size(spec, image_size)
    colour = build_without_memory(name, _COUNTS[0], 3)
    shapes, more = _shapes(colour), _shapes(build_without_memory(name, _COUNTS[1], 3))
    grey = _shapes(build_without_memory(name, _COUNTS[0], 1))
    try:
        head = head_of(colour, 3, image_size)
    except Exception as error:  # a library's network may refuse a size in any way
        raise Problem("network_refuses_size", network=spec.title, size=image_size, reason=first_line(error)) from error
    return NetworkShapes(shapes, _axes(shapes, more), _axes(shapes, grey), head)


def _shapes(network: nn.Module) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def _axes(shapes: dict[str, Shape], others: dict[str, Shape]) -> dict[str, int]:
    """The tensors whose shape is another one in `others`, with the first axis that is."""
    pairs = {name: zip(shape, others[name], strict=False) for name, shape in shapes.items() if shape != others[name]}
    return {name: next(axis for axis, (one, other) in enumerate(pair) if one != other) for name, pair in pairs.items()}


def training_only(name: str, image_size: int) -> frozenset[str]:
    """The tensors of layers that are called in training and not in evaluation, such as auxiliary classifiers.

    Pictures have `image_size` x `image_size` pixels. Raises `Problem` as `build`.
    """
    network = build_without_memory(name, _COUNTS[0], 3)
    modules = _entered(network.train(), image_size) - _entered(network.eval(), image_size)
    owned = dict(network.named_modules())
    return frozenset(f"{name}.{tensor}" for name in modules for tensor in _shapes(owned[name]))


def _entered(network: nn.Module, image_size: int) -> set[str]:
    entered: set[str] = set()
    hooks = [
        module.register_forward_pre_hook(partial(_note, entered, name)) for name, module in network.named_modules()
    ]
    try:
        with torch.no_grad():  # two pictures: a norm in training needs more than one value
            network(torch.empty(2, 3, image_size, image_size, device="meta"))
    finally:
        for hook in hooks:
            hook.remove()
    return entered


def _note(entered: set[str], name: str, module: nn.Module, inputs: tuple[Any, ...]) -> None:
    entered.add(name)
