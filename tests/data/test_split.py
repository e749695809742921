"""Splitting: who trains, who validates, who is kept for the end."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from resnet_gui.data.samples import Listing, Sample
from resnet_gui.data.split import Splits, fingerprint, read_split, split_samples, write_split
from resnet_gui.messages import Problem, sentence


def listed(split=None, **counts: int) -> list[Sample]:
    """`counts` pictures of each class, in class folders, below the folder `split` if there is one."""
    return [
        Sample(f"{split + '/' if split else ''}{name}/{i}.jpg", label, split)
        for label, (name, count) in enumerate(sorted(counts.items()))
        for i in range(count)
    ]


def listing(samples: list[Sample], classes: str) -> Listing:
    return Listing(Path(), tuple(classes), tuple(sorted(samples, key=lambda sample: sample.path)))


def sizes(splits: Splits, label: int) -> tuple[int, int, int]:
    return tuple(sum(sample.label == label for sample in part) for part in (splits.train, splits.val, splits.test))


def codes(splits: Splits) -> list[str]:
    assert all(sentence(note) for note in splits.notes)
    return [note.code for note in splits.notes]


def test_stratified_and_complete():
    everything = listing(listed(a=160, b=50, c=3), "abc")
    splits = split_samples(everything, 0.2, 0.2, seed=0)
    assert [sizes(splits, label) for label in range(3)] == [(96, 32, 32), (30, 10, 10), (1, 1, 1)]
    paths = [sample.path for part in (splits.train, splits.val, splits.test) for sample in part]
    assert sorted(paths) == [sample.path for sample in everything.samples]
    for name, part in (("train", splits.train), ("val", splits.val), ("test", splits.test)):
        assert {sample.split for sample in part} == {name}
        assert [sample.path for sample in part] == sorted(sample.path for sample in part)
    assert codes(splits) == []


@pytest.mark.parametrize("count", range(3, 40))
@pytest.mark.parametrize(("val", "test"), [(0.01, 0.01), (0.8, 0.1), (0.1, 0.8), (0.45, 0.45)])
def test_every_split_has_one_of_every_class(count, val, test):
    splits = split_samples(listing(listed(a=count, b=5), "ab"), val, test, seed=3)
    assert min(sizes(splits, 0)) >= 1
    assert sum(sizes(splits, 0)) == count


@pytest.mark.parametrize("count", [1, 2])
def test_small_classes_go_to_train_and_are_reported(count):
    splits = split_samples(listing(listed(a=10, b=count), "ab"), 0.2, 0.2, seed=0)
    assert sizes(splits, 1) == (count, 0, 0)
    assert [(note.code, dict(note.values)) for note in splits.notes] == [("class_small", {"name": "b", "count": count})]


def test_seed_decides_and_other_pictures_do_not():
    alone = listing(listed(a=50, b=50), "ab")
    joined = listing(listed(a=50, b=50, c=7), "abc")
    first = split_samples(alone, 0.2, 0.2, seed=1)
    assert first == split_samples(alone, 0.2, 0.2, seed=1)
    assert first.val != split_samples(alone, 0.2, 0.2, seed=2).val
    assert set(first.val) <= set(split_samples(joined, 0.2, 0.2, seed=1).val)


def test_the_order_is_fixed_for_all_time():
    """Old runs are compared with new ones: whoever changes this changes every split ever made."""
    splits = split_samples(listing(listed(a=10, b=4), "ab"), 0.2, 0.2, seed=0)
    assert fingerprint(splits) == "e7bbbe2c5a8c8ff1e2ce37fb419e4784f96e461e2d4f83ce56557e3841081466"


def test_own_splits_are_kept():
    own = [*listed("train", a=5, b=5), *listed("val", a=2, b=2), *listed("test", a=3, b=3)]
    splits = split_samples(listing(own, "ab"), 0.5, 0.5, seed=0)
    assert Counter(part.split for part in (*splits.train, *splits.val, *splits.test)) == {
        "train": 10,
        "val": 4,
        "test": 6,
    }
    assert [sizes(splits, label) for label in range(2)] == [(5, 2, 3)] * 2
    assert codes(splits) == []


def test_validation_is_taken_from_train_and_test_left_alone():
    own = [*listed("train", a=10, b=20), *listed("test", a=4, b=4)]
    splits = split_samples(listing(own, "ab"), 0.2, 0.7, seed=0)
    assert [sizes(splits, label) for label in range(2)] == [(8, 2, 4), (16, 4, 4)]
    assert all(sample.path.startswith("test/") for sample in splits.test)
    assert all(sample.path.startswith("train/") for sample in splits.val)
    assert [(note.code, dict(note.values)) for note in splits.notes] == [("val_from_train", {"percent": 20})]


def test_train_alone_is_split_three_ways():
    splits = split_samples(listing(listed("train", a=10, b=10), "ab"), 0.2, 0.2, seed=0)
    assert sizes(splits, 0) == (6, 2, 2)
    assert codes(splits) == ["split_from_train"]


def test_no_test_share():
    splits = split_samples(listing(listed(a=10, b=10), "ab"), 0.2, 0.0, seed=0)
    assert splits.test == ()
    assert codes(splits) == ["no_test"]


ODD = ['comma, "quote"', "new\nline", "return\rhere", " space ", "ünï", "caf\udce9"]


def test_csv_brings_everything_back(tmp_path):
    samples = [Sample(f"{name}/{i} {name}.jpg", label) for label, name in enumerate(sorted(ODD)) for i in range(5)]
    splits = split_samples(Listing(Path(), tuple(sorted(ODD)), tuple(samples)), 0.2, 0.2, seed=0)
    write_split(splits, tmp_path / "split.csv")
    assert (tmp_path / "split.csv").read_bytes().startswith(b"split,class,path\r\n")
    again = read_split(tmp_path / "split.csv")
    assert again == splits
    assert fingerprint(again) == fingerprint(splits)


def test_csv_keeps_a_class_without_training_pictures(tmp_path):
    splits = Splits(("a", "b", "c"), (Sample("c/1.jpg", 2, "train"), Sample("c/2.jpg", 2, "train")),
                    (Sample("b/1.jpg", 1, "val"),), (Sample("a/1.jpg", 0, "test"),))  # fmt: skip
    write_split(splits, tmp_path / "split.csv")
    assert read_split(tmp_path / "split.csv") == splits


def test_different_splits_have_different_fingerprints():
    splits = split_samples(listing(listed(a=10, b=10), "ab"), 0.2, 0.2, seed=0)
    moved = dataclasses.replace(splits, val=splits.val[1:], train=(*splits.train, splits.val[0]))
    assert fingerprint(moved) != fingerprint(splits)
    assert fingerprint(dataclasses.replace(splits, notes=())) == fingerprint(splits)


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n", b"split,class,path\r\ntrain,a\r\n", b"split,class,path\r\nholdout,a,a/1.jpg\r\n", b"split,class,path\r\ntrain,,a/1.jpg\r\n",
     b"split,class,path\r\ntrain,a,a\0b.jpg\r\n", b'split,class,path\r\n"'],
)  # fmt: skip
def test_what_is_not_a_split_is_reported_in_a_sentence(tmp_path, content):
    file = tmp_path / "split.csv"
    file.write_bytes(content)
    with pytest.raises(Problem, match=r"split file .*split\.csv cannot be read: ") as caught:
        read_split(file)
    assert caught.value.message.code == "split_unreadable"


def test_a_missing_split_file(tmp_path):
    with pytest.raises(Problem, match="No such file"):
        read_split(tmp_path / "split.csv")
