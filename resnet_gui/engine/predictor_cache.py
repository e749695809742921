"""The model that an engine loaded last, kept for the next request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_gui.events import Event, Note
from resnet_gui.messages import Problem

if TYPE_CHECKING:
    from resnet_gui.prediction.predictor import Predictor


class PredictorCache:
    """Keeps the last model loaded, and handles one request at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: tuple[object, Predictor] | None = None

    def describe(self, model: Path, busy: bool, precision: str = "auto") -> Iterator[Event]:
        """The metadata of the file `model`, once it is loaded and warm."""
        with self._lock:
            yield self._load(model, busy, precision).metadata.info(model)

    def predict(
        self, model: Path, paths: list[Path], stop: threading.Event, busy: bool, precision: str = "auto"
    ) -> Iterator[Event]:
        """Predictions for `paths`. While a run computes (`busy`), they use one thread of the processor."""
        from resnet_gui.prediction.streaming import predict

        with self._lock:
            predictor = self._load(model, busy, precision)
            yield from predict(predictor, paths, stop)
            if predictor.note:
                yield Note(predictor.note)

    def _load(self, model: Path, busy: bool, precision: str) -> Predictor:
        """The predictor for the file as it is now: a model that has been saved again is loaded again."""
        from resnet_gui.config import from_plain
        from resnet_gui.device import choose_device
        from resnet_gui.prediction.predictor import Predictor

        meanwhile = {"device": "cpu", "threads": 1} if busy else {}
        machine = from_plain({"machine": {"precision": precision, **meanwhile}}).machine
        device = choose_device(machine)  # also sets the threads, which change more often
        try:
            status = model.stat()
        except OSError as error:
            raise Problem("model_missing", path=str(model)) from error
        key = (str(model), status.st_mtime_ns, status.st_size, device, precision)
        known, predictor = self._loaded or (None, None)
        if predictor is None or known != key:
            predictor = Predictor(model, machine, predictor)
            self._loaded = key, predictor
        return predictor
