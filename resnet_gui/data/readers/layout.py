"""What the folders of a dataset are, read from their names alone: classes, groups of classes, splits or folds.

Folders that hold the same folders are splits or folds, not classes, whatever they are called. Where names do not decide
it, there are several layouts, and the user chooses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from resnet_gui.data.readers import folder_names
from resnet_gui.data.readers.folder_tree import FolderTree, last_name, parent
from resnet_gui.data.readers.top_folders import TopFolder, TopFolders, with_plain_names
from resnet_gui.data.samples import LayoutName, SplitName
from resnet_gui.messages import Message, Problem, first_names, message

Labels = dict[str, tuple[SplitName | None, str]]
"""For each folder, the split and the class of the pictures directly in it; "" outside every class folder."""


_OBVIOUS = ("train", "val", "valid", "validation", "dev", "test")
"""Names of splits that need no note."""


@dataclass(frozen=True, slots=True)
class Use:
    """The pictures below `folder` belong to `split`; their class is `label`, or else the name of the next folder below."""

    folder: str
    split: SplitName | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to read the folders in `base`. Those in `left_out` are not used. `notes` are for the user."""

    name: LayoutName
    base: str
    uses: tuple[Use, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[Message, ...] = ()

    def labels(self, tree: FolderTree) -> Labels:
        """The labels of all folders that are not left out."""
        uses: dict[str, Use | None] = {use.folder: use for use in self.uses}
        known = {self.base: Use(self.base, label="")} | uses | dict.fromkeys(self.left_out)
        inside = f"{self.base}/" if self.base else ""
        found: Labels = {}
        for folder in tree.pictures:
            if folder != self.base and not folder.startswith(inside):
                continue
            nearest = folder
            while nearest not in known:
                nearest = parent(nearest)
            if use := known[nearest]:
                below = folder[len(use.folder) :].strip("/").partition("/")[0]
                found[folder] = use.split, below if use.label is None else use.label
        return found


def read_layout(tree: FolderTree, root_name: str, fold: int) -> list[Layout]:
    """The ways in which the folders may be read: one, or several where nothing decides between them.

    `root_name` is the name of the dataset folder, `fold` the number of the fold for validation, from 1.
    Raises `Problem` (`fold_missing`) if there are fewer folds.
    """
    *outer, tops = _wrappers(tree, root_name)
    found = _layouts(tops, fold)
    if outer and [each.name for each in found] == ["classes"]:  # `train` alone is no wrapper
        above = outer[-1]
        if any(above.is_surely_split(top) for top in above.trains):
            found = [_splits(above)]
    return [_checked(found[0], fold)] if len(found) == 1 else found


def read_as(tree: FolderTree, root_name: str, name: LayoutName, fold: int) -> Layout | None:
    """The folders in the layout `name`, None if they cannot be read in it. Raises `Problem` (`fold_missing`)."""
    bases = _wrappers(tree, root_name)
    if name == "classes":
        return _classes(next((tops for tops in bases if len(tops.all) > 1), bases[0]))
    for tops in reversed(bases):
        if name == "subclasses" and any(top.classes for top in tops.candidates):
            return _subclasses(tops)
        if name == "splits" and (splits := _any_splits(tops)):
            return splits
        if name == "folds" and sum(bool(top.classes) for top in tops.candidates) > 1:
            return _checked(_folds(tops, fold), fold)
    return None


def _wrappers(tree: FolderTree, root_name: str) -> list[TopFolders]:
    """The dataset folder, the folder in it that holds everything, and so on: archives are often packed like this."""
    found, name = [TopFolders(tree, "")], root_name
    while inner := _inside(found[-1], name):
        found.append(TopFolders(tree, inner))
        name = last_name(inner)
    while len(found) > 1 and len(found[-1].all) < 2:
        found.pop()
    return found


def _inside(tops: TopFolders, name: str) -> str | None:
    """The folder in `tops` that holds the dataset, if the others do not belong to it; `name` is that of the folder around."""
    holding = [top for top in tops.all if not (top.lies_beside and folder_names.lies_beside(top.name, surely=True))]
    if len(holding) > 1 and not any(top.split for top in holding):
        holding = [top for top in holding if top.name == name and not tops.is_copy(top) and len(top.classes) > 1]
    if len(holding) != 1 or holding[0].holds_pictures or not tops.tree.children(holding[0].path):
        return None
    return holding[0].path


def _layouts(tops: TopFolders, fold: int) -> list[Layout]:
    if class_splits := _class_splits(tops):
        return [class_splits]
    if tops.are_datasets():
        raise Problem("several_datasets", names=first_names([top.name for top in tops.candidates]))
    if tops.trains:
        return _layouts_with_train(tops, fold)
    if train := tops.train_by_its_classes():
        return [_splits(tops, train), _classes(tops)]
    if not tops.sharing() and (beside_classes := _splits_beside_classes(tops)):
        certain = any(map(tops.is_copy, tops.tests))
        return [beside_classes] if certain else [beside_classes, _classes(tops)]
    return _layouts_without_splits(tops, fold)


def _layouts_with_train(tops: TopFolders, fold: int) -> list[Layout]:
    trains = [top for top in tops.trains if tops.is_surely_split(top)]
    alike = any(train.shares(test, least=1) for train in tops.trains for test in tops.tests)
    if alike or (trains and (any(map(tops.is_surely_split, tops.tests)) or not tops.others)):
        return [_splits(tops)]
    if any(train.shares(other) for train in tops.trains for other in tops.others):
        return _layouts_without_splits(tops, fold)
    most = max((len(train.classes) for train in trains), default=0)
    if most > len(tops.others) or any(map(tops.is_copy, trains)):
        return [_splits(tops), _classes(tops)]
    return _layouts_without_splits(tops, fold)


def _layouts_without_splits(tops: TopFolders, fold: int) -> list[Layout]:
    if group := tops.sharing():
        folds = _folds(tops, fold)
        certain = all(folder_names.is_fold(top.name) for top in group)
        return [folds] if certain else [_classes(tops), _subclasses(tops), folds]
    if tops.are_groups():
        return [_classes(tops), _subclasses(tops)]
    return [_classes(tops, (*_doubtful_classes(tops),))]


def _doubtful_classes(tops: TopFolders) -> Iterator[Message]:
    if nested := [top.name for top in tops.candidates if len(top.classes) > 1 and not top.holds_pictures]:
        yield message("nested_classes", names=first_names(nested))
    if beside := [top.name for top in tops.all if top.lies_beside and folder_names.lies_beside(top.name, surely=True)]:
        yield message("doubtful_classes", names=first_names(beside))


def _classes(tops: TopFolders, notes: tuple[Message, ...] = ()) -> Layout:
    copies = tuple(top.path for top in tops.all if tops.is_copy(top))
    return Layout("classes", tops.base, (Use(tops.base),), copies, notes)


def _subclasses(tops: TopFolders) -> Layout:
    uses = tuple(Use(top.core) if top.classes else Use(top.path, label=top.name) for top in tops.candidates)
    counts = Counter(last_name(path) for top in tops.candidates for path in top.classes.values())
    joined = sorted(name for name, count in counts.items() if count > 1)
    note = message("subclasses_joined", names=first_names(joined))
    return Layout("subclasses", tops.base, uses, _left_out(tops, tops.candidates), (note,) if joined else ())


def _any_splits(tops: TopFolders) -> Layout | None:
    if class_splits := _class_splits(tops):
        return class_splits
    if tops.trains:
        return _splits(tops)
    holding = [top for top in tops.others if top.classes]
    train = tops.train_by_its_classes() or (holding[0] if len(holding) == 1 and tops.tests else None)
    return _splits(tops, train) if train else _splits_beside_classes(tops)


def _splits_beside_classes(tops: TopFolders) -> Layout | None:
    """Class folders for training with folders of test or validation pictures beside them; None if there are no such."""
    tests = tops.tests_beside_classes()
    if not tests or len(tops.others) < 2:
        return None
    uses = (Use(tops.base, "train"), *(Use(top.core, top.split) for top in tests))
    names = first_names([top.name for top in tests])
    return Layout("splits", tops.base, uses, (), (message("splits_beside_classes", names=names),))


def _splits(tops: TopFolders, train: TopFolder | None = None) -> Layout:
    """Folders for training, validation and test, by their names; `train` is for training whatever its name."""
    parts: dict[SplitName, list[TopFolder]] = {
        "train": [train] if train else with_plain_names(tops.trains),
        "val": with_plain_names([top for top in tops.tests if top.split == "val"]),
        "test": with_plain_names([top for top in tops.tests if top.split == "test"]),
    }
    used = [top for part in parts.values() for top in part]
    uses = tuple(Use(top.core, split) for split, part in parts.items() for top in part)
    names = {split: ", ".join(f"“{top.path}”" for top in part) or "—" for split, part in parts.items()}
    obvious = all(top.name.lower() in _OBVIOUS and top.core == top.path for top in used)
    notes = () if obvious else (message("splits_read", train=names["train"], val=names["val"], test=names["test"]),)
    return Layout("splits", tops.base, uses, _left_out(tops, used), notes + _nested_note(tops.tree, parts["train"]))


def _nested_note(tree: FolderTree, trains: Sequence[TopFolder]) -> tuple[Message, ...]:
    """Class folders seem to lie one level deeper in the folders for training."""
    classes = [path for top in trains for path in top.classes.values()]
    if any(tree.own(path) or len(tree.children(path)) < 2 for path in classes):
        return ()
    return (message("nested_classes", names=first_names([last_name(path) for path in classes])),)


def _class_splits(tops: TopFolders) -> Layout | None:
    """Class folders that hold the splits, as `cat/train` and `cat/test` do; None if they do not."""
    tree = tops.tree
    inner = {top.name: tree.children(top.path) for top in tops.candidates}
    splits = {path: folder_names.split_of(last_name(path)) for paths in inner.values() for path in paths}
    surely = all(split and not folder_names.other_words(last_name(path)) for path, split in splits.items())
    if not surely or len({*splits.values()}) < 2 or "train" not in splits.values() or not all(inner.values()):
        return None
    if any(top.split or top.holds_pictures for top in tops.candidates) or any(
        len(tree.children(path)) > 1 for path in splits
    ):
        return None
    uses = tuple(Use(path, splits[path], name) for name, paths in inner.items() for path in paths)
    return Layout("splits", tops.base, uses, _left_out(tops, tops.candidates), (message("class_splits"),))


def _folds(tops: TopFolders, fold: int) -> Layout:
    """One fold is for validation, the others are for training. A test folder beside them stays one."""
    holding = [top for top in tops.candidates if top.classes]
    group = tops.sharing() or [top for top in holding if top.split not in ("val", "test")]
    tests = with_plain_names([top for top in tops.tests if top.split == "test"])
    if len(group) < 2:  # the user says that these are folds, whatever their names
        group, tests = holding, []
    group.sort(key=lambda top: folder_names.natural_order(top.name))
    held = group[min(fold, len(group)) - 1]
    uses = [Use(top.core, "val" if top is held else "train") for top in group]
    uses += [Use(top.core, "test") for top in tests]
    names = first_names([top.name for top in group])
    note = message("folds_read", count=len(group), names=names, number=fold, held=held.name)
    return Layout("folds", tops.base, tuple(uses), _left_out(tops, [*group, *tests]), (note,))


def _checked(layout: Layout, fold: int) -> Layout:
    folds = sum(use.split != "test" for use in layout.uses)
    if layout.name == "folds" and fold > folds:
        raise Problem("fold_missing", number=fold, count=folds)
    return layout


def _left_out(tops: TopFolders, used: Sequence[TopFolder]) -> tuple[str, ...]:
    paths = {top.path for top in used}
    return tuple(top.path for top in tops.all if top.path not in paths)


def beside(tree: FolderTree, layout: Layout) -> Iterator[str]:
    """The folders with pictures that are not used, by path: those left out, and those beside the folder that holds the dataset."""
    inner = layout.base
    while inner:
        yield from (each for each in tree.children(parent(inner)) if each != inner)
        inner = parent(inner)
    yield from layout.left_out
