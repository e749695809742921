"""Runs short work that may wait for a disk in a thread of Qt's pool."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from PySide6.QtCore import QThreadPool, SignalInstance


def run_in_thread(work: Callable[[], object], done: SignalInstance) -> None:
    """Does `work` and emits `done` with its result. If the receiver has been deleted, the result is dropped."""

    def run() -> None:
        result = work()
        with contextlib.suppress(RuntimeError):
            done.emit(result)

    QThreadPool.globalInstance().start(run)
