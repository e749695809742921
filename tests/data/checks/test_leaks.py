"""Equal files in a split: kept together where the program splits, counted where the folder does."""

from __future__ import annotations

from pathlib import Path

from resnet_gui.data.samples import Listing, Sample
from resnet_gui.data.split import Splits, fingerprint, split_samples
from resnet_gui.messages import sentence


def dataset(*groups: str, **counts: int) -> Listing:
    """`counts` pictures in each folder, such as `test_a` for `test/a`; the groups are equal files: "a/0 b/1"."""
    folders = [(*name.split("_"),) for name in counts]
    classes = tuple(sorted({folder[-1] for folder in folders}))
    samples = [
        Sample(f"{'/'.join(folder)}/{index}", classes.index(folder[-1]), folder[0] if len(folder) > 1 else None)
        for folder, count in zip(folders, counts.values(), strict=True)
        for index in range(count)
    ]
    equal = tuple(tuple(sorted(group.split())) for group in groups)
    return Listing(Path(), classes, tuple(sorted(samples, key=lambda sample: sample.path)), duplicates=equal)


def places(splits: Splits, *paths: str) -> list[str]:
    found = {sample.path: sample.split for part in (splits.train, splits.val, splits.test) for sample in part}
    return [found[path] for path in paths]


def notes(splits: Splits) -> dict[str, dict[str, object]]:
    assert all(sentence(note) for note in splits.notes)
    return {note.code: dict(note.values) for note in splits.notes}


def split(listing: Listing, val: float = 0.2, test: float = 0.2, seed: int = 0) -> Splits:
    return split_samples(listing, val, test, seed)


def test_copies_are_in_one_split_under_every_seed():
    listing = dataset("a/1 a/5 a/7", "a/2 a/30", "b/0 b/1", a=40, b=40)
    held = set()
    for seed in range(40):
        splits = split(listing, seed=seed)
        for group in listing.duplicates:
            assert len(set(places(splits, *group))) == 1
            held |= {*places(splits, *group)}
    assert held == {"train", "val", "test"}
    assert notes(splits) == {"copies_together": {"count": 4, "names": "a/5, a/7, a/30 and 1 more"}}


def test_without_copies_the_split_is_as_it_always_was():
    assert fingerprint(split(dataset(a=10, b=4))) == fingerprint(split(dataset("c/1 c/2", a=10, b=4)))


def test_copies_of_one_class_do_not_move_the_pictures_of_another():
    alone, beside = split(dataset(a=30, b=30)), split(dataset("b/1 b/2", a=30, b=30))
    paths = [f"a/{index}" for index in range(30)]
    assert places(alone, *paths) == places(beside, *paths)


def test_a_class_of_pairs_alone_has_a_pair_in_each_split():
    splits = split(dataset("a/0 a/1", "a/2 a/3", "a/4 a/5", a=6, b=6))
    assert sorted(places(splits, "a/0", "a/2", "a/4")) == ["test", "train", "val"]


def test_many_copies_of_one_picture_stay_in_train():
    for seed in range(20):
        splits = split(dataset(" ".join(f"a/{index}" for index in range(50)), a=60, b=60), seed=seed)
        assert places(splits, "a/0", "a/49") == ["train", "train"]
        assert sum(sample.label == 0 for sample in splits.test) == 2


def test_a_class_of_copies_of_two_pictures_cannot_be_split():
    splits = split(dataset("a/0 a/1 a/2", "a/3 a/4", a=5, b=9))
    assert {*places(splits, *(f"a/{index}" for index in range(5)))} == {"train"}
    assert notes(splits)["class_small"] == {"name": "a", "count": 2}


def test_a_picture_in_three_classes_goes_to_train_and_is_reported():
    for seed in range(20):
        splits = split(dataset("a/0 b/3 c/9", "a/1 b/1", a=10, b=10, c=10), seed=seed)
        assert places(splits, "a/0", "b/3", "c/9", "a/1", "b/1") == ["train"] * 5
    assert notes(splits) == {"contradictions_in_train": {"count": 2, "names": "a/0 = b/3 = c/9, a/1 = b/1"}}


def test_pictures_of_the_folders_own_splits_that_are_in_two_are_counted():
    listing = dataset(
        "test_a/0 train_a/0".replace("_", "/"), "test/a/1 train/b/1", "train/a/5 val/a/0", "test/b/2 val/b/2",
        "test/b/3 test/b/4", "test/a/5 test/a/6 train/a/6",
        train_a=9, train_b=9, val_a=4, val_b=4, test_a=7, test_b=7,
    )  # fmt: skip
    assert notes(split(listing)) == {
        "test_in_train": {"count": 4, "total": 14, "names": "test/a/0, test/a/1, test/a/5 and 1 more"},
        "val_in_train": {"count": 1, "total": 8, "names": "val/a/0"},
        "test_in_val": {"count": 1, "total": 14, "names": "test/b/2"},
        "test_repeated": {"count": 1, "names": "test/b/4"},
        "contradictions": {"count": 1, "names": "test/a/1 = train/b/1"},
    }


def test_validation_taken_from_train_keeps_copies_together():
    listing = dataset("train/a/0 train/a/1", "test/a/0 train/a/2", "train/a/9 train/b/9", train_a=40, train_b=40, test_a=4, test_b=4)  # fmt: skip
    for seed in range(40):
        splits = split(listing, seed=seed)
        assert len({*places(splits, "train/a/0", "train/a/1")}) == 1
        assert places(splits, "test/a/0", "train/a/9", "train/b/9") == ["test", "train", "train"]
        assert {"test_in_train", "test_in_val"} & {*notes(splits)}


def test_hundreds_of_small_classes_make_one_note():
    counts = {f"c{number:03}": 2 for number in range(300)}
    assert notes(split(dataset(**counts))) == {
        "classes_small": {"count": 300, "names": "“c000”, “c001”, “c002” and 297 more"},
        "no_test": {},
    }


def test_where_every_picture_is_in_two_classes_no_score_is_promised():
    splits = split(dataset(*(f"a/{index} b/{index}" for index in range(12)), a=12, b=12))
    assert (len(splits.train), len(splits.val), len(splits.test)) == (24, 0, 0)
    assert notes(splits)["contradictions_in_train"]["count"] == 12
    assert "no_test" in notes(splits)
