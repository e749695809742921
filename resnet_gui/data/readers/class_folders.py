"""A folder of pictures, by names: which classes, which pictures, which splits. Nothing is written.

Only files with an unusual ending, or none, are opened, for their first bytes (see `other_files.py`).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from resnet_gui.data.readers.other_files import (
    OtherFiles,
    empty_class,
    unread_notes,
    what_and_remedy,
    without_left_over,
)
from resnet_gui.data.samples import Listing, Sample, SplitName, Unread
from resnet_gui.messages import Message, Problem, message, reason

_SPLIT_OF: dict[str, SplitName] = {
    "train": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val", "test": "test",
}  # fmt: skip
_IGNORED = {"__macosx", "@eadir"}

_Tree = dict[str, list[str]]
"""Every folder below the root, by its path from there ("" is the root), with the names of the pictures directly in it."""


def list_folder(
    root: Path, cancelled: Callable[[], bool] = lambda: False, found: Callable[[int], None] = lambda count: None
) -> Listing | None:
    """The classes and pictures in `root`, or None if `cancelled()` became true.

    `root` holds `<class>/**`, or `{train,val,test}/<class>/**`, or one folder that holds these, as unpacked archives do
    (then the listing's root is that folder). `found` is called from time to time with the number of pictures so far.
    Raises `Problem` if this is no folder, cannot be read, or holds fewer than two classes.
    """
    notes: list[Message] = []
    others = OtherFiles()
    tree = _walk(root, cancelled, found, notes, others)
    if tree is None:
        return None
    inner, tree = _unwrapped(root, tree)
    if inner != root:
        notes.append(message("inner_folder", path=str(inner)))
    notes += others.notes()
    return _listing(inner, tree, notes, others)


def pictures_in(folder: Path) -> tuple[list[Path], list[Message]]:
    """Every picture in `folder` and below, sorted, and a sentence on each kind of picture that cannot be read.

    Folders that cannot be read are left out.
    """
    others = OtherFiles()
    tree = _walk(folder, lambda: False, lambda count: None, [], others)
    assert tree is not None  # nothing cancels it
    pictures = sorted(folder / inside / name for inside, names in tree.items() for name in names)
    return pictures, unread_notes(without_left_over(others.unread(lambda path: _from(folder, path))))


def _walk(
    root: Path,
    cancelled: Callable[[], bool],
    found: Callable[[int], None],
    notes: list[Message],
    others: OtherFiles,
) -> _Tree | None:
    tree: _Tree = {}
    count = 0
    waiting = [("", frozenset(_identities(each for each in root.absolute().parents if each.is_dir())))]
    while waiting:
        inside, above = waiting.pop()
        folder = os.path.join(root, inside)  # noqa: PTH118 - a Path for each of many folders would cost time
        pictures: list[str] = []
        try:
            [identity] = _identities([folder])
            if identity in above:  # a link back to a folder above
                continue
            for names, folders in _scan(folder, others):
                if cancelled():
                    return None
                pictures += names
                waiting += [(f"{inside}/{name}" if inside else name, above | {identity}) for name in folders]
                found(count + len(pictures))
        except OSError as error:
            notes.append(_unreadable(root, inside, error))
            continue
        tree[inside] = sorted(pictures)
        count += len(pictures)
    return tree


def _identities(folders: Iterable[str | Path]) -> list[tuple[int, int]]:
    return [(status.st_dev, status.st_ino) for status in map(os.stat, folders)]


def _scan(folder: str, others: OtherFiles) -> Iterator[tuple[list[str], list[str]]]:
    """The names of the pictures and of the folders in `folder`, a thousand entries at a time."""
    suffixes = others.suffixes
    with os.scandir(folder) as entries:
        while batch := list(itertools.islice(entries, 1000)):
            pictures, folders = [], []
            for entry in batch:
                name = entry.name
                if name.startswith("."):
                    continue
                if _is_folder(entry):
                    folders.append(name)
                elif name.lower().endswith(suffixes) or others.is_picture(entry):
                    pictures.append(name)
            yield pictures, [name for name in folders if name.lower() not in _IGNORED]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or into a folder that is closed to us
        return False


def _unreadable(root: Path, inside: str, error: OSError) -> Message:
    """A note for a folder below the root; the root itself is a `Problem`."""
    if inside:
        return message("sub_folder_unreadable", path=str(root / inside), reason=reason(error))
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        raise Problem("not_a_folder", path=str(root)) from error
    raise Problem("folder_unreadable", path=str(root), reason=reason(error)) from error


def _from(root: Path, folder: str) -> str:
    """The path of `folder` from `root`, with forward slashes; the name of `root` for itself and what lies outside."""
    below = Path(folder)
    return below.relative_to(root).as_posix() if root in below.parents else root.name or str(root)


def _unwrapped(root: Path, tree: _Tree) -> tuple[Path, _Tree]:
    """The dataset inside a folder that holds nothing else; `root` and `tree` themselves where there is none."""
    tops = {folder.partition("/")[0] for folder in tree if folder}
    if tree[""] or len(tops) != 1 or len(_classes(tree)) > 1:
        return root, tree
    [top] = tops
    inner = {folder.partition("/")[2]: names for folder, names in tree.items() if folder}
    if "" not in inner:  # the only folder could not be read
        return root, tree
    found, inner = _unwrapped(root / top, inner)
    return (found, inner) if len(_classes(inner)) > 1 else (root, tree)


def _has_splits(tree: _Tree) -> bool:
    """Whether `train` has class folders and every other top folder with pictures is a split: {bus, car, train} is not."""
    holding = [folder.lower() for folder, names in tree.items() if folder and names]
    tops = {folder.partition("/")[0] for folder in holding}
    return tops <= _SPLIT_OF.keys() and any(folder.startswith("train/") for folder in holding)


def _folder_labels(tree: _Tree) -> dict[str, tuple[SplitName | None, str]]:
    """The split and the class of each folder's pictures; the class is "" outside every class folder."""
    if not _has_splits(tree):
        return {folder: (None, folder.partition("/")[0]) for folder in tree}
    labels: dict[str, tuple[SplitName | None, str]] = {}
    for folder in tree:
        top, _, below = folder.partition("/")
        split = _SPLIT_OF.get(top.lower())
        labels[folder] = (split, below.partition("/")[0] if split else "")
    return labels


def _classes(tree: _Tree) -> list[str]:
    return sorted({name for folder, (_, name) in _folder_labels(tree).items() if name and tree[folder]})


def _listing(root: Path, tree: _Tree, notes: list[Message], others: OtherFiles) -> Listing:
    folder_labels = _folder_labels(tree)
    classes = _classes(tree)
    label = {name: index for index, name in enumerate(classes)}
    samples: list[Sample] = []
    outside: list[str] = []
    unlabelled: list[str] = []
    for folder, (split, name) in folder_labels.items():
        paths = [f"{folder}/{picture}" if folder else picture for picture in tree[folder]]
        if name:
            samples += [Sample(path, label[name], split) for path in paths]
        else:
            (unlabelled if split == "test" else outside).extend(paths)
    _check(root, classes, len(outside) + len(unlabelled), others)
    samples.sort(key=attrgetter("path"))
    unread = others.unread(lambda path: _class_of(_from(root, path), folder_labels))
    notes += _class_notes(classes, folder_labels, samples, unread)
    notes += unread_notes(unread)
    if outside:
        notes.append(message("loose_pictures", count=len(outside)))
    if unlabelled:
        notes.append(message("test_unlabelled", count=len(unlabelled), path=str(root)))
    return Listing(root, tuple(classes), tuple(samples), tuple(sorted(unlabelled)), tuple(notes), unread)


def _class_of(folder: str, folder_labels: dict[str, tuple[SplitName | None, str]]) -> str:
    """The class of the pictures in `folder`; `folder` itself where that is none."""
    _, name = folder_labels.get(folder, (None, ""))
    return name or folder


def _check(root: Path, classes: list[str], outside: int, others: OtherFiles) -> None:
    unread = what_and_remedy(others.unread(lambda path: _from(root, path))) if len(classes) < 2 else None
    if unread and len(classes) == 1:
        raise Problem("one_class_read", path=str(root), name=classes[0], what=unread[0], remedy=unread[1])
    if unread and not outside:
        raise Problem("no_pictures_read", path=str(root), what=unread[0], remedy=unread[1])
    if len(classes) == 1:
        raise Problem("one_class", path=str(root), name=classes[0])
    if not classes and outside:
        raise Problem("no_class_folders", path=str(root), count=outside)
    if not classes:
        raise Problem("no_pictures", path=str(root))


def _class_notes(
    classes: list[str],
    folder_labels: dict[str, tuple[SplitName | None, str]],
    samples: list[Sample],
    unread: Sequence[Unread],
) -> Iterator[Message]:
    """Notes for the user on single classes and on the folder's own splits."""
    for name in sorted({name for _, name in folder_labels.values() if name} - set(classes)):
        yield empty_class(name, unread)
    held = {(sample.split, sample.label) for sample in samples}
    splits = {split for split, _ in held}
    for label, name in enumerate(classes):
        for split in ("val", "test"):
            if split in splits and (split, label) not in held:
                yield message("class_missing", name=name, split=split)
        if "train" in splits and ("train", label) not in held:
            yield message("class_untrained", name=name)
    if "val" in splits and "test" not in splits:
        yield message("no_test")
