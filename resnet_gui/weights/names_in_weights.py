"""The names of the classes, where a file of weights holds them: trainers keep them beside the weights."""

from __future__ import annotations

from typing import Any

from resnet_gui.data.readers.plain_names import find_names
from resnet_gui.weights.stored_tensor import Opaque


def class_name_lists(contents: Any, count: int) -> list[tuple[str, ...]]:
    """The different lists of `count` names in `contents`, what a file of weights holds, in the order of the outputs."""
    found = (each.names for each in find_names(contents, _opened) if len(each.names) == count)
    return [*dict.fromkeys(names for names in found if all(names))]


def _opened(value: Any) -> Any:
    """What an object holds, such as the `Namespace` of a command line's arguments."""
    if not isinstance(value, Opaque):
        return value
    parts = (value.attributes, value.items, *value.arguments[:1])
    return next((part for part in parts if isinstance(part, dict) and part), None)
