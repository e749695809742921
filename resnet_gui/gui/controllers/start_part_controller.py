"""Asks which part of a file of weights a run starts from, where that cannot be decided, and starts it again."""

from __future__ import annotations

from PySide6.QtCore import QObject

from resnet_gui.events import Event, Failed
from resnet_gui.gui.controllers.training_controller import TrainingController
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.text import parts_text, parts_to_choose
from resnet_gui.gui.training.start_part_dialog import StartPartDialog
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.gui.workers.training_engine import TrainingEngine
from resnet_gui.messages import Message


class StartPartController(QObject):
    """Keeps the answer in Setup until another file is chosen there."""

    def __init__(
        self, training_engine: TrainingEngine, training_controller: TrainingController, setup: SetupPane, tab: TrainingTab
    ) -> None:  # fmt: skip
        super().__init__(tab)
        self._training_controller = training_controller
        self._setup = setup
        self._tab = tab
        self._tie: Message | None = None
        """Why the run that is ending could not start."""
        training_engine.event_received.connect(self._on_event)
        training_engine.phase_changed.connect(self._on_phase_changed)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Failed):
            self._tie = event.message if parts_to_choose(event.message) else None

    def _on_phase_changed(self, phase: str) -> None:
        """Asks once the run has ended: then another can start."""
        if phase == "idle":
            tie, self._tie = self._tie, None
            if tie:
                self._ask(tie)

    def _ask(self, tie: Message) -> None:
        dialog = StartPartDialog(parts_text(tie), parts_to_choose(tie), self._tab)
        dialog.accepted.connect(lambda: self._start(dialog.part))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _start(self, part: str) -> None:
        self._setup.set_start_part(part)
        self._training_controller.start()
