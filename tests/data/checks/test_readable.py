"""Checking: every picture decoded once, the bad ones named, stopped at any moment."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from resnet_gui.data.checks.readable import check
from resnet_gui.data.samples import Sample
from resnet_gui.events import Checked, Progress, SkippedMany, from_json, to_json
from resnet_gui.messages import message


@pytest.fixture
def samples(tmp_path) -> list[Sample]:
    """Forty pictures, of which number 3 is cut short, 7 empty and 11 gone."""
    Image.effect_noise((300, 300), 80).save(tmp_path / "0.png")
    whole = (tmp_path / "0.png").read_bytes()
    for index in range(40):
        (tmp_path / f"{index}.png").write_bytes(whole)
    (tmp_path / "3.png").write_bytes(whole[:-5000])
    (tmp_path / "7.png").write_bytes(b"")
    (tmp_path / "11.png").unlink()
    return [Sample(f"{index}.png", 0) for index in range(40)]


def test_bad_pictures_are_named_in_order_and_counted(tmp_path, samples):
    events = list(check(tmp_path, samples, threading.Event()))
    skipped = [item for event in events if isinstance(event, SkippedMany) for item in event.items]
    assert [(Path(event.path).name, event.message.code) for event in skipped] == [
        ("3.png", "image_broken"),
        ("7.png", "image_empty"),
        ("11.png", "image_missing"),
    ]
    assert events[-1] == Checked(readable=37, skipped=3)


def test_progress_comes_at_most_ten_times_a_second(tmp_path, samples):
    began = time.monotonic()
    events = list(check(tmp_path, samples * 3, threading.Event()))
    took = time.monotonic() - began
    progress = [event for event in events if isinstance(event, Progress)]
    assert len(progress) <= took / 0.1 + 1
    assert all(event.phase == "check" and event.steps == 120 for event in progress)
    assert [event.step for event in progress] == sorted({event.step for event in progress})


def test_a_long_check_shows_progress(tmp_path, samples):
    events = check(tmp_path, samples * 1000, threading.Event())
    assert any(isinstance(event, Progress) for event in events)  # takes the first and no more
    events.close()


def test_stop_ends_it_without_a_result(tmp_path, samples):
    stop = threading.Event()
    events = []
    began = time.monotonic()
    for event in check(tmp_path, samples * 1000, stop):
        events.append(event)
        stop.set()
    assert len(events) == 1
    assert time.monotonic() - began < 5


def test_a_closed_check_leaves_no_thread(tmp_path, samples):
    before = threading.active_count()
    events = check(tmp_path, samples * 1000, threading.Event())
    next(events)
    events.close()
    assert threading.active_count() == before


def test_nothing_to_check(tmp_path):
    assert list(check(tmp_path, [], threading.Event())) == [Checked(0, 0)]


def test_pictures_of_several_frames_are_counted_and_named(tmp_path, samples):
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    for name in ("a.gif", "b.tiff", "c.webp", "d.gif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    several = [Sample(name, 0) for name in ("a.gif", "b.tiff", "c.webp", "d.gif")]
    *_, last = check(tmp_path, [*samples, *several], threading.Event())
    assert (last.readable, last.skipped) == (41, 3)
    assert last.notes == (message("first_frame_only", count=4, names="a.gif, b.tiff, c.webp, …"),)
    assert from_json(to_json(last)) == last
