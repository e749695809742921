"""The parts of a file that may be a network's weights: tensors under one prefix, with what lies beside it."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from resnet_gui.messages import Message, message
from resnet_gui.weights.matching.named_tensors import Found
from resnet_gui.weights.matching.part_names import is_averaged
from resnet_gui.weights.matching.wanted_names import COUNTER, Path, WantedNames

TOP = "top level"
"""What the part is called that has no prefix."""

_LARGEST, _MOST = 100, 20
"""How many parts are compared, and looked at closely: a file can be made to have any number that fit a little."""

Rank = tuple[int, int, int]


@dataclass(slots=True)
class Part:
    """Tensors of a file by the network's names; most lie under `prefix`, those called `beside` elsewhere."""

    prefix: Path
    tensors: dict[str, Found]
    rank: Rank = (0, 0, 0)
    """How many learned tensors fit, how many fit as they are, and how many have the right name."""
    averaged: bool = False
    beside: tuple[str, ...] = ()
    notes: list[Message] = field(default_factory=list)

    @property
    def label(self) -> str:
        """What the part is called in the file: its prefix without the last dot."""
        return ".".join(self.prefix) or TOP

    def is_called(self, name: str) -> bool:
        """Whether `name` means this part, or what contains it."""
        return f"{self.label}.".startswith(f"{name}.")


def named_parts(leaves: Sequence[Found], wanted: WantedNames) -> list[Part]:
    """The parts that hold weights of the network by their names, the best first, each with what completes it."""
    parts: dict[Path, Part] = {}
    for leaf in leaves:
        for prefix, name in wanted.readings(leaf.path):
            tensors = parts.setdefault(prefix, Part(prefix, {})).tensors
            if name not in tensors or ".".join(leaf.path).endswith(name):  # else it is within a wrapper
                tensors[name] = leaf
    averages = {leaf.path[:-1] for leaf in leaves if leaf.path[-1] == "n_averaged"}
    for part in parts.values():
        part.averaged = is_averaged(part.prefix) or _is_wrapped_average(part.prefix, averages)
    largest = heapq.nlargest(_LARGEST, parts.values(), key=lambda part: len(part.tensors))
    best, holders = _ranked(largest, wanted)[:_MOST], _holders(parts.values())
    for part in best:
        _complete(part, holders, leaves, wanted)
    return _ranked(best, wanted)


def _ranked(parts: Sequence[Part], wanted: WantedNames) -> list[Part]:
    for part in parts:
        part.rank = rank(part, wanted)
    return sorted(parts, key=lambda part: part.rank, reverse=True)


def rank(part: Part, wanted: WantedNames) -> Rank:
    """The part's `Part.rank`. Whole numbers, such as masks, do not count as fitting."""
    learned = {name: leaf.tensor for name, leaf in part.tensors.items() if not name.endswith(COUNTER)}
    real = {name: tuple(tensor.shape) for name, tensor in learned.items() if not is_whole(tensor.dtype)}
    fitting = [name for name, shape in real.items() if wanted.fits(name, shape)]
    return len(fitting), sum(real[name] == wanted.shapes[name] for name in fitting), len(learned)


def is_whole(dtype: object) -> bool:
    """Whether numbers of this type are whole ones or truth values."""
    return str(dtype).removeprefix("torch.").startswith(("int", "uint", "bool"))


def has_weights(part: Part, wanted: WantedNames) -> bool:
    """Whether more than norms and biases fits, which may do so by chance."""
    shapes = ((name, tuple(leaf.tensor.shape)) for name, leaf in part.tensors.items())
    return part.rank[0] > 0 and any(len(shape) > 1 and wanted.fits(name, shape) for name, shape in shapes)


def _is_wrapped_average(prefix: Path, averages: set[Path]) -> bool:
    """Whether `prefix` is that of torch's AveragedModel, which has its count beside its `module`."""
    return any(prefix[i] == "module" and prefix[:i] in averages for i in range(len(prefix)))


def _holders(parts: Iterable[Part]) -> dict[str, list[Part]]:
    """For each name of the network the parts that hold it, the first few."""
    holders: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        for name in part.tensors:
            if len(holders[name]) < _MOST:
                holders[name].append(part)
    return holders


def _complete(part: Part, holders: dict[str, list[Part]], leaves: Sequence[Found], wanted: WantedNames) -> None:
    """Adds what the part lacks and the file has elsewhere: a second part, or a head under another name."""
    second = _second(part, holders, wanted)
    if second:
        inside = part.prefix[: len(second.prefix)] == second.prefix
        part.beside = _modules(second.tensors.values()) if inside else (second.label,)
        part.tensors = part.tensors | second.tensors
    missing = [name for name in wanted.learned if name not in part.tensors]
    modules = {name.rpartition(".")[0] for name in missing}
    if len(modules) == 1:
        _add_head(part, modules.pop(), missing, leaves, wanted)


def _second(part: Part, holders: dict[str, list[Part]], wanted: WantedNames) -> Part | None:
    """The part that has nothing but names which `part` lacks, most of them; None if there are two such."""
    missing = [name for name in wanted.learned if name not in part.tensors]
    found = {id(each): each for name in missing for each in holders.get(name, ())}
    seconds = [each for each in found.values() if _can_complete(each, part, wanted)]
    keys = [(each.averaged == part.averaged, len(each.tensors), _shared(each.prefix, part.prefix)) for each in seconds]
    best = max(keys, default=None)
    return seconds[keys.index(best)] if best and keys.count(best) == 1 else None


def _can_complete(second: Part, part: Part, wanted: WantedNames) -> bool:
    shapes = ((name, tuple(leaf.tensor.shape)) for name, leaf in second.tensors.items())
    return second.tensors.keys().isdisjoint(part.tensors) and all(
        wanted.fits(name, shape) or wanted.is_other_count(name, shape) for name, shape in shapes
    )


def _add_head(part: Part, module: str, missing: list[str], leaves: Sequence[Found], wanted: WantedNames) -> None:
    """Adds the head, if the one module that is left over on both sides differs in its name, or in the number of classes."""
    left = _left_over(part, leaves)
    named = {f"{module}.{leaf.path[-1]}" if module else leaf.path[-1]: leaf for leaf in left}
    if sorted(named) != sorted(missing) or len(left) != len(missing):
        return
    shapes = {name: tuple(leaf.tensor.shape) for name, leaf in named.items()}
    if not all(wanted.is_other_count(name, shape) for name, shape in shapes.items()):
        return
    if any(shape[2:] not in ((), (1, 1)) for shape in shapes.values()):  # no head
        return
    part.tensors = part.tensors | named
    if left[0].path[: len(part.prefix)] != part.prefix:
        part.beside = (*part.beside, *_modules(left))
    if shapes == {name: wanted.shapes[name] for name in missing}:
        part.notes.append(message("weights_head_named", found=_modules(left)[0], wanted=module))


def _left_over(part: Part, leaves: Sequence[Found]) -> list[Found]:
    """The tensors of the one module near the part that it does not have; none if there are several modules."""
    taken = {id(leaf) for leaf in part.tensors.values()}
    others = [leaf for leaf in leaves if id(leaf) not in taken and leaf.path[-1] != COUNTER]
    near: dict[Path, int] = {}
    for leaf in others:
        if len(leaf.tensor.shape) > 1:
            near[leaf.path[:-1]] = _shared(leaf.path[:-1], part.prefix)
    most = max(near.values(), default=0)
    nearest = [path for path, shared in near.items() if shared == most]
    return [leaf for leaf in others if leaf.path[:-1] == nearest[0]] if len(nearest) == 1 else []


def _shared(path: Path, other: Path) -> int:
    """The number of names with which both paths begin."""
    return next(
        (i for i, (one, two) in enumerate(zip(path, other, strict=False)) if one != two), min(len(path), len(other))
    )


def _modules(leaves: Iterable[Found]) -> tuple[str, ...]:
    """The modules' names in the file, each once."""
    return tuple(Counter(".".join(leaf.path[:-1]) for leaf in leaves))
