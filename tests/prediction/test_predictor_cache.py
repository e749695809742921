"""The engine keeps the model that answers, and what it takes of the processor."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import usable_cores
from resnet_gui.engine.predictor_cache import PredictorCache
from resnet_gui.events import Note, Predicted
from resnet_gui.messages import Problem
from resnet_gui.model_file import ModelMetadata, load_model, save_model
from resnet_gui.nets.build import build
from resnet_gui.records import ModelInfo


def labels(answering: PredictorCache, model: Path, picture: Path, busy: bool = False) -> list[str]:
    [event] = answering.predict(model, [picture], threading.Event(), busy)
    assert isinstance(event, Predicted)
    return sorted(event.items[0].labels)


def test_it_answers_by_what_the_file_holds_now(model: Path, colours: Path) -> None:
    answering, picture = PredictorCache(), colours / "red" / "0.png"
    [info] = answering.describe(model, busy=False)
    assert isinstance(info, ModelInfo)
    assert labels(answering, model, picture) == ["blue", "green", "red"]
    metadata = ModelMetadata("resnet20", ("no", "yes"), Preprocessing.for_size(32), 1, True)
    save_model(model, build("resnet20", 2).state_dict(), metadata)
    assert labels(answering, model, picture) == ["no", "yes"]
    model.unlink()
    with pytest.raises(Problem) as caught:
        labels(answering, model, picture)
    assert caught.value.message.code == "model_missing"


def test_a_precision_that_is_set_is_that_of_every_answer(model: Path, colours: Path) -> None:
    answering, found = PredictorCache(), []
    for precision in ("float32", "float16", "float32"):
        events = list(answering.predict(model, [colours / "red"], threading.Event(), False, precision))
        items = [item for event in events if isinstance(event, Predicted) for item in event.items]
        assert {item.precision for item in items} == {precision}
        assert [event.message.code for event in events if isinstance(event, Note)] == ["slow_precision"] * (
            precision == "float16"
        )
        found.append([item.probabilities for item in items])
    assert found[2] == [pytest.approx(each, abs=1e-5) for each in found[0]]
    assert found[1] == [pytest.approx(each, abs=0.01) for each in found[0]]
    with pytest.raises(Problem) as caught:
        list(answering.describe(model, False, "eight bits"))
    assert caught.value.message.code == "setting_invalid"


class SlowDrive:
    """A drive on which `path` lies: what reads a model from there waits for `answers`. `reads` are all models read."""

    def __init__(self, path: Path) -> None:
        self.path, self.answers, self.asked = path, threading.Event(), threading.Event()
        self.reads: list[Path] = []

    def load(self, path: Path) -> tuple[nn.Module, ModelMetadata]:
        self.reads.append(path)
        if path == self.path:
            self.asked.set()
            assert self.answers.wait(60)
        return load_model(path)


@pytest.fixture
def slow(model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDrive]:
    drive = SlowDrive(Path(shutil.copy(model, model.with_name("slow.safetensors"))))
    monkeypatch.setattr("resnet_gui.model_file.load_model", drive.load)
    yield drive
    drive.answers.set()


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    return thread, found


def problem_of(answering: PredictorCache, model: Path) -> str:
    with pytest.raises(Problem) as caught:
        list(answering.describe(model, False))
    return str(caught.value)


def test_a_model_that_does_not_open_keeps_no_other_waiting(model: Path, colours: Path, slow: SlowDrive) -> None:
    answering, picture = PredictorCache(), colours / "red" / "0.png"
    stop = threading.Event()
    waiting = [in_thread(lambda: labels(answering, slow.path, picture)) for _ in range(2)]
    stopped, told = in_thread(lambda: list(answering.describe(slow.path, False, "auto", stop)))
    assert slow.asked.wait(30)
    assert labels(answering, model, picture) == ["blue", "green", "red"]
    stop.set()
    stopped.join(30)
    assert told == [[]], "it was stopped, and the drive has not answered yet"
    slow.answers.set()
    for thread, found in waiting:
        thread.join(30)
        assert found == [["blue", "green", "red"]]
    assert slow.reads.count(slow.path) == 1, "three requests, one of which was stopped, load it once"
    assert labels(answering, model, picture) == ["blue", "green", "red"]


def test_requests_that_fail_together_are_both_told(model: Path, slow: SlowDrive) -> None:
    answering = PredictorCache()
    slow.path.write_bytes(b"no model")
    told = [in_thread(lambda: problem_of(answering, slow.path)) for _ in range(2)]
    slow.answers.set()
    for thread, found in told:
        thread.join(30)
        assert found == [f"{slow.path} is not a model made by this program: it is not a complete safetensors file."]
    os.mkfifo(slow.path.with_name("pipe"))
    assert "it is a pipe" in problem_of(answering, slow.path.with_name("pipe"))


def test_during_a_run_the_loaded_model_answers_with_one_thread(
    model: Path, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for backend in (torch.cuda, torch.backends.mps):
        monkeypatch.setattr(backend, "is_available", lambda: False)  # which it would use when no run computes
    answering, picture = PredictorCache(), colours / "red" / "0.png"
    labels(answering, model, picture)
    loaded = answering._loaded
    assert torch.get_num_threads() == usable_cores()
    labels(answering, model, picture, busy=True)
    assert torch.get_num_threads() == 1
    assert answering._loaded is loaded
    labels(answering, model, picture)
    assert torch.get_num_threads() == usable_cores()
