"""A run's events as a file, `events.jsonl`, and its epochs as a table, `results.csv`."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from resnet_gui.atomic_write import atomic_write
from resnet_gui.events import (
    BestSaved,
    CheckpointSaved,
    EpochDone,
    Event,
    Failed,
    Finished,
    Note,
    Progress,
    Started,
    Stopped,
    TestScored,
    Waiting,
    from_json,
    to_json,
)
from resnet_gui.messages import Problem, message
from resnet_gui.output.advice import reason_and_advice
from resnet_gui.regular_file import open_regular, read_regular
from resnet_gui.throttle import Throttle

_COLUMNS = [field.name for field in dataclasses.fields(EpochDone)]


def record(events: Iterator[Event], run: Path, history: Iterable[EpochDone] = ()) -> Iterator[Event]:
    """Passes `events` on and writes them: `events.jsonl` (progress once a second), and `results.csv` after each epoch.

    `history` are the epochs before. A full disk does not end the run: an event that cannot be written is left out. If
    the table cannot be written, a `Note` reports it, and the next epoch writes the whole table again.
    """
    throttle, epochs = Throttle(1.0), list(history)
    try:
        for event in events:
            if not isinstance(event, Progress) or throttle.ready():
                append_event(event, run)
            yield event
            if isinstance(event, EpochDone):
                epochs.append(event)
                yield from _try_write_results(run, epochs)
    except Problem as problem:
        append_event(Failed(problem.message), run)
        raise


def append_event(event: Event, run: Path) -> None:
    """Appends `event` to the run's event log, if the disk takes it.

    A line that a crash or a full disk has torn is ended first, so that it does not swallow this one.
    """
    with contextlib.suppress(OSError), (run / "events.jsonl").open("ab+") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            file.write(b"" if file.read(1) == b"\n" else b"\n")
        file.write(to_json(event).encode("ascii") + b"\n")


def _try_write_results(run: Path, epochs: Sequence[EpochDone]) -> Iterator[Note]:
    try:
        write_results(run, epochs)
    except OSError as error:
        yield Note(message("cannot_write", path=str(run / "results.csv"), **reason_and_advice(error)))


def _row(done: EpochDone) -> list[object]:
    """The cells of an epoch; a number that is none, or infinite, is left out as one that does not exist."""
    cells = dataclasses.astuple(done)
    return ["" if each is None or not math.isfinite(each) else each for each in cells]


def write_results(run: Path, history: Sequence[EpochDone]) -> None:
    """Writes `results.csv`, a row for each epoch of `history`. Raises `OSError`."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_COLUMNS, *map(_row, history)])
    atomic_write(run / "results.csv", text.getvalue().encode("ascii"))


def rewind(run: Path, started: Started, history: Sequence[EpochDone], epoch: int, step: int) -> None:
    """Cuts the run's event log back to `step` steps of `epoch`: later events will be emitted again.

    `started` and `history` fill in events that a crash or a full disk has lost. Raises `OSError`.
    """
    events = read_events(run)
    saved = [number for number, event in enumerate(events, 1) if event == CheckpointSaved(epoch, step)]
    events = [event for event in events[: saved[-1] if saved else None] if not _is_later(event, epoch, step)]
    if not any(isinstance(event, Started) for event in events):
        events.insert(0, started)
    logged = {event.epoch for event in events if isinstance(event, EpochDone)}
    events += [done for done in history if done.epoch not in logged]
    indices = [number for number, event in enumerate(events) if isinstance(event, EpochDone)]
    for number, done in zip(indices, history, strict=True):
        events[number] = done
    atomic_write(run / "events.jsonl", "".join(to_json(event) + "\n" for event in events).encode("ascii"))
    write_results(run, history)


def _is_later(event: Event, epoch: int, step: int) -> bool:
    """Whether `event` lies after `step` steps of `epoch`, or is an end, which does not count once the run goes on."""
    match event:
        case Progress(phase="train") | CheckpointSaved():
            return (event.epoch, event.step) > (epoch, step)
        case Progress(phase="test"):
            return True
        case Progress() | EpochDone() | BestSaved():
            return event.epoch >= epoch
        case Stopped() | Failed() | Finished() | Waiting():
            return True
        case _:
            return False


def read_events(run: Path) -> list[Event]:
    """The run's events so far, in order, without lines that a crash has torn. Raises `OSError`."""
    events: list[Event] = []
    with contextlib.suppress(FileNotFoundError):
        for line in read_regular(run / "events.jsonl").splitlines():
            with contextlib.suppress(ValueError):
                events.append(from_json(line.decode("ascii")))
    return events


def last_event(run: Path) -> Event | None:
    """The last event of the run itself, without test scores that were requested later; None if there is none.

    Only the last million bytes are read. An event has a few thousand at most, except with very many classes.
    """
    with contextlib.suppress(OSError, ValueError), open_regular(run / "events.jsonl") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 1_000_000))
        events = (from_json(line.decode("ascii")) for line in reversed(file.read().split(b"\n")[:-1]))
        return next((event for event in events if not isinstance(event, TestScored)), None)
    return None
