"""Copies trained weights into a network as far as they fit, and reports those that do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from resnet_gui.events import WeightsLoaded, shape_text
from resnet_gui.messages import Message, Problem, first_names, message
from resnet_gui.records import Mismatch
from resnet_gui.weights.matching.parts import is_whole
from resnet_gui.weights.matching.recognise import network_of
from resnet_gui.weights.matching.wanted_names import COUNTER, Shape, are_other_channels
from resnet_gui.weights.state_dict import Chosen, UnclearPart, choose, numbers
from resnet_gui.weights.weight_file import read_contents

_EXAMPLES = 3
_NO_WEIGHTS = "one of single numbers, of gradients, or of what an optimizer keeps, without the weights themselves"


@dataclass(frozen=True, slots=True)
class Transferred:
    """The result of a transfer: which weights were copied, and notes on what was changed to make them fit."""

    event: WeightsLoaded
    notes: tuple[Message, ...]


def load_weights(network: nn.Module, file: Path, head: str, origin: str, part: str = "") -> Transferred:
    """Copies into `network` what fits of the weights in `file`: see `transfer`. Of the file, no other tensor is read.

    Raises `Problem` (a code that begins with `weights_`) as `read_contents` and `transfer` do.
    """
    return transfer(network, read_contents(file), head, origin, part)


def transfer(network: nn.Module, found: Any, head: str, origin: str, part: str = "") -> Transferred:
    """Copies into `network` the tensors of `found` that fit by name and shape; its other tensors stay as they are.

    `found` is the contents of a file, in which `choose` finds the weights; `part` says which, where there are several.
    `head` is the name of the network's head, `origin` the file or URL of the weights. A convolution for pictures of 3
    channels is adapted to 1 channel, or the other way round.
    Raises `Problem`: `weights_tie`, `weights_no_part`, or that nothing fits; then the network is unchanged.
    """
    wanted: dict[str, Tensor] = network.state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in wanted.items()}
    chosen = chosen_for(found, shapes, origin, part)
    fitting = [name for name, tensor in chosen.tensors.items() if _can_be(tensor, wanted[name])]
    if not any(len(shapes[name]) > 1 for name in fitting):  # norms alone may fit by chance
        raise _nothing_fits(found, chosen, shapes, origin)
    taken = {name: _fitted(numbers(chosen.tensors[name]), wanted[name].shape) for name in fitting}
    with torch.no_grad():
        for name, tensor in taken.items():
            wanted[name].copy_(tensor)
    misfits = tuple(_misfits(shapes, chosen, taken))
    event = WeightsLoaded(origin, len(_learned(taken)), len(_learned(shapes)), misfits)
    notes = (*chosen.notes, *_notes_on_channels(taken, chosen), *_notes_on_heads(misfits, head))
    return Transferred(event, (*notes, *_notes_on_random(event, head), *_notes_on_rest(found, chosen)))


def chosen_for(found: Any, shapes: Mapping[str, Shape], origin: str, part: str = "") -> Chosen:
    """As `choose`. Raises `Problem`: `weights_tie` or `weights_no_part`."""
    try:
        return choose(found, shapes, part)
    except UnclearPart as unclear:
        parts = ", ".join(unclear.parts)
        if unclear.wanted:
            raise Problem("weights_no_part", path=origin, part=unclear.wanted, parts=parts) from unclear
        raise Problem("weights_tie", path=origin, parts=parts) from unclear


def _can_be(tensor: Any, wanted: Tensor) -> bool:
    """Whether the shape is right, or can be made so, and the numbers are of the right kind."""
    found, shape = tuple(tensor.shape), tuple(wanted.shape)
    kinds = is_whole(tensor.dtype) <= is_whole(wanted.dtype)  # a counter may have become a floating-point number
    return kinds and (found == shape or are_other_channels(found, shape))


def _fitted(tensor: Tensor, shape: torch.Size) -> Tensor:
    """A convolution's weights `[out, 3, h, w]` adapted to one channel, or `[out, 1, h, w]` to three; all else as is.

    Either gives the same output for a grey picture as before, where three channels hold the same grey values.
    """
    if tensor.shape == shape:
        return tensor
    return tensor.sum(1, keepdim=True) if shape[1] == 1 else tensor.expand(shape) / 3


def _nothing_fits(contents: Any, chosen: Chosen, wanted: dict[str, Shape], origin: str) -> Problem:
    """Why nothing fits: the shapes are others, the kind of the numbers, or the names."""
    if not chosen.tensors and not chosen.others:
        return Problem("weights_not_weights", path=origin, what=_NO_WEIGHTS)
    learned = _learned(wanted)
    known = [name for name in learned if name in chosen.tensors]
    others = [name for name in known if tuple(chosen.tensors[name].shape) != wanted[name]]
    if 2 * len(others) > len(learned):
        examples = "; ".join(_two_shapes(name, wanted[name], chosen) for name in others[:_EXAMPLES])
        return Problem(
            "weights_other_shapes", origin=origin, count=len(others), wanted_count=len(learned), examples=examples
        )
    if 2 * len(known) > len(learned):
        kind = str(chosen.tensors[known[0]].dtype).removeprefix("torch.")
        return Problem("weights_stored_as", path=origin, name=known[0], kind=kind)
    network = network_of(contents)
    if network:
        return Problem("weights_of_other", origin=origin, network=network)
    names = {"found": first_names([*chosen.tensors, *chosen.others]), "wanted": first_names(learned)}
    return Problem("weights_nothing_fits", origin=origin, known=f"{len(known)} of {len(learned)}", **names)


def _two_shapes(name: str, wanted: Shape, chosen: Chosen) -> str:
    return f"{name} has {shape_text(wanted)} in the network and {shape_text(chosen.tensors[name].shape)} in the file"


def _learned(tensors: Iterable[str]) -> list[str]:
    return [name for name in tensors if not name.endswith(COUNTER)]


def _misfits(wanted: dict[str, Shape], chosen: Chosen, taken: dict[str, Tensor]) -> Iterator[Mismatch]:
    """First the network's tensors that were not copied, in its order; then those that only the file has."""
    for name in _learned(name for name in wanted if name not in taken):
        found = chosen.tensors.get(name)
        yield Mismatch(name, wanted[name], None if found is None else tuple(found.shape))
    for name in _learned(chosen.others):
        yield Mismatch(name, None, tuple(chosen.others[name].shape))


def _notes_on_channels(taken: dict[str, Tensor], chosen: Chosen) -> Iterator[Message]:
    changed = [name for name, tensor in taken.items() if tuple(tensor.shape) != tuple(chosen.tensors[name].shape)]
    names = ", ".join(name.removesuffix(".weight") for name in changed)
    if changed and taken[changed[0]].shape[1] == 1:
        yield message("channels_summed", names=names)
    elif changed:
        yield message("channels_spread", names=names)


def _notes_on_heads(misfits: tuple[Mismatch, ...], head: str) -> Iterator[Message]:
    """A note if the head has other classes in the file; it names the auxiliary heads, too, if there are any."""
    counts = {misfit.name: _class_counts(misfit) for misfit in misfits}
    of_head = counts.get(f"{head}.weight")
    if of_head is not None:
        heads = [
            name.removesuffix(".weight") for name in counts if counts[name] == of_head and name.endswith(".weight")
        ]
        yield message("head_replaced", names=", ".join(heads), found=of_head[0], wanted=of_head[1])


def _notes_on_random(event: WeightsLoaded, head: str) -> Iterator[Message]:
    """A note if more starts from random weights than the head and auxiliary ones, which files often lack.

    It counts tensors, not numbers: a first layer may have a thousandth of all numbers, and spoil what all others get.
    """
    counts = {misfit.name: _class_counts(misfit) for misfit in event.misfits}
    heads = {name for name in counts if name.rpartition(".")[0] == head or name.lower().startswith("aux")}
    heads |= {name for name, count in counts.items() if count and count == counts.get(f"{head}.weight")}
    missing = sum(1 for misfit in event.misfits if misfit.wanted and misfit.name not in heads)
    if missing:
        share = max(1, round(100 * missing / event.wanted))
        yield message("weights_mostly_random", share=share, missing=missing, count=event.wanted)


def _notes_on_rest(contents: Any, chosen: Chosen) -> Iterator[Message]:
    """A note if whole layers of the file have no place in the network, as if it were a smaller one."""
    rest = _learned(chosen.others)
    if not any(len(chosen.others[name].shape) > 1 for name in rest):
        return
    network = network_of(contents)
    if network:
        yield message("weights_of_larger", count=len(rest), network=network)
    else:
        yield message("weights_left_over", count=len(rest), names=first_names(rest))


def _class_counts(misfit: Mismatch) -> tuple[int, int] | None:
    """The numbers of classes of a head in the file and in the network; None if the shapes differ otherwise."""
    if not misfit.wanted or not misfit.found or misfit.wanted[1:] != misfit.found[1:]:
        return None
    return misfit.found[0], misfit.wanted[0]
