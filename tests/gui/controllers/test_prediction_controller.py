"""Previews of answers, drawn by a real engine while the user steps through them."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from helpers.window_actions import PATIENCE
from resnet_gui.gui.controllers.prediction_controller import PredictionController
from resnet_gui.gui.predict.predict_pane import PredictPane
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.workers.engine_process import Engine
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.gui.workers.training_engine import TrainingEngine
from resnet_gui.records import Prediction

COLOURS = ("red", "green", "blue")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pictures whose preview was requested from the engine, in order."""
    paths: list[str] = []
    request = Engine.request

    def record(engine: Engine, do: str, **values: Any) -> int:
        paths.extend(Path(path).name for path in values["paths"])
        return request(engine, do, **values)

    monkeypatch.setattr(Engine, "request", record)
    return paths


@pytest.fixture
def prediction_engine(qapp: QApplication) -> Iterator[PredictionEngine]:
    prediction_engine = PredictionEngine()
    yield prediction_engine
    prediction_engine.end(2.0)


@pytest.fixture
def pane(qapp: QApplication, qtbot: QtBot, prediction_engine: PredictionEngine) -> PredictPane:
    pane = PredictPane(Theme(qapp, "light"))
    qtbot.addWidget(pane)
    pane.resize(300, 690)
    with qtbot.waitActive(pane):
        pane.show()
        pane.activateWindow()
    PredictionController(prediction_engine, TrainingEngine(pane), pane, UserSettings())
    return pane


def answers(folder: Path) -> list[Prediction]:
    """Predictions of a picture of each colour, without previews."""
    for name in COLOURS:
        image = QImage(120, 90, QImage.Format.Format_RGB32)
        image.fill(QColor(name))
        image.save(str(folder / f"{name}.png"))
    return [Prediction(str(folder / f"{name}.png"), ("a", "b"), (0.9, 0.1), 120, 90) for name in COLOURS]


def colour(pane: PredictPane) -> str:
    picture = pane.view.picture
    return picture.grab().toImage().pixelColor(picture.width() // 2, 40).name()


def test_stepping_to_and_fro_draws_only_the_last_picture(
    qtbot: QtBot, pane: PredictPane, drawn: list[str], tmp_path: Path
) -> None:
    pane.show_predictions(answers(tmp_path))
    for by in (1, 1, -1, -1, 1, 1, -1, -1, 1, 1):
        pane.step(by)
    assert drawn == ["red.png"]
    qtbot.waitUntil(lambda: colour(pane) == QColor("blue").name(), timeout=PATIENCE)
    assert drawn == ["red.png", "blue.png"]
    pane.step(-2)
    qtbot.waitUntil(lambda: colour(pane) == QColor("red").name(), timeout=PATIENCE)
    assert drawn == ["red.png", "blue.png"]


def test_a_picture_that_cannot_be_drawn_leaves_no_hole(qtbot: QtBot, pane: PredictPane, tmp_path: Path) -> None:
    [red, *_] = answers(tmp_path)
    Path(red.path).unlink()
    pane.show_predictions([red])
    assert pane.view.picture.isVisible()
    qtbot.waitUntil(lambda: not pane.view.picture.isVisible(), timeout=PATIENCE)


def test_a_killed_engine_hides_its_picture_and_the_next_one_is_drawn(
    qtbot: QtBot, pane: PredictPane, prediction_engine: PredictionEngine, tmp_path: Path
) -> None:
    prediction_engine.start()
    qtbot.waitUntil(lambda: bool(prediction_engine._engine.pid), timeout=PATIENCE)
    os.kill(prediction_engine._engine.pid, signal.SIGSTOP)
    pane.show_predictions(answers(tmp_path))
    os.kill(prediction_engine._engine.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: not pane.view.picture.isVisible(), timeout=PATIENCE)
    pane.step(1)
    qtbot.waitUntil(lambda: colour(pane) == QColor("green").name(), timeout=PATIENCE)
