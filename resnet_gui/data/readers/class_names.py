"""Names of classes as a user gives them: a list, a file in one of the forms that people publish, or class folders.

Nothing here imports torch, so the window can show how a file is read before it is used.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.data.readers.name_lines import delimiter_of, lines_of, names_in_lines, names_in_table, text_of
from resnet_gui.data.readers.plain_names import NamesFound, find_names, names_of
from resnet_gui.messages import Message, Problem, first_names, message, reason
from resnet_gui.names import shown
from resnet_gui.regular_file import open_regular, read_regular
from resnet_gui.tensor_file import read_description

IMAGENET = "imagenet"
"""In place of names: the 1,000 classes of ImageNet, in the order of weights that are trained on it."""

_MAX_BYTES = 16 * 2**20
_MAX_LITERAL = 2 * 2**20
"""Characters. Python's own notation takes a hundred times its length in memory while it is read."""
_MOST_PARTS = 500_000
"""Lines and columns. A model has at most 100,000 classes."""
_TABLES = (".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class ClassNames:
    """Names in the order of a network's outputs. `notes` tell how a file was read."""

    names: tuple[str, ...]
    notes: tuple[Message, ...] = ()


def class_names(text: str) -> ClassNames:
    """The names that `text` gives: `a,b,c`, the path of a file or of a folder with class folders, or `imagenet`.

    Raises `Problem`: `classes_unreadable`, `classes_one`, those of `check_names`, and those of a dataset folder.
    """
    if _is_there(text):
        return class_names_in(Path(text))
    if text.strip() == IMAGENET:
        return ClassNames((IMAGENET,))
    names = tuple(name.strip() for name in text.split(","))
    if len(names) < 2:
        raise Problem("classes_one", text=text)
    check_names(names)
    return ClassNames(names)


def class_names_in(path: Path) -> ClassNames:
    """The names in the file or folder `path`. Raises as `class_names`."""
    try:
        found = _in_folder(path) if path.is_dir() else _in_file(path)
    except OSError as error:
        raise Problem("classes_unreadable", path=str(path), reason=reason(error)) from error
    except ValueError as error:
        raise Problem("classes_unreadable", path=str(path), reason=str(error)) from error
    check_names(found.names)
    told = message(
        "classes_read", path=str(path), how=found.how, count=f"{len(found.names):,}", names=first_names(found.names)
    )
    return ClassNames(found.names, (told,))


def check_names(names: Sequence[str]) -> None:
    """Raises `Problem` (`class_nameless`, `class_named_twice`) unless every name is there, and there once."""
    seen: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if not name.strip():
            raise Problem("class_nameless", number=number, count=len(names))
        if name in seen:
            raise Problem("class_named_twice", name=name, first=seen[name], second=number)
        seen[name] = number


def _is_there(text: str) -> bool:
    try:
        return bool(text) and Path(text).exists()
    except (OSError, ValueError):  # too long for a path, or with a character that none has
        return False


def _in_folder(folder: Path) -> NamesFound:
    if (folder / "model.safetensors").is_file():  # a run's
        return _in_file(folder / "model.safetensors")
    listing = list_folder(folder)
    assert listing is not None  # nothing cancels it
    return NamesFound(listing.classes, "class folders, sorted by name")


def _in_file(path: Path) -> NamesFound:
    with open_regular(path) as file:
        start = file.read(9)
        if start[8:] == b"{" and int.from_bytes(start[:8], "little") < os.fstat(file.fileno()).st_size:  # safetensors
            return NamesFound(tuple(map(str, read_description(path)["classes"])), "the classes of a model")
    text = text_of(read_regular(path, _MAX_BYTES))
    if not text.strip():
        raise ValueError("it is empty")
    if sum(map(text.count, "\n\r\t,;")) > _MOST_PARTS:
        raise ValueError("it has more lines or columns than any model has classes")
    return _in_text(text, path.suffix.lower())


def _in_text(text: str, suffix: str) -> NamesFound:
    """Raises `ValueError` with the reason."""
    if suffix in (".yaml", ".yml"):
        raise ValueError("YAML is not read")
    value = _value(text)
    if value is not None or suffix == ".json":
        return _in_value(value)
    delimiter = delimiter_of(lines_of(text)[0], is_table=suffix in _TABLES)
    return (names_in_table(text, delimiter) if delimiter else None) or names_in_lines(text)


def _value(text: str) -> Any:
    """The list or dict that `text` is, in JSON or as Python writes it; None if it is neither."""
    if text.lstrip()[:1] not in ("[", "{", "("):
        return None
    try:
        return json.loads(text, object_pairs_hook=_each_once)
    except KeyError as error:
        raise ValueError(f"it has the key “{shown(str(error.args[0]))}” twice") from error
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text.strip()) if len(text) <= _MAX_LITERAL else None
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises `KeyError` for a key that is there twice, of which readers take the one or the other."""
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise KeyError(key)
        made[key] = value
    return made


def _in_value(value: Any) -> NamesFound:
    found = names_of(value) or next(find_names(value), None)
    if found is None:
        raise ValueError("it holds no list of names, and no numbers with names")
    return found
