"""What the headers of the training pictures say before a run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image

from helpers.deep_pictures import RAMP, write_pgm, write_png
from resnet_gui.config import DataConfig, make_config
from resnet_gui.data.checks import survey as module
from resnet_gui.data.checks.survey import Survey, find_grey_range, survey
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.data.samples import Sample
from resnet_gui.data.split import split_samples
from resnet_gui.events import GreyRangeFound, Progress
from resnet_gui.messages import message, sentence
from resnet_gui.records import GreyRange

AT_32 = DataConfig(image_size=32)


def found(root: Path, names: Sequence[str], config: DataConfig = AT_32) -> Survey:
    steps = survey(root, [Sample(name, 0) for name in names], config, threading.Event())
    try:
        while True:
            next(steps)
    except StopIteration as end:
        value: Survey = end.value
        return value


def squares(root: Path, sides: Sequence[int], suffix: str = "png") -> list[str]:
    for index, side in enumerate(sides):
        Image.new("RGB", (side + 9, side)).save(root / f"{index}.{suffix}")
    return [f"{index}.{suffix}" for index in range(len(sides))]


@pytest.mark.parametrize(
    ("sides", "small"), [([32, 32, 33], True), ([32, 33], False), ([1], True), ([33, 200, 20], False), ([], False)]
)
def test_most_short_sides_decide(tmp_path: Path, sides: list[int], small: bool) -> None:
    assert found(tmp_path, squares(tmp_path, sides)).small == small


def test_what_cannot_be_read_does_not_count(tmp_path: Path) -> None:
    names = squares(tmp_path, [200, 200, 20, 20, 20])
    for name in names[2:]:
        (tmp_path / name).write_bytes(b"no picture")
    (tmp_path / "folder.png").mkdir()
    assert not found(tmp_path, [*names, "folder.png", "gone.png"]).small


def test_of_very_many_photographs_some_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ENOUGH", 10)
    names = squares(tmp_path, [200, 20, 20] * 10, "jpg")  # of three, one is read
    assert not found(tmp_path, names).small
    names = squares(tmp_path, [200, 20, 20] * 10)  # a PNG may be of more than 8 bits
    assert found(tmp_path, names).small


def test_it_stops_and_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.Throttle, "ready", lambda _: True)
    samples, stop = [Sample(name, 0) for name in squares(tmp_path, [8] * 200)], threading.Event()
    steps: Iterator[Progress] = survey(tmp_path, samples, DataConfig(image_size=32), stop)
    assert next(steps) == Progress("survey", 64, 200)
    stop.set()
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value is None


def test_the_range_of_those_with_more_than_8_bits_is_found_and_said(tmp_path: Path) -> None:
    names = squares(tmp_path, [16, 16])
    assert found(tmp_path, names) == Survey(small=True)
    write_png(tmp_path / "a.png", RAMP)
    write_pgm(tmp_path / "b.pgm", RAMP // 4, 1023)
    (tmp_path / "broken.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    survey = found(tmp_path, [*names, "a.png", "b.pgm", "broken.png"])
    assert survey.grey_range == GreyRange(0, 4095)
    assert survey.notes == (message("grey_range", count=3, low="0", high="4095"),)
    assert sentence(survey.notes[0]).startswith("3 pictures have values of more than 8 bits: 0 is shown as black, 4095")


def test_if_each_is_stretched_there_is_nothing_to_find(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", RAMP)
    survey = found(tmp_path, ["a.png"], DataConfig(grey_levels="picture"))
    assert survey.grey_range == GreyRange(0, 0, stretch=True)
    assert survey.notes == (message("grey_stretched", count=1),)


@pytest.mark.parametrize("suffix", ["gif", "webp", "tiff", "png"])
def test_several_frames_are_said(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "green")]
    names = [f"moving{number}.{suffix}" for number in range(4)]
    for name in names:
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    still = squares(tmp_path, [20], suffix)
    assert found(tmp_path, still).notes == ()
    [note] = found(tmp_path, [*still, *names]).notes
    assert (note.code, dict(note.values)["count"]) == ("first_frame_only", 4)
    assert dict(note.values)["names"] == ", ".join(names[:3]) + " and 1 more"


def test_a_phones_picture_with_a_preview_behind_it_has_one_frame(tmp_path: Path) -> None:
    pair = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    pair[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=pair[1:])
    assert found(tmp_path, ["a.jpg"]).notes == ()


def test_before_a_run_only_its_training_pictures_count(tmp_path: Path) -> None:
    for split, factor in (("train", 1), ("test", 16)):
        for name in ("a", "b"):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(3):
                write_png(tmp_path / split / name / f"{number}.png", RAMP * factor)
    listing = list_folder(tmp_path)
    assert listing is not None
    data = make_config({}).data
    splits = split_samples(listing, data.val_fraction, data.test_fraction, 0)
    events = list(find_grey_range(listing.root, splits.train, data, threading.Event()))
    assert events[-1] == GreyRangeFound(GreyRange(0, 4095))
