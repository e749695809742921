"""Listing: the rules by which a folder of pictures becomes classes and splits."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.messages import Problem, sentence


def lay(root: Path, *names: str) -> Path:
    """Empty files, with the folders above them; a name that ends in "/" is an empty folder."""
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return root


def shown(root: Path) -> list[tuple[str, str, str | None]]:
    """Path, class name and split of every picture listed."""
    listing = list_folder(root)
    assert listing is not None
    return [(sample.path, listing.classes[sample.label], sample.split) for sample in listing.samples]


def notes(root: Path) -> list[tuple[str, dict[str, object]]]:
    listing = list_folder(root)
    assert listing is not None
    assert all(sentence(note) for note in listing.notes)
    return [(note.code, dict(note.values)) for note in listing.notes]


def problem(root: Path) -> str:
    with pytest.raises(Problem) as caught:
        list_folder(root)
    assert str(root) in str(caught.value)
    return caught.value.message.code


def test_class_folders_are_recursive_and_sorted(tmp_path):
    lay(tmp_path, "cat/b.jpg", "cat/a.JPEG", "cat/deep/er/c.png", "bird/x.webp")
    assert shown(tmp_path) == [
        ("bird/x.webp", "bird", None),
        ("cat/a.JPEG", "cat", None),
        ("cat/b.jpg", "cat", None),
        ("cat/deep/er/c.png", "cat", None),
    ]


@pytest.mark.parametrize("val", ["val", "valid", "Validation", "DEV"])
def test_split_folders_in_any_case(tmp_path, val):
    lay(
        tmp_path,
        "Train/a/1.jpg",
        "Train/b/sub/2.jpg",
        f"{val}/a/3.jpg",
        f"{val}/b/3.jpg",
        "TEST/a/4.jpg",
        "TEST/b/4.jpg",
    )
    assert sorted(shown(tmp_path)) == sorted(
        [
            ("Train/a/1.jpg", "a", "train"),
            ("Train/b/sub/2.jpg", "b", "train"),
            (f"{val}/a/3.jpg", "a", "val"),
            (f"{val}/b/3.jpg", "b", "val"),
            ("TEST/a/4.jpg", "a", "test"),
            ("TEST/b/4.jpg", "b", "test"),
        ]
    )
    assert notes(tmp_path) == []


def test_train_beside_other_classes_is_a_class(tmp_path):
    lay(tmp_path, "bus/1.jpg", "car/1.jpg", "train/steam/1.jpg", "train/diesel/2.jpg")
    assert {name for _, name, _ in shown(tmp_path)} == {"bus", "car", "train"}


def test_train_and_test_without_class_folders_are_classes(tmp_path):
    lay(tmp_path, "train/1.jpg", "test/1.jpg")
    assert {name for _, name, _ in shown(tmp_path)} == {"test", "train"}
    assert notes(tmp_path) == [("classes_like_splits", {"names": "test, train"})]


def test_a_folder_without_pictures_does_not_end_the_split_layout(tmp_path):
    lay(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg", "val/b/1.jpg", "docs/readme.txt")
    assert {split for _, _, split in shown(tmp_path)} == {"train", "val"}
    assert notes(tmp_path) == [("no_test", {})]


def test_the_train_folder_itself_is_just_classes(tmp_path):
    lay(tmp_path / "train", "a/1.jpg", "b/1.jpg")
    assert shown(tmp_path / "train") == [("a/1.jpg", "a", None), ("b/1.jpg", "b", None)]


def test_flat_test_is_unlabelled(tmp_path):
    lay(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "test/9.jpg", "test/8.jpg")
    listing = list_folder(tmp_path)
    assert listing.unlabelled == ("test/8.jpg", "test/9.jpg")
    assert {sample.split for sample in listing.samples} == {"train"}
    assert ("test_unlabelled", {"count": 2, "path": str(tmp_path)}) in notes(tmp_path)


def test_classes_are_those_that_can_be_learned(tmp_path):
    lay(tmp_path, "train/a/1.jpg", "train/c/1.jpg", "val/a/1.jpg", "val/b/1.jpg", "test/a/1.jpg", "test/c/1.jpg")
    listing = list_folder(tmp_path)
    assert listing.classes == ("a", "c")
    assert [path for path, _, _ in shown(tmp_path) if path.startswith("val")] == ["val/a/1.jpg"]
    assert notes(tmp_path) == [
        ("classes_untrained", {"count": 1, "split": "val", "names": "b"}),
        ("class_missing", {"name": "c", "split": "val"}),
    ]


def test_ignored_quietly(tmp_path):
    lay(
        tmp_path, "a/1.jpg", "b/1.jpg", "a/.hidden.jpg", "a/._1.jpg", ".git/x/1.jpg", "__MACOSX/a/1.jpg", "a/@eaDir/1.jpg",
        ".ipynb_checkpoints/1.jpg", "a/.ipynb_checkpoints/1.jpg", "a/Thumbs.db", "desktop.ini", "a/notes.txt", "a/jpg", "b/1.jpg.txt",
    )  # fmt: skip
    assert [path for path, _, _ in shown(tmp_path)] == ["a/1.jpg", "b/1.jpg"]
    assert notes(tmp_path) == []


def test_empty_class_and_loose_pictures_are_reported(tmp_path):
    lay(tmp_path, "a/1.jpg", "b/1.jpg", "empty/", "lost.jpg")
    assert list_folder(tmp_path).classes == ("a", "b")
    assert notes(tmp_path) == [("class_empty", {"name": "empty"}), ("loose_pictures", {"count": 1})]


def test_a_class_folder_empty_in_every_split_is_reported_once(tmp_path):
    lay(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "train/c/", "val/a/1.jpg", "val/b/1.jpg", "val/c/")
    assert list_folder(tmp_path).classes == ("a", "b")
    assert notes(tmp_path) == [("class_empty", {"name": "c"}), ("no_test", {})]


def test_wrapper_folders_are_entered(tmp_path):
    lay(tmp_path, "flowers/flowers/rose/1.jpg", "flowers/flowers/tulip/1.jpg", "__MACOSX/x.jpg", "readme.txt")
    listing = list_folder(tmp_path)
    assert listing.root == tmp_path / "flowers" / "flowers"
    assert [sample.path for sample in listing.samples] == ["rose/1.jpg", "tulip/1.jpg"]
    assert notes(tmp_path) == [("inner_folder", {"path": str(listing.root)})]


def test_wrapped_splits_are_entered_but_train_alone_is_not_a_wrapper(tmp_path):
    lay(tmp_path / "zip", "set/train/a/1.jpg", "set/train/b/1.jpg", "set/test/a/1.jpg", "set/test/b/1.jpg")
    assert list_folder(tmp_path / "zip").root == tmp_path / "zip" / "set"
    lay(tmp_path / "plain", "train/a/1.jpg", "train/b/1.jpg")
    assert list_folder(tmp_path / "plain").root == tmp_path / "plain"
    assert {split for _, _, split in shown(tmp_path / "plain")} == {"train"}


def test_bad_folders(tmp_path):
    assert problem(tmp_path / "nowhere") == "not_a_folder"
    assert problem(lay(tmp_path, "file.jpg") / "file.jpg") == "not_a_folder"
    assert problem(lay(tmp_path / "none", "a/notes.txt", "b/")) == "no_pictures"
    assert problem(lay(tmp_path / "flat", "1.jpg", "2.jpg")) == "no_class_folders"
    assert problem(lay(tmp_path / "one", "a/1.jpg", "b/")) == "one_class"
    assert problem(lay(tmp_path / "onesplit", "train/a/1.jpg", "test/a/1.jpg")) == "one_class"


def test_names_that_are_not_utf8(tmp_path):
    lay(tmp_path, "b/1.jpg", os.fsdecode(b"caf\xe9/\xff,\n.jpg"))
    listing = list_folder(tmp_path)
    [odd] = [sample for sample in listing.samples if listing.classes[sample.label] != "b"]
    assert (tmp_path / odd.path).is_file()


def test_links(tmp_path):
    lay(tmp_path / "set", "a/1.jpg", "b/1.jpg")
    elsewhere = lay(tmp_path / "elsewhere", "3.jpg", "more/4.jpg")
    (tmp_path / "set/a/2.jpg").symlink_to(tmp_path / "set/b/1.jpg")
    (tmp_path / "set/b/linked").symlink_to(elsewhere)
    (tmp_path / "set/b/up").symlink_to(tmp_path / "set")
    (tmp_path / "set/b/far_up").symlink_to(tmp_path.parent)
    (tmp_path / "set/b/self").symlink_to("self")
    (elsewhere / "back").symlink_to(tmp_path / "set/b")
    assert [path for path, _, _ in shown(tmp_path / "set")] == [
        "a/1.jpg", "a/2.jpg", "b/1.jpg", "b/linked/3.jpg", "b/linked/more/4.jpg",
    ]  # fmt: skip


def test_cancelled_and_found(tmp_path):
    lay(tmp_path, *(f"a/{i}.jpg" for i in range(1500)), "b/1.jpg")
    assert list_folder(tmp_path, cancelled=lambda: True) is None
    counts: list[int] = []
    listing = list_folder(tmp_path, found=counts.append)
    assert counts == sorted(counts)
    assert counts[-1] == len(listing.samples) == 1501
    assert list_folder(tmp_path, cancelled=lambda: bool(counts) and counts[-1] > 1000, found=counts.append) is None


CLOSED = """
import contextlib, os, sys
from pathlib import Path
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.messages import Problem
if os.getuid() == 0:
    with contextlib.suppress(PermissionError):  # a root who may not do this may not read everything either
        os.setgid(65534)
        os.setuid(65534)
root = Path(sys.argv[1])
print([(note.code, note.values) for note in list_folder(root).notes])
try:
    list_folder(root / "closed")
except Problem as problem:
    print(problem.message.code)
"""


def test_folders_without_permission():
    """In a child, as `nobody` where we are root, who may read everything."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # TMPDIR may be in a folder that `nobody` may not enter
        root = lay(Path(name), "a/1.jpg", "b/1.jpg", "closed/1.jpg")
        for folder in (root, root / "a", root / "b"):
            folder.chmod(0o755)
        (root / "closed").chmod(0)
        done = subprocess.run([sys.executable, "-c", CLOSED, name], capture_output=True, text=True)
        (root / "closed").chmod(0o755)
    assert done.stdout.splitlines() == [
        f"[('sub_folder_unreadable', (('path', '{name}/closed'), ('reason', 'Permission denied')))]",
        "folder_unreadable",
    ], done.stderr


def test_nothing_here_needs_torch():
    modules = ["readers.class_folders", "split", "image", "checks.readable", "thumbnail", "sample_dataset"]
    script = (
        "import sys; "
        + "; ".join(f"import resnet_gui.data.{name}" for name in modules)
        + "; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_folder_whose_parent_is_not_there_either(tmp_path):
    with pytest.raises(Problem, match="is not a folder"):
        list_folder(tmp_path / "gone" / "nested" / "deep")
