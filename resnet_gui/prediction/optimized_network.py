"""A trained network optimized for inference: pixels become probabilities, as fast as this machine can."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute, short_precision
from resnet_gui.nets.fuse_norms import fuse_norms

_ROUNDS = 3
"""How often two candidates are timed, in turn. The fastest time of each counts, which was disturbed least."""
_ENOUGH = 0.4
"""Seconds after which no further round begins: for a slow network one round is enough."""
_AGREES = 0.01
"""How far a probability may be from that of float32."""
_TIMED = {"cpu": 1, "cuda": 16, "mps": 16}
"""The batch size that is timed; a single picture does not keep a GPU busy."""
_COMPARED = 8
"""At least so many trial pictures decide whether 16 bits are enough."""


@dataclass(frozen=True, slots=True)
class OptimizedNetwork:
    """A network for inference only, in evaluation mode and on its device, and how it computes."""

    network: nn.Module
    compute: Compute
    preprocessing: Preprocessing

    def probabilities(self, pixels: Tensor) -> Tensor:
        """uint8 pictures [N, channels, S, S] in, probabilities float32 [N, classes] out, both on the CPU.

        A picture's probabilities do not depend on the rest of the batch, except for rounding: libraries add in another
        order for another N.
        """
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
    """A copy of `network` on `device`, with its batch norms fused into convolutions, that computes in the fastest way.

    Every candidate predicts trial pictures, which also warms it up. Candidates are the memory formats and, if the
    device has them, 16 bits. If `compute` is given, it is known to be the fastest for such a network, and nothing is
    timed. A candidate that fails, or gives other probabilities, is not used.
    """
    plain = Compute(device)
    best = OptimizedNetwork(
        plain.to_device(fuse_norms(network, preprocessing.channels, preprocessing.image_size)), plain, preprocessing
    )
    for candidate in _candidates(device):
        if compute in (None, candidate):
            best = _better_of(best, candidate, known=compute is not None)
    return best


def _candidates(device: torch.device) -> list[Compute]:
    """Besides the plain one: channels last, in float32 and in 16 bits, whose hardware units need that format."""
    shorter = short_precision(device)
    precisions = ["float32", *([shorter] if shorter else [])]
    return [Compute(device, precision, "channels_last") for precision in precisions]


def _better_of(best: OptimizedNetwork, compute: Compute, known: bool) -> OptimizedNetwork:
    """`best`; or a copy that computes as `compute`, if its probabilities agree and it is faster or `known` to be."""
    timed = _TIMED[compute.device.type]
    pixels = _trial_pictures(best.preprocessing, timed if compute.precision == "float32" else max(timed, _COMPARED))
    try:
        rival = _converted(best.network, compute, best.preprocessing)
        agrees = _difference(rival, best, pixels) <= _AGREES
    except RuntimeError:  # some layers take only what is contiguous, or only float32
        return best
    return rival if agrees and (known or _faster(rival, best, pixels[:timed])) else best


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


def _converted(network: nn.Module, compute: Compute, preprocessing: Preprocessing) -> OptimizedNetwork:
    """A copy for `compute`. In 16 bits, weights that autocast would cast in every call are cast once."""
    network = compute.to_device(copy.deepcopy(network))
    if compute.precision != "float32":
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.to(getattr(torch, compute.precision))
    return OptimizedNetwork(network, compute, preprocessing)
