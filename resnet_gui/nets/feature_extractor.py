"""A network in two at its head: the body makes features of pictures, the tail makes logits of features.

Where only the head learns, what enters it for a picture never changes, so the body need be asked once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from resnet_gui.nets.fuse_norms import agree, exact, fuse_norms
from resnet_gui.nets.head import head_of


@dataclass(frozen=True, slots=True)
class BackboneAndHead:
    """`tail(body(pictures))` are the network's logits. The tail has the network's own layers, the body has copies.

    `shape` is that of the features of one picture.
    """

    backbone: nn.Module
    head: nn.Module
    shape: tuple[int, ...]


class Backbone(nn.Module):
    """Pictures [N, C, H, W] to what enters the layer called `head` of `network`: nothing after that is computed."""

    def __init__(self, network: nn.Module, head: str) -> None:
        super().__init__()
        self.network = network
        self._head = head

    def forward(self, pictures: Tensor) -> Any:
        """Features [N, ...]; None if the head is not given them as its first argument."""
        entry = self.network.get_submodule(self._head).register_forward_pre_hook(_leave)
        try:
            self.network(pictures)
        except _HeadReached as reached:
            return reached.features
        finally:
            entry.remove()
        raise ValueError("no picture comes to the head")


def split_at_head(network: nn.Module, channels: int, size: int) -> BackboneAndHead | None:
    """`network` in two, its body folded (see `fold`). It is put into evaluation mode, and else left as it is.

    The two are tried on pictures of `channels` x `size` x `size`: None if they do not give the network's logits, as
    where it has two heads, or where part of what learns would lie in the body.
    """
    head = head_of(network.eval(), channels, size)
    body = Backbone(network, head)
    pictures = torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(0))
    pictures = pictures.to(next(network.parameters()))
    with torch.no_grad(), exact():
        logits, features = network(pictures), body(pictures)
        for make in (_traced_head, nn.Module.get_submodule):
            tail = _tried(make, network, head, features, logits)
            if tail is not None:
                return BackboneAndHead(
                    Backbone(fuse_norms(network, channels, size), head), tail, tuple(features.shape[1:])
                )
    return None


def _tried(
    make: Callable[[nn.Module, str], nn.Module], network: nn.Module, head: str, features: Any, logits: Tensor
) -> nn.Module | None:
    """The tail that `make` makes, if it is one."""
    with contextlib.suppress(Exception):  # each network that cannot be followed fails in its own way
        tail = make(network, head)
        if _holds_what_learns(tail, network) and len(features) == len(logits) and agree(tail(features), logits):
            return tail
    return None


def _traced_head(network: nn.Module, head: str) -> nn.Module:
    """From the head on, whatever `network` computes there. Raises many things where that cannot be followed."""
    graph, tail = _Tracer(head).trace(network), fx.Graph()
    [entry] = (node for node in graph.nodes if node.op == "call_module" and node.target == head)
    known = {entry.args[0]: tail.placeholder("features")}

    def copied(node: fx.Node) -> fx.Node:
        if node not in known:
            known[node] = tail.node_copy(node, copied)
        return known[node]

    copied(graph.output_node())
    made = fx.GraphModule(network, tail)
    layer = network.get_submodule(head)
    if isinstance(layer, nn.Conv2d) and _is_pointwise(layer):
        made.set_submodule(head, _Pointwise(layer))
    return made


def _is_pointwise(layer: nn.Conv2d) -> bool:
    return (layer.kernel_size, layer.stride, layer.padding, layer.groups) == ((1, 1), (1, 1), (0, 0), 1)


class _Pointwise(nn.Module):
    """A convolution of 1 x 1 as the linear layer that it is at each point: much quicker where few classes come out."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, features: Tensor) -> Tensor:
        """[N, C, H, W] to [N, classes, H, W]; best with channels last in memory."""
        weight = self.convolution.weight.flatten(1)
        return functional.linear(features.movedim(1, -1), weight, self.convolution.bias).movedim(-1, 1)


class _Tracer(fx.Tracer):
    """Follows a network into the layers that hold its head; what the others do inside need not be known."""

    def __init__(self, head: str) -> None:
        super().__init__()
        self._head = head

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a layer is taken as a whole."""
        return not self._head.startswith(f"{module_qualified_name}.")


def _holds_what_learns(tail: nn.Module, network: nn.Module) -> bool:
    return {each for each in network.parameters() if each.requires_grad} <= set(tail.parameters())


class _HeadReached(Exception):
    """Carries the features out of a forward pass whose rest is not wanted."""

    def __init__(self, features: Any) -> None:
        super().__init__()
        self.features = features


def _leave(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
    raise _HeadReached(inputs[0] if inputs else None)
