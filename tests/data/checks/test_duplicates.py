"""Equal files are found whatever they are called, and nothing is read in vain."""

import os
from pathlib import Path

import pytest

from resnet_gui.data.checks import duplicates
from resnet_gui.data.checks.duplicates import equal_files, with_duplicates
from resnet_gui.data.readers.class_folders import list_folder

LARGE = 20_000


def write(root: Path, **contents: bytes) -> list[str]:
    for name, content in contents.items():
        (root / name).write_bytes(content)
    return sorted(contents)


def middle_differs(byte: bytes) -> bytes:
    return bytes(LARGE // 2) + byte + bytes(LARGE // 2)


def test_copies_are_found_under_any_name_and_others_of_their_size_are_not(tmp_path):
    paths = write(tmp_path, a=b"one", b=b"two", c=b"one", d=b"longer", e=b"two", f=b"one")
    assert equal_files(tmp_path, paths) == (("a", "c", "f"), ("b", "e"))


def test_large_files_that_differ_in_the_middle_alone_are_not_equal(tmp_path):
    paths = write(tmp_path, a=middle_differs(b"1"), b=middle_differs(b"2"), c=middle_differs(b"1"))
    assert equal_files(tmp_path, paths) == (("a", "c"),)


@pytest.mark.parametrize("size", [1, 4095, 4096, 4097, 8191, 8192, 8193])
def test_every_byte_counts_at_the_edges_of_what_is_read_first(tmp_path, size):
    original = os.urandom(size)
    for position in {0, size // 2, size - 1}:
        changed = bytearray(original)
        changed[position] ^= 1
        paths = write(tmp_path, a=original, b=bytes(changed), c=original)
        assert equal_files(tmp_path, paths) == (("a", "c"),)


def test_links_to_one_file_are_equal_to_it_and_to_its_copies(tmp_path):
    paths = write(tmp_path, a=b"one", copy=b"one", other=b"two")
    (tmp_path / "hard").hardlink_to(tmp_path / "a")
    (tmp_path / "soft").symlink_to("a")
    assert equal_files(tmp_path, [*paths, "hard", "soft"]) == (("a", "copy", "hard", "soft"),)


def test_what_is_empty_missing_or_no_ordinary_file_is_in_no_group(tmp_path):
    paths = write(tmp_path, empty=b"", empty_too=b"", a=b"one", b=b"one")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").symlink_to("nowhere")
    assert equal_files(tmp_path, [*paths, "fifo", "folder", "broken", "missing"]) == (("a", "b"),)


def test_a_file_that_vanishes_or_cannot_be_read_is_ignored(tmp_path, monkeypatch):
    paths = write(tmp_path, a=b"one", b=b"one", c=b"one")
    real = duplicates._digest_of_ends
    monkeypatch.setattr(duplicates, "_digest_of_ends", lambda path: real(path.replace("/b", "/gone")))
    assert equal_files(tmp_path, paths) == (("a", "c"),)


def test_files_are_read_only_where_two_have_one_size(tmp_path, monkeypatch):
    read = []
    real = duplicates._digest_of_ends
    monkeypatch.setattr(duplicates, "_digest_of_ends", lambda path: read.append(Path(path).name) or real(path))
    monkeypatch.setattr(duplicates, "_digest", lambda path: pytest.fail(f"{path} was read whole"))
    equal_files(
        tmp_path, write(tmp_path, a=b"1", b=b"22", c=b"33", d=b"4444", e=os.urandom(LARGE), f=os.urandom(LARGE))
    )
    assert sorted(read) == ["b", "c", "e", "f"]


def test_it_reports_its_progress_and_ends_when_cancelled(tmp_path):
    paths = write(tmp_path, **{f"x{number}": b"%03d" % number for number in range(10)})
    steps = []
    equal_files(tmp_path, paths, progress=lambda *step: steps.append(step))
    assert steps == [(number, 10) for number in range(1, 11)]
    steps.clear()
    assert equal_files(tmp_path, paths, lambda: len(steps) == 3, lambda *step: steps.append(step)) is None
    assert len(steps) == 3


def test_what_lies_there_in_place_of_pictures_is_not_taken_for_equal_ones(colours):
    for name, content in {
        "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2145\nsize 12345\n",
        "page": b"<!DOCTYPE html><html><body>This picture is not available any more.</body></html>",
        "map": b"P2 1 1 255 7",
        "map2": b"P5 1 1 255 7",
    }.items():
        for folder in ("blue", "red"):
            (colours / folder / f"{name}.pgm").write_bytes(content)
    listing = with_duplicates(list_folder(colours))
    assert listing.duplicates == (("blue/map.pgm", "red/map.pgm"), ("blue/map2.pgm", "red/map2.pgm"))
