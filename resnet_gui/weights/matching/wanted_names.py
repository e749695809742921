"""The names and shapes of a network's tensors, and how a path in a file is read as one of those names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

Path = tuple[str, ...]
Shape = tuple[int, ...]

COUNTER = "num_batches_tracked"
"""A norm's count of batches: nothing depends on it, and files from before PyTorch 0.4.1 lack it."""

WRAPPERS = frozenset({
    "module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module",
})  # fmt: skip
"""What may stand within a name, too, since parts of a network are wrapped alone."""

_OLD_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|conv))\.(\d\..*)")
"""Torchvision's files still have `denselayer1.norm.1.weight` for what is `denselayer1.norm1.weight` today."""

_MOST_WRAPPERS = 12
"""In one name, from its first part that is the network's own."""


class WantedNames:
    """The names that a network's tensors have, with their shapes."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.learned = [name for name in self.shapes if not name.endswith(COUNTER)]
        split = [name.split(".") for name in self.shapes]
        self.lasts = {words[-1] for words in split}
        self.words = {word for words in split for word in words}
        self._firsts = {words[0] for words in split}
        self._wrappers = WRAPPERS - self.words
        self._most_words = max(map(len, split), default=0) + _MOST_WRAPPERS

    def readings(self, path: Path) -> Iterator[tuple[Path, str]]:
        """Each way to read `path` as a prefix and one of the network's names, the longest name first."""
        if path[-1] not in self.lasts:
            return
        for cut in range(max(0, len(path) - self._most_words), len(path)):
            name = self._name(path[cut:]) if path[cut] in self._firsts else ""
            if name:
                yield path[:cut], name

    def _name(self, words: Path) -> str:
        """The network's name for `words`, "" if it has none."""
        name = ".".join(words)
        if name not in self.shapes and "denselayer" in name:
            name = _OLD_DENSENET.sub(r"\1\2", name)
        if name not in self.shapes:
            name = ".".join(word for word in words if word not in self._wrappers)
        return name if name in self.shapes else ""

    def fits(self, name: str, shape: Shape) -> bool:
        """Whether a tensor of `shape` can be the network's `name`, if need be with its channels adapted."""
        return shape == self.shapes[name] or are_other_channels(shape, self.shapes[name])

    def is_other_count(self, name: str, shape: Shape) -> bool:
        """Whether a tensor of `shape` differs from the network's `name` in no more than the first number, as heads do."""
        return len(shape) == len(self.shapes[name]) > 0 and shape[1:] == self.shapes[name][1:]


def are_other_channels(found: Shape, wanted: Shape) -> bool:
    """Whether these are convolutions `[out, channels, h, w]` that are equal but for 3 channels in one and 1 in the other."""
    return len(found) == len(wanted) == 4 and {found[1], wanted[1]} == {1, 3} and (
        (found[0], *found[2:]) == (wanted[0], *wanted[2:])
    )  # fmt: skip
