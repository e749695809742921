"""Every way in which users, and their programs, edit a folder of pictures."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import small_data

from resnet_gui.data.split import Splits

_NOBODY = 65534


@dataclass
class EditResult:
    """What was done: exactly what has to be listed. Paths are relative to the dataset folder.

    `unreadable` pictures are as they were, but cannot be read. `unread` ones were touched before the run had read them:
    it cannot know that they are as before, and may leave them out. `back` puts a folder back that was moved away.
    """

    classes_added: tuple[str, ...] = ()
    classes_removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    unread: set[str] = field(default_factory=set)
    back: Callable[[], None] | None = None

    @property
    def expected(self) -> tuple[tuple[str, ...], ...]:
        """What `DatasetChanged` must hold, field by field."""
        return self.classes_added, self.classes_removed, self.added, self.removed, self.changed

    def note_listed(self, changed: tuple[str, ...]) -> None:
        """The run may list unreadable pictures as `changed` at once, or only later, when it reads them."""
        early = {*self.unreadable} & {*changed}
        self.changed = tuple(sorted({*self.changed} | early))
        self.unreadable = tuple(sorted({*self.unreadable} - early))


Edit = Callable[[Path, Splits, random.Random], EditResult]
"""From the dataset folder, the run's split and a source of chance to what was done."""


def _some(splits: Splits, draw: random.Random) -> list[str]:
    paths = sorted(sample.path for sample in (*splits.train, *splits.val, *splits.test))
    return sorted(draw.sample(paths, draw.randint(1, 3)))


def _other(root: Path, path: str, draw: random.Random) -> Path:
    """A picture of another class."""
    return draw.choice(sorted(each for each in root.rglob("*.bmp") if each.parent.name != Path(path).parent.name))


def deleted(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    paths = _some(splits, draw)
    for path in paths:
        (root / path).unlink()
    return EditResult(removed=tuple(paths))


def truncated(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    paths = _some(splits, draw)
    for path in paths:
        os.truncate(root / path, draw.randrange((root / path).stat().st_size))
    return EditResult(changed=tuple(paths))


def replaced_by_another_class(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    """Of the same size in bytes."""
    paths = _some(splits, draw)
    for path in paths:
        shutil.copyfile(_other(root, path, draw), root / path)
    return EditResult(changed=tuple(paths))


def replaced_by_another_size(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    paths = _some(splits, draw)
    for path in paths:
        colour = small_data.COLOURS[_other(root, path, draw).parent.name]
        small_data.picture(root / path, colour, np.random.default_rng(draw.randrange(99)), side=draw.randint(41, 60))
    return EditResult(changed=tuple(paths))


def replaced_with_time_and_all(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    """Of the same size in bytes, by a program that keeps the time of change: `cp -p`."""
    paths = _some(splits, draw)
    for path in paths:
        shutil.copy2(_other(root, path, draw), root / path)
    return EditResult(changed=tuple(paths))


def swapped(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    """Two pictures of different classes are swapped; sizes and times of change are the same."""
    path = _some(splits, draw)[0]
    other = _other(root, path, draw)
    between = root.with_name("between")
    other.rename(between)
    (root / path).rename(other)
    between.rename(root / path)
    return EditResult(changed=tuple(sorted((path, other.relative_to(root).as_posix()))))


def replaced_by_no_picture(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    paths = _some(splits, draw)
    for path in paths:
        (root / path).write_bytes(draw.choice((b"", b"not a picture\n", b"BM", bytes(5000))))
    return EditResult(changed=tuple(paths))


def touched(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    """No change at all."""
    for sample in draw.sample((*splits.train, *splits.val), draw.randint(1, 5)):
        (root / sample.path).touch()
    return EditResult()


def renamed(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    paths = _some(splits, draw)
    new = [path.replace(".bmp", "-new.bmp") for path in paths]
    for path, name in zip(paths, new, strict=True):
        (root / path).rename(root / name)
    return EditResult(added=tuple(sorted(new)), removed=tuple(paths))


def moved_to_another_class(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    path = _some(splits, draw)[0]
    new = f"{_other(root, path, draw).parent.name}/moved.bmp"
    (root / path).rename(root / new)
    return EditResult(added=(new,), removed=(path,))


def made_unreadable(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    """The user may not read them any more."""
    paths = _some(splits, draw)
    for path in paths:
        (root / path).chmod(0)
    return EditResult(unreadable=tuple(paths))


def class_renamed(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    name = draw.choice(splits.classes)
    (root / name).rename(root / "other")
    removed = _pictures_of(name, splits)
    added = tuple(path.replace(name, "other", 1) for path in removed)
    return EditResult(("other",), (name,), added, removed)


def class_deleted(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    name = draw.choice(splits.classes)
    shutil.rmtree(root / name)
    return EditResult(classes_removed=(name,), removed=_pictures_of(name, splits))


def _pictures_of(name: str, splits: Splits) -> tuple[str, ...]:
    samples = (*splits.train, *splits.val, *splits.test)
    return tuple(sorted(sample.path for sample in samples if sample.path.startswith(f"{name}/")))


def picture_added(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    name = draw.choice(splits.classes)
    shutil.copyfile(_other(root, f"{name}/", draw), root / name / "0-added.bmp")
    return EditResult(added=(f"{name}/0-added.bmp",))


def class_added(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    shutil.copytree(root / draw.choice(splits.classes), root / "amber")
    added = sorted(path.relative_to(root).as_posix() for path in (root / "amber").iterdir())
    return EditResult(classes_added=("amber",), added=tuple(added))


def moved_away_and_back(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    """The whole folder, as when a drive is unplugged."""
    away = root.with_name("away")
    root.rename(away)
    return EditResult(back=lambda: _put_back(away, root))


def _put_back(away: Path, root: Path) -> None:
    if away.exists():
        away.rename(root)


def copied_elsewhere_and_back(root: Path, splits: Splits, draw: random.Random) -> EditResult:
    """The same pictures with other times: no change."""
    copy = root.with_name("copy")
    shutil.copytree(root, copy, copy_function=shutil.copyfile)
    root.rename(root.with_name("before"))
    copy.rename(root)
    return EditResult(unread={sample.path for sample in splits.test})


EDITS: tuple[Edit, ...] = (
    deleted, truncated, replaced_by_another_class, replaced_by_another_size, replaced_with_time_and_all, swapped,
    replaced_by_no_picture, touched, renamed, moved_to_another_class, made_unreadable, class_renamed, class_deleted,
    picture_added, class_added, moved_away_and_back, copied_elsewhere_and_back,
)  # fmt: skip


@contextlib.contextmanager
def as_ordinary_user(folder: Path) -> Iterator[None]:
    """Root may read every file. So what follows is done as the user `nobody`, who gets `folder`.

    Modules may be unreadable meanwhile, too: what is needed should have been imported before.
    """
    if os.name != "posix" or os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, _NOBODY, _NOBODY)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
