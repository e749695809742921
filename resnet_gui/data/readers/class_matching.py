"""Which class folders of given validation and test pictures are classes: those that can be learned from training pictures."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

from resnet_gui.data.readers.folder_tree import FolderTree
from resnet_gui.data.readers.layout import Labels
from resnet_gui.messages import Message, first_names, message


def match_classes(tree: FolderTree, labels: Labels) -> list[Message]:
    """Fits the classes of validation and test in `labels` to those of training, and returns notes about it.

    Names that differ in upper and lower case only are the same class, if that fits one class alone. Folders of other
    classes are removed. Test pictures that share no class with training lose their class: they are not labelled.
    """
    trained = {name for folder, (split, name) in labels.items() if split == "train" and name and tree.own(folder)}
    if not trained:
        return []
    notes = _join_names(labels, trained)
    return notes + _leave_out(tree, labels, trained, "val") + _leave_out(tree, labels, trained, "test")


def _join_names(labels: Labels, trained: set[str]) -> list[Message]:
    spellings: dict[str, list[str]] = defaultdict(list)
    for name in trained:
        spellings[name.casefold()].append(name)
    joined = set()
    for folder, (split, name) in labels.items():
        if name not in trained and len(same := spellings.get(name.casefold(), [])) == 1:
            labels[folder] = split, same[0]
            joined.add(same[0])
    return [message("class_names_joined", names=first_names(sorted(joined)))] if joined else []


def _leave_out(tree: FolderTree, labels: Labels, trained: set[str], split: Literal["val", "test"]) -> list[Message]:
    held = {folder: name for folder, (own, name) in labels.items() if own == split and name and tree.own(folder)}
    foreign = {folder: name for folder, name in held.items() if name not in trained}
    if not foreign:
        return []
    if split == "test" and len(foreign) == len(held):
        labels.update(dict.fromkeys(held, ("test", "")))
        return []  # counted with the unlabelled ones
    for folder in foreign:
        del labels[folder]
    count, names = sum(map(tree.own, foreign)), sorted(set(foreign.values()))
    if len(foreign) == len(held):
        return [message("val_unlabelled", count=count, names=first_names(names))]
    return [message("classes_untrained", count=count, split=split, names=first_names(names))]
