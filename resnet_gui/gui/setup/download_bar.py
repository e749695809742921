"""The progress of the download that a start waits for, with buttons to pause, resume or cancel it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout

from resnet_gui.gui.widgets.labels import breakable, label, named


class DownloadBar(QFrame):
    """Hidden unless there is a download to wait for, or one that has failed."""

    pause_requested = Signal()
    resume_requested = Signal()
    cancel_requested = Signal()
    again_requested = Signal()
    scratch_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._heading, self._words, self._problem = label("strong"), label("dim"), label("bad")
        self._bar = QProgressBar(maximum=1000, textVisible=False)
        self._bar.setAccessibleName(self.tr("Download"))
        self._pause = self._button("pause_download", self.tr("Pause"), self.pause_requested)
        self._resume = self._button("resume_download", self.tr("Resume"), self.resume_requested)
        self._again = self._button("again", self.tr("Try again"), self.again_requested)
        self._scratch = self._button("scratch", self.tr("Start from scratch"), self.scratch_requested)
        self._cancel = self._button("cancel_download", self.tr("Cancel"), self.cancel_requested)
        row = QHBoxLayout()
        row.setSpacing(12)
        for button in (self._pause, self._resume, self._again, self._scratch, self._cancel):
            row.addWidget(button)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 8)
        column.setSpacing(6)
        for widget in (self._heading, self._problem, self._bar, self._words):
            column.addWidget(widget)
        column.addLayout(row)
        self.hide()

    def show_download(self, title: str, state: str, done: int, total: int, text: str) -> None:
        """Shows the download for the network `title`: `done` of `total` bytes; `text` is its progress, or why it failed."""
        failed = state == "failed"
        heading = self.tr("The weights of {network} did not come") if failed else self.tr("The weights of {network}")
        self._heading.setText(heading.format(network=title))
        self._bar.setValue(1000 * done // total if total else 0)
        (self._problem if failed else self._words).setText(breakable(text))
        shown = {
            self._problem: failed, self._bar: not failed, self._words: not failed, self._pause: state == "running",
            self._resume: state == "paused", self._again: failed, self._scratch: failed, self._cancel: not failed,
        }  # fmt: skip
        for widget, visible in shown.items():
            widget.setVisible(visible)
        self.show()

    def _button(self, name: str, text: str, signal: object) -> QPushButton:
        button = named(QPushButton(text), name)
        button.setProperty("kind", "link")
        button.clicked.connect(signal)
        return button
