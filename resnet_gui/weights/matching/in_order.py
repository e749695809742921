"""Finds weights whose names say nothing, by their order and their shapes: all of them must agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from resnet_gui.messages import message
from resnet_gui.weights.matching.named_tensors import Found
from resnet_gui.weights.matching.part_names import is_averaged
from resnet_gui.weights.matching.parts import Part, has_weights, is_whole, rank
from resnet_gui.weights.matching.wanted_names import COUNTER, Path, WantedNames

_LONGEST = 16
"""So many parts of a name may be the network's own."""


def ordered_parts(leaves: Sequence[Found], wanted: WantedNames, named: Part | None) -> Iterator[Part]:
    """The parts that have as many learned tensors as the network, in the same order, with equal shapes and last names.

    `named` is the part that fits best by its names. Where there is one, only what contains it comes into question, and
    each of its tensors that fits must have the same place by the order.
    """
    for prefix, found in _of_right_size(leaves, wanted).items():
        part = Part(prefix, dict(zip(wanted.learned, found, strict=True)), averaged=is_averaged(prefix))
        if all(_agrees(leaf, name, wanted) for name, leaf in part.tensors.items()) and _confirms(part, named, wanted):
            part.rank = rank(part, wanted)
            count = sum(part.tensors.get(name) is leaf for name, leaf in named.tensors.items()) if named else 0
            part.notes.append(message("weights_in_order", named=count or "none", count=len(found)))
            yield part


def _of_right_size(leaves: Sequence[Found], wanted: WantedNames) -> dict[Path, list[Found]]:
    """The learned tensors under each prefix that has as many as the network; of prefixes that hold the same, the longest."""
    scalars = any(not wanted.shapes[name] for name in wanted.learned)
    learned = [leaf for leaf in leaves if leaf.path[-1] != COUNTER and (scalars or len(leaf.tensor.shape) > 0)]
    counts = Counter(prefix for leaf in learned for prefix in _prefixes(leaf))
    found: dict[Path, list[Found]] = defaultdict(list)
    for leaf in learned:
        for prefix in _prefixes(leaf):
            if counts[prefix] == len(wanted.learned):
                found[prefix].append(leaf)
    longest = {id(each[0]): prefix for prefix, each in sorted(found.items(), key=lambda item: len(item[0]))}
    return {prefix: found[prefix] for prefix in longest.values()}


def _prefixes(leaf: Found) -> Iterator[Path]:
    return (leaf.path[:length] for length in range(max(0, len(leaf.path) - _LONGEST), len(leaf.path)))


def _agrees(leaf: Found, name: str, wanted: WantedNames) -> bool:
    return leaf.path[-1] == name.rpartition(".")[2] and tuple(leaf.tensor.shape) == wanted.shapes[name]


def _confirms(part: Part, named: Part | None, wanted: WantedNames) -> bool:
    if named is None or not has_weights(named, wanted):
        return True
    fitting = {
        name: leaf for name, leaf in named.tensors.items() if name in part.tensors and not is_whole(leaf.tensor.dtype)
    }
    inside = named.prefix[: len(part.prefix)] == part.prefix
    return inside and all(
        part.tensors[name] is leaf for name, leaf in fitting.items() if wanted.fits(name, tuple(leaf.tensor.shape))
    )
