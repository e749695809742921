"""Makes models of files of weights: connects the dialog with the prediction engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtWidgets import QWidget

from resnet_gui.atomic_write import make_folder
from resnet_gui.events import Event, Failed, Note
from resnet_gui.gui.controllers.prediction_controller import PredictionController
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.text import message_text, parts_text, parts_to_choose
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.messages import Message, message
from resnet_gui.nets.catalog import NETWORKS
from resnet_gui.output.advice import reason_and_advice
from resnet_gui.records import ModelInfo

if TYPE_CHECKING:
    from resnet_gui.gui.predict.adopt_dialog import AdoptDialog


class AdoptController(QObject):
    """Opens the dialog, has the engine make the model, and lets it answer at once."""

    _prepared = Signal(object)

    def __init__(
        self, prediction_engine: PredictionEngine, prediction_controller: PredictionController, setup: SetupPane, theme: Theme,
        window: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(window)
        self._prediction_engine = prediction_engine
        self._prediction_controller = prediction_controller
        self._setup = setup
        self._theme = theme
        self._window = window
        self._dialog: AdoptDialog | None = None
        self._proposed = ""
        """The network that was taken over from Setup last."""
        self._job = 0
        self._notes: list[str] = []
        self._is_preparing = False
        prediction_controller.adoption_requested.connect(self.open)
        prediction_engine.engine_died.connect(self._on_engine_died)
        self._prepared.connect(self._request)

    def open(self, weights: str = "") -> None:
        """Shows the dialog, filled in as it was left, with the file `weights` if given."""
        dialog = self._dialog or self._make_dialog()
        if not dialog.isVisible():
            dialog.show_form()
            self._propose_network(dialog)
            dialog.form.propose_out()
        if weights:
            dialog.form.set_weights(os.path.abspath(weights))  # noqa: PTH100 - Path would resolve links
        dialog.open()
        dialog.form.set_focus()

    def import_dialog(self) -> None:
        """Imports the dialog's modules ahead, within 20 ms.

        Not in a thread: PySide makes the classes of Qt when they are first named, and a window that meets one of them in
        the meantime may crash.
        """
        import resnet_gui.gui.predict.adopt_dialog  # noqa: F401 - for its effect alone

    def _propose_network(self, dialog: AdoptDialog) -> None:
        """Takes over the network that is chosen in Setup, unless the dialog has proposed it already."""
        if self._proposed != self._setup.network.name:
            self._proposed = self._setup.network.name
            dialog.form.set_network(self._setup.network)

    def _make_dialog(self) -> AdoptDialog:
        """Made, and its modules imported, when it is first needed; then kept: what is typed stays when the user closes it."""
        from resnet_gui.gui.predict.adopt_dialog import AdoptDialog

        self._dialog = dialog = AdoptDialog(self._theme, NETWORKS, self._window)
        dialog.make_requested.connect(self._make)
        dialog.cancel_requested.connect(self._cancel)
        return dialog

    def _make(self) -> None:
        assert self._dialog is not None
        self._notes, self._is_preparing = [], True
        self._dialog.show_working()
        values, may_replace = self._dialog.form.values(), self._dialog.form.is_out_chosen
        run_in_thread(lambda: _prepare(values, may_replace), self._prepared)

    def _request(self, prepared: tuple[dict[str, Any], Message | None]) -> None:
        """The folder is there: the engine makes the model, unless the user has cancelled."""
        values, problem = prepared
        if not self._is_preparing:
            return
        self._is_preparing = False
        if problem is not None:
            self._show_problem(problem)
        else:
            self._job = self._prediction_engine.request("adopt", self._on_event, **values)

    def _cancel(self) -> None:
        self._prediction_engine.stop(self._job)
        self._job, self._is_preparing = 0, False

    def _on_event(self, event: Event) -> None:
        match event:
            case Note():
                self._notes.append(message_text(_for_window(event.message)))
            case ModelInfo():
                self._job = 0
                self._show_done(event)
            case Failed():
                self._job = 0
                self._show_problem(event.message)

    def _on_engine_died(self, how: Message) -> None:
        if self._job:
            self._job = 0
            self._show_problem(how)

    def _show_problem(self, problem: Message) -> None:
        assert self._dialog is not None
        if parts := parts_to_choose(problem):
            self._dialog.show_parts(parts_text(problem), parts)
        else:
            self._dialog.show_problem(self._problem_text(problem))

    def _problem_text(self, problem: Message) -> str:
        if problem.code != "classes_missing":
            return message_text(_for_window(problem))
        unnamed = self.tr("The weights know {count} classes, and the file does not name them. Write their names above.")
        return unnamed.format(**dict(problem.values))

    def _show_done(self, model: ModelInfo) -> None:
        """The model answers from now on, and the next one gets a file of its own."""
        assert self._dialog is not None
        count = len(model.classes)
        known = self.tr("1 class") if count == 1 else self.tr("{count} classes").format(count=f"{count:,}")
        facts = self.tr("It knows {classes}, and answers in the Predict pane from now on. Drop pictures there.")
        self._dialog.show_done(model.path, facts.format(classes=known), self._notes)
        self._dialog.form.propose_out(anew=True)
        self._prediction_controller.load(model.path)


def _prepare(values: dict[str, Any], may_replace: bool) -> tuple[dict[str, Any], Message | None]:
    """`values` with the path of the model, a new one unless it `may_replace` a file; and why that cannot be, if so.

    Called in a thread.
    """
    from resnet_gui.gui.predict.adopt_form import unused_model_path

    weights, out = values["weights"], Path(values["out"] if may_replace else unused_model_path(values["weights"]))
    try:
        if not may_replace:
            make_folder(out.parent)
        elif out.exists() and Path(weights).exists() and out.samefile(weights):
            return values, message("output_is_input", path=str(out))
    except OSError as error:
        return values, message("cannot_write", path=str(out), **reason_and_advice(error))
    return {**values, "out": str(out)}, None


def _for_window(message: Message) -> Message:
    """`message` with the name of the link that unfolds the settings, in place of the command line's options."""
    settings = QCoreApplication.translate("AdoptController", "“More settings”")
    values = ((name, settings if name == "options" else value) for name, value in message.values)
    return Message(message.code, tuple(values))
