"""Recognises which network of the catalogue a file's weights are of, where they do not fit the one that was chosen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from resnet_gui.messages import Problem
from resnet_gui.nets.catalog import NETWORKS
from resnet_gui.nets.without_memory import build_without_memory
from resnet_gui.weights.matching.named_tensors import Found, tensors_in
from resnet_gui.weights.matching.part_names import is_no_weights
from resnet_gui.weights.matching.parts import named_parts
from resnet_gui.weights.matching.wanted_names import COUNTER, WantedNames

_STATISTICS = (COUNTER, "running_mean", "running_var")
"""What a norm keeps besides its parameters."""

_MOST = 4
"""So many networks are built, of which each takes some hundredths of a second."""


def network_of(contents: Any) -> str:
    """The name of the network with exactly the names and shapes in `contents`, but for the count of its classes.

    Returns "" if the catalogue has none. Networks with as many parameters as the file are built, without their numbers.
    """
    leaves = [leaf for leaf in tensors_in(contents) if not is_no_weights(leaf.path[:-1])]
    candidates = {name: classes for prefix in _prefixes(leaves) for name, classes in _as_large(_under(leaves, prefix))}
    return next((name for name, classes in [*candidates.items()][:_MOST] if _is_it(name, classes, leaves)), "")


def _prefixes(leaves: Sequence[Found]) -> Iterator[tuple[str, ...]]:
    path = leaves[0].path if leaves else ()
    return (path[:length] for length in range(len(path)))


def _under(leaves: Sequence[Found], prefix: tuple[str, ...]) -> list[Found]:
    return [leaf for leaf in leaves if leaf.path[: len(prefix)] == prefix and not leaf.path[-1].startswith(_STATISTICS)]


def _as_large(leaves: Sequence[Found]) -> Iterator[tuple[str, int]]:
    """The networks that have as many parameters, were the last layer their head, and how many classes that has."""
    head = next((leaf for leaf in reversed(leaves) if len(leaf.tensor.shape) in (2, 4)), None)
    if head is None:
        return
    classes = head.tensor.shape[0]
    biased = any(leaf.path == (*head.path[:-1], "bias") for leaf in leaves)
    of_class = math.prod(head.tensor.shape[1:]) + biased
    body = sum(math.prod(leaf.tensor.shape) for leaf in leaves) - classes * of_class
    for network in NETWORKS:
        if network.parameters == body + network.classes * of_class:
            yield network.name, classes


def _is_it(name: str, classes: int, leaves: Sequence[Found]) -> bool:
    try:
        state = build_without_memory(name, classes, 3).state_dict()
    except Problem:  # its library is not installed
        return False
    wanted = WantedNames({name: tuple(tensor.shape) for name, tensor in state.items()})
    return any(part.rank[1] == len(wanted.learned) for part in named_parts(leaves, wanted))
