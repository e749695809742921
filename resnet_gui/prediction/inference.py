"""A trained network made ready to answer: pixels become probabilities, as fast as this machine can."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute, short_precision
from resnet_gui.nets.fold import fold

_ROUNDS = 3
"""So often each way is timed, in turn, after an answer that warms it up. The fastest counts, disturbed the least."""
_AGREES = 0.01
"""How far a probability may be from that of the plain way."""
_ON_A_CARD = 16
"""So many pictures are tried at once on a graphics card, to which a single one is no work in any way."""


@dataclass(frozen=True, slots=True)
class Inference:
    """A network that only answers, in evaluation mode and in its place, and how it computes."""

    network: nn.Module
    compute: Compute
    rule: Preprocessing

    def probabilities(self, pixels: Tensor) -> Tensor:
        """uint8 pictures [N, channels, S, S] in, probabilities float32 [N, classes] out, both on the CPU.

        A picture's answer does not depend on those beside it but for rounding: libraries add in another order for
        another N.
        """
        device = self.compute.device
        if device.type == "cuda":
            pixels = pixels.pin_memory()
        with torch.inference_mode():
            pictures = self.rule.normalize(pixels.to(device, non_blocking=True))
            with self.compute.cast():
                logits = self.network(self.compute.lay_out(pictures))
            probabilities: Tensor = logits.float().softmax(1).cpu()
        return probabilities


def make_ready(
    network: nn.Module, rule: Preprocessing, device: torch.device, compute: Compute | None = None
) -> Inference:
    """A copy of `network` on `device`, its batch norms folded into convolutions, that computes in the fastest way.

    To find it a trial picture is answered in each, which also warms it up; where `compute` is known from a network of
    the same kind, that is left out.
    """
    folded = fold(network, rule.channels, rule.image_size)
    return _placed(folded, compute, rule) if compute else _fastest(folded, rule, device)


def _fastest(network: nn.Module, rule: Preprocessing, device: torch.device) -> Inference:
    """Tried are the memory formats and, where the device has them, 16 bits. What gives other probabilities is not taken."""
    count = 1 if device.type == "cpu" else _ON_A_CARD
    shape, noise = (count, rule.channels, rule.image_size, rule.image_size), torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=noise)
    plain, *others = (_placed(network, compute, rule) for compute in _ways(device))
    wanted = plain.probabilities(pixels)
    good = [each for each in others if bool((each.probabilities(pixels) - wanted).abs().max() <= _AGREES)]
    rounds = [[_seconds(each, pixels) for each in (plain, *good)] for _ in range(_ROUNDS)]
    seconds = [min(times) for times in zip(*rounds, strict=True)]
    return (plain, *good)[seconds.index(min(seconds))]


def _ways(device: torch.device) -> list[Compute]:
    """The plain one; then channels last, in float32 and in 16 bits, for which units of their own want it so."""
    shorter = short_precision(device)
    precisions = ["float32", *([shorter] if shorter else [])]
    return [Compute(device), *(Compute(device, precision, "channels_last") for precision in precisions)]


def _seconds(inference: Inference, pixels: Tensor) -> float:
    began = time.perf_counter()
    inference.probabilities(pixels)
    return time.perf_counter() - began


def _placed(network: nn.Module, compute: Compute, rule: Preprocessing) -> Inference:
    """A copy; in 16 bits the weights that would be cast in every call are cast once for all."""
    network = compute.place(copy.deepcopy(network))
    if compute.precision != "float32":
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.to(getattr(torch, compute.precision))
    return Inference(network, compute, rule)
