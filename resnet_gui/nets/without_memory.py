"""Networks without memory: their tensors have names, shapes and types, and no numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_gui.messages import Problem
from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import find


def build_without_memory(name: str, classes: int, channels: int) -> nn.Module:
    """The network called `name` on the meta device, however large it is. Raises `Problem` as `build`."""
    try:
        with torch.device("meta"):
            return build(name, classes, channels)
    except Problem:
        raise
    except Exception:  # some compute their widths from the values of tensors: torchvision's RegNets
        with _EmptyWeights():
            return build(name, classes, channels).to("meta")


class _EmptyWeights(TorchFunctionMode):
    """Makes `torch.empty` allocate on the meta device, as it does for layers' weights; all else is unchanged."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        return func(*args, **{**(kwargs or {}), **({"device": "meta"} if func is torch.empty else {})})


def build_to_be_filled(shadow: nn.Module, name: str, classes: int, channels: int) -> nn.Module:
    """The network whose `shadow` has no memory, on the CPU, for a state dict that holds all of its numbers.

    Those of a library are built anew, since they may compute what no state dict holds. No random weights are drawn.
    """
    if find(name).source == "ours":
        # As `to_empty` does, but that calls `torch.empty_like`, whose first call imports sympy: more than a second.
        shadow._apply(lambda tensor: torch.empty(tensor.shape, dtype=tensor.dtype))  # type: ignore[no-untyped-call]
        return shadow
    with _UndrawnWeights():
        return build(name, classes, channels)


class _UndrawnWeights(TorchFunctionMode):
    """Leaves parameters as they are where random numbers would be drawn for them, which takes most of the time to build."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        if func in (Tensor.normal_, Tensor.uniform_) and isinstance(args[0], nn.Parameter):
            return args[0]
        return func(*args, **(kwargs or {}))
