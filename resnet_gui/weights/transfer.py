"""Weights that were learned elsewhere go into a network, as far as they fit, and what does not is told."""

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
"""How many batches a norm has seen: nothing depends on it, and files from before PyTorch 0.4.1 lack it."""

_OLD_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|conv))\.(\d\..*)")
"""`denselayer1.norm.1.weight` is today's `denselayer1.norm1.weight`, in the files that torchvision shares."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """What became of the weights: how much was taken, and remarks on what was changed so that they fit."""

    event: WeightsLoaded
    notes: tuple[Message, ...]


def transfer(network: nn.Module, weights: dict[str, Tensor], head: str, origin: str) -> Transferred:
    """Copies into `network` what fits it by name and shape; the rest of it stays as it was, freshly initialised.

    `head` is the name of the network's head, `origin` the file or address that the weights are of. A convolution for
    pictures of 3 channels is fitted to grey ones, or the other way round.
    Raises `Problem` (`weights_nothing_fits`), and then the network is unchanged.
    """
    wanted: dict[str, Tensor] = network.state_dict()
    found = {_todays_name(name, wanted): tensor for name, tensor in weights.items()}
    fitted = {name: _fitted(tensor, wanted[name].shape) for name, tensor in found.items() if name in wanted}
    fitting = {name: tensor for name, tensor in fitted.items() if tensor.shape == wanted[name].shape}
    if not any(tensor.ndim > 1 for tensor in fitting.values()):  # norms alone can fit by chance, and mean nothing
        raise Problem("weights_nothing_fits", origin=origin, found=_first(found), wanted=_first(wanted))
    with torch.no_grad():
        for name, tensor in fitting.items():
            wanted[name].copy_(tensor)
    misfits = tuple(_misfits(wanted, found, fitting))
    event = WeightsLoaded(origin, len(_learned(fitting)), len(_learned(wanted)), misfits)
    return Transferred(event, (*_notes_on_channels(fitting, found), *_notes_on_heads(misfits, head)))


def _todays_name(name: str, wanted: dict[str, Tensor]) -> str:
    """The network's name for what the file calls `name`: some names have changed, and some files put a word in front."""
    candidates = (name, _OLD_DENSENET.sub(r"\1\2", name), *(name.removeprefix(prefix) for prefix in PREFIXES))
    return next((each for each in candidates if each in wanted), name)


def _fitted(tensor: Tensor, shape: torch.Size) -> Tensor:
    """A convolution's weights `[out, 3, h, w]` for one channel, or `[out, 1, h, w]` for three; all else as it is.

    Either answers to a grey picture what it did before: that is the same picture in each of three channels.
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
    """First what the network lacks, in its order; then what only the file has."""
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
    """The head has other classes in the file, and with it the auxiliary heads, if there are any."""
    counts = {misfit.name: _class_counts(misfit) for misfit in misfits}
    of_head = counts.get(f"{head}.weight")
    if of_head is not None:
        heads = [
            name.removesuffix(".weight") for name in counts if counts[name] == of_head and name.endswith(".weight")
        ]
        yield message("head_replaced", names=", ".join(heads), found=of_head[0], wanted=of_head[1])


def _class_counts(misfit: Mismatch) -> tuple[int, int] | None:
    """The classes that a head has in the file and in the network, if nothing else keeps it from fitting."""
    if not misfit.wanted or not misfit.found or misfit.wanted[1:] != misfit.found[1:]:
        return None
    return misfit.found[0], misfit.wanted[0]


def _first(names: Iterable[str]) -> str:
    return ", ".join([*names][:3])
