"""Ctrl-C and SIGTERM: what runs can save and stop."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """A flag that Ctrl-C or SIGTERM sets, so that the run can save and stop. A second one exits at once."""
    stop = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        print("\nStopping and saving. Ctrl-C again exits at once.", file=sys.stderr)
        stop.set()

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
