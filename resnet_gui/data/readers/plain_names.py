"""Class names in plain values: the lists and dicts that JSON files and checkpoints hold."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_KEYS = frozenset({
    "classes", "classnames", "classtoidx", "idxtoclass", "classtoindex", "indextoclass", "class2idx", "idx2class",
    "id2label", "label2id", "labelnames", "labelmap", "names", "labels", "categories",
})  # fmt: skip
"""Under which class names are kept, in small letters without what is between words."""
_NAME_KEYS = ("name", "label", "class", "class_name")
_NUMBER_KEYS = ("id", "index", "idx")
_WORDNET = re.compile(r"n\d{8}")
_DEPTH = 4


@dataclass(frozen=True, slots=True)
class NamesFound:
    """Names in the order of the outputs, and `how` they were written, for a sentence: "a list"."""

    names: tuple[str, ...]
    how: str


def names_of(value: Any) -> NamesFound | None:
    """The names in a list, a dict of numbers and names, or one of names and numbers; None if `value` is nothing like it.

    Raises `ValueError`, with the reason, if it is like it and the numbers do not name every class once.
    """
    if isinstance(value, dict) and value:
        return _of_dict(value)
    if isinstance(value, list | tuple) and value:
        return _of_list(value)
    return None


def find_names(value: Any, opened: Callable[[Any], Any] = lambda value: value) -> Iterator[NamesFound]:
    """All names in `value` that lie under a key which says so (`classes`, `id2label`), in dicts within dicts.

    `opened` turns a value that stands for a dict into it.
    """
    seen: set[int] = set()
    waiting = deque([(value, 0)])
    while waiting:
        each, depth = waiting.popleft()
        each = opened(each)
        if not isinstance(each, dict) or id(each) in seen:  # a dict may contain itself
            continue
        seen.add(id(each))
        yield from _named(each)
        if depth < _DEPTH:
            waiting.extend((inside, depth + 1) for inside in each.values())


def in_order(numbered: Iterable[tuple[int, str]]) -> tuple[tuple[str, ...], int]:
    """The names in the order of their numbers, and the first number, 0 or 1.

    Raises `ValueError` if numbers are missing or occur more than once. What is the same pair again does not count.
    """
    pairs = sorted(set(numbered))
    first = pairs[0][0]
    if first not in (0, 1) or [number for number, _ in pairs] != list(range(first, first + len(pairs))):
        raise ValueError("its numbers do not run from 0 or 1 on, each once and without a gap")
    return tuple(name for _, name in pairs), first


def told_apart(names: Sequence[str], ids: Sequence[str], how: str) -> NamesFound:
    """`names`, with their ids after those that occur more than once: ImageNet has two cranes."""
    counts = Counter(names)
    alike = sum(count for count in counts.values() if count > 1)
    pairs = zip(names, ids, strict=True)
    made = tuple(f"{name} ({each})" if counts[name] > 1 else name for name, each in pairs)
    return NamesFound(made, f"{how}, the id added to {alike} names that are alike" if alike else how)


def _named(found: dict[Any, Any]) -> Iterator[NamesFound]:
    for key, value in found.items():
        if isinstance(key, str) and re.sub(r"[\W_]", "", key).lower() in _KEYS:
            try:
                names = names_of(value)
            except ValueError:
                continue
            if names and len(set(names.names)) == len(names.names):
                yield names


def _of_list(items: Sequence[Any]) -> NamesFound | None:
    if all(map(_is_name, items)):
        return NamesFound(tuple(str(each).strip() for each in items), "a list")
    if found := _with_ids(items, "a list of ids and names"):
        return found
    if all(isinstance(each, dict) for each in items):
        return _of_records(items)
    return None


def _of_records(records: Sequence[dict[Any, Any]]) -> NamesFound | None:
    """`[{"id": 0, "name": "cat"}, …]`, with or without the number."""
    key = next((key for key in _NAME_KEYS if all(isinstance(each.get(key), str) for each in records)), None)
    number = next((key for key in _NUMBER_KEYS if all(_is_number(each.get(key)) for each in records)), None)
    if key is None:
        return None
    if number is None:
        return NamesFound(tuple(each[key].strip() for each in records), "a list of records")
    names, first = in_order((each[number], each[key].strip()) for each in records)
    return NamesFound(names, f"records with numbers from {first} on")


def _of_dict(value: dict[Any, Any]) -> NamesFound | None:
    keys, values = list(value), list(value.values())
    if all(isinstance(key, str) for key in keys) and all(map(_is_number, values)):
        names, first = in_order((number, name.strip()) for name, number in value.items())
        return NamesFound(names, f"names with their numbers, from {first} on")
    if not all(_is_number(key) or (isinstance(key, str) and key.strip().isdecimal()) for key in keys):
        return None
    how = "numbers from {first} on with their names"
    plain = all(isinstance(each, str) for each in values)
    found = NamesFound(tuple(each.strip() for each in values), how) if plain else _with_ids(values, how)
    if found is None:
        return None
    names, first = in_order((int(key), name) for key, name in zip(keys, found.names, strict=True))
    return NamesFound(names, found.how.format(first=first))


def _with_ids(items: Sequence[Any], how: str) -> NamesFound | None:
    """The names of `[["n01440764", "tench"], …]`; None if `items` are not so."""
    pairs = [each for each in items if isinstance(each, list | tuple) and len(each) == 2]
    if len(pairs) < len(items) or not all(isinstance(part, str) for pair in pairs for part in pair):
        return None
    if not all(_WORDNET.fullmatch(each) for each, _ in pairs):
        return None
    return told_apart([name.strip() for _, name in pairs], [each for each, _ in pairs], how)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
