"""Ctrl-C, SIGTERM and a terminal that closes: they stop every verb, and the exit status says so (128 + the signal)."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any


class StopFlag(threading.Event):
    """Set by a signal, so that a job can save and stop. Then `status` is the exit status, such as 130.

    `cleanups` are called before a second signal ends the process at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = 0
        self.cleanups: list[Callable[[], object]] = []


@contextlib.contextmanager
def exit_on_interrupt(as_json: bool = False) -> Iterator[None]:
    """While nothing has begun, a signal ends the process at once, with a sentence and without a traceback.

    An exception would not do: libraries that are just being imported swallow it, or turn it into another.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        _exit(number, "stopped_early", as_json)

    with _handled(interrupt):
        yield


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[StopFlag]:
    """A flag that a signal sets, so that the run can save and stop. A second one exits at once."""
    stop = StopFlag()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            _exit(number, "stopped_at_once", False, stop.cleanups)
        stop.status = 128 + number
        stop.set()
        with contextlib.suppress(RuntimeError):  # the signal came while the same stream was being written
            print("\nStopping and saving. Ctrl-C again exits at once.", file=sys.stderr, flush=True)

    with _handled(interrupt):
        yield stop


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _signals()}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _signals() -> Iterator[int]:
    yield from (signal.SIGINT, signal.SIGTERM)
    for name in ("SIGHUP", "SIGBREAK"):  # the terminal was closed
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup does
            yield number


def _exit(number: int, code: str, as_json: bool, cleanups: Iterable[Callable[[], object]] = ()) -> None:
    for cleanup in cleanups:
        with contextlib.suppress(Exception):
            cleanup()
    with contextlib.suppress(Exception):  # an import that the signal came into, or a stream that was being written
        _report(code, as_json)
    os._exit(128 + number)


def _report(code: str, as_json: bool) -> None:
    """The imports are here, so that a signal is handled from the first moment on."""
    from resnet_gui.events import Interrupted, to_json
    from resnet_gui.messages import message, sentence

    stopped = message(code)
    if as_json:
        print(to_json(Interrupted(stopped)), flush=True)
    print(f"\n{sentence(stopped)}", file=sys.stderr, flush=True)
