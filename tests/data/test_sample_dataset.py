"""The sample dataset: drawn once, whole or not at all, the same everywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from resnet_gui.data.image import open_image
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.data.sample_dataset import draw, draw_sample, read_recipe
from resnet_gui.events import Progress, SampleDrawn
from resnet_gui.paths import cache_folder


@pytest.fixture(scope="module")
def drawn() -> list:
    shutil.rmtree(cache_folder("sample"))
    return list(draw_sample(threading.Event()))


def test_drawn_into_class_folders(drawn):
    recipe = read_recipe()
    assert isinstance(drawn[-1], SampleDrawn)
    listing = list_folder(Path(drawn[-1].folder))
    assert list(listing.classes) == recipe.classes
    assert set(Counter(sample.label for sample in listing.samples).values()) == {recipe.pictures_per_class}
    assert {Path(sample.path).suffix for sample in listing.samples} == {".jpg", ".png"}
    assert {open_image(listing.root / sample.path).size for sample in listing.samples[:5]} == {
        (recipe.side, recipe.side)
    }
    assert listing.notes == ()


def test_progress_counts_every_picture(drawn):
    assert [event.step for event in drawn[:-1]] == list(range(1, 241))
    assert {(event.phase, event.steps) for event in drawn[:-1]} == {("sample", 240)}


def test_a_whole_folder_is_used_again_at_once(drawn):
    assert list(draw_sample(threading.Event())) == drawn[-1:]


def test_stopped_it_leaves_nothing_and_can_be_drawn_again(drawn, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    stop = threading.Event()
    events = []
    for event in draw_sample(stop):
        events.append(event)
        if len(events) == 3:
            stop.set()
    assert [type(event) for event in events] == [Progress] * 3
    assert list(cache_folder("sample").iterdir()) == []


def test_closed_it_leaves_nothing(drawn, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    events = draw_sample(threading.Event())
    next(events)
    events.close()
    assert list(cache_folder("sample").iterdir()) == []


def test_a_picture_is_a_function_of_the_recipe_alone(drawn):
    recipe = read_recipe()
    script = "import sys; from resnet_gui.data.sample_dataset import *; sys.stdout.buffer.write(draw(read_recipe(), 'star', 7).tobytes())"
    elsewhere = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": "5"}, capture_output=True, check=True
    )
    assert elsewhere.stdout == draw(recipe, "star", 7).tobytes()
    assert draw(recipe, "star", 8).tobytes() != elsewhere.stdout


def test_colour_alone_does_not_decide():
    """Who knows only a picture's mean colour, and goes by the nearest class mean, is hardly better than chance (25 %)."""
    recipe = read_recipe()
    colours = np.array([[np.asarray(draw(recipe, name, i)).mean((0, 1)) for i in range(40)] for name in recipe.classes])
    means = colours[:, :20].mean(1)
    nearest = np.linalg.norm(colours[:, 20:, None] - means, axis=-1).argmin(-1)
    assert (nearest == np.arange(len(means))[:, None]).mean() < 0.45


def test_a_cache_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "cache").write_text("in the way")
    script = "import threading; from resnet_gui.data.sample_dataset import *\ntry: list(draw_sample(threading.Event()))\nexcept Problem as problem: print(problem)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}, capture_output=True, text=True,
    )  # fmt: skip
    assert "could not be written" in done.stdout, done.stderr
