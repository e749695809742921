"""The events of a run folder, read while another program may be writing them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from resnet_gui.events import Event, from_json
from resnet_gui.runs.curves import Curve
from resnet_gui.runs.history import RunHistory

_PROGRESS = b'{"event": "Progress"'
_NUMBER = rb"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
_FIGURES = re.compile(rb'"loss": ' + _NUMBER + rb', "accuracy": ' + _NUMBER)
"""As `events.to_json` writes them: to read the whole line takes ten times as long."""
_KEPT = 4000
"""About so many lines of progress are taken for each figure: a plot has no more points than that."""

_EVENTS_PER_YIELD, _LINES_PER_YIELD = 50, 300
"""After so many events, or lines, the window gets its turn: Python's threads share one lock."""


class LogReader:
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
            places, end = _telling_lines(file, start)
            events = list(_events(file, places))
        self._identity, self._place = status.st_ino, end
        return events, anew


def _telling_lines(file: IO[bytes], place: int) -> tuple[list[int], int]:
    """Where the lines begin that tell the story of `file` from `place` on, in their order, and where the last whole one ends.

    Of very many lines of progress these are the newest and those of the lowest and the highest figures: every peak.
    """
    loss, accuracy = Curve(_KEPT), Curve(_KEPT)
    others: list[int] = []
    newest: list[int] = []
    for number, line in enumerate(file):
        if not line.endswith(b"\n"):
            break
        if not line.startswith(_PROGRESS):
            others.append(place)
        else:
            newest = [place]
            if figures := _FIGURES.search(line):
                loss.add(place, float(figures[1]))
                accuracy.add(place, float(figures[2]))
        place += len(line)
        _yield_gil(number, _LINES_PER_YIELD)
    peaks = (int(begin) for curve in (loss, accuracy) for begin, _ in curve.points)
    return sorted({*others, *newest, *peaks}), place


def history_of(run: Path, events: Iterable[Event]) -> RunHistory:
    """What the run in the folder `run` has said, summed up; slow for many events, so that others get their turn."""
    story = RunHistory(str(run))
    for number, event in enumerate(events):
        story.add(event)
        _yield_gil(number)
    return story


def _events(file: IO[bytes], places: Iterable[int]) -> Iterator[Event]:
    for number, place in enumerate(places):
        file.seek(place)
        try:
            yield from_json(file.readline().decode("ascii"))
        except ValueError:
            continue
        _yield_gil(number)


def _yield_gil(number: int, each: int = _EVENTS_PER_YIELD) -> None:
    if number % each == 0:
        time.sleep(0.0005)
