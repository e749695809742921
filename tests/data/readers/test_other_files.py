"""Files whose names do not end as a picture's: used, named with the reason, or left alone, and never waited for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from resnet_gui.data.readers.class_folders import list_folder, pictures_in
from resnet_gui.data.samples import Listing
from resnet_gui.messages import Problem, sentence

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


@pytest.fixture(autouse=True)
def no_heic(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)


@pytest.fixture
def jpeg(tmp_path) -> bytes:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "picture.jpg")
    content = (tmp_path / "picture.jpg").read_bytes()
    (tmp_path / "picture.jpg").unlink()
    return content


def lay(root: Path, **folders: dict[str, bytes]) -> Path:
    for folder, files in folders.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (root / folder / name).write_bytes(content)
    return root


def listed(root: Path) -> Listing:
    listing = list_folder(root)
    assert listing is not None
    return listing


def sentences(root: Path) -> list[str]:
    return [sentence(note) for note in listed(root).notes]


def test_heic_pictures_are_counted_by_class(tmp_path, jpeg):
    lay(tmp_path, cat={"1.jpg": jpeg, **{f"{n}.HEIC": HEIC for n in range(6)}}, dog={"1.jpg": jpeg, "2.heif": HEIC})
    [note] = sentences(tmp_path)
    assert note.startswith(
        "7 HEIC pictures in “cat”, “dog” cannot be read. Save them as JPEG, or install one more package"
    )
    assert note.endswith('-m pip install "resnet-gui[heic]"')
    rows = [(each.folder, each.kind, each.count, each.names) for each in listed(tmp_path).unread]
    assert rows == [("cat", "HEIC", 6, ("0.HEIC", "1.HEIC", "2.HEIC")), ("dog", "HEIC", 1, ("2.heif",))]
    assert sentence(listed(tmp_path).unread[1].message).startswith("1 HEIC picture in “dog” cannot be read.")


def test_one_sentence_for_each_kind_however_many_classes(tmp_path, jpeg):
    files = {
        "1.jpg": jpeg,
        "a.NEF": b"",
        "b.cr2": b"",
        "c.dcm": b"",
        "d.svg": b"",
        "e.psd": b"",
        "f.jxl": b"",
        "g": HEIC,
    }
    lay(tmp_path, **{f"class{number}": files for number in range(9)})
    notes = sentences(tmp_path)
    assert len(notes) == 6
    assert "18 camera raw pictures in “class0”, “class1”, “class2”, … cannot be read. Save them as JPEG, PNG or TIFF to use them." in notes  # fmt: skip


@pytest.mark.parametrize("name", ["plain", "a.jpg_large", "a.jpg.1", "a.image", "a.php?id=3", "a.jpg "])
def test_pictures_of_unknown_endings_are_used_and_counted(tmp_path, jpeg, name):
    lay(tmp_path, a={"1.jpg": jpeg, name: jpeg}, b={"1.png": jpeg})
    assert f"a/{name}" in [sample.path for sample in listed(tmp_path).samples]
    assert sentences(tmp_path) == [
        f"Files that are pictures by their first bytes, though their names do not end so, are used as well: 1 ({name})."
    ]


def test_avif_mpo_and_jpeg_2000_are_pictures(tmp_path, jpeg):
    lay(tmp_path, a={"1.AVIF": b"", "2.mpo": b"", "3.Jp2": b""}, b={"1.j2k": b"", "2.apng": b""})
    assert len(listed(tmp_path).samples) == 5
    assert sentences(tmp_path) == []


def test_backups_and_unfinished_downloads_are_named_and_not_used(tmp_path, jpeg):
    left = dict.fromkeys(("1.jpg~", "1.jpg.bak", "2.jpg_original", "3.jpg.crdownload", "4.part", "5.tmp"), jpeg)
    lay(tmp_path, a={"1.jpg": jpeg, "notes.bak": b"text", **left}, b={"1.jpg": jpeg})
    assert [sample.path for sample in listed(tmp_path).samples] == ["a/1.jpg", "b/1.jpg"]
    [note] = sentences(tmp_path)
    assert note == "Left out: 6 backups and unfinished downloads in “a” (1.jpg.bak, 1.jpg~, 2.jpg_original, …)."


def test_what_is_no_picture_is_left_alone(tmp_path, jpeg):
    lay(
        tmp_path,
        a={"1.jpg": jpeg, "labels.txt": jpeg, "a.mp4": jpeg, "README": b"P6 is a road", "empty": b""},
        b={"1.jpg": jpeg},
    )
    os.mkfifo(tmp_path / "a" / "pipe")  # to open it would wait for ever
    (tmp_path / "a" / "gone").symlink_to("nowhere")
    (tmp_path / "a" / "closed").write_bytes(jpeg)
    (tmp_path / "a" / "closed").chmod(0)
    if os.getuid() == 0:
        (tmp_path / "a" / "closed").unlink()  # root may read it
    assert len(listed(tmp_path).samples) == 2
    assert sentences(tmp_path) == []


def test_a_class_of_unreadable_pictures_alone_is_named_with_the_reason(tmp_path, jpeg):
    lay(tmp_path, a={"1.jpg": jpeg}, b={"1.jpg": jpeg}, cat={"1.heic": HEIC, "2.heic": HEIC}, empty={})
    first, second, *others = sentences(tmp_path)
    assert first.startswith(
        "The folder “cat” holds 2 HEIC pictures, which cannot be read, and no others, so it is not a class."
    )
    assert second == "The folder “empty” holds no pictures, so it is not a class."
    assert len(others) == 1


@pytest.mark.parametrize(
    ("dog", "code", "text"),
    [({"1.heic": HEIC}, "no_pictures_read", "There are no pictures in {} that can be read, but 3 HEIC pictures in “cat”, “dog”."),
     ({"1.jpg": b""}, "one_class_read", "Only one class was found in {}: “dog”. A classifier needs at least two. But 2 HEIC pictures in “cat” cannot be read.")],
)  # fmt: skip
def test_a_folder_that_cannot_be_used_for_that_says_why(tmp_path, dog, code, text):
    lay(tmp_path, cat={"1.heic": HEIC, "2": HEIC}, dog=dog)
    with pytest.raises(Problem, match="pip install") as caught:
        list_folder(tmp_path)
    assert caught.value.message.code == code
    assert str(caught.value).startswith(text.format(tmp_path))


def test_a_split_folder_counts_by_class_and_a_wrapper_does_not_matter(tmp_path, jpeg):
    for split in ("train", "val"):
        lay(tmp_path / "data" / split, a={"1.jpg": jpeg, "2.heic": HEIC}, b={"1.jpg": jpeg})
    assert [(each.folder, each.count) for each in listed(tmp_path).unread] == [("a", 2)]


def test_a_folder_to_predict_names_what_cannot_be_read(tmp_path, jpeg):
    lay(tmp_path, deep={"1.jpg": jpeg, "x": jpeg, "2.heic": HEIC, "3.jpg~": jpeg})
    pictures, problems = pictures_in(tmp_path)
    assert pictures == [tmp_path / "deep" / "1.jpg", tmp_path / "deep" / "x"]
    assert [sentence(each).partition(".")[0] for each in problems] == ["1 HEIC picture in “deep” cannot be read"]
