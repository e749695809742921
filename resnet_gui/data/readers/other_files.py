"""The files in a folder of pictures whose names do not end as a readable picture's: some are pictures all the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from resnet_gui.data.picture_kinds import (
    FIRST_BYTES,
    before_left_over,
    install_command,
    is_no_picture,
    kind_of,
    kind_of_name,
    kinds_read,
    picture_suffixes,
)
from resnet_gui.data.samples import Unread
from resnet_gui.messages import Message, message, sentence

_SHOWN = 3
"""How many names a sentence gives as examples."""
_LEFT_OVER = "left over"
"""The kind of backups and unfinished downloads: they are left out, but no picture is missing for that."""


@dataclass(slots=True)
class _Found:
    """Files of one kind: how many, and the first of their names."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        self.count += 1
        self.names = sorted((*self.names, name))[:_SHOWN]


class OtherFiles:
    """Collects, while folders are walked, what is no picture by `suffixes`. Only files of unknown endings are opened."""

    def __init__(self) -> None:
        self.suffixes = picture_suffixes()
        self._read = kinds_read()
        self._unread: dict[tuple[str, str], _Found] = {}
        self._by_content = _Found()

    def is_picture(self, entry: os.DirEntry[str]) -> bool:
        """Whether the file `entry` is a picture by its first bytes and can be read. Keeps what else it finds."""
        name = entry.name
        if is_no_picture(name):
            return False
        whole = before_left_over(name)
        kind = kind_of_name(name) or (_LEFT_OVER if whole.lower().endswith(self.suffixes) else kind_of_name(whole))
        if not kind:
            kind = _kind_of_content(entry)
            if kind in self._read and not whole:
                self._by_content.add(name)
                return True
        if kind:
            kind = _LEFT_OVER if whole else kind
            self._unread.setdefault((os.path.dirname(entry.path), kind), _Found()).add(name)  # noqa: PTH120 - for speed
        return False

    def unread(self, name_of: Callable[[str], str]) -> tuple[Unread, ...]:
        """What cannot be used, by `name_of` its folder, and by kind. `name_of` gets a folder's whole path."""
        merged: dict[tuple[str, str], _Found] = {}
        for (folder, kind), found in self._unread.items():
            into = merged.setdefault((name_of(folder), kind), _Found())
            into.count += found.count
            into.names = sorted(into.names + found.names)[:_SHOWN]
        return tuple(
            Unread(
                folder, kind, found.count, tuple(found.names), _sentence_on([folder], kind, found.count, found.names)
            )
            for (folder, kind), found in sorted(merged.items())
        )

    def notes(self) -> list[Message]:
        """A note on pictures that are used though their names do not end so."""
        if not self._by_content.count:
            return []
        count = self._by_content.count
        return [message("found_by_content", count=count, names=_listed(self._by_content.names, count))]


def unread_notes(unread: Iterable[Unread]) -> list[Message]:
    """A note on each kind of files that cannot be used: how many, and in which folders."""
    kinds: dict[str, list[Unread]] = {}
    for each in unread:
        kinds.setdefault(each.kind, []).append(each)
    notes = []
    for kind, those in kinds.items():
        names = [name for each in those for name in each.names]
        notes.append(_sentence_on([each.folder for each in those], kind, sum(each.count for each in those), names))
    return notes


def without_left_over(unread: Iterable[Unread]) -> list[Unread]:
    """Those of `unread` that are pictures."""
    return [each for each in unread if each.kind != _LEFT_OVER]


def what_and_remedy(unread: Iterable[Unread]) -> tuple[str, str] | None:
    """The most frequent kind of what cannot be read, as words: "6 HEIC pictures in “cat”", and the remedy."""
    kinds: dict[str, list[Unread]] = {}
    for each in without_left_over(unread):
        kinds.setdefault(each.kind, []).append(each)
    if not kinds:
        return None
    kind, those = max(kinds.items(), key=lambda item: sum(each.count for each in item[1]))
    what = _counted(sum(each.count for each in those), f"{kind} picture")
    return f"{what} in {_quoted([each.folder for each in those])}", remedy(kind)


def empty_class(name: str, unread: Iterable[Unread]) -> Message:
    """A note that the folder `name` is no class, and why, where it holds pictures that cannot be read."""
    inside = [each for each in without_left_over(unread) if each.folder == name]
    if not inside:
        return message("class_empty", name=name)
    most = max(inside, key=lambda each: each.count)
    return message(
        "class_unread", name=name, what=_counted(most.count, f"{most.kind} picture"), remedy=remedy(most.kind)
    )


def remedy(kind: str) -> str:
    """What the user can do so that pictures of `kind` can be read."""
    if kind == "HEIC":
        return sentence(message("install_heic", command=install_command()))
    return sentence(message("save_otherwise"))


def _sentence_on(folders: Sequence[str], kind: str, count: int, names: Sequence[str]) -> Message:
    if kind == _LEFT_OVER:
        what = _counted(count, "backup or unfinished download", "backups and unfinished downloads")
        return message("left_over", what=what, folders=_quoted(folders), names=_listed(names, count))
    what = _counted(count, f"{kind} picture")
    return message("pictures_unread", what=what, folders=_quoted(folders), remedy=remedy(kind))


def _kind_of_content(entry: os.DirEntry[str]) -> str:
    """The kind of picture in the file `entry`, by its first bytes; "" also if it is no ordinary file, or closed to us."""
    try:
        if not entry.is_file():  # to open a pipe would wait for a writer, perhaps for ever
            return ""
        with open(entry.path, "rb", buffering=0) as file:  # noqa: PTH123 - for speed
            return kind_of(file.read(FIRST_BYTES))
    except OSError:
        return ""


def _counted(count: int, one: str, many: str = "") -> str:
    return f"1 {one}" if count == 1 else f"{count} {many or one + 's'}"


def _quoted(folders: Sequence[str]) -> str:
    return ", ".join(f"“{each}”" for each in folders[:_SHOWN]) + (", …" if len(folders) > _SHOWN else "")


def _listed(names: Sequence[str], count: int) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if count > _SHOWN else "")
