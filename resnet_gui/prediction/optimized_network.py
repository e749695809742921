"""A trained network made ready to answer: pixels become probabilities, as fast as this machine can."""

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
"""So often two ways are timed, in turn. The fastest answer of each counts, disturbed the least."""
_ENOUGH = 0.4
"""After so many seconds no round is begun: a slow network shows the difference in one."""
_AGREES = 0.01
"""How far a probability may be from that of float32."""
_TIMED = {"cpu": 1, "cuda": 16, "mps": 16}
"""So many pictures are timed at once; to a graphics card a single one is no work in any way."""
_COMPARED = 8
"""At least so many trial pictures show whether 16 bits are enough."""


@dataclass(frozen=True, slots=True)
class OptimizedNetwork:
    """A network that only answers, in evaluation mode and in its place, and how it computes."""

    network: nn.Module
    compute: Compute
    preprocessing: Preprocessing

    def probabilities(self, pixels: Tensor) -> Tensor:
        """uint8 pictures [N, channels, S, S] in, probabilities float32 [N, classes] out, both on the CPU.

        A picture's answer does not depend on those beside it but for rounding: libraries add in another order for
        another N.
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


def make_ready(
    network: nn.Module, rule: Preprocessing, device: torch.device, compute: Compute | None = None
) -> OptimizedNetwork:
    """A copy of `network` on `device`, its batch norms folded into convolutions, that computes in the fastest way.

    To find it trial pictures are answered in each, which also warms it up. Tried are the memory formats and, where the
    device has them, 16 bits. Where `compute` is known to be the fastest for a network of the same kind, nothing is timed.
    What the network cannot do, or what gives other probabilities, is not taken.
    """
    plain = Compute(device)
    best = OptimizedNetwork(plain.to_device(fuse_norms(network, rule.channels, rule.image_size)), plain, rule)
    for way in _ways(device):
        if compute in (None, way):
            best = _better(best, way, known=compute is not None)
    return best


def _ways(device: torch.device) -> list[Compute]:
    """Beside the plain one: channels last, in float32 and in 16 bits, for which units of their own want it so."""
    shorter = short_precision(device)
    precisions = ["float32", *([shorter] if shorter else [])]
    return [Compute(device, precision, "channels_last") for precision in precisions]


def _better(best: OptimizedNetwork, way: Compute, known: bool) -> OptimizedNetwork:
    """`best` or, if it answers the same and is faster or `known` to be, a copy that computes in another `way`."""
    timed = _TIMED[way.device.type]
    pixels = _trial_pictures(best.preprocessing, timed if way.precision == "float32" else max(timed, _COMPARED))
    try:
        rival = _moved(best.network, way, best.preprocessing)
        agrees = _difference(rival, best, pixels) <= _AGREES
    except RuntimeError:  # some layers take only what is contiguous, or only float32
        return best
    return rival if agrees and (known or _faster(rival, best, pixels[:timed])) else best


def _difference(rival: OptimizedNetwork, best: OptimizedNetwork, pixels: Tensor) -> float:
    """How far the probabilities for a picture can be apart whose two most probable classes are equally probable.

    So much can be said from pictures of which the network is surer, too: it is a quarter of how far the log-odds of the
    two classes are apart, as the logistic function is nowhere steeper.
    """
    found, wanted = (each.probabilities(pixels).log() for each in (rival, best))
    log_odds = (found - wanted).gather(1, wanted.topk(2).indices).diff()
    return float(log_odds.abs().max()) / 4


def _trial_pictures(rule: Preprocessing, count: int) -> Tensor:
    """uint8 [count, channels, S, S], always the same: chance, smoothed as a photograph is, coarsely and then less so.

    Pure noise would not do: all of it looks the same to a network.
    """
    chance, side = torch.Generator().manual_seed(0), rule.image_size
    coarse = (torch.rand(1, rule.channels, cells, cells, generator=chance) for cells in range(3, 3 + count))
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


def _moved(network: nn.Module, compute: Compute, rule: Preprocessing) -> OptimizedNetwork:
    """A copy; in 16 bits the weights that would be cast in every call are cast once for all."""
    network = compute.to_device(copy.deepcopy(network))
    if compute.precision != "float32":
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.to(getattr(torch, compute.precision))
    return OptimizedNetwork(network, compute, rule)
