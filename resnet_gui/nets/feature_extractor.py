"""Splits a network at its head: the backbone makes features from pictures, the head makes logits from features.

Where only the head learns, a picture's features never change, so the backbone need compute them only once.
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
    """`head(backbone(pictures))` are the network's logits [N, classes].

    The head has the network's own layers, the backbone has copies. `shape` is that of the features of one picture.
    """

    backbone: nn.Module
    head: nn.Module
    shape: tuple[int, ...]


class Backbone(nn.Module):
    """Pictures [N, C, H, W] to the input of `network`'s layer `head_name`; nothing after that is computed."""

    def __init__(self, network: nn.Module, head_name: str) -> None:
        super().__init__()
        self.network = network
        self._head_name = head_name

    def forward(self, pictures: Tensor) -> Any:
        """Features [N, ...], or None if the head is called without positional arguments."""
        entry = self.network.get_submodule(self._head_name).register_forward_pre_hook(_leave)
        try:
            self.network(pictures)
        except _HeadReached as reached:
            return reached.features
        finally:
            entry.remove()
        raise ValueError("no picture comes to the head")


def split_at_head(network: nn.Module, channels: int, size: int) -> BackboneAndHead | None:
    """`network` as backbone and head, the backbone's norms fused (see `fuse_norms`).

    `network` is put into evaluation mode and otherwise left as it is. Both parts are tried on random pictures of
    `channels` x `size` x `size`. Returns None if they do not give the network's logits, for example if it has two
    heads, or if trainable parameters would lie in the backbone.
    """
    head_name = head_of(network.eval(), channels, size)
    backbone = Backbone(network, head_name)
    pictures = torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(0))
    pictures = pictures.to(next(network.parameters()))
    with torch.no_grad(), exact():
        logits, features = network(pictures), backbone(pictures)
        for make in (_traced_head, nn.Module.get_submodule):
            head = _tried(make, network, head_name, features, logits)
            if head is not None:
                return BackboneAndHead(
                    Backbone(fuse_norms(network, channels, size), head_name), head, tuple(features.shape[1:])
                )
    return None


def _tried(
    make: Callable[[nn.Module, str], nn.Module], network: nn.Module, head_name: str, features: Any, logits: Tensor
) -> nn.Module | None:
    """The head that `make` makes; None if it fails, or does not give the network's logits."""
    with contextlib.suppress(Exception):  # each network that cannot be traced fails in its own way
        head = make(network, head_name)
        if _holds_what_learns(head, network) and len(features) == len(logits) and agree(head(features), logits):
            return head
    return None


def _traced_head(network: nn.Module, head_name: str) -> nn.Module:
    """All that `network` computes from its head on. May raise any exception if that cannot be traced."""
    graph, head_graph = _Tracer(head_name).trace(network), fx.Graph()
    [entry] = (node for node in graph.nodes if node.op == "call_module" and node.target == head_name)
    known = {entry.args[0]: head_graph.placeholder("features")}

    def copied(node: fx.Node) -> fx.Node:
        if node not in known:
            known[node] = head_graph.node_copy(node, copied)
        return known[node]

    copied(graph.output_node())
    head = fx.GraphModule(network, head_graph)
    layer = network.get_submodule(head_name)
    if isinstance(layer, nn.Conv2d) and _is_pointwise(layer):
        head.set_submodule(head_name, _Pointwise(layer))
    return head


def _is_pointwise(layer: nn.Conv2d) -> bool:
    return (layer.kernel_size, layer.stride, layer.padding, layer.groups) == ((1, 1), (1, 1), (0, 0), 1)


class _Pointwise(nn.Module):
    """A 1 x 1 convolution, computed as a linear layer at each point: much faster with few classes."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, features: Tensor) -> Tensor:
        """[N, C, H, W] to [N, classes, H, W]; best with channels last in memory."""
        weight = self.convolution.weight.flatten(1)
        return functional.linear(features.movedim(1, -1), weight, self.convolution.bias).movedim(-1, 1)


class _Tracer(fx.Tracer):
    """Traces into the modules that contain the head only; all other modules are leaves."""

    def __init__(self, head_name: str) -> None:
        super().__init__()
        self._head_name = head_name

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is taken as a whole."""
        return not self._head_name.startswith(f"{module_qualified_name}.")


def _holds_what_learns(head: nn.Module, network: nn.Module) -> bool:
    return {each for each in network.parameters() if each.requires_grad} <= set(head.parameters())


class _HeadReached(Exception):
    """Ends a forward pass at the head, and carries the features out of it."""

    def __init__(self, features: Any) -> None:
        super().__init__()
        self.features = features


def _leave(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
    raise _HeadReached(inputs[0] if inputs else None)
