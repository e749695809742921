"""Copies trained weights into a network as far as they fit, and reports those that do not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resnet_gui.events import WeightsLoaded
from resnet_gui.messages import Message, Problem, message
from resnet_gui.records import Mismatch
from resnet_gui.weights.weight_file import PREFIXES

_COUNTER = "num_batches_tracked"
"""A norm's count of batches: nothing depends on it, and files from before PyTorch 0.4.1 lack it."""

_OLD_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|conv))\.(\d\..*)")
"""Torchvision's files still have `denselayer1.norm.1.weight` for what is `denselayer1.norm1.weight` today."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """The result of a transfer: which weights were copied, and notes on what was changed to make them fit."""

    event: WeightsLoaded
    notes: tuple[Message, ...]


def transfer(network: nn.Module, weights: dict[str, Tensor], head: str, origin: str) -> Transferred:
    """Copies into `network` the tensors that fit by name and shape; its other tensors stay as they are.

    `head` is the name of the network's head, `origin` the file or URL of the weights. A convolution for pictures of 3
    channels is adapted to 1 channel, or the other way round.
    Raises `Problem` (`weights_nothing_fits`); then the network is unchanged.
    """
    wanted: dict[str, Tensor] = network.state_dict()
    found = {_todays_name(name, wanted): tensor for name, tensor in weights.items()}
    fitted = {name: _fitted(tensor, wanted[name].shape) for name, tensor in found.items() if name in wanted}
    fitting = {name: tensor for name, tensor in fitted.items() if tensor.shape == wanted[name].shape}
    if not any(tensor.ndim > 1 for tensor in fitting.values()):  # norms alone may fit by chance
        raise Problem("weights_nothing_fits", origin=origin, found=_first(found), wanted=_first(wanted))
    with torch.no_grad():
        for name, tensor in fitting.items():
            wanted[name].copy_(tensor)
    misfits = tuple(_misfits(wanted, found, fitting))
    event = WeightsLoaded(origin, len(_learned(fitting)), len(_learned(wanted)), misfits)
    return Transferred(event, (*_notes_on_channels(fitting, found), *_notes_on_heads(misfits, head)))


def _todays_name(name: str, wanted: dict[str, Tensor]) -> str:
    """The network's name for the file's tensor `name`: some names have changed, and some files add a prefix."""
    candidates = (name, _OLD_DENSENET.sub(r"\1\2", name), *(name.removeprefix(prefix) for prefix in PREFIXES))
    return next((each for each in candidates if each in wanted), name)


def _fitted(tensor: Tensor, shape: torch.Size) -> Tensor:
    """A convolution's weights `[out, 3, h, w]` adapted to one channel, or `[out, 1, h, w]` to three; all else as is.

    Either gives the same output for a grey picture as before, where three channels hold the same grey values.
    """
    match tuple(tensor.shape), tuple(shape):
        case (out, 3, *kernel), (same, 1, *wanted) if (out, kernel) == (same, wanted) and len(kernel) == 2:
            return tensor.sum(1, keepdim=True)
        case (out, 1, *kernel), (same, 3, *wanted) if (out, kernel) == (same, wanted) and len(kernel) == 2:
            return tensor.expand(shape) / 3
    return tensor


def _learned(tensors: dict[str, Tensor]) -> list[str]:
    return [name for name in tensors if not name.endswith(_COUNTER)]


def _misfits(wanted: dict[str, Tensor], found: dict[str, Tensor], fitting: dict[str, Tensor]) -> Iterable[Mismatch]:
    """First the network's tensors that were not copied, in its order; then those that only the file has."""
    for name in _learned({name: wanted[name] for name in wanted if name not in fitting}):
        yield Mismatch(name, tuple(wanted[name].shape), tuple(found[name].shape) if name in found else None)
    for name in _learned({name: found[name] for name in found if name not in wanted}):
        yield Mismatch(name, None, tuple(found[name].shape))


def _notes_on_channels(fitting: dict[str, Tensor], found: dict[str, Tensor]) -> Iterable[Message]:
    changed = [name for name, tensor in fitting.items() if tensor.shape != found[name].shape]
    names = ", ".join(name.removesuffix(".weight") for name in changed)
    if changed and fitting[changed[0]].shape[1] == 1:
        yield message("channels_summed", names=names)
    elif changed:
        yield message("channels_spread", names=names)


def _notes_on_heads(misfits: tuple[Mismatch, ...], head: str) -> Iterable[Message]:
    """A note if the head has other classes in the file; it names the auxiliary heads, too, if there are any."""
    counts = {misfit.name: _class_counts(misfit) for misfit in misfits}
    of_head = counts.get(f"{head}.weight")
    if of_head is not None:
        heads = [
            name.removesuffix(".weight") for name in counts if counts[name] == of_head and name.endswith(".weight")
        ]
        yield message("head_replaced", names=", ".join(heads), found=of_head[0], wanted=of_head[1])


def _class_counts(misfit: Mismatch) -> tuple[int, int] | None:
    """The numbers of classes of a head in the file and in the network; None if the shapes differ otherwise."""
    if not misfit.wanted or not misfit.found or misfit.wanted[1:] != misfit.found[1:]:
        return None
    return misfit.found[0], misfit.wanted[0]


def _first(names: Iterable[str]) -> str:
    return ", ".join([*names][:3])
