"""A run whose pictures were moved goes on once their folder is chosen."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog
from pytestqt.qtbot import QtBot

from helpers.run_events import RUN
from helpers.window_actions import text_of
from resnet_gui.events import DatasetChanged, Event, Failed
from resnet_gui.gui.controllers.resume_controller import ResumeController
from resnet_gui.gui.training.dataset_changed_dialog import DatasetChangedDialog
from resnet_gui.gui.training.moved_dataset_dialog import MovedDatasetDialog
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.messages import message


class Setup(QObject):
    """The part of the setup pane that the controller uses."""

    resume_requested = Signal()


class RecordingEngine(QObject):
    """An engine that only notes what it is to resume."""

    event_received = Signal(object)
    phase_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.phase, self.run = "idle", RUN
        self.resumed: list[tuple[object, ...]] = []

    def resume(self, *given: object) -> None:
        self.resumed.append(given)

    def end_with(self, event: Event) -> None:
        self.event_received.emit(event)
        self.phase_changed.emit("idle")


@pytest.fixture
def engine() -> RecordingEngine:
    return RecordingEngine()


@pytest.fixture
def controller(tab: TrainingTab, engine: RecordingEngine) -> Iterator[ResumeController]:
    setup = Setup()
    controller = ResumeController(engine, None, setup, tab)  # type: ignore[arg-type]
    yield controller
    controller.setParent(setup)  # and is deleted with it
    for dialog in tab.findChildren(QDialog):
        dialog.close()
    tab.hide()  # else it would not be activated when it is shown for the next test


def missing(code: str = "dataset_missing") -> Failed:
    return Failed(message(code, path="/photos/flowers"))


def dialog_in(tab: TrainingTab) -> MovedDatasetDialog | None:
    return next((each for each in tab.findChildren(MovedDatasetDialog) if each.isVisible()), None)


def test_the_folder_is_chosen_and_kept_until_the_run_goes_on(
    qtbot: QtBot,
    tab: TrainingTab,
    engine: RecordingEngine,
    controller: ResumeController,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *given: "/moved/flowers")
    controller.resume(RUN, 20)
    engine.end_with(missing())
    dialog = dialog_in(tab)
    assert dialog is not None
    assert "/photos/flowers" in text_of(dialog)
    qtbot.mouseClick(dialog.choose, Qt.MouseButton.LeftButton)
    assert engine.resumed == [(RUN, 20, False, ""), (RUN, 20, False, "/moved/flowers")]
    engine.end_with(DatasetChanged(RUN, (), (), (), ("red/1.png",), ()))
    [changed] = tab.findChildren(DatasetChangedDialog)
    qtbot.mouseClick(changed.go_on, Qt.MouseButton.LeftButton)
    assert engine.resumed[-1] == (RUN, 20, True, "/moved/flowers")


def test_a_folder_that_is_another_can_be_chosen_again(
    tab: TrainingTab, engine: RecordingEngine, controller: ResumeController
) -> None:
    controller.resume(RUN, dataset="/wrong")
    engine.end_with(missing("dataset_not_there"))
    assert dialog_in(tab) is not None


def test_other_failures_do_not_ask_for_a_folder(
    tab: TrainingTab, engine: RecordingEngine, controller: ResumeController
) -> None:
    engine.end_with(missing())  # of a score, which was not to be resumed
    controller.resume(RUN)
    engine.end_with(Failed(message("out_of_memory", device="cpu")))
    assert dialog_in(tab) is None
