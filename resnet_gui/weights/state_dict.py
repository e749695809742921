"""Chooses, among all tensors of a file, those that are a network's weights: by their names' ends and their shapes.

A name in a file is the network's own after a prefix, which trainers make of the names of dictionaries, attributes and
wrappers. So prefixes are not listed here: every name that ends with one of the network's gives one, and the tensors
under a prefix are a part. The part that fits most is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from resnet_gui.messages import Message, Problem, first_names, message
from resnet_gui.weights.matching.in_order import ordered_parts
from resnet_gui.weights.matching.named_tensors import Found, tensors_in
from resnet_gui.weights.matching.part_names import is_no_weights
from resnet_gui.weights.matching.parts import Part, has_weights, named_parts
from resnet_gui.weights.matching.wanted_names import WRAPPERS, Shape, WantedNames

_USUAL = WRAPPERS | {"state_dict", "model", "model_state_dict", "net"}
"""Prefixes of which nothing need be said."""

_MOST = 30_000
"""Tensors that are looked at: ten times those of the largest networks, or a dozen of usual ones in one file."""


class UnclearPart(Exception):
    """`parts` fit equally well and hold other numbers; or they are those there are, and none is called `wanted`."""

    def __init__(self, parts: Iterable[str], wanted: str = "") -> None:
        super().__init__(wanted)
        self.parts, self.wanted = tuple(parts), wanted


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a file has for a network. Nothing of it has been read, unless to see whether two parts are the same.

    `tensors` has the network's names, and shapes that need not fit; `others` are what else lies in the same part, by
    the names it has there. If nothing fits, the two say why. `notes` tell what was chosen, where that is not plain.
    """

    tensors: dict[str, Any]
    others: dict[str, Any]
    notes: tuple[Message, ...] = ()


def choose(found: Any, wanted: Mapping[str, Shape], part: str = "") -> Chosen:
    """Of all tensors in `found`, the contents of a file, those for a network with tensors of these names and shapes.

    Takes the part that fits most, and averaged weights before others that fit equally. `part` names the one to take, or
    what contains it. Tensors may be real ones, or stand-ins with `shape`, `dtype`, `read()`, and a `key` that is equal
    only where the numbers are.
    Raises `UnclearPart` if several parts fit equally with different numbers, or if none is called `part`.
    """
    network = WantedNames(wanted)
    leaves = [*islice((leaf for leaf in tensors_in(found) if _may_be_weights(leaf, network, part)), _MOST)]
    named = named_parts(leaves, network)
    best = named[0] if named else None
    whole = best is not None and best.rank[1] == len(network.learned)
    parts = [*named, *(() if whole else ordered_parts(leaves, network, best))]
    fitting = [each for each in parts if has_weights(each, network)]
    called = [each for each in fitting if not part or each.is_called(part)]
    if not fitting:
        return Chosen(_tensors(best), _others(best, leaves, ()))
    most = max(each.rank[0] for each in fitting)
    rivals = [each for each in fitting if 2 * each.rank[0] > most]
    if not called:
        raise UnclearPart((each.label for each in rivals), part)
    taken, *same = _preferred(called)
    notes = (*_notes(taken, [each for each in rivals if not any(each is other for other in same)]), *taken.notes)
    return Chosen(_tensors(taken), _others(taken, leaves, rivals), notes)


def _may_be_weights(leaf: Found, network: WantedNames, part: str) -> bool:
    others = (name for name in leaf.path[:-1] if name not in network.words)
    return not is_no_weights(others) or (bool(part) and ".".join(leaf.path).startswith(f"{part}."))


def _preferred(parts: Sequence[Part]) -> list[Part]:
    """The parts that fit best, averaged ones if there are both: one, or several with the same numbers."""
    most = max(part.rank for part in parts)
    best = [part for part in parts if part.rank == most]
    best = [part for part in best if part.averaged] or best
    different = [best[0], *(part for part in best[1:] if not _are_same(part, best[0]))]
    if len(different) > 1:
        raise UnclearPart(part.label for part in different)
    return best


def _are_same(part: Part, other: Part) -> bool:
    """Whether both hold the same numbers. Some are read for that, the shortest tensors first, until one differs."""
    if part.tensors.keys() != other.tensors.keys():
        return False
    pairs = [(part.tensors[name].tensor, other.tensors[name].tensor) for name in part.tensors]
    different = [pair for pair in pairs if not _is_one(*pair)]
    return all(_have_equal_numbers(*pair) for pair in sorted(different, key=lambda pair: math.prod(pair[0].shape)))


def _is_one(tensor: Any, other: Any) -> bool:
    key = getattr(tensor, "key", None)
    return tensor is other or (key is not None and key == getattr(other, "key", None))


def _have_equal_numbers(tensor: Any, other: Any) -> bool:
    if tensor.shape != other.shape:
        return False
    try:
        return torch.equal(numbers(tensor), numbers(other))
    except Problem:  # numbers that cannot be used: whoever takes them is told
        return False


def numbers(tensor: Any) -> Tensor:
    """The tensor that `tensor` is or stands for; here the file is read."""
    found: Tensor = tensor.detach() if isinstance(tensor, Tensor) else tensor.read()
    return found


def _tensors(part: Part | None) -> dict[str, Any]:
    return {name: leaf.tensor for name, leaf in part.tensors.items()} if part else {}


def _others(part: Part | None, leaves: Sequence[Found], rivals: Sequence[Part]) -> dict[str, Any]:
    """What lies under the same prefix, by its names below that, but for the weights of the `rivals` and single numbers."""
    prefix = part.prefix if part else ()
    known = {id(leaf) for each in (part, *rivals) if each for leaf in each.tensors.values()}
    others = (leaf for leaf in leaves if id(leaf) not in known and leaf.path[: len(prefix)] == prefix)
    return {".".join(leaf.path[len(prefix) :]): leaf.tensor for leaf in others if len(leaf.tensor.shape) > 0}


def _notes(taken: Part, rivals: Sequence[Part]) -> Iterator[Message]:
    """Which part was taken, unless that is plain, and which others there are."""
    ours = {id(leaf) for leaf in taken.tensors.values()}
    others = [each.label for each in rivals if ours.isdisjoint(id(leaf) for leaf in each.tensors.values())]
    if taken.averaged or others or taken.beside or not _USUAL.issuperset(taken.prefix):
        name = " and ".join([taken.label, *taken.beside][:3])
        yield message("weights_averaged" if taken.averaged else "weights_part", part=name)
    if others:
        yield message("weights_others", parts=first_names(others))
