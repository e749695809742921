"""The events of a run folder, read while another program may be writing them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from resnet_gui.events import Event, from_json
from resnet_gui.gui.story import Story

_PROGRESS = b'{"event": "Progress"'
_KEPT = 4000
"""Of very many lines of progress at most so many are taken, evenly: a plot has no more points than that."""

_BREATH, _SIP = 50, 1000
"""After so many events, or lines, the window gets its turn: Python's threads share one lock."""


class RunFile:
    """Reads a run's `events.jsonl` from where it came to the last time."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self._identity, self._place = 0, 0

    def read(self) -> tuple[list[Event], bool]:
        """The events written since, and whether these are all there are: a run that is resumed writes its file anew.

        A torn last line is left for the next time, and one that is no event passed over. Raises `OSError`.
        """
        with (self.run / "events.jsonl").open("rb") as file:
            status = os.fstat(file.fileno())
            anew = status.st_ino != self._identity or status.st_size < self._place
            start = 0 if anew else self._place
            file.seek(start)
            lines = _Lines(file)
        self._identity, self._place = status.st_ino, start + lines.size
        return list(_events(lines.taken)), anew


class _Lines:
    """The whole lines of `file` from where it is: `taken` are all but most of the progress, `size` is that of all."""

    def __init__(self, file: IO[bytes]) -> None:
        self.size = 0
        self._progress: dict[int, bytes] = {}
        self._newest: dict[int, bytes] = {}
        self._others: dict[int, bytes] = {}
        self._seen, self._stride = 0, 1
        for number, line in enumerate(file):
            if not line.endswith(b"\n"):
                break
            self.size += len(line)
            self._take(number, line)
            _breathe(number, _SIP)

    @property
    def taken(self) -> list[bytes]:
        """In their order; the newest progress is always among them."""
        return [line for _, line in sorted((self._others | self._progress | self._newest).items())]

    def _take(self, number: int, line: bytes) -> None:
        if line.startswith(_PROGRESS):
            self._newest = {number: line}
            self._take_progress(number, line)
        else:
            self._others[number] = line

    def _take_progress(self, number: int, line: bytes) -> None:
        """Whenever there are too many, every second goes, and of those to come as many more."""
        if self._seen % self._stride == 0:
            if len(self._progress) == _KEPT:
                self._progress = dict(list(self._progress.items())[::2])
                self._stride *= 2
            self._progress[number] = line
        self._seen += 1


def story_of(run: Path, events: Iterable[Event]) -> Story:
    """What the run in the folder `run` has said, summed up; slow for many events, so that others get their turn."""
    story = Story(str(run))
    for number, event in enumerate(events):
        story.add(event)
        _breathe(number)
    return story


def _events(lines: Iterable[bytes]) -> Iterator[Event]:
    for number, line in enumerate(lines):
        try:
            yield from_json(line.decode("ascii"))
        except ValueError:
            continue
        _breathe(number)


def _breathe(number: int, each: int = _BREATH) -> None:
    if number % each == 0:
        time.sleep(0.0005)
