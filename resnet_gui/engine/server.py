"""The engine: a process that does jobs for the window. Requests come in as JSON lines, events go out as JSON lines.

Requests: `{"id": 3, "do": "predict", …}` starts job 3, `{"stop": 3}` stops it. Every event carries its job's
id; `JobEnded` is a job's last. End of input means that the window is gone: stop, save, exit.
Nothing heavy is imported at the top: the descriptors are taken over before libraries can print.
"""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType
from typing import IO

from resnet_gui.engine.job_runner import WARM_UP, JobRunner
from resnet_gui.engine.outbox import Outbox
from resnet_gui.output.safe_stream import safe_streams


def serve() -> int:
    """Serves until the input ends."""
    with safe_streams():  # a log on a full disk ends nothing
        return _serve()


def _serve() -> int:
    requests, events = _take_over_descriptors()
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)  # the window and the user's other programs come first
    jobs = JobRunner(Outbox(events))
    jobs.start({"id": WARM_UP, "do": "warm"})
    with contextlib.suppress(EndOfInput):
        signal.signal(signal.SIGTERM, _end_of_input)
        for line in requests:
            jobs.receive(line)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # saving has begun
    jobs.finish()
    # Libraries may hold threads that never end. By now everything is saved and sent.
    os._exit(0)


class EndOfInput(Exception):
    """SIGTERM arrived: handled like the end of the input."""


def _end_of_input(number: int, frame: FrameType | None) -> None:
    raise EndOfInput


def _take_over_descriptors() -> tuple[IO[str], IO[str]]:
    """Streams for the protocol alone: libraries read nothing from it, and what they print goes to the log."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8", newline="\n")
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return requests, events
