"""The model that an engine loaded last, kept for the next request.

A file may lie on a drive that does not answer. So files are opened in threads of their own, and no lock is held meanwhile:
another model answers in the meantime, and whoever waits can be stopped.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnet_gui.events import Event, Note

if TYPE_CHECKING:
    from torch import nn

    from resnet_gui.config import MachineConfig
    from resnet_gui.model_file import ModelMetadata
    from resnet_gui.prediction.predictor import Predictor

_LOOK_SECONDS = 0.1
"""How often a request that waits looks whether it was stopped."""
_NEVER = threading.Event()


@dataclass(frozen=True, slots=True)
class _Opened:
    """What came of opening the file `version`, as it is now: the `predictor` that is ready for it, or else its `content`."""

    version: object
    predictor: Predictor | None
    content: tuple[nn.Module, ModelMetadata] | None = None


class PredictorCache:
    """Keeps the last model that answered. Requests open their files side by side, and compute one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._loaded: tuple[object, Predictor] | None = None
        self._under_way: dict[object, Future[Any]] = {}

    def describe(
        self, model: Path, busy: bool, precision: str = "auto", stop: threading.Event = _NEVER
    ) -> Iterator[Event]:
        """The metadata of the file `model`, once it is loaded and warm; nothing when stopped."""
        with self._ready(model, busy, precision, stop) as predictor:
            if predictor:
                yield predictor.metadata.info(model)

    def predict(
        self, model: Path, paths: list[Path], stop: threading.Event, busy: bool, precision: str = "auto"
    ) -> Iterator[Event]:
        """Predictions for `paths`. While a run computes (`busy`), they use one thread of the processor."""
        from resnet_gui.prediction.streaming import predict

        with self._ready(model, busy, precision, stop) as predictor:
            if predictor is None:
                return
            yield from predict(predictor, paths, stop)
            if predictor.note:
                yield Note(predictor.note)

    @contextlib.contextmanager
    def _ready(self, model: Path, busy: bool, precision: str, stop: threading.Event) -> Iterator[Predictor | None]:
        """The predictor for the file as it is now, while it is this request's turn to compute; None when stopped."""
        from resnet_gui.config import from_plain
        from resnet_gui.device import choose_device

        meanwhile = {"device": "cpu", "threads": 1} if busy else {}
        machine = from_plain({"machine": {"precision": precision, **meanwhile}}).machine
        how = choose_device(machine), precision
        opened = self._open(model, how, stop)
        if opened is None or not self._take_turn(stop):
            yield None
            return
        try:
            choose_device(machine)  # also sets the threads, which another request may have changed
            yield self._predictor(model, machine, opened)
        finally:
            self._turn.release()

    def _open(self, model: Path, how: object, stop: threading.Event) -> _Opened | None:
        """Opens the file in a thread, and waits for it; None when stopped. Raises `Problem`."""
        result: Future[_Opened] = Future()
        threading.Thread(target=_fulfil, args=(result, self._read, model, how), name="opening", daemon=True).start()
        while wait([result], _LOOK_SECONDS).not_done:
            if stop.is_set():
                return None
        return result.result()

    def _read(self, model: Path, how: object) -> _Opened:
        """Loads the file, unless its predictor is there; waits if another thread is loading it."""
        from resnet_gui.model_file import load_model, version_of

        version = (*version_of(model), how)
        with self._lock:
            known, predictor = self._loaded or (None, None)
            if known == version:
                return _Opened(version, predictor)
            is_first = version not in self._under_way
            content = self._under_way.setdefault(version, Future())
        if is_first:
            _fulfil(content, load_model, model)
            with self._lock:
                del self._under_way[version]
        return _Opened(version, None, content.result())

    def _take_turn(self, stop: threading.Event) -> bool:
        """Waits until no other request computes. Returns False when stopped."""
        while not self._turn.acquire(timeout=_LOOK_SECONDS):
            if stop.is_set():
                return False
        return True

    def _predictor(self, model: Path, machine: MachineConfig, opened: _Opened) -> Predictor:
        """The predictor for what was opened. One that was made in the meantime, for the same file, will do."""
        from resnet_gui.prediction.predictor import Predictor

        known, earlier = self._loaded or (None, None)
        if earlier is not None and known == opened.version:
            return earlier
        predictor = opened.predictor or Predictor(model, machine, earlier, opened.content)
        with self._lock:
            self._loaded = opened.version, predictor
        return predictor


def _fulfil(future: Future[Any], work: Any, *arguments: Any) -> None:
    try:
        future.set_result(work(*arguments))
    except BaseException as error:
        future.set_exception(error)
