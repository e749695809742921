"""Finds every tensor in the contents of a file, wherever it lies, with the path of names that leads to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

_DEPTH = 40
_MOST_CONTAINERS = 100_000
_MOST_TENSORS = 100_000
_LONGEST_NAME = 1000
_LONGEST_PATH = 32
"""Far above what any network has. A file may be made to have more: what lies beyond is not looked at."""

_PLAIN = (str, bytes, int, float, bool, type(None))


class Found(NamedTuple):
    """A tensor, or what stands for one, and its path: keys of dictionaries and places in lists, split at dots and slashes."""

    path: tuple[str, ...]
    tensor: Any


def tensors_in(contents: Any) -> Iterator[Found]:
    """Every tensor in `contents`, in the file's order, and each container once, though it may contain itself.

    Looks into dictionaries, lists, tuples, and the `state` of what was left opaque. A tensor is what has a `shape`.
    """
    seen: set[int] = set()
    open_ones: list[Iterator[tuple[tuple[str, ...], Any]]] = [iter([((), contents)])]
    tensors = 0
    while open_ones and tensors < _MOST_TENSORS and len(seen) < _MOST_CONTAINERS:
        path, value = next(open_ones[-1], ((), None))
        if value is None:
            open_ones.pop()
        elif isinstance(getattr(value, "shape", None), tuple):
            tensors += 1
            if 0 < len(path) <= _LONGEST_PATH:
                yield Found(path, value)
        elif id(value) not in seen and len(open_ones) <= _DEPTH:
            seen.add(id(value))
            open_ones.append(_inside(path, value))


def _inside(path: tuple[str, ...], container: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    match container:
        case dict():
            named = ((key, value) for key, value in container.items() if not isinstance(value, _PLAIN))
            for key, value in named:
                name = key.decode(errors="replace") if isinstance(key, bytes) else str(key)
                if isinstance(key, str | bytes | int) and len(name) <= _LONGEST_NAME:
                    yield (*path, *name.replace("/", ".").split(".")), value
        case list() | tuple():
            yield from (((*path, str(i)), value) for i, value in enumerate(container) if not isinstance(value, _PLAIN))
        case _:  # an object's state says nothing of the object's name
            state = getattr(container, "state", None)
            states = state if isinstance(state, list | tuple) else [state]
            yield from ((path, value) for value in states if not isinstance(value, _PLAIN))
