"""Layouts: which folders are read as classes, as splits or as folds, and where the user is asked."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from resnet_gui.data.readers import folder_names
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.data.samples import LayoutUnclear, Listing
from resnet_gui.data.split import split_samples
from resnet_gui.messages import Problem, sentence

FLOWERS = ("daisy", "rose", "tulip")


def lay(root: Path, *folders: str) -> Path:
    """An empty picture in each folder; `train/*` stands for class folders in `train`."""
    for folder in folders:
        for name in FLOWERS if folder.endswith("/*") else ("",):
            path = root / folder.removesuffix("/*") / name / "1.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return root


def listed(root: Path, **options: object) -> Listing:
    listing = list_folder(root, **options)
    assert listing is not None
    assert all(sentence(note) for note in listing.notes)
    return listing


def parts(listing: Listing) -> dict[str, set[str]]:
    """The folders of each split, without the class folders."""
    found: dict[str, set[str]] = {}
    for sample in listing.samples:
        found.setdefault(sample.split or "", set()).add(sample.path.rpartition("/")[0].rpartition("/")[0])
    return found


def codes(listing: Listing) -> set[str]:
    return {note.code for note in listing.notes}


def note(listing: Listing, code: str) -> dict[str, object]:
    [found] = [dict(each.values) for each in listing.notes if each.code == code]
    return found


SPLITS = [
    (("Training/*", "Testing/*"), {"train": {"Training"}, "test": {"Testing"}}),
    (("training_set/*", "test_set/*"), {"train": {"training_set"}, "test": {"test_set"}}),
    (("seg_train/seg_train/*", "seg_test/seg_test/*", "seg_pred/seg_pred"),
     {"train": {"seg_train/seg_train"}, "test": {"seg_test/seg_test"}}),
    (("train/*", "test/*", "test3/*"), {"train": {"train"}, "test": {"test"}}),
    (("TRAIN/*", "TEST/*", "TEST_SIMPLE/*"), {"train": {"TRAIN"}, "test": {"TEST"}}),
    (("train/*", "val/*", "unlabeled"), {"train": {"train"}, "val": {"val"}}),
    (("train/*", "val/*", "examples"), {"train": {"train"}, "val": {"val"}}),
    (("train/*", "val/*", "unlabeled/*"), {"train": {"train"}, "val": {"val"}}),
    (("train/*", "eval/*"), {"train": {"train"}, "val": {"eval"}}),
    (("training/*", "validation/*"), {"train": {"training"}, "val": {"validation"}}),
    (("Train_Set/*", "Validation Set/*", "Test Set/*"),
     {"train": {"Train_Set"}, "val": {"Validation Set"}, "test": {"Test Set"}}),
    (("train2017/*", "val2017/*"), {"train": {"train2017"}, "val": {"val2017"}}),
    (("TrainData/*", "holdout/*"), {"train": {"TrainData"}, "test": {"holdout"}}),
    (("birds_train/*", "birds_test/*"), {"train": {"birds_train"}, "test": {"birds_test"}}),
    (("train_1/*", "train_2/*", "test/*"), {"train": {"train_1", "train_2"}, "test": {"test"}}),
    (("train/birds/*", "test/birds/*"), {"train": {"train/birds"}, "test": {"test/birds"}}),
    (("train/*", "examples"), {"train": {"train"}}),
    (("train/*", "test/*", "rose"), {"train": {"train"}, "test": {"test"}}),
    (("train/*", "test/*", "val/*", "set/train/*", "set/test/*"),
     {"train": {"train"}, "val": {"val"}, "test": {"test"}}),
]  # fmt: skip


@pytest.mark.parametrize(("folders", "wanted"), SPLITS, ids=[" ".join(folders) for folders, _ in SPLITS])
def test_folders_of_splits_are_no_classes(tmp_path: Path, folders: tuple[str, ...], wanted: dict[str, set[str]]):
    listing = listed(lay(tmp_path / "set", *folders))
    assert (listing.layout, listing.classes) == ("splits", FLOWERS)
    assert parts(listing) == wanted
    assert listed(listing.root, layout="splits").samples == listing.samples, "a run reads it again by its config"


def test_what_lies_beside_the_splits_is_counted_and_named(tmp_path: Path):
    listing = listed(lay(tmp_path, "train/*", "val/*", "examples", "extra/*", "more", "yet_more"))
    assert note(listing, "folders_left_out") == {"count": 6, "names": "examples, extra, more and 1 more"}


def test_splits_of_other_names_are_told(tmp_path: Path):
    listing = listed(lay(tmp_path, "Training/*", "Testing/*"))
    assert note(listing, "splits_read") == {"train": "“Training”", "val": "—", "test": "“Testing”"}


@pytest.mark.parametrize("dummy", ["test/unknown", "test/test", "test/images", "Testing/0"])
def test_a_test_folder_of_no_class_is_unlabelled(tmp_path: Path, dummy: str):
    listing = listed(lay(tmp_path, "train/*", "val/*", dummy))
    assert listing.classes == FLOWERS
    assert listing.unlabelled == (f"{dummy}/1.jpg",)
    assert note(listing, "test_unlabelled")["count"] == 1


def test_validation_pictures_of_no_class_are_left_out(tmp_path: Path):
    listing = listed(lay(tmp_path, *(f"train/{name}" for name in FLOWERS), "val/images"))
    assert note(listing, "val_unlabelled") == {"count": 1, "names": "images"}
    assert "split_from_train" in {note.code for note in split_samples(listing, 0.2, 0.2, 0).notes}


def test_classes_in_other_upper_and_lower_case_are_the_same(tmp_path: Path):
    listing = listed(lay(tmp_path, "train/Rose", "train/Tulip", "val/rose", "test/TULIP", "test/other"))
    assert listing.classes == ("Rose", "Tulip")
    assert Counter(listing.classes[sample.label] for sample in listing.samples) == {"Rose": 2, "Tulip": 2}
    assert note(listing, "class_names_joined")["names"] == "Rose, Tulip"
    assert note(listing, "classes_untrained") == {"count": 1, "split": "test", "names": "other"}


def test_two_spellings_in_train_stay_two_classes(tmp_path: Path):
    listing = listed(lay(tmp_path, "train/Rose", "train/rose", "test/rose", "test/ROSE"))
    assert listing.classes == ("Rose", "rose")
    assert [sample.path for sample in listing.samples if sample.split == "test"] == ["test/rose/1.jpg"]


@pytest.mark.parametrize("names", ["fold_1 fold_2 fold_10", "cv-0 cv-1 cv-2", "kfold0 kfold1 kfold2"])
def test_folds(tmp_path: Path, names: str):
    folds = names.split()
    root = lay(tmp_path, *(f"{name}/*" for name in folds))
    assert parts(listed(root)) == {"val": {folds[0]}, "train": {*folds[1:]}}
    last = listed(root, validation_fold=3)
    assert (last.layout, last.classes) == ("folds", FLOWERS)
    assert parts(last) == {"val": {folds[2]}, "train": {*folds[:2]}}
    with pytest.raises(Problem, match="There are 3 folds, so fold 4 cannot"):
        list_folder(root, validation_fold=4)


def test_a_test_folder_beside_folds_is_for_the_test(tmp_path: Path):
    listing = listed(lay(tmp_path, "fold0/*", "fold1/*", "test/*"))
    assert parts(listing) == {"val": {"fold0"}, "train": {"fold1"}, "test": {"test"}}


UNCLEAR = [
    (("color/*", "grayscale/*", "segmented/*"), "classes, subclasses, folds"),
    (("A/*", "B/*"), "classes, subclasses, folds"),
    (("2019/*", "2020/*"), "classes, subclasses, folds"),
    (("0/*", "1/*", "2/*", "3/*"), "classes, subclasses, folds"),
    (("set01/*", "set02/*", "readme_pictures"), "classes, subclasses, folds"),
    (("训练/*", "测试/*"), "classes, subclasses, folds"),
    (("cat/indoor", "cat/outdoor", "dog/indoor", "dog/outdoor"), "classes, subclasses, folds"),
    (("bus/front", "bus/back", "train/front", "train/back"), "classes, subclasses, folds"),
    (("plants/rose", "plants/tulip", "animals/cat", "animals/dog"), "classes, subclasses"),
    (("plants/rose", "plants/tulip", "animals/cat", "animals/dog", "rocks/granite"), "classes, subclasses"),
    (("flowers/*", "unknown"), "classes, subclasses"),
    (("images/*", "test/*"), "splits, classes"),
    (("train/*", "stuff"), "splits, classes"),
    (("cat", "dog", "train/cat", "train/dog"), "splits, classes"),
    (("cat", "dog", "test"), "splits, classes"),
    (("cat", "dog", "test/unknown"), "splits, classes"),
    (("log", "tree/oak", "tree/pine"), "classes, subclasses"),
]


@pytest.mark.parametrize(("folders", "layouts"), UNCLEAR, ids=[" ".join(folders) for folders, _ in UNCLEAR])
def test_what_names_do_not_decide_is_asked(tmp_path: Path, folders: tuple[str, ...], layouts: str):
    root = lay(tmp_path / "set", *folders)
    with pytest.raises(LayoutUnclear) as caught:
        list_folder(root)
    assert dict(caught.value.message.values) == {"path": str(root), "layouts": layouts}
    for reading in caught.value.readings:
        assert f"--layout {reading.layout}:" in str(caught.value)
        listing = listed(root, layout=reading.layout)
        assert (listing.root, listing.layout, listing.classes) == (root, reading.layout, reading.classes)


def test_a_reading_has_its_folders_and_counts(tmp_path: Path):
    with pytest.raises(LayoutUnclear) as caught:
        list_folder(lay(tmp_path, "A/*", "B/*", "docs"))
    folds = caught.value.readings[-1]
    assert [(use.path, use.pictures, use.split, use.folders) for use in folds.folders] == [
        ("A", 3, "val", FLOWERS), ("B", 3, "train", FLOWERS),
    ]  # fmt: skip
    assert [(use.path, use.pictures) for use in folds.left_out] == [("docs", 1)]


def test_groups_give_their_folders_as_classes(tmp_path: Path):
    root = lay(tmp_path, "plants/rose", "plants/other", "animals/cat", "animals/other")
    listing = listed(root, layout="subclasses")
    assert listing.classes == ("cat", "other", "rose")
    assert note(listing, "subclasses_joined") == {"names": "other"}


def test_class_folders_that_hold_the_splits(tmp_path: Path):
    listing = listed(lay(tmp_path, "cat/train", "cat/test", "dog/train", "dog/test"))
    assert (listing.layout, listing.classes) == ("splits", ("cat", "dog"))
    assert parts(listing) == {"train": {"cat", "dog"}, "test": {"cat", "dog"}}
    assert codes(listing) == {"class_splits"}


def test_a_test_folder_beside_the_class_folders_is_no_class(tmp_path: Path):
    listing = listed(lay(tmp_path, "cat", "dog", "test/cat", "test/dog"))
    assert (listing.layout, listing.classes) == ("splits", ("cat", "dog"))
    assert note(listing, "splits_beside_classes") == {"names": "test"}


@pytest.mark.parametrize("names", ["fold_1 fold_2", "first second"])
def test_several_datasets_are_no_folds(tmp_path: Path, names: str):
    with pytest.raises(Problem, match="are datasets of their own"):
        list_folder(lay(tmp_path, *(f"{name}/{split}/*" for name in names.split() for split in ("train", "val"))))


def test_class_folders_one_level_deeper_in_train_are_told(tmp_path: Path):
    listing = listed(lay(tmp_path, "train/plants/*", "train/animals/*", "test/plants/*"))
    assert note(listing, "nested_classes") == {"names": "animals, plants"}


def test_a_class_of_a_doubtful_name_is_told(tmp_path: Path):
    assert note(listed(lay(tmp_path, "cat", "dog", "examples")), "doubtful_classes") == {"names": "examples"}


@pytest.mark.parametrize(
    ("folders", "inner"),
    [
        (("data/data/*",), "data/data"), (("data/data/train/*", "data/data/test/*", "data/docs"), "data/data"),
        (("xray/train/*", "xray/test/*", "xray/xray/train/*", "xray/xray/test/*", "__MACOSX/xray"), "xray"),
        (("set/*", "set/stuff", "stuff"), "set"), (("dataset/images/train/*", "dataset/images/val/*"), "dataset/images"),
        (("flowers/*", "docs"), "flowers"),
    ],
)  # fmt: skip
def test_a_folder_that_only_wraps_the_dataset_is_entered(tmp_path: Path, folders: tuple[str, ...], inner: str):
    listing = listed(lay(tmp_path / "set", *folders))
    assert listing.root == tmp_path / "set" / inner
    assert {*FLOWERS} <= {*listing.classes}
    outside = sum(not folder.startswith((inner, "__MACOSX")) for folder in folders)
    assert outside == 0 or note(listing, "folders_left_out")["count"] == outside
    assert listed(listing.root, layout=listing.layout).samples == listing.samples


def test_a_second_copy_beside_the_classes_is_left_out(tmp_path: Path):
    listing = listed(lay(tmp_path, *FLOWERS, "flowers/*"))
    assert listing.classes == FLOWERS
    assert note(listing, "folders_left_out") == {"count": 3, "names": "flowers"}


@pytest.mark.parametrize(
    "folders",
    [("bus", "car", "train/steam", "train/diesel"), ("cat", "cat/nested", "dog"), ("cat/images", "dog/images"),
     ("train", "test"), ("test_tube", "train_station"), ("unknown", "cat", "dog"), ("with_mask", "without_mask"), ("valid", "invalid", "unclear"), ("bus", "car", "train"), ("dev_kit/a", "dev_kit/b", "phone", "train_set")],
)  # fmt: skip
def test_classes_stay_classes(tmp_path: Path, folders: tuple[str, ...]):
    listing = listed(lay(tmp_path, *folders))
    assert listing.layout == "classes"
    assert listing.classes == tuple(sorted({folder.partition("/")[0] for folder in folders}))
    assert codes(listing) <= {"nested_classes", "classes_like_splits"}


@pytest.mark.parametrize(("layout", "folders"), [("splits", "a b"), ("folds", "a b"), ("subclasses", "a b")])
def test_a_layout_that_does_not_fit_is_a_problem(tmp_path: Path, layout: str, folders: str):
    with pytest.raises(Problem) as caught:
        list_folder(lay(tmp_path, *folders.split()), layout=layout)
    assert dict(caught.value.message.values) == {"path": str(tmp_path), "layout": layout}


def test_names_of_splits_need_not_be_utf8(tmp_path: Path):
    odd = os.fsdecode(b"caf\xe9")
    listing = listed(lay(tmp_path, f"train/{odd}", "train/b", f"test/{odd}", f"{odd}/b"))
    assert (listing.layout, listing.classes) == ("splits", ("b", odd))


def test_links_to_splits_are_followed(tmp_path: Path):
    elsewhere = lay(tmp_path / "elsewhere", *FLOWERS)
    root = lay(tmp_path / "set", "Training/*")
    (root / "Testing").symlink_to(elsewhere)
    assert parts(listed(root)) == {"train": {"Training"}, "test": {"Testing"}}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("Entraînement", "train"), ("imgTrain", "train"), ("trainval", "train"), ("train-val", "train"), ("held-out", "test"),
        ("X_test", "test"), ("learn", "train"), ("constrain", None), ("latest", None), ("test_val", None), ("evaluated", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_split_that_a_name_names(name: str, split: str | None):
    assert folder_names.split_of(name) == split


def test_folds_are_in_the_order_of_their_numbers():
    assert sorted(["f10", "f2", "F1", "2", "a"], key=folder_names.natural_order) == ["2", "a", "F1", "f2", "f10"]
