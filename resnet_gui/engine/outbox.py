"""The output of an engine: one JSON line for each event, throttled and batched."""

from __future__ import annotations

import threading
import time
from typing import IO

from resnet_gui.events import Downloading, Event, Progress, to_json


class Outbox:
    """Writes events in a thread of its own, so that a job never waits for a reader.

    Of a job's progress (`Progress`, `Downloading`) the newest is sent, at most 10 times a second; nothing else is
    dropped.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._progress: dict[int, Progress | Downloading] = {}
        self._changed = threading.Condition()
        self._next_progress = 0.0
        self._closed = False
        self.broken = threading.Event()
        self._writer = threading.Thread(target=self._write, name="outbox", daemon=True)
        self._writer.start()

    def put(self, job: int, event: Event) -> None:
        """Sends `event`. Waiting progress of the same job is sent before it if it is due, else dropped."""
        with self._changed:
            if isinstance(event, Progress | Downloading):
                self._progress[job] = event
            else:
                if time.monotonic() >= self._next_progress:
                    self._take_progress()
                self._progress.pop(job, None)
                self._lines.append(to_json(event, id=job))
            self._changed.notify()

    def _take_progress(self) -> None:
        self._lines += [to_json(event, id=job) for job, event in self._progress.items()]
        self._progress.clear()
        self._next_progress = time.monotonic() + 0.1

    def close(self) -> None:
        """Sends what waits, then ends."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._writer.join(timeout=5)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._progress or self._closed)
                if self._progress and (self._closed or time.monotonic() >= self._next_progress):
                    self._take_progress()
                lines, self._lines = self._lines, []
                if self._closed and not lines:
                    return
            self._send(lines)
            if not lines:
                time.sleep(0.01)  # only progress waits, and not for long

    def _send(self, lines: list[str]) -> None:
        try:
            self._stream.write("".join(line + "\n" for line in lines))
            self._stream.flush()
        except OSError:
            self.broken.set()
