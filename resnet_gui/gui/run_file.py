"""The events of a run folder, read while another program may be writing them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from resnet_gui.events import Event, from_json
from resnet_gui.gui.story import Story

_PROGRESS = b'{"event": "Progress"'
_KEPT = 4000
"""Of very many lines of progress so many are taken, evenly: a plot has no more points than that."""

_BREATH = 50
"""After so many events the window gets its turn: Python's threads share one lock."""


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
            whole = file.read().rpartition(b"\n")[0]
        self._identity, self._place = status.st_ino, start + (len(whole) + 1 if whole else 0)
        return list(_events(whole)), anew


def story_of(run: Path, events: Iterable[Event]) -> Story:
    """What the run in the folder `run` has said, summed up; slow for many events, so that others get their turn."""
    story = Story(str(run))
    for number, event in enumerate(events):
        story.add(event)
        _breathe(number)
    return story


def _events(text: bytes) -> Iterator[Event]:
    for number, line in enumerate(_thinned(text.splitlines())):
        try:
            yield from_json(line.decode("ascii"))
        except ValueError:
            continue
        _breathe(number)


def _thinned(lines: list[bytes]) -> list[bytes]:
    """All lines, but not all progress; the last is among what is kept."""
    progress = [number for number, line in enumerate(lines) if line.startswith(_PROGRESS)]
    kept = set(progress[:: -(len(progress) // _KEPT + 1)])
    return [line for number, line in enumerate(lines) if number in kept or not line.startswith(_PROGRESS)]


def _breathe(number: int) -> None:
    if number % _BREATH == 0:
        time.sleep(0.0005)
