"""The jobs that know what is black and white in pictures of more than 8 bits."""

import io
import threading
from pathlib import Path

import pytest
import torch
from PIL import Image

from helpers.deep_pictures import RAMP, write_png
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.engine.job_runner import JobRunner
from resnet_gui.engine.outbox import Outbox
from resnet_gui.events import Checked, Event, GreyRangeFound, Thumbnails
from resnet_gui.model_file import ModelMetadata, save_model
from resnet_gui.records import GreyRange


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    for name in ("ill", "normal"):
        (tmp_path / "xrays" / name).mkdir(parents=True)
        for number in range(3):
            write_png(tmp_path / "xrays" / name / f"{number}.png", RAMP)
    return tmp_path / "xrays" / "ill" / "0.png"


def events_of(**request: object) -> list[Event]:
    return list(JobRunner(Outbox(io.StringIO()))._job(request, threading.Event()))


def brightest(**request: object) -> int:
    [found] = events_of(do="thumbnails", side=96, **request)
    assert isinstance(found, Thumbnails)
    with Image.open(found.items[0].png) as small:
        return int(small.convert("L").getextrema()[1])


def test_a_check_tells_the_range_first(picture: Path) -> None:
    found, *_, end = events_of(do="check", dataset=str(picture.parents[1]), config={"training.seed": 3})
    assert found == GreyRangeFound(GreyRange(0.0, 4095.0))
    assert end == Checked(6, 0)


def test_a_check_splits_as_a_run_does_with_copies_in_train(picture: Path) -> None:
    dataset = picture.parents[1]
    for name in ("ill", "normal"):  # the same picture in two classes, which is for training only
        write_png(dataset / name / "bright.png", RAMP * 16)
    for seed in range(12):
        found = events_of(do="check", dataset=str(dataset), config={"training.seed": seed})[0]
        assert found == GreyRangeFound(GreyRange(0.0, 65535.0))


def test_thumbnails_are_in_the_range_asked_for_or_that_of_a_model(picture: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    for grey_range, wanted in ((GreyRange(0.0, 8190.0), 128), (None, 16)):
        preprocessing = Preprocessing(32, 32, grey_range=grey_range)
        save_model(model, {"x": torch.zeros(1)}, ModelMetadata("resnet20", ("a", "b"), preprocessing, 1, True))
        assert brightest(paths=[str(picture)], model=str(model)) == wanted
    assert brightest(paths=[str(picture)], grey_range={"low": 0.0, "high": 4095.0}) == 255
    assert brightest(paths=[str(picture)], model=str(tmp_path / "gone.safetensors")) == 16
    assert brightest(paths=[str(picture)], model="") == 16
