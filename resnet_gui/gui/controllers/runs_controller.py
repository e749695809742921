"""Opens earlier runs, follows those that another program trains, and offers to resume the newest unfinished one."""

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

_CONSIDERED = 5
"""The number of newest runs among which an unfinished one is searched."""


def is_run(folder: Path) -> bool:
    """Whether `folder` looks like the folder of a run."""
    return all((folder / name).is_file() for name in ("config.toml", "events.jsonl"))


@dataclass(frozen=True, slots=True)
class _Opened:
    """The content of a run folder. `model` is "" if there is no such file."""

    history: RunHistory
    log: LogReader
    status: RunStatus | None
    model: str
    resumes: bool


@dataclass(frozen=True, slots=True)
class _Growth:
    """New events of a run that another program trains. `history` is the whole run if its log was replaced, else None."""

    log: LogReader
    events: list[Event]
    history: RunHistory | None
    status: RunStatus | None


class RunsController(QObject):
    """Reads run folders in threads and shows them in the training tab."""

    opened = Signal()
    _read = Signal(object)
    _growth_read = Signal(object)
    _unfinished = Signal(object)

    def __init__(
        self, training_engine: TrainingEngine, prediction_engine: PredictionEngine, resume_controller: ResumeController, tab: TrainingTab,
        banner: ResumeBanner, user_settings: UserSettings,
    ) -> None:  # fmt: skip
        super().__init__(tab)
        self._training_engine = training_engine
        self._prediction_engine = prediction_engine
        self._resume_controller = resume_controller
        self._tab = tab
        self._banner = banner
        self._user_settings = user_settings
        self._followed: LogReader | None = None
        self._timer = QTimer(self, interval=1000, singleShot=True)
        self._timer.timeout.connect(self._read_again)
        banner.resume_requested.connect(lambda run: self.open(Path(run), resume=True))
        banner.look_requested.connect(lambda run: self.open(Path(run)))
        banner.dismissed.connect(user_settings.dismiss)
        training_engine.phase_changed.connect(self._on_phase_changed)
        self._read.connect(self._show)
        self._growth_read.connect(self._show_growth)
        self._unfinished.connect(self._offer_resume)

    def choose(self) -> None:
        """Lets the user choose the folder of a run, and opens it."""
        chosen = self._user_settings.values().get("out")
        folder = QFileDialog.getExistingDirectory(
            self._tab, self.tr("Choose the folder of a run"), str(chosen or runs_folder())
        )
        if folder:
            self.open(Path(folder))

    def open(self, run: Path, resume: bool = False) -> None:
        """Shows the run in the folder `run`, and resumes it if `resume`."""
        run = run.absolute()
        run_in_thread(lambda: _read(run, resume), self._read)

    def look_for_unfinished(self) -> None:
        """Offers to resume the newest unfinished run, if there is one."""
        folders = {runs_folder(), Path(self._user_settings.values().get("out") or runs_folder())}
        is_dismissed = self._user_settings.is_dismissed
        run_in_thread(lambda: _newest_unfinished(folders, is_dismissed), self._unfinished)

    def _offer_resume(self, status: RunStatus | None) -> None:
        if status is not None and self._training_engine.phase == "idle" and not self._tab.history.run:
            self._banner.offer(status)

    def _show(self, opened: _Opened | Problem) -> None:
        if isinstance(opened, Problem):
            self._report_problem(opened)
        elif self._training_engine.phase == "idle":
            self._banner.hide()
            elsewhere = opened.status is not None and opened.status.ended == "running"
            self._tab.show_history(opened.history, elsewhere)
            self._offer_model(opened.model)
            self._user_settings.add_recent("runs", opened.history.run)
            self.opened.emit()
            self._followed = opened.log if elsewhere else None
            if elsewhere:
                self._timer.start()
            else:
                self._tab.show_status(opened.status)
            if opened.resumes and opened.status is not None and not elsewhere:
                self._resume_controller.resume(opened.history.run)

    def _offer_model(self, model: str) -> None:
        """Offers the run's best model for predictions, or the last one of a stopped run without a best."""
        history = self._tab.history
        if model and history.best:
            self._prediction_engine.set_best(model, history.best.epoch, history.best.val_accuracy is not None)
        elif model and history.ends and isinstance(history.ends[0], Stopped):
            self._prediction_engine.set_best(model, history.ends[0].epoch, validated=False)

    def _read_again(self) -> None:
        if log := self._followed:
            run_in_thread(lambda: _read_new(log), self._growth_read)

    def _show_growth(self, growth: _Growth) -> None:
        """Shows new events. When the other program has ended, the run can be resumed here."""
        if growth.log is not self._followed:
            return
        if growth.history:
            self._tab.show_history(growth.history, elsewhere=True)
        else:
            for event in growth.events:
                self._tab.show_event(event)
        if any(isinstance(event, BestSaved) for event in growth.events):
            self._offer_model(self._tab.history.model)
        if growth.status is not None and growth.status.ended == "running":
            self._timer.start()
        else:
            self._unfollow()
            self._tab.show_status(growth.status)

    def _unfollow(self) -> None:
        self._followed = None
        self._timer.stop()

    def _on_phase_changed(self, phase: str) -> None:
        """A run of this window started: it is shown in the tab instead of the followed one."""
        if phase != "idle":
            self._unfollow()
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
    log = LogReader(run)
    try:
        status = read_status(run)
        history = history_of(run, log.read()[0])
    except OSError as error:
        return Problem("cannot_read_run", path=str(run), reason=reason(error))
    return _Opened(history, log, status, history.model if Path(history.model).is_file() else "", resume)


def _read_new(log: LogReader) -> _Growth:
    """Reads the status before the log: else the last events of a program that ends in between would be missed."""
    from resnet_gui.runs.run_status import read_status

    status = read_status(log.run)
    try:
        events, replaced = log.read()
    except OSError:
        return _Growth(log, [], None, None)
    return _Growth(log, events, history_of(log.run, events) if replaced else None, status)


def _newest_unfinished(folders: Iterable[Path], is_dismissed: Callable[[str], bool]) -> RunStatus | None:
    from resnet_gui.runs.run_folder import newest_runs
    from resnet_gui.runs.run_status import read_status

    runs = [run for folder in folders for run in newest_runs(folder)[:_CONSIDERED]]
    for run in sorted(runs, key=lambda run: run.name, reverse=True)[:_CONSIDERED]:
        if not is_dismissed(str(run)) and (status := read_status(run)) and status.ended not in ("finished", "running"):
            return status
    return None
