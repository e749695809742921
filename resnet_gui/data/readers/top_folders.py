"""The folders directly in a dataset folder, compared with one another: what they are called, and which folders they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from resnet_gui.data.readers import folder_names
from resnet_gui.data.readers.folder_tree import FolderTree, last_name
from resnet_gui.data.samples import SplitName


@dataclass(frozen=True, slots=True)
class TopFolder:
    """A folder at `path`. Its class folders lie in `core`: `train/train` where there is nothing else in `train`.

    `classes` are the paths of the class folders, by their names without upper case.
    """

    path: str
    core: str
    classes: dict[str, str]
    holds_pictures: bool
    """Whether pictures lie directly in it."""
    split: SplitName | None
    """The split that the name names."""
    lies_beside: bool
    """Whether a folder of this name usually lies beside the dataset."""

    @property
    def name(self) -> str:
        """The folder's own name."""
        return last_name(self.path)

    def shares(self, other: TopFolder, least: int = 2) -> bool:
        """Whether both hold the same folders: at least `least`, and half of those of the smaller one."""
        common = len(self.classes.keys() & other.classes.keys())
        return common >= least and 2 * common >= min(len(self.classes), len(other.classes))


class TopFolders:
    """All folders in `base` that hold pictures, sorted. `candidates` are those that belong to the dataset by their names."""

    def __init__(self, tree: FolderTree, base: str) -> None:
        self.tree = tree
        self.base = base
        paths = tree.children(base)
        self._names = {last_name(path).casefold() for path in paths}
        beside = {path for path in paths if folder_names.lies_beside(last_name(path))}
        if len(beside) == len(paths):  # beside nothing
            beside.clear()
        cores = {path: _core(tree, path, self._names) for path in paths if path not in beside}
        _enter_equal_folders(tree, cores)
        self.all = [_top_folder(tree, path, cores.get(path, path), path in beside) for path in paths]
        self.candidates = [top for top in self.all if not (top.lies_beside or self.is_copy(top))]
        self.trains = [top for top in self.all if top.split == "train" and top.classes]
        self.tests = [top for top in self.all if top.split in ("val", "test")]
        self.others = [top for top in self.candidates if top.split is None]

    def is_copy(self, top: TopFolder) -> bool:
        """Whether `top` holds the folders beside it once more, as badly packed archives do."""
        own = top.name.casefold()
        common = sum(name in self._names and name != own for name in top.classes)
        return common >= 2 and 2 * common >= len(top.classes)

    def is_surely_split(self, top: TopFolder) -> bool:
        """Whether the name of `top` is that of a split, alone or in a pattern: `seg_train`, or `birds_train` beside `birds_test`."""
        words = folder_names.other_words(top.name)
        others = (each for each in self.all if each.split not in (None, top.split))
        return top.split is not None and (
            not words or any(folder_names.other_words(each.name) == words for each in others)
        )

    def sharing(self) -> list[TopFolder]:
        """Most of the folders, if they hold the same folders as one another; else none."""
        holding = [top for top in self.candidates if top.classes and top.split not in ("val", "test")]
        counts = Counter(name for top in holding for name in top.classes)
        if not holding:
            return []
        widest = max(holding, key=lambda top: sum(counts[name] > 1 for name in top.classes))
        group = [top for top in holding if top is widest or widest.shares(top)]
        most = 2 * len(group) > len(self.candidates) or all(folder_names.is_fold(top.name) for top in group)
        return group if len(group) > 1 and most else []

    def train_by_its_classes(self) -> TopFolder | None:
        """The only folder without a split in its name that holds the class folders of a validation or test folder."""
        found = [top for top in self.others if any(top.shares(test, least=1) for test in self.tests)]
        return found[0] if len(found) == 1 and not self.trains else None

    def tests_beside_classes(self) -> list[TopFolder]:
        """Folders called test or validation beside class folders, which are then all there is for training."""
        return [top for top in self.tests if top.name.lower() in ("test", "testing", "val", "validation")]

    def are_datasets(self) -> bool:
        """Whether each folder is a dataset of its own, with splits in it that hold class folders."""
        splits = [path for top in self.candidates for path in top.classes.values()]
        names = {folder_names.split_of(last_name(path)) for path in splits}
        nested = all(len(self.tree.children(path)) > 1 for path in splits)
        return len(self.candidates) > 1 and "train" in names and None not in names and nested

    def are_groups(self) -> bool:
        """Whether all hold folders only, and mostly several: then these may be the classes."""
        several = sum(len(top.classes) > 1 for top in self.candidates)
        return 2 * several >= len(self.candidates) > 0 and all(
            top.classes and not top.holds_pictures for top in self.candidates
        )


def _top_folder(tree: FolderTree, path: str, core: str, lies_beside: bool) -> TopFolder:
    classes = {last_name(each).casefold(): each for each in tree.children(core)}
    return TopFolder(path, core, classes, bool(tree.own(path)), folder_names.split_of(last_name(path)), lies_beside)


def _core(tree: FolderTree, folder: str, names: Collection[str]) -> str:
    """Looks through folders that say nothing: `train/train/cat`, `train/images/cat`. `names` are those beside the first."""
    inner = tree.only_child(folder)
    while inner and (last_name(inner).casefold() in names or _says_nothing(last_name(inner))):
        folder, inner = inner, tree.only_child(inner)
    return folder


def _says_nothing(name: str) -> bool:
    return not folder_names.other_words(name) and not name.isdecimal()


def _enter_equal_folders(tree: FolderTree, cores: dict[str, str]) -> None:
    """Where every folder holds one folder, all of the same name, the class folders lie in these: `train/birds/…`, `test/birds/…`."""
    while len(cores) > 1:
        inner = {path: tree.only_child(core) for path, core in cores.items()}
        if None in inner.values() or len({last_name(each or "").casefold() for each in inner.values()}) > 1:
            return
        cores.update({path: each for path, each in inner.items() if each})


def with_plain_names(tops: Sequence[TopFolder]) -> list[TopFolder]:
    """Those that have just the split's word as their name; all if there are none: `test` rather than `test3`."""
    return [top for top in tops if folder_names.is_plain(top.name)] or list(tops)
