"""The engine keeps the model that answers, and what it takes of the processor."""

import threading
from pathlib import Path

import pytest
import torch

from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import usable_cores
from resnet_gui.engine.predictor_cache import PredictorCache
from resnet_gui.events import Note, Predicted
from resnet_gui.messages import Problem
from resnet_gui.model_file import ModelMetadata, save_model
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
