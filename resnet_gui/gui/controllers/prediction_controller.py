"""Connects the prediction pane with the prediction engine."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog

from resnet_gui.config import settings
from resnet_gui.events import Event, Failed, JobEnded, Note, Predicted, Thumbnails
from resnet_gui.gui.predict.predict_pane import PredictPane
from resnet_gui.gui.text import message_text
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.gui.widgets.file_filters import model_or_weight_filter, picture_filter
from resnet_gui.gui.widgets.image_view import PREVIEW_SIDE
from resnet_gui.gui.widgets.mime_data import MODEL_SUFFIX, is_model
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.gui.workers.training_engine import TrainingEngine
from resnet_gui.messages import Message, message
from resnet_gui.names import NAME
from resnet_gui.paths import cache_folder
from resnet_gui.records import ModelInfo, leak_note

_DELAY = 150
"""Milliseconds. If the answer takes longer, the pane shows that it waits; for less it would only flicker."""

PRECISIONS = next(setting.choices for setting in settings() if setting.key == "machine.precision")
"""How exactly predictions may be computed."""

_NAMED_CLASSES = 12
"""The number of classes that are named when a model has been loaded."""
_LETTERS_OF_CLASSES = 240
"""How many letters their names have in all at most: they stand in a narrow pane."""


class PredictionController(QObject):
    """Predicts with the model that answers, and shows which one that is."""

    model_loaded = Signal()
    adoption_requested = Signal(object)
    """str: a file that is no model, of which the user wants to make one."""
    _pasted = Signal(object)

    def __init__(
        self,
        prediction_engine: PredictionEngine,
        training_engine: TrainingEngine,
        pane: PredictPane,
        user_settings: UserSettings,
    ) -> None:
        super().__init__(pane)
        self._prediction_engine = prediction_engine
        if user_settings.precision() in PRECISIONS:
            prediction_engine.precision = user_settings.precision()
        self._training_engine = training_engine
        self._pane = pane
        self._user_settings = user_settings
        self._pastes = itertools.count(1)
        self._ready = False
        self._has_model = self._is_loading = self._is_first = False
        self._predicted_paths: list[str] = []
        """The paths of the last prediction."""
        self._late = QTimer(self, singleShot=True, interval=_DELAY)
        self._late.timeout.connect(self._show_waiting)
        self._drawing = self._next_drawing = ""
        """The picture whose preview is being drawn, and the one to draw after it."""
        self._requested_model = ""
        """The model file that was loaded last, or could not be."""
        self._waiting: list[str] = []
        """Paths that were dropped before there was a model, or while one was being loaded."""
        pane.pictures_dropped.connect(self.predict)
        pane.pictures_requested.connect(self.choose_pictures)
        pane.model_dropped.connect(self.load)
        pane.model_requested.connect(self.choose_model)
        pane.offered_model_requested.connect(lambda: prediction_engine.prefer_best(not prediction_engine.prefers_best))
        pane.adoption_requested.connect(lambda: self.adoption_requested.emit(self._requested_model))
        pane.image_pasted.connect(self._save_pasted)
        self._pasted.connect(lambda path: self.predict([path]))
        pane.preview_requested.connect(self._draw_preview)
        prediction_engine.model_changed.connect(self._show_model)
        prediction_engine.model_changed.connect(self._predict_again)
        prediction_engine.engine_phase_changed.connect(self._on_engine_phase_changed)
        prediction_engine.engine_died.connect(self._on_engine_died)
        training_engine.phase_changed.connect(lambda _: self._show_model())
        self._show_model()

    def choose_pictures(self) -> None:
        """Lets the user choose picture files, and predicts them."""
        paths, _ = QFileDialog.getOpenFileNames(
            self._pane,
            self.tr("Choose pictures"),
            str(Path.home()),
            picture_filter(),
        )
        if paths:
            self.predict(paths)

    def choose_model(self) -> None:
        """Lets the user choose a model file, and loads it."""
        recent = self._user_settings.recent("models")
        path, _ = QFileDialog.getOpenFileName(
            self._pane, self.tr("Open model"), str(Path(recent[0]).parent) if recent else str(Path.home()),
            model_or_weight_filter(),
        )  # fmt: skip
        if path:
            self.load(path)

    def load(self, model: str) -> None:
        """Loads a model file. If it is not valid, the model before still answers."""
        self._is_loading, self._predicted_paths = True, []
        self._late.stop()
        self._pane.show_waiting(self.tr("Loading the model…"))
        self._requested_model = os.path.abspath(model)  # noqa: PTH100 - Path would resolve links
        self._prediction_engine.load(self._requested_model, self._on_model_event)

    def predict(self, paths: list[str]) -> None:
        """Predicts pictures and folders. If there is no model, or one is being loaded, they wait for it."""
        if self._is_loading:
            self._waiting = paths
            return
        if not self._prediction_engine.model:
            self._waiting = paths
            self._show_what_is_missing(Path(paths[0]).name)
            return
        self._request_predictions(paths)
        self._late.start()

    def set_precision(self, precision: str) -> None:
        """Predicts with this precision from now on, and a single picture that is shown once more."""
        self._user_settings.set_precision(precision)
        self._prediction_engine.precision = precision
        if len(self._predicted_paths) == 1 and Path(self._predicted_paths[0]).is_file():
            self._request_predictions(self._predicted_paths)
            return
        if self._predicted_paths:
            self._pane.show_message(self.tr("Another precision is set. Drop the pictures again to predict with it."))
        self._prediction_engine.preload()

    def _show_waiting(self) -> None:
        """Clears the old answers, because the new one takes a while."""
        self._pane.start_batch(len(self._predicted_paths))
        self._pane.show_waiting(self.tr("Looking…") if self._ready else self.tr("Starting the engine…"))

    def _request_predictions(self, paths: list[str]) -> None:
        self._predicted_paths, self._is_first = paths, True
        self._prediction_engine.predict(paths, self._on_prediction_event)

    def _on_prediction_event(self, event: Event) -> None:
        if self._is_first and isinstance(event, Predicted | Failed):
            self._is_first = False
            self._late.stop()
            self._pane.start_batch(len(self._predicted_paths))
        match event:
            case Predicted():
                self._pane.show_predictions(event.items)
            case Note():
                self._pane.show_message(message_text(event.message))
            case Failed():
                self._pane.show_message(message_text(event.message), bad=True)

    def _predict_again(self) -> None:
        """Another model answers now. A single picture is predicted again; for several a message says that they are old."""
        if self._waiting and not self._is_loading:
            self._predict_waiting()
        elif len(self._predicted_paths) == 1 and Path(self._predicted_paths[0]).is_file():
            self._request_predictions(self._predicted_paths)
        elif self._predicted_paths:
            self._pane.show_message(self.tr("A newer model answers now. Drop the pictures again to ask it."))

    def _on_model_event(self, event: Event) -> None:
        match event:
            case ModelInfo():
                self._pane.start_batch(0)
                self._pane.show_message(self._model_text(event))
                self._user_settings.add_recent("models", event.path)
                self.model_loaded.emit()
            case Failed():
                self._show_no_model(event.message)
            case JobEnded():
                self._is_loading = False
                if self._prediction_engine.model:  # else they wait on, and the pane says why this one is no model
                    self._predict_waiting()

    def _show_no_model(self, problem: Message) -> None:
        """Shows why a file could not be loaded. Of another program's weights a model can be made."""
        path = self._requested_model
        may_be_weights = problem.code == "model_not_one" and is_model(path)
        if may_be_weights and not path.lower().endswith(MODEL_SUFFIX):  # nobody took it for one of this program's
            self._pane.show_message(message_text(message("model_of_weights", path=path)))
        else:
            self._pane.show_message(message_text(problem), bad=True)
        if may_be_weights:
            self._pane.offer_adoption()

    def _predict_waiting(self) -> None:
        if waiting := self._waiting:
            self._waiting = []
            self.predict(waiting)

    def _draw_preview(self, path: str) -> None:
        """Draws the preview of an answer when it is shown: of many answers few are.

        One preview is drawn at a time, then that of the answer shown last; those skipped meanwhile are not drawn.
        """
        self._next_drawing = path if path != self._drawing else ""
        if not self._drawing:
            self._draw_next()

    def _draw_next(self) -> None:
        self._drawing, self._next_drawing = self._next_drawing, ""
        if self._drawing:
            self._prediction_engine.request(
                "thumbnails", self._on_preview_event, paths=[self._drawing], side=PREVIEW_SIDE,
                model=self._prediction_engine.model,
            )  # fmt: skip

    def _on_preview_event(self, event: Event) -> None:
        match event:
            case Thumbnails():
                for item in event.items:
                    self._pane.show_preview(item.path, item.png)
            case JobEnded():
                self._pane.show_no_preview(self._drawing)
                self._draw_next()

    def _model_text(self, model: ModelInfo) -> str:
        """Describes a model that has just been loaded: its classes, its validation and its test score."""
        known = _first_classes(model)
        others = model.known - len(known)
        more = self.tr(" and {count} more classes").format(count=f"{others:,}") if others > 0 else ""
        lines = [self.tr("The model is ready. It knows: {classes}.").format(classes=", ".join(known) + more)]
        if not model.validated:
            lines.append(self.tr("It has not been validated."))
        if model.test is not None:
            right = self.tr("Of {total} pictures it had never seen, {right} were right.")
            if model.test.leaked:
                right = self.tr("Of {total} test pictures, {right} were right.")
            lines.append(right.format(total=model.test.total, right=model.test.right))
            if model.test.leaked:
                lines.append(message_text(leak_note(model.test)))
            once, often = self.tr("once"), self.tr("{count} times").format(count=model.test_opened)
            opened = self.tr("These pictures were used {times} for a score.")
            lines.append(opened.format(times=once if model.test_opened == 1 else often))
        return "\n".join(lines)

    def _on_engine_phase_changed(self, phase: str) -> None:
        self._ready = phase == "ready"

    def _on_engine_died(self, how: Message) -> None:
        self._is_loading = False
        self._late.stop()
        for path in (self._drawing, self._next_drawing):
            self._pane.show_no_preview(path)
        self._drawing = self._next_drawing = ""
        self._pane.show_message(message_text(how), bad=True)

    def _show_what_is_missing(self, name: str) -> None:
        """Shows that the picture `name` waits until there is a model."""
        if self._training_engine.phase == "idle":
            text = self.tr("{name} waits: there is no model yet. Train one, or drop a model file (.safetensors).")
        else:
            text = self.tr("{name} waits: the first answer comes after epoch 1.")
        self._pane.show_message(text.format(name=one_line(name, NAME)))

    def _show_model(self) -> None:
        """Shows which model answers, and offers the other one if there are two."""
        engine, running = self._prediction_engine, self._training_engine.phase != "idle"
        loaded = Path(engine.loaded.path).name if engine.loaded else ""
        if engine.model and not self._has_model and not self._waiting:
            self._pane.show_message(self.tr("Drop a picture to see what the model thinks of it."))
        self._has_model = bool(engine.model)
        if self._has_model:
            answers_best = engine.best is not None and engine.model == engine.best[0]
            self._pane.set_model_name(self._name_of_best() if answers_best else loaded, engine.model)
        else:
            self._pane.set_model_name(self.tr("ready after epoch 1") if running else self.tr("no model yet"))
        if not (engine.best and engine.loaded):
            self._pane.offer_model(None)
        elif engine.prefers_best:
            self._pane.offer_model(self.tr("Back to the loaded model"), loaded)
        else:
            self._pane.offer_model(self.tr("Use the newest model"), self._name_of_best())

    def _name_of_best(self) -> str:
        """The name of the run's best model: "best model so far" while the run continues."""
        assert self._prediction_engine.best is not None
        model, epoch, validated = self._prediction_engine.best
        so_far = self._training_engine.phase != "idle" and Path(model).parent == Path(self._training_engine.run)
        name = self.tr("best model so far") if so_far else self.tr("model of the run")
        parts = [name, self.tr("epoch {epoch}").format(epoch=epoch), *([] if validated else [self.tr("not validated")])]
        return " · ".join(parts)

    def _save_pasted(self, image: QImage) -> None:
        """Writes a bitmap from the clipboard to an uncompressed PNG file, in a thread, and predicts it."""
        folder = cache_folder("pasted") / str(os.getpid())
        folder.mkdir(exist_ok=True)
        path = folder / self.tr("Pasted picture {number}.png").format(number=next(self._pastes))
        uncompressed = 100

        def save() -> str:
            image.save(str(path), quality=uncompressed)  # as PNG, by its name
            return str(path)  # if it could not be written, the engine reports that there is no such file

        run_in_thread(save, self._pasted)


def _first_classes(model: ModelInfo) -> list[str]:
    """The names of the first classes, as many as there is room for."""
    names = [one_line(name, NAME // 2) for name in model.classes[:_NAMED_CLASSES]]
    ends = itertools.accumulate(map(len, names))
    return [name for name, end in zip(names, ends, strict=True) if end <= _LETTERS_OF_CLASSES]
