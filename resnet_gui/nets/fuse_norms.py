"""Fuses batch norms into the convolutions before them, for a network that is only evaluated.

In evaluation mode, a norm is y = scale * x + shift for each channel. A convolution is linear too, so its weights and
bias can include scale and shift, which saves a pass over its output (Jacob et al. 2018, section 3.2).
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Collection, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_TOLERANCE = 1e-4
"""Rounding may change an output by this fraction of the largest one."""


def fuse_norms(network: nn.Module, channels: int = 3, size: int = 224) -> nn.Module:
    """A copy of `network` in evaluation mode, with batch norms fused into the convolutions before them where possible.

    A norm can be fused if its input is the output of one convolution, nothing else uses that output or hooks into the
    two layers, and each of them is called once. This is found from the operations on a trial picture of `channels` x
    `size` x `size`, not from names. The norm is then replaced by an `Identity`, or by the activation that is part of it
    (timm). If the copy does not give the same output for the trial picture up to rounding, it keeps all of its norms.
    Its parameters take no gradients; `network` is left as it is. Raises whatever the network raises for a picture that
    it does not take.
    """
    fused = _copy(network)
    picture = _trial_picture(network, channels, size)
    with torch.no_grad(), exact():
        with _Watch(fused) as watch:
            wanted = fused(picture)
        pairs = dict(watch.pairs())
        for convolution, norm in pairs.items():
            _absorb(convolution, norm)
        _take_out(fused, set(pairs.values()))
        return fused if agree(fused(picture), wanted) else _copy(network)


@contextlib.contextmanager
def exact() -> Iterator[None]:
    """Within this context a GPU computes in float32, not in TF32, which rounds more than fusing does."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)


def _copy(network: nn.Module) -> nn.Module:
    return copy.deepcopy(network).eval().requires_grad_(False)


def _trial_picture(network: nn.Module, channels: int, size: int) -> Tensor:
    """Fixed noise with the distribution of a normalised picture, in the network's dtype and on its device."""
    noise = torch.randn(1, channels, size, size, generator=torch.Generator().manual_seed(0))
    return noise.to(next(network.parameters(), noise))


def agree(found: Tensor, wanted: Tensor) -> bool:
    """Whether the two are equal up to rounding. NaN agrees with nothing."""
    return found.shape == wanted.shape and bool((found - wanted).abs().max() <= _TOLERANCE * wanted.abs().max())


class _Watch(TorchFunctionMode):
    """Records each operation on tensors that uses a convolution's weights, its output or a norm's mean.

    Tensors are keys by identity. They are kept alive, so that no new tensor can get the identity of an old one.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        own = [layer for layer in network.modules() if not _has_hooks(layer)]
        # From the tables of parameters: they do not hold one that is computed at each access (a parametrization).
        weights = {layer: layer._parameters.get("weight") for layer in own if isinstance(layer, nn.Conv2d)}
        norms = [layer for layer in own if isinstance(layer, nn.BatchNorm2d)]
        self._convolutions: dict[Tensor, nn.Conv2d] = {w: layer for layer, w in weights.items() if w is not None}
        self._norms = {norm.running_mean: norm for norm in norms if norm.running_mean is not None}
        self._uses: dict[Tensor, int] = dict.fromkeys((*self._convolutions, *self._norms), 0)
        self._made: dict[Tensor, Tensor] = {}
        self._normed: dict[Tensor, Tensor] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        """Computes `func` and records its arguments."""
        out = func(*args, **(kwargs or {}))
        if out is None or next(_tensors(out), None) is not None:  # else it only reads a shape or the like
            self._note(func, list(_tensors((*args, *(kwargs or {}).values()))), out)
        return out

    def _note(self, func: Any, given: list[Tensor], out: Any) -> None:
        for tensor in given:
            if tensor in self._uses:
                self._uses[tensor] += 1
            if tensor in self._norms:
                self._normed[given[0]] = tensor
            if func is torch.conv2d and tensor in self._convolutions:
                self._made[out] = tensor
                self._uses[out] = 0

    def pairs(self) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Each convolution whose output goes into a norm and nowhere else, with that norm."""
        for between, weight in self._made.items():
            mean = self._normed.get(between)
            if mean is not None and all(self._uses[tensor] == 1 for tensor in (weight, between, mean)):
                yield self._convolutions[weight], self._norms[mean]


def _has_hooks(layer: nn.Module) -> bool:
    return bool(layer._forward_hooks or layer._forward_pre_hooks)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)


def _absorb(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Makes `convolution` compute `norm` as well. It gets new tensors, since another layer may share the old ones."""
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    scale = (variance + norm.eps).rsqrt() * (1 if norm.weight is None else norm.weight)
    shift = (0 if convolution.bias is None else convolution.bias) - mean
    bias = shift * scale + (0 if norm.bias is None else norm.bias)
    convolution.weight = nn.Parameter(convolution.weight * scale.view(-1, 1, 1, 1), requires_grad=False)
    convolution.bias = nn.Parameter(bias, requires_grad=False)


def _take_out(network: nn.Module, norms: Collection[nn.Module]) -> None:
    """Replaces `norms` by the activations and other parts that timm's norms contain, or by an `Identity`."""
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if layer in norms:
                parts = list(layer.children())
                setattr(parent, name, nn.Sequential(*parts) if parts else nn.Identity())
