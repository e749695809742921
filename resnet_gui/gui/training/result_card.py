"""How a run ended: one sentence, right/total for each class, the model's path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from resnet_gui.events import Finished, Stopped
from resnet_gui.gui.text import message_text, position_text
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.bar_chart import Bar, BarChart
from resnet_gui.gui.widgets.elided_labels import PathLine
from resnet_gui.gui.widgets.fitting_scroll_area import FittingScrollArea
from resnet_gui.gui.widgets.labels import breakable, label
from resnet_gui.records import ClassScore, TestScore, leak_note

if TYPE_CHECKING:
    from resnet_gui.runs.run_status import RunStatus

FOLDED_CLASSES = 8
_MOST_HEIGHT = 190


class ClassScores(QWidget):
    """Right of total for each class as bars. Of many classes, the lowest scores first, the others on a click."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scores: tuple[ClassScore, ...] = ()
        self.bars = BarChart(theme)
        self.bars.setAccessibleName(self.tr("Right answers for each class"))
        self._caption = _label("dim")
        self._area = FittingScrollArea(self.bars, _MOST_HEIGHT)
        self._area.setAccessibleName(self.bars.accessibleName())
        self._fold = _link("", self._refresh)
        self._fold.setCheckable(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for widget in (self._caption, self._area):
            column.addWidget(widget)
        column.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch()

    def set_scores(self, scores: Sequence[ClassScore]) -> None:
        """Shows `scores`; a class without test pictures is left out."""
        self._scores = tuple(score for score in scores if score.total)
        self._fold.setChecked(False)
        self._refresh()

    def _refresh(self) -> None:
        many = len(self._scores) > FOLDED_CLASSES
        shown = sorted(self._scores, key=lambda score: score.right / score.total) if many else self._scores
        folded = many and not self._fold.isChecked()
        if folded:
            shown = shown[:FOLDED_CLASSES]
        self._caption.setText(
            self.tr("The {count} classes it knows least").format(count=len(shown))
            if folded
            else self.tr("Right answers for each class")
        )
        self._fold.setVisible(many)
        self._fold.setText(
            self.tr("Show all {count} classes").format(count=len(self._scores))
            if folded
            else self.tr("Show fewer classes")
        )
        self.bars.set_bars(
            [Bar(score.name, score.right / score.total, f"{score.right}/{score.total}") for score in shown]
        )
        self._area.setFocusPolicy(Qt.FocusPolicy.StrongFocus if many and not folded else Qt.FocusPolicy.NoFocus)


class ResultCard(QFrame):
    """Takes the header's place once a run has ended."""

    save_requested = Signal()
    run_folder_requested = Signal()
    test_requested = Signal()
    resume_requested = Signal()
    further_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.setObjectName("result")
        self.headline = _label("heading")
        self.best, self.opened, self.problem = _label("dim"), _label("dim"), _label("bad")
        self.leaked = _label("warning")
        self.path = PathLine()
        self.path.setAccessibleName(self.tr("Model file"))
        self.save = QPushButton(self.tr("Save model as…"))
        self.save.clicked.connect(self.save_requested)
        self.folder = QPushButton(self.tr("Show run folder"))
        self.folder.clicked.connect(self.run_folder_requested)
        self.test = _link("", self._request_test)
        self.resume = QPushButton(self.tr("Resume"))
        self.resume.setIconSize(QSize(16, 16))
        self.resume.setProperty("kind", "primary")
        self.resume.setToolTip(self.tr("Goes on from what was saved last, as if the run had never stopped."))
        self.resume.clicked.connect(self.resume_requested)
        self.further = QPushButton(self.tr("Train further…"))
        self.further.setToolTip(self.tr("Gives the run more epochs and goes on with it."))
        self.further.clicked.connect(self.further_requested)
        self.scores = ClassScores(theme)
        for button in (self.resume, self.further):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # it goes away when clicked, and the ring would wander
        self._theme = theme
        self._build_layout()
        self.clear()
        theme.changed.connect(self._update_icons)
        self._update_icons()

    def clear(self) -> None:
        """Hides."""
        for widget in (
            self, self.best, self.leaked, self.opened, self.problem, self.test, self.scores, self.resume, self.further,
        ):  # fmt: skip
            widget.hide()

    def offer(self, resume: bool, further: bool) -> None:
        """Sets whether the run can be resumed, and whether it can have more epochs."""
        self.resume.setVisible(resume)
        self.further.setVisible(further)

    def show_finished(self, event: Finished, best: str, run: str) -> None:
        """Shows a finished run. `best` is the sentence on the best validation accuracy, or ""."""
        self._show_model(event.model, run, best)
        self.headline.setText(self.tr("There were no test pictures, so there is no test score."))
        if event.test is not None:
            self.show_score(event.test)

    def show_stopped(self, event: Stopped, best: str, run: str, test_pictures: int) -> None:
        """Shows a run that the user stopped; its test pictures, if any, can be scored on demand."""
        self._show_model(event.model, run, best)
        kept = (
            self.tr("The best model so far is kept.")
            if event.validated
            else self.tr("This model has not been validated.")
        )
        where = self.tr("Stopped at {place}.").format(place=position_text(event.epoch, event.step))
        self.headline.setText(f"{where} {kept}")
        self.allow_test()
        self.test.setVisible(test_pictures > 0)

    def show_interrupted(self, status: RunStatus, model: str, best: str, test_pictures: int) -> None:
        """Shows a run that ended without a last event: by a power cut, or because the program was killed."""
        self._show_model(model, status.run, best)
        where = position_text(status.epoch, status.step)
        self.headline.setText(self.tr("Interrupted, but saved up to {place}.").format(place=where))
        self.allow_test()
        self.test.setVisible(bool(model) and test_pictures > 0)

    def show_score(self, score: TestScore) -> None:
        """Shows the score on the test pictures."""
        template = self.tr("Of {total} pictures it had never seen, {right} were right ({percent} %)")
        if score.leaked:
            template = self.tr("Of {total} test pictures, {right} were right ({percent} %)")
        self.headline.setText(test_sentence(template, score))
        self.leaked.setText(message_text(leak_note(score)) if score.leaked else "")
        self.leaked.setVisible(score.leaked > 0)
        self.scores.set_scores(score.classes)
        self.scores.show()
        self.opened.setText(self._opened_sentence(score.opened))
        self.opened.setVisible(score.opened > 0)
        self.problem.hide()
        self.test.hide()

    def show_problem(self, sentence: str, model: str, best: str, run: str, test_pictures: int) -> None:
        """Shows that the run failed, or a job after it. A model that was saved can still be scored."""
        if self.isHidden():
            self._show_model(model, run, best)
            self.headline.setText(self.tr("The run has ended early."))
            self.test.setVisible(bool(model) and test_pictures > 0)
        self.problem.setText(breakable(sentence))
        self.problem.show()
        self.allow_test()

    def _show_model(self, model: str, run: str, best: str) -> None:
        self.clear()
        self.best.setText(best)
        self.best.setVisible(bool(best))
        self.path.set_path(model)
        self.path.setVisible(bool(model))
        self.save.setVisible(bool(model))
        self.folder.setVisible(bool(run))
        self.show()

    def _request_test(self) -> None:
        self.test.setEnabled(False)
        self.test.setText(self.tr("Scoring…"))
        self.problem.hide()
        self.test_requested.emit()

    def allow_test(self) -> None:
        """Enables the link to score again, after scoring has ended with or without a score."""
        self.test.setEnabled(True)
        self.test.setText(self.tr("Score it on the test pictures"))

    def _opened_sentence(self, times: int) -> str:
        if times == 1:
            return self.tr("The test pictures were used once for a score.")
        return self.tr(
            "The test pictures were used {times} times for a score. The more often one looks, the more flattering it gets."
        ).format(times=times)

    def _build_layout(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.save)
        buttons.addWidget(self.folder)
        buttons.addStretch()
        right = QVBoxLayout()
        right.setSpacing(4)
        for widget in (self.problem, self.leaked, self.best, self.opened, self.path):
            right.addWidget(widget)
        right.addWidget(self.test, 0, Qt.AlignmentFlag.AlignLeft)
        right.addSpacing(2)
        right.addLayout(buttons)
        right.addStretch()
        below = QHBoxLayout()
        below.setSpacing(24)
        below.addWidget(self.scores, 1)
        below.addLayout(right, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 10)
        top = QHBoxLayout()
        top.setSpacing(24)
        top.addWidget(self.headline, 1)
        for button in (self.resume, self.further):
            top.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(top)
        column.addLayout(below)

    def _update_icons(self) -> None:
        self.resume.setIcon(self._theme.icon("play", "on_accent"))


def test_sentence(template: str, score: TestScore) -> str:
    """`template` with {right}, {total} and {percent}."""
    return template.format(right=score.right, total=score.total, percent=score.percent)


def _label(kind: str) -> QLabel:
    made = label(kind)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def _link(text: str, slot: object) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("kind", "link")
    button.clicked.connect(slot)
    return button
