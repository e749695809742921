"""A run on pictures of 12 bits in files of 16: one range for all, found before, kept in the model, applied ever after."""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.deep_pictures import write_png
from resnet_gui.cli.main import main
from resnet_gui.config import make_config
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.events import Event, Finished, Note, Started
from resnet_gui.model_file import read_metadata
from resnet_gui.prediction.predictor import Predictor
from resnet_gui.records import GreyRange
from resnet_gui.runs.run_folder import checkpoints
from resnet_gui.tensor_file import NewerFormat, read_description
from resnet_gui.training.loop import resume, train


@pytest.fixture
def xrays(tmp_path: Path) -> dict[str, Any]:
    """Settings of a run on two classes that differ in brightness. Two test pictures are brighter than any other."""
    chance = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 2), ("test", 2)):
        for name, top in (("normal", 1500), ("ill", 3000)):
            folder = tmp_path / "xrays" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                values = chance.integers(0, top, (32, 32)).astype(np.uint16)
                values[0, :5] = 9000 if (split, name) == ("test", "ill") else 0
                write_png(folder / f"{number}.png", values)
    return {
        "dataset": str(tmp_path / "xrays"), "out": str(tmp_path / "runs"), "network": "resnet20", "data.image_size": 32,
        "training.epochs": 1, "training.batch_size": 4, "machine.precision": "float32", "machine.threads": 1,
    }  # fmt: skip


def run(settings: dict[str, Any], **changes: object) -> list[Event]:
    values = {**settings, **{key.replace("__", "."): value for key, value in changes.items()}}
    return list(train(make_config(values), threading.Event()))


def notes(events: list[Event]) -> dict[str, dict[str, Any]]:
    return {event.message.code: dict(event.message.values) for event in events if isinstance(event, Note)}


def folder(events: list[Event]) -> Path:
    return next(Path(event.run) for event in events if isinstance(event, Started))


def test_the_training_pictures_range_is_said_kept_and_applied(
    xrays: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events = run(xrays)
    model, run_folder = folder(events) / "model.safetensors", folder(events)
    assert notes(events)["grey_range"] == {"count": 12, "low": "0", "high": "4095"}
    assert notes(events)["grey_clipped"] == {"count": 2, "low": "0", "high": "4095"}
    preprocessing = read_metadata(model).preprocessing
    assert preprocessing == Preprocessing(32, 32, grey_range=GreyRange(0.0, 4095.0))
    for file in (model, *checkpoints(run_folder)):
        assert read_description(file)["format"] == 3

    picture = Path(xrays["dataset"]) / "test" / "ill" / "0.png"
    assert preprocessing.open(picture).getextrema() == ((0, 255),) * 3
    predictor = Predictor(model, make_config(xrays).machine)
    odd, usual = predictor.predict(picture), predictor.predict(picture.parents[1] / "normal" / "0.png")
    assert [(each.code, dict(each.values)["count"]) for each in odd.notes] == [("grey_clipped_here", 5)]
    assert usual.notes == ()

    assert main(["predict", str(model), str(picture), "--device", "cpu"]) == 0
    assert "5 of its values lie beyond" in capsys.readouterr().out
    assert main(["evaluate", str(run_folder)]) == 0
    assert "2 pictures have values beyond those of the training pictures" in capsys.readouterr().out

    monkeypatch.setattr("resnet_gui.tensor_file.FORMAT", 2)  # a program that knows no range of grey
    for file in (model, *checkpoints(run_folder)):
        with pytest.raises(NewerFormat):
            read_description(file)


def test_a_resumed_run_keeps_its_range_though_the_pictures_would_give_another(xrays: dict[str, Any]) -> None:
    whole = run(xrays, training__epochs=2)
    once = run(xrays)
    list(resume(folder(once), threading.Event(), epochs=2))
    told = [read_metadata(folder(events) / "model.safetensors") for events in (whole, once)]
    assert told[0].preprocessing == told[1].preprocessing
    other = Path(xrays["dataset"]) / "train" / "ill" / "0.png"
    values = np.full((32, 32), 60_000, np.uint16)
    write_png(other, values)
    list(resume(folder(once), threading.Event(), epochs=3, accept_changes=True))
    assert read_metadata(folder(once) / "model.safetensors").preprocessing.grey_range == GreyRange(0.0, 4095.0)
    later = run(xrays, start__start_from="run", start__start_path=str(folder(once)))  # another dataset, another range
    assert read_metadata(folder(later) / "model.safetensors").preprocessing.grey_range == GreyRange(0.0, 65535.0)


def test_each_picture_is_stretched_if_that_was_chosen(xrays: dict[str, Any]) -> None:
    events = run(xrays, data__grey_levels="picture")
    assert notes(events)["grey_stretched"] == {"count": 12}
    assert "grey_clipped" not in notes(events)
    assert read_metadata(folder(events) / "model.safetensors").preprocessing.grey_range == GreyRange(0, 0, True)


def test_pictures_of_8_bits_leave_model_and_checkpoint_as_they_were(quick: dict[str, Any]) -> None:
    events = run(quick, training__epochs=1)
    [end] = [event for event in events if isinstance(event, Finished)]
    for file in (Path(end.model), *checkpoints(folder(events))):
        description = read_description(file)
        assert description["format"] == 2
        assert "grey_range" not in json.dumps(description)
