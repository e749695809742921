"""Runs of before: opened to be looked at, followed where another program trains them, offered where they are unfinished."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox

from resnet_gui.events import BestSaved, Event, Stopped
from resnet_gui.gui.controllers.resume_controller import ResumeController
from resnet_gui.gui.runs.resume_banner import ResumeBanner
from resnet_gui.gui.text import message_text
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.gui.workers.training_engine import TrainingEngine
from resnet_gui.messages import Problem, reason
from resnet_gui.paths import runs_folder
from resnet_gui.runs.history import RunHistory
from resnet_gui.runs.log_reader import LogReader, history_of

if TYPE_CHECKING:
    from resnet_gui.runs.run_status import RunStatus

_LOOKED_AT = 5
"""So many of the newest runs are looked at for one that is unfinished."""


def is_run(folder: Path) -> bool:
    """Whether `folder` looks like that of a run."""
    return all((folder / name).is_file() for name in ("config.toml", "events.jsonl"))


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a run folder holds. `model` is "" if there is no such file."""

    story: RunHistory
    file: LogReader
    place: RunStatus | None
    model: str
    resumes: bool


@dataclass(frozen=True, slots=True)
class _Grown:
    """What a run that another program trains has said since; `story` is all of it, where its file was written anew."""

    file: LogReader
    events: list[Event]
    story: RunHistory | None
    place: RunStatus | None


class RunsController(QObject):
    """Reads run folders in threads and shows them in the training tab."""

    opened = Signal()
    _read = Signal(object)
    _grown = Signal(object)
    _unfinished = Signal(object)

    def __init__(
        self, training: TrainingEngine, asking: PredictionEngine, resuming: ResumeController, tab: TrainingTab, banner: ResumeBanner,
        remembered: UserSettings,
    ) -> None:  # fmt: skip
        super().__init__(tab)
        self._training = training
        self._asking = asking
        self._resuming = resuming
        self._tab = tab
        self._banner = banner
        self._remembered = remembered
        self._followed: LogReader | None = None
        self._timer = QTimer(self, interval=1000, singleShot=True)
        self._timer.timeout.connect(self._look_again)
        banner.resume_requested.connect(lambda run: self.open(Path(run), resume=True))
        banner.look_requested.connect(lambda run: self.open(Path(run)))
        banner.put_aside.connect(remembered.dismiss)
        training.phase_changed.connect(self._make_room)
        self._read.connect(self._show)
        self._grown.connect(self._show_growth)
        self._unfinished.connect(self._offer_resume)

    def choose(self) -> None:
        """Asks for a run's folder."""
        chosen = self._remembered.values().get("out")
        folder = QFileDialog.getExistingDirectory(
            self._tab, self.tr("Choose the folder of a run"), str(chosen or runs_folder())
        )
        if folder:
            self.open(Path(folder))

    def open(self, run: Path, resume: bool = False) -> None:
        """Shows the run in the folder `run`, and goes on with it if `resume`."""
        run = run.absolute()
        run_in_thread(lambda: _read(run, resume), self._read)

    def look_for_unfinished(self) -> None:
        """Offers to go on with the newest run that has not come to its end, if there is one."""
        folders = {runs_folder(), Path(self._remembered.values().get("out") or runs_folder())}
        done_with = self._remembered.is_dismissed
        run_in_thread(lambda: _newest_unfinished(folders, done_with), self._unfinished)

    def _offer_resume(self, place: RunStatus | None) -> None:
        if place is not None and self._training.phase == "idle" and not self._tab.history.run:
            self._banner.offer(place)

    def _show(self, opened: _Opened | Problem) -> None:
        if isinstance(opened, Problem):
            self._report_problem(opened)
        elif self._training.phase == "idle":
            self._banner.hide()
            elsewhere = opened.place is not None and opened.place.ended == "running"
            self._tab.show_story(opened.story, elsewhere)
            self._offer_model(opened.model)
            self._remembered.add_recent("runs", opened.story.run)
            self.opened.emit()
            self._followed = opened.file if elsewhere else None
            if elsewhere:
                self._timer.start()
            else:
                self._tab.show_status(opened.place)
            if opened.resumes and opened.place is not None and not elsewhere:
                self._resuming.resume(opened.story.run)

    def _offer_model(self, model: str) -> None:
        """The run's best model can be asked about pictures."""
        story = self._tab.history
        if model and story.best:
            self._asking.take_best(model, story.best.epoch, story.best.val_accuracy is not None)
        elif model and story.ends and isinstance(story.ends[0], Stopped):
            self._asking.take_best(model, story.ends[0].epoch, validated=False)

    def _look_again(self) -> None:
        if file := self._followed:
            run_in_thread(lambda: _look(file), self._grown)

    def _show_growth(self, grown: _Grown) -> None:
        """Shows what was said meanwhile; when the other program has gone, the run can be gone on with here."""
        if grown.file is not self._followed:
            return
        if grown.story:
            self._tab.show_story(grown.story, elsewhere=True)
        else:
            for event in grown.events:
                self._tab.show_event(event)
        if any(isinstance(event, BestSaved) for event in grown.events):
            self._offer_model(self._tab.history.model)
        if grown.place is not None and grown.place.ended == "running":
            self._timer.start()
        else:
            self._leave()
            self._tab.show_status(grown.place)

    def _leave(self) -> None:
        self._followed = None
        self._timer.stop()

    def _make_room(self, state: str) -> None:
        """A run of this window takes the tab."""
        if state != "idle":
            self._leave()
            self._banner.hide()

    def _report_problem(self, problem: Problem) -> None:
        box = QMessageBox(QMessageBox.Icon.NoIcon, "resnet-gui", message_text(problem.message), parent=self._tab)
        box.setTextFormat(Qt.TextFormat.PlainText)  # a path may look like markup
        box.finished.connect(box.deleteLater)
        box.open()


def _read(run: Path, resume: bool) -> _Opened | Problem:
    from resnet_gui.runs.run_status import read_status

    if not is_run(run):
        return Problem("not_a_run", path=str(run))
    file = LogReader(run)
    try:
        place = read_status(run)
        story = history_of(run, file.read()[0])
    except OSError as error:
        return Problem("cannot_read_run", path=str(run), reason=reason(error))
    return _Opened(story, file, place, story.model if Path(story.model).is_file() else "", resume)


def _look(file: LogReader) -> _Grown:
    """The place first: what is said before the other program goes is then not missed."""
    from resnet_gui.runs.run_status import read_status

    place = read_status(file.run)
    try:
        events, anew = file.read()
    except OSError:
        return _Grown(file, [], None, None)
    return _Grown(file, events, history_of(file.run, events) if anew else None, place)


def _newest_unfinished(folders: Iterable[Path], done_with: Callable[[str], bool]) -> RunStatus | None:
    from resnet_gui.runs.run_folder import newest_runs
    from resnet_gui.runs.run_status import read_status

    runs = [run for folder in folders for run in newest_runs(folder)[:_LOOKED_AT]]
    for run in sorted(runs, key=lambda run: run.name, reverse=True)[:_LOOKED_AT]:
        if not done_with(str(run)) and (place := read_status(run)) and place.ended not in ("finished", "running"):
            return place
    return None
