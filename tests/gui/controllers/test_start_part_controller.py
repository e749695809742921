"""A run whose file of weights fits in several parts: the question, the answer, and the second start."""

from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from helpers.window_actions import click, text_of
from resnet_gui.events import Failed
from resnet_gui.gui.controllers.start_part_controller import StartPartController
from resnet_gui.gui.training.start_part_dialog import StartPartDialog
from resnet_gui.gui.workers.training_engine import TrainingEngine
from resnet_gui.messages import message

TIE = message("weights_tie", path="/weights/a.pth", parts="model_a, model_b", part="")


@pytest.fixture
def run(tab):
    """A run that fails, the question about it, and what was set and started after that."""
    engine, calls = TrainingEngine(tab), []
    setup = SimpleNamespace(set_start_part=calls.append)
    controller = StartPartController(engine, SimpleNamespace(start=lambda: calls.append("start")), setup, tab)

    def fail(problem):
        engine.event_received.emit(Failed(problem))
        engine.phase_changed.emit("idle")

    def dialog():
        return next((each for each in tab.findChildren(StartPartDialog) if each.isVisible()), None)

    yield SimpleNamespace(fail=fail, calls=calls, dialog=dialog)
    controller.deleteLater()
    engine.deleteLater()


def test_the_part_is_asked_for_and_the_run_starts_again(run):
    run.fail(TIE)
    dialog = run.dialog()
    assert "/weights/a.pth holds several sets of weights" in text_of(dialog)
    assert [dialog.list.item(row).text() for row in range(dialog.list.count())] == ["model_a", "model_b"]
    QTest.keyClick(dialog.list, Qt.Key.Key_Down)
    click(dialog.start)
    assert run.calls == ["model_b", "start"]


def test_escape_starts_nothing(run):
    run.fail(TIE)
    QTest.keyClick(run.dialog().list, Qt.Key.Key_Escape)
    assert (run.dialog(), run.calls) == (None, [])


def test_a_part_that_is_not_there_is_asked_for_again(run):
    run.fail(message("weights_no_part", path="/weights/a.pth", parts="model_a, ema", part="gone"))
    assert "“gone”" in text_of(run.dialog())
    click(run.dialog().start)
    assert run.calls == ["model_a", "start"]


def test_any_other_failure_asks_nothing(run):
    run.fail(message("out_of_memory", device="cpu"))
    assert run.dialog() is None
