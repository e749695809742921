"""The events of a run folder, read while another program may be writing them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from resnet_gui.events import Event, from_json
from resnet_gui.regular_file import open_regular
from resnet_gui.runs.curves import Curve
from resnet_gui.runs.history import RunHistory

_PROGRESS = b'{"event": "Progress"'
_NUMBER = rb"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
_FIGURES = re.compile(rb'"loss": ' + _NUMBER + rb', "accuracy": ' + _NUMBER)
"""Matches the text that `events.to_json` writes: parsing the whole line takes ten times as long."""
_KEPT = 4000
"""About how many lines of progress are kept for each metric: a plot shows no more points."""

_EVENTS_PER_YIELD, _LINES_PER_YIELD = 50, 300
"""After so many events, or lines, the thread yields the GIL to the window."""


class LogReader:
    """Reads a run's `events.jsonl` from where the last read ended."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self._identity, self._offset = 0, 0

    def read(self) -> tuple[list[Event], bool]:
        """The events since the last read, and whether they are all from the start: a resumed run rewrites its file.

        A torn last line is left for the next read, and a line that is no event is skipped. Raises `OSError`.
        """
        with open_regular(self.run / "events.jsonl") as file:
            status = os.fstat(file.fileno())
            anew = status.st_ino != self._identity or status.st_size < self._offset
            start = 0 if anew else self._offset
            file.seek(start)
            offsets, end = _kept_lines(file, start)
            events = list(_events(file, offsets))
        self._identity, self._offset = status.st_ino, end
        return events, anew


def _kept_lines(file: IO[bytes], offset: int) -> tuple[list[int], int]:
    """The offsets of the lines of `file` worth parsing, from `offset` on, in order, and the end of the last whole line.

    Of very many lines of progress only the newest and those with the lowest and highest figures are kept: every peak.
    """
    loss, accuracy = Curve(_KEPT), Curve(_KEPT)
    others: list[int] = []
    newest: list[int] = []
    for number, line in enumerate(file):
        if not line.endswith(b"\n"):
            break
        if not line.startswith(_PROGRESS):
            others.append(offset)
        else:
            newest = [offset]
            if figures := _FIGURES.search(line):
                loss.add(offset, float(figures[1]))
                accuracy.add(offset, float(figures[2]))
        offset += len(line)
        _yield_gil(number, _LINES_PER_YIELD)
    peaks = (int(begin) for curve in (loss, accuracy) for begin, _ in curve.points)
    return sorted({*others, *newest, *peaks}), offset


def history_of(run: Path, events: Iterable[Event]) -> RunHistory:
    """The history of the run in the folder `run`. Slow for many events, so it yields the GIL in between."""
    history = RunHistory(str(run))
    for number, event in enumerate(events):
        history.add(event)
        _yield_gil(number)
    return history


def _events(file: IO[bytes], offsets: Iterable[int]) -> Iterator[Event]:
    for number, offset in enumerate(offsets):
        file.seek(offset)
        try:
            yield from_json(file.readline().decode("ascii"))
        except ValueError:
            continue
        _yield_gil(number)


def _yield_gil(number: int, each: int = _EVENTS_PER_YIELD) -> None:
    if number % each == 0:
        time.sleep(0.0005)
