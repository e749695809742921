"""A trained network optimized for inference: pixels become probabilities, as fast as this machine can."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute
from resnet_gui.nets.fuse_norms import fuse_norms
from resnet_gui.nets.head import last_entered

_ROUNDS = 3
"""How often two candidates are timed, in turn. The fastest time of each counts, which was disturbed least."""
_ENOUGH = 0.4
"""Seconds after which no further round begins: for a slow network one round is enough."""
_AGREES = 0.01
"""How far a probability may be from that of the plain way."""
_TIMED = {"cpu": 1, "cuda": 16, "mps": 16}
"""The batch size that is timed; a single picture does not keep a GPU busy."""


@dataclass(frozen=True, slots=True)
class OptimizedNetwork:
    """A network for inference only, in evaluation mode and on its device, and how it computes."""

    network: nn.Module
    compute: Compute
    preprocessing: Preprocessing
    one_by_one: bool = False
    """Whether each picture is computed alone, since the others in a batch change its last digits."""

    def probabilities(self, pixels: Tensor) -> Tensor:
        """uint8 pictures [N, channels, S, S] in, probabilities float32 [N, classes] out, both on the CPU.

        A picture's probabilities do not depend on the rest of the batch, except for rounding: libraries add in another
        order for another N.
        """
        if self.one_by_one and len(pixels) > 1:
            return torch.cat([self.probabilities(each[None]) for each in pixels])
        device = self.compute.device
        if device.type == "cuda":
            pixels = pixels.pin_memory()
        with torch.inference_mode():
            pictures = self.preprocessing.normalize(pixels.to(device, non_blocking=device.type == "cuda"))
            with self.compute.autocast():
                logits = self.network(self.compute.to_memory_format(pictures))
            probabilities: Tensor = logits.float().softmax(1).cpu()
        return probabilities


def optimize(
    network: nn.Module, preprocessing: Preprocessing, device: torch.device, compute: Compute | None = None
) -> OptimizedNetwork:
    """A copy of `network` on `device`, with its batch norms fused into convolutions, in float32 and the faster format.

    The candidate, channels last, predicts trial pictures, which also warms it up. It is not used if it fails or gives
    other probabilities. If `compute` is given, it is known to be the fastest for such a network, and nothing is timed.
    """
    plain, candidate = Compute(device), Compute(device, memory_format="channels_last")
    best = OptimizedNetwork(
        plain.to_device(fuse_norms(network, preprocessing.channels, preprocessing.image_size)), plain, preprocessing
    )
    return _better_of(best, candidate, known=compute is not None) if compute in (None, candidate) else best


def unchanged(network: nn.Module, preprocessing: Preprocessing, device: torch.device) -> OptimizedNetwork:
    """`network` itself on `device`, in float32: to the bit what a script gives that computes one picture after another."""
    compute = Compute(device)
    return OptimizedNetwork(compute.to_device(network), compute, preprocessing, one_by_one=True)


def in_short_precision(exact: OptimizedNetwork, precision: str) -> OptimizedNetwork:
    """A copy of `exact` that computes in the 16 bits of `precision`, but for its head and all that follows.

    The last layer makes few, decisive numbers: in 16 bits two classes are easily equally probable. Takes channels last,
    which 16-bit hardware needs, where the network can. Raises `RuntimeError` if it cannot compute in 16 bits at all.
    """
    pixels = _trial_pictures(exact.preprocessing, 1)
    for memory_format in ("channels_last", "contiguous"):
        try:
            short = _shortened(exact, Compute(exact.compute.device, precision, memory_format), pixels)
            short.probabilities(pixels)
        except RuntimeError:
            if memory_format == "contiguous":
                raise
        else:
            return short
    raise AssertionError


def _better_of(best: OptimizedNetwork, compute: Compute, known: bool) -> OptimizedNetwork:
    """`best`; or a copy that computes as `compute`, if its probabilities agree and it is faster or `known` to be."""
    pixels = _trial_pictures(best.preprocessing, _TIMED[compute.device.type])
    try:
        rival = replace(best, network=compute.to_device(copy.deepcopy(best.network)), compute=compute)
        agrees = _difference(rival, best, pixels) <= _AGREES
    except RuntimeError:  # some layers take only what is contiguous
        return best
    return rival if agrees and (known or _faster(rival, best, pixels)) else best


def _difference(rival: OptimizedNetwork, best: OptimizedNetwork, pixels: Tensor) -> float:
    """How far the probabilities can differ for a picture whose two most probable classes are equally probable.

    Pictures of which the network is surer can be used, too: the bound is a quarter of the difference in the log-odds
    of the two classes, because 1/4 is the steepest slope of the logistic function.
    """
    got, reference = (each.probabilities(pixels).log() for each in (rival, best))
    log_odds = (got - reference).gather(1, reference.topk(2).indices).diff()
    return float(log_odds.abs().max()) / 4


def _trial_pictures(preprocessing: Preprocessing, count: int) -> Tensor:
    """uint8 [count, channels, S, S], always the same: noise as smooth as a photograph, each finer than the last.

    Pure noise would not do: all of it looks the same to a network.
    """
    generator, side = torch.Generator().manual_seed(0), preprocessing.image_size
    coarse = (torch.rand(1, preprocessing.channels, cells, cells, generator=generator) for cells in range(3, 3 + count))
    return torch.cat([(255 * functional.interpolate(each, (side, side), mode="bilinear")).byte() for each in coarse])


def _faster(rival: OptimizedNetwork, best: OptimizedNetwork, pixels: Tensor) -> bool:
    end, rounds = time.perf_counter() + _ENOUGH, list[tuple[float, float]]()
    while len(rounds) < _ROUNDS and (not rounds or time.perf_counter() < end):
        rounds.append((_seconds(rival, pixels), _seconds(best, pixels)))
    return min(new for new, _ in rounds) < min(old for _, old in rounds)


def _seconds(inference: OptimizedNetwork, pixels: Tensor) -> float:
    began = time.perf_counter()
    inference.probabilities(pixels)
    return time.perf_counter() - began


def _shortened(exact: OptimizedNetwork, compute: Compute, pixels: Tensor) -> OptimizedNetwork:
    """A copy for `compute`. Weights that autocast would cast in every call are cast once, those of the head never."""
    preprocessing = exact.preprocessing
    network = compute.to_device(copy.deepcopy(exact.network))
    # Not by `head_of`: computing on the meta device takes torch a second, once.
    name, _ = last_entered(network, compute.to_memory_format(preprocessing.normalize(pixels.to(compute.device))))
    head = network.get_submodule(name)
    for layer in set(network.modules()) - set(head.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.to(getattr(torch, compute.precision))
    if not name:
        return OptimizedNetwork(_InFloat32(head), compute, preprocessing)
    network.set_submodule(name, _InFloat32(head))
    return OptimizedNetwork(network, compute, preprocessing)


class _InFloat32(nn.Module):
    """A layer that computes in float32 within autocast."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """The layer's output for `inputs`, whose tensors become float32."""
        device = next(self.layer.parameters()).device.type
        with torch.autocast(device, enabled=False):
            return self.layer(*map(_float, inputs), **{name: _float(value) for name, value in named.items()})


def _float(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value
