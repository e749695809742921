"""Predictions for many pictures come in order, and pictures are decoded no earlier than needed."""

import threading
import time
from pathlib import Path

import pytest

from resnet_gui.config import MachineConfig
from resnet_gui.messages import sentence
from resnet_gui.prediction import streaming
from resnet_gui.prediction.predictor import Picture, Predictor
from resnet_gui.prediction.streaming import predict
from resnet_gui.records import Prediction


class Watched(Predictor):
    """Notes what was opened, and by how many threads at once."""

    def __init__(self, model: Path, threads: int) -> None:
        super().__init__(model, MachineConfig(device="cpu", threads=threads))
        self.opened: list[str] = []
        self.batches: list[int] = []

    def open(self, path: Path) -> Picture | Prediction:
        self.opened.append(threading.current_thread().name)
        return super().open(path)

    def predict_batch(self, opened: list[Picture | Prediction], top: int = 5) -> list[Prediction]:
        self.batches.append(len(opened))
        return super().predict_batch(opened, top)


def opening_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("opening")]


@pytest.mark.parametrize("threads", [1, 2])
def test_files_and_folders_are_answered_in_order_each_as_if_alone(
    model: Path, colours: Path, tmp_path: Path, threads: int
) -> None:
    (tmp_path / "bare").mkdir()
    broken = colours / "green" / "3.png"
    broken.write_bytes(broken.read_bytes()[:60])
    paths = [colours / "red" / "1.png", tmp_path / "gone.png", colours, tmp_path / "bare", colours / "blue" / "2.png"]
    predictor = Watched(model, threads)
    answers = [item for event in predict(predictor, paths, threading.Event(), 3) for item in event.items]
    inside = sorted(str(path) for path in colours.glob("*/*.png"))
    assert [answer.path for answer in answers] == [*map(str, paths[:2]), *inside, *map(str, paths[3:])]
    problems = {Path(answer.path).name: answer.problem.code for answer in answers if answer.problem}
    assert problems == {"gone.png": "image_missing", "3.png": "image_broken", "bare": "nothing_to_predict"}
    for answer in answers:
        if not answer.problem:
            alone = predictor.predict(Path(answer.path), 3)
            assert answer.probabilities == pytest.approx(alone.probabilities, abs=1e-5)
            assert (answer.labels, answer.width, answer.height) == (alone.labels, alone.width, alone.height)


def test_the_first_answer_comes_alone_and_batches_grow(model: Path, colours: Path) -> None:
    predictor = Watched(model, 2)
    events = list(predict(predictor, [colours] * 4, threading.Event()))
    assert len(events[0].items) == 1
    assert predictor.batches[0] == 1
    assert 1 < max(predictor.batches) <= 64
    assert sum(len(event.items) for event in events) == 120


def test_no_more_is_opened_than_will_soon_be_wanted(model: Path, colours: Path) -> None:
    predictor = Watched(model, 2)
    events = predict(predictor, [colours] * 40, threading.Event())
    next(events), next(events)
    time.sleep(0.3)
    assert 1 < len(predictor.opened) <= 200
    assert set(predictor.opened[1:]) <= {"opening_0", "opening_1"}
    events.close()


def test_the_first_answer_does_not_wait_for_the_folders_after_it(
    model: Path, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[Path] = []
    monkeypatch.setattr(streaming, "pictures_in", lambda folder: looked_at.append(folder) or ([], []))
    events = predict(Watched(model, 2), [colours / "red" / "0.png", colours], threading.Event())
    assert [Path(item.path).name for item in next(events).items] == ["0.png"]
    assert not looked_at
    list(events)
    assert looked_at == [colours]


class Slow(Watched):
    """Cannot open `2.png` until the test lets it."""

    def __init__(self, model: Path) -> None:
        super().__init__(model, 2)
        self.may_open = threading.Event()

    def open(self, path: Path) -> Picture | Prediction:
        if path.name == "2.png":
            self.may_open.wait(5)
        return super().open(path)


def test_an_answer_does_not_wait_for_a_slow_picture_after_it(model: Path, colours: Path) -> None:
    predictor = Slow(model)
    events = predict(predictor, [colours / "red" / f"{number}.png" for number in range(4)], threading.Event())
    first = [next(events), next(events)]
    predictor.may_open.set()
    names = [[Path(item.path).name for item in event.items] for event in (*first, *events)]
    assert names == [["0.png"], ["1.png"], ["2.png", "3.png"]]


def test_one_thread_is_all_that_is_taken_where_no_more_may_be(model: Path, colours: Path) -> None:
    predictor = Watched(model, 1)
    list(predict(predictor, [colours], threading.Event()))
    assert set(predictor.opened) == {threading.current_thread().name}


def test_stop_ends_it_before_the_next_batch_and_leaves_no_thread(model: Path, colours: Path) -> None:
    predictor, stop = Watched(model, 2), threading.Event()
    events = predict(predictor, [colours] * 40, stop)
    next(events), next(events)
    assert opening_threads()
    done = sum(predictor.batches)
    stop.set()
    list(events)
    assert sum(predictor.batches) == done
    assert gone()


def test_who_listens_no_more_leaves_no_thread(model: Path, colours: Path) -> None:
    events = predict(Watched(model, 2), [colours] * 40, threading.Event())
    next(events), next(events)
    assert opening_threads()
    events.close()
    assert gone()


def gone() -> bool:
    deadline = time.monotonic() + 10
    while opening_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not opening_threads()


def test_what_a_folder_holds_that_cannot_be_read_is_answered_with_its_problem(model: Path, colours: Path) -> None:
    (colours / "red" / "a.nef").touch()
    events = list(predict(Watched(model, 2), [colours], threading.Event()))
    items = [item for event in events for item in event.items]
    assert [item.path for item in items if item.problem] == [str(colours)]
    assert "1 camera raw picture in “red” cannot be read." in sentence(items[-1].problem)
    assert len(items) == 31
