"""A folder of pictures, by names: which classes, which pictures, which splits. Nothing is written.

Only files with an unusual ending, or none, are opened, for their first bytes (see `other_files.py`).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Literal, get_args

from resnet_gui.data.readers.class_matching import match_classes
from resnet_gui.data.readers.folder_names import other_words, split_of
from resnet_gui.data.readers.folder_tree import FolderTree, last_name, parent
from resnet_gui.data.readers.layout import Labels, Layout, beside, read_as, read_layout
from resnet_gui.data.readers.other_files import (
    OtherFiles,
    empty_class,
    unread_notes,
    what_and_remedy,
    without_left_over,
)
from resnet_gui.data.samples import (
    FolderUse,
    LayoutName,
    LayoutUnclear,
    Listing,
    Reading,
    Sample,
    SplitName,
    Unread,
)
from resnet_gui.messages import Message, Problem, first_names, message, reason

_IGNORED = {"__macosx", "@eadir"}

_Tree = dict[str, list[str]]
"""Every folder below the root, by its path from there ("" is the root), with the names of the pictures directly in it."""


def list_folder(
    root: Path,
    cancelled: Callable[[], bool] = lambda: False,
    found: Callable[[int], None] = lambda count: None,
    layout: LayoutName | Literal["auto"] = "auto",
    validation_fold: int = 1,
) -> Listing | None:
    """The classes and pictures in `root`, or None if `cancelled()` became true.

    `root` holds `<class>/**`, or folders of these: splits (`train`, `val`, `test`), folds, of which `validation_fold`
    (from 1) is for validation, or groups of classes; or one folder that holds all this, as unpacked archives do (then
    the listing's root is that folder). `layout` says which it is; "auto" goes by the folders' names.
    `found` is called from time to time with the number of pictures so far.
    Raises `Problem` if this is no folder, cannot be read, holds fewer than two classes, or does not fit `layout`;
    `LayoutUnclear` if "auto" finds several ways to read it.
    """
    notes: list[Message] = []
    others = OtherFiles()
    pictures = _walk(root, cancelled, found, notes, others)
    if pictures is None:
        return None
    tree = FolderTree(pictures)
    chosen = _chosen_layout(root, tree, layout, validation_fold)
    if chosen.base:
        notes.append(message("inner_folder", path=str(root / chosen.base)))
    notes += others.notes()
    return _listing(root, tree, chosen, notes, others)


def list_readings(
    root: Path, cancelled: Callable[[], bool] = lambda: False, found: Callable[[int], None] = lambda count: None
) -> LayoutUnclear | None:
    """All layouts in which `root` can be read, as if its names decided nothing; None if `cancelled()` became true.

    Raises `Problem` if this is no folder or cannot be read.
    """
    pictures = _walk(root, cancelled, found, [], OtherFiles())
    if pictures is None:
        return None
    tree, name = FolderTree(pictures), root.absolute().name
    found_layouts = [layout for each in get_args(LayoutName) if (layout := read_as(tree, name, each, 1))]
    return _unclear(root, tree, [layout for layout in found_layouts if len(_reading(tree, layout).classes) > 1])


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


def _chosen_layout(root: Path, tree: FolderTree, layout: LayoutName | Literal["auto"], fold: int) -> Layout:
    name = root.absolute().name
    if layout == "auto":
        layouts = read_layout(tree, name, fold)
        if len(layouts) > 1:
            raise _unclear(root, tree, layouts)
        return layouts[0]
    if chosen := read_as(tree, name, layout, fold):
        return chosen
    raise Problem("layout_misfit", path=str(root), layout=layout)


def _from(root: Path, folder: str) -> str:
    """The path of `folder` from `root`, with forward slashes; the name of `root` for itself and what lies outside."""
    below = Path(folder)
    return below.relative_to(root).as_posix() if root in below.parents else root.name or str(root)


def _unclear(root: Path, tree: FolderTree, layouts: Sequence[Layout]) -> LayoutUnclear:
    return LayoutUnclear(root / layouts[0].base, tuple(_reading(tree, each) for each in layouts))


def _reading(tree: FolderTree, layout: Layout) -> Reading:
    labels = layout.labels(tree)
    match_classes(tree, labels)
    uses = {use.folder: use.split for use in layout.uses}
    if layout.base in uses:  # for every folder that is not named itself
        split = uses.pop(layout.base)
        uses = {folder: split for folder in tree.children(layout.base) if folder not in layout.left_out} | uses
    return Reading(
        layout.name,
        tuple(_classes(tree, labels)),
        tuple(_folder_use(tree, layout, folder, split) for folder, split in uses.items()),
        tuple(_folder_use(tree, layout, folder, None) for folder in layout.left_out),
    )


def _folder_use(tree: FolderTree, layout: Layout, folder: str, split: SplitName | None) -> FolderUse:
    path = folder[len(layout.base) :].strip("/")
    return FolderUse(path, tree.total(folder), split, tuple(map(last_name, tree.children(folder))))


def _classes(tree: FolderTree, labels: Labels) -> list[str]:
    return sorted({name for folder, (_, name) in labels.items() if name and tree.own(folder)})


def _listing(walked: Path, tree: FolderTree, layout: Layout, notes: list[Message], others: OtherFiles) -> Listing:
    """What `tree`, all below `walked`, holds when it is read in `layout`."""
    root, labels = walked / layout.base, layout.labels(tree)
    named = {name for folder, (_, name) in labels.items() if name and not tree.own(folder)}
    notes += [*layout.notes, *_left_out_notes(tree, layout), *match_classes(tree, labels)]
    classes = _classes(tree, labels)
    samples, outside, unlabelled = _sorted_pictures(tree, layout, labels, classes)
    _check(root, classes, len(outside) + len(unlabelled), others)
    unread = others.unread(lambda path: _class_of(_from(walked, path), labels))
    notes += _class_notes(classes, named, samples, unread)
    notes += unread_notes(unread)
    if outside:
        notes.append(message("loose_pictures", count=len(outside)))
    if unlabelled:
        notes.append(message("test_unlabelled", count=len(unlabelled), path=str(root)))
    is_nested = any(map(tree.children, tree.children(layout.base)))
    return Listing(
        root, tuple(classes), tuple(samples), tuple(sorted(unlabelled)), tuple(notes), layout.name, is_nested,
        unread=unread,
    )  # fmt: skip


def _sorted_pictures(
    tree: FolderTree, layout: Layout, labels: Labels, classes: list[str]
) -> tuple[list[Sample], list[str], list[str]]:
    """The samples, sorted by path, the pictures outside every class folder, and the unlabelled ones for the test."""
    label = {name: index for index, name in enumerate(classes)}
    samples: list[Sample] = []
    outside: list[str] = []
    unlabelled: list[str] = []
    for folder, (split, name) in labels.items():
        inside = folder[len(layout.base) :].strip("/")
        paths = [f"{inside}/{picture}" if inside else picture for picture in tree.pictures[folder]]
        if name and paths:
            samples += [Sample(path, label[name], split) for path in paths]
        else:
            (unlabelled if split == "test" else outside).extend(paths)
    samples.sort(key=attrgetter("path"))
    return samples, outside, unlabelled


def _left_out_notes(tree: FolderTree, layout: Layout) -> Iterator[Message]:
    """How many pictures in which folders are not used."""
    folders = [*beside(tree, layout)]
    if folders:
        count = sum(map(tree.total, folders))
        yield message("folders_left_out", count=count, names=first_names(folders))
    above = layout.base
    loose = 0
    while above:
        above = parent(above)
        loose += tree.own(above)
    if loose:
        yield message("loose_pictures", count=loose)


def _class_of(folder: str, labels: Labels) -> str:
    """The class of the pictures in `folder`; `folder` itself where that is none."""
    _, name = labels.get(folder, (None, ""))
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
    classes: list[str], named: set[str], samples: list[Sample], unread: Sequence[Unread]
) -> Iterator[Message]:
    """Notes for the user on single classes and on the folder's own splits. `named` are those of all class folders."""
    for name in sorted(named - set(classes)):
        yield empty_class(name, unread)
    held = {(sample.split, sample.label) for sample in samples}
    splits = {split for split, _ in held}
    for label, name in enumerate(classes):
        for split in ("val", "test"):
            if split in splits and (split, label) not in held:
                yield message("class_missing", name=name, split=split)
    named_after = {None if other_words(name) else split_of(name) for name in classes}
    if len(named_after) > 1 and None not in named_after:
        yield message("classes_like_splits", names=first_names(classes))
    if "val" in splits and "test" not in splits:
        yield message("no_test")
