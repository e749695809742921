"""What equal files mean for a split: scores that are not of unseen pictures, and pictures with two classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from resnet_gui.data.samples import Sample
from resnet_gui.messages import Message, first_names, message

Group = list[Sample]
"""Samples whose files are byte for byte the same."""


def groups_of(samples: Iterable[Sample], duplicates: Iterable[tuple[str, ...]]) -> list[Group]:
    """The groups of equal files `duplicates`, as samples; those with fewer than two `samples` are left out."""
    group_of = {path: number for number, paths in enumerate(duplicates) for path in paths}
    groups: dict[int, Group] = {}
    for sample in samples if group_of else ():
        if sample.path in group_of:
            groups.setdefault(group_of[sample.path], []).append(sample)
    return [group for _, group in sorted(groups.items()) if len(group) > 1]


def contradicts(group: Group) -> bool:
    """Whether the same picture lies in more than one class."""
    return len({sample.label for sample in group}) > 1


def leak_notes(samples: Iterable[Sample], duplicates: Iterable[tuple[str, ...]]) -> Iterator[Message]:
    """Notes on a split that the folder has, or has in part: which pictures of a split are also in another one."""
    samples = tuple(samples)
    groups = groups_of(samples, duplicates)
    in_train = [sample for group in groups if _of(group, "train") for sample in group]
    in_val = [sample for group in groups if _of(group, "val") and not _of(group, "train") for sample in group]
    again = [sample for group in groups if not _of(group, "train") for sample in _of(group, "test")[1:]]
    test, val = _of(in_train, "test"), _of(in_train, "val")
    if test:
        yield message("test_in_train", count=len(test), total=len(_of(samples, "test")), names=_names(test))
    if val:
        yield message("val_in_train", count=len(val), total=len(_of(samples, "val")), names=_names(val))
    if test := _of(in_val, "test"):
        yield message("test_in_val", count=len(test), total=len(_of(samples, "test")), names=_names(test))
    if again:
        yield message("test_repeated", count=len(again), names=_names(again))


def contradiction_notes(groups: Iterable[Group], all_in_train: bool) -> Iterator[Message]:
    """A note on pictures that lie in more than one class; `all_in_train` if the program has put them there."""
    names = [" = ".join(sample.path for sample in group) for group in groups if contradicts(group)]
    if names:
        code = "contradictions_in_train" if all_in_train else "contradictions"
        yield message(code, count=len(names), names=first_names(names))


def copy_notes(groups: Iterable[Group]) -> Iterator[Message]:
    """A note on copies that a split of the program's own keeps together."""
    copies = [sample for group in groups if not contradicts(group) for sample in group[1:]]
    if copies:
        yield message("copies_together", count=len(copies), names=_names(copies))


def _of(samples: Iterable[Sample], split: str) -> list[Sample]:
    return [sample for sample in samples if sample.split == split]


def _names(samples: Iterable[Sample]) -> str:
    return first_names([sample.path for sample in samples])
