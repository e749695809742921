"""Thumbnails: small, kept, made anew when the file changes, pruned when unused."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image, ImageChops

from helpers.deep_pictures import RAMP, write_png
from resnet_gui.data.image import open_image
from resnet_gui.data.thumbnail import prune, thumbnail, thumbnails
from resnet_gui.messages import Problem
from resnet_gui.paths import cache_folder
from resnet_gui.records import GreyRange


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.jpg"
    Image.new("RGB", (400, 200), (200, 40, 40)).save(
        path, exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    )
    return path


def test_small_upright_png_in_the_cache(picture):
    png = thumbnail(picture, 96)
    assert png.parent == cache_folder("thumbnails")
    with Image.open(png) as small:
        assert (small.format, small.mode, small.size) == ("PNG", "RGB", (48, 96))
        assert not small.getexif()


def test_a_small_picture_is_not_blown_up(tmp_path):
    Image.new("RGB", (10, 20)).save(tmp_path / "small.png")
    with Image.open(thumbnail(tmp_path / "small.png")) as small:
        assert small.size == (10, 20)


def test_it_is_kept_until_the_file_changes(picture):
    png = thumbnail(picture)
    made = png.stat().st_ino
    assert thumbnail(picture) == png
    assert png.stat().st_ino == made
    assert thumbnail(picture, 32) != png
    Image.new("RGB", (50, 50)).save(picture)
    assert thumbnail(picture) != png


def test_a_large_photograph_looks_as_if_it_had_been_decoded_whole(tmp_path):
    slope = Image.linear_gradient("L").resize((1600, 1200))
    Image.merge("RGB", (slope, slope.rotate(180), slope)).save(tmp_path / "large.jpg", quality=95)
    whole = open_image(tmp_path / "large.jpg")
    whole.thumbnail((96, 96))
    with Image.open(thumbnail(tmp_path / "large.jpg")) as small:
        assert small.size == whole.size
        assert max(high for _, high in ImageChops.difference(small, whole).getextrema()) <= 6


def test_values_of_more_than_8_bits_are_shown_as_the_network_sees_them(tmp_path):
    path = write_png(tmp_path / "xray.png", RAMP)
    for grey_range, brightest in ((None, 16), (GreyRange(0, 4095), 255), (GreyRange(0, 8190), 128), (None, 16)):
        with Image.open(thumbnail(path, 96, grey_range)) as small:
            assert small.getextrema() == ((0, brightest),) * 3


def test_names_that_are_not_utf8(picture):
    odd = picture.with_name(os.fsdecode(b"caf\xe9\n.jpg"))
    picture.rename(odd)
    assert thumbnail(odd).is_file()


def test_bad_pictures_are_left_out(picture, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(picture.read_bytes()[:-200])
    with pytest.raises(Problem):
        thumbnail(broken)
    batches = list(thumbnails([broken, picture, tmp_path / "gone.jpg"], threading.Event()))
    assert [(item.path, item.png) for batch in batches for item in batch.items] == [
        (str(picture), str(thumbnail(picture)))
    ]


def test_batches_come_at_most_twenty_times_a_second(tmp_path):
    paths = [tmp_path / f"{index}.png" for index in range(60)]
    for path in paths:
        Image.effect_noise((200, 200), 50).save(path)
    began = time.monotonic()
    batches = list(thumbnails(paths, threading.Event()))
    assert len(batches) <= 2 + (time.monotonic() - began) / 0.05  # the first comes at once, and the last
    assert [item.path for batch in batches for item in batch.items] == [str(path) for path in paths]


def test_stopped_before_the_first(picture):
    stop = threading.Event()
    stop.set()
    assert list(thumbnails([picture], stop)) == []


def test_only_unused_thumbnails_are_pruned(picture, tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "other.png")
    used, old = thumbnail(picture), thumbnail(tmp_path / "other.png")
    leftover = used.parent / "killed.part"
    leftover.touch()
    for file in (used, old, leftover):
        os.utime(file, (0, 0))
    thumbnail(picture)
    prune(days=30)
    assert used.is_file()
    assert not old.exists()
    assert not leftover.exists()


def test_many_at_once_leave_whole_files_only(picture):
    with ThreadPoolExecutor(8) as pool:
        pngs = set(pool.map(lambda _: thumbnail(picture, 80), range(40)))
    [png] = pngs
    with Image.open(png) as small:
        small.load()
    assert [file.name for file in png.parent.iterdir() if file.suffix != ".png"] == []


def test_a_cache_that_cannot_be_written_is_reported(picture, tmp_path):
    """In a child whose cache folder is a file."""
    (tmp_path / "cache").write_text("in the way")
    script = "import sys; from pathlib import Path; from resnet_gui.data.thumbnail import *\ntry: thumbnail(Path(sys.argv[1]))\nexcept Problem as problem: print(problem)"
    done = subprocess.run(
        [sys.executable, "-c", script, str(picture)],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}, capture_output=True, text=True,
    )  # fmt: skip
    assert "could not be written" in done.stdout, done.stderr
