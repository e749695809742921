"""A run is a folder: its settings, its split, what it said, a row per epoch, its checkpoints and the best model.

Nothing here imports torch: the window looks into run folders, too.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import itertools
import json
import os
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from resnet_gui.config import TrainConfig, write_config
from resnet_gui.data.split import Splits, write_split
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
    Tested,
    Waiting,
    from_json,
    to_json,
)
from resnet_gui.messages import Problem, message, reason
from resnet_gui.pace import Pace
from resnet_gui.places import runs_folder
from resnet_gui.safe_write import make_folder, safe_write, sweep, sync_names
from resnet_gui.tensor_file import read_description

_COLUMNS = [field.name for field in dataclasses.fields(EpochDone)]
_CHECKPOINT = re.compile(r"epoch-(\d+)-step-(\d+)\.safetensors")
_PATIENCE = 1.0
"""Seconds to wait for another writer: the window looks for a moment whether there is one."""


def make_run_folder(config: TrainConfig, splits: Splits) -> Path:
    """Makes `<date>-<time>-<network>` among the runs, never over another, and writes the settings and the split.

    In the name of a library's network a hyphen stands for the slash.

    Raises `Problem` (`cannot_write`).
    """
    runs = config.out or runs_folder()
    name = f"{datetime.now():%Y-%m-%d-%H%M%S}-{config.network.replace('/', '-')}"
    try:
        make_folder(runs)
        run = _make_unused(runs, name)
        write_config(config, run / "config.toml")
        write_split(splits, run / "split.csv")
        _write_results(run, ())
    except OSError as error:
        raise Problem("cannot_write", path=str(error.filename or runs), reason=reason(error)) from error
    return run


def _make_unused(runs: Path, name: str) -> Path:
    for number in itertools.count(1):
        run = runs / (name if number == 1 else f"{name}-{number}")
        with contextlib.suppress(FileExistsError):
            run.mkdir()
            sync_names(runs)
            return run
    raise AssertionError("unreachable")


def checkpoints(run: Path) -> list[Path]:
    """The run's checkpoints by epoch and step, the newest first; whether they can be read is another question."""
    found = []
    with contextlib.suppress(OSError):
        for path in (run / "checkpoints").iterdir():
            if match := _CHECKPOINT.fullmatch(path.name):
                found.append((int(match[1]), int(match[2]), path))
    return [path for *_, path in sorted(found, reverse=True)]


@contextlib.contextmanager
def only_writer(run: Path) -> Iterator[None]:
    """Nobody else writes to the run meanwhile: the system's own lock, which a process that dies gives back.

    Raises `Problem` (`run_in_use`, which names the other process; `run_cannot_lock`).
    """
    lock = FileLock(run / "run.lock", thread_local=False)
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        pid, host = _owner(run)
        raise Problem("run_in_use", path=str(run), pid=pid, host=host) from None
    except (OSError, NotImplementedError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise Problem("run_cannot_lock", path=str(run), reason=why) from error
    try:
        for folder in (run, run / "checkpoints"):
            sweep(folder)
        with contextlib.suppress(OSError):  # it only says who, should anyone ask
            (run / "owner.json").write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        yield
    finally:
        with contextlib.suppress(OSError):
            (run / "owner.json").unlink()
        lock.release()


def _owner(run: Path) -> tuple[int | str, str]:
    try:
        found = json.loads((run / "owner.json").read_text())
        return found["pid"], found["host"]
    except (OSError, ValueError, KeyError, TypeError):
        return "?", "?"


def recorded(events: Iterator[Event], run: Path, history: Iterable[EpochDone] = ()) -> Iterator[Event]:
    """Passes `events` on and keeps them in the run: `events.jsonl` (progress once a second), `results.csv` by epoch.

    `history` are the epochs before. A full disk does not end a run that could go on without its diary: what cannot be
    written there is left out, and of the table it is told; the next epoch brings what is missing in it.
    """
    pace, epochs = Pace(1.0), list(history)
    try:
        for event in events:
            if not isinstance(event, Progress) or pace.due():
                keep(event, run)
            yield event
            if isinstance(event, EpochDone):
                epochs.append(event)
                yield from _tried_results(run, epochs)
    except Problem as problem:
        keep(Failed(problem.message), run)
        raise


def keep(event: Event, run: Path) -> None:
    """Adds `event` to the run's diary, if the disk takes it. A line that a crash or a full disk has torn is ended first, lest it swallow this one."""
    with contextlib.suppress(OSError), (run / "events.jsonl").open("ab+") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            file.write(b"" if file.read(1) == b"\n" else b"\n")
        file.write(to_json(event).encode("ascii") + b"\n")


def _tried_results(run: Path, epochs: Sequence[EpochDone]) -> Iterator[Note]:
    try:
        _write_results(run, epochs)
    except OSError as error:
        yield Note(message("cannot_write", path=str(run / "results.csv"), reason=reason(error)))


def _row(done: EpochDone) -> list[object]:
    return ["" if each is None else each for each in dataclasses.astuple(done)]


def _write_results(run: Path, history: Sequence[EpochDone]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_COLUMNS, *map(_row, history)])
    safe_write(run / "results.csv", text.getvalue().encode("ascii"))


def rewind(run: Path, started: Started, history: Sequence[EpochDone], epoch: int, step: int) -> None:
    """Cuts the run's diary back to `step` steps of `epoch`: what was said after that will be said again.

    `started` and `history` fill in what a crash or a full disk has kept from it. Raises `OSError`.
    """
    story = read_events(run)
    saved = [number for number, event in enumerate(story, 1) if event == CheckpointSaved(epoch, step)]
    story = [event for event in story[: saved[-1] if saved else None] if not _is_later(event, epoch, step)]
    if not any(isinstance(event, Started) for event in story):
        story.insert(0, started)
    told = {event.epoch for event in story if isinstance(event, EpochDone)}
    story += [done for done in history if done.epoch not in told]
    places = [number for number, event in enumerate(story) if isinstance(event, EpochDone)]
    for number, done in zip(places, history, strict=True):
        story[number] = done
    safe_write(run / "events.jsonl", "".join(to_json(event) + "\n" for event in story).encode("ascii"))
    _write_results(run, history)


def _is_later(event: Event, epoch: int, step: int) -> bool:
    """Whether `event` is of a place that the run has yet to come to; ends do not count once it goes on."""
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
    """What the run has said so far, in order; a line that a crash has torn is passed over. Raises `OSError`."""
    events: list[Event] = []
    with contextlib.suppress(FileNotFoundError):
        for line in (run / "events.jsonl").read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                events.append(from_json(line.decode("ascii")))
    return events


@dataclass(frozen=True, slots=True)
class RunPlace:
    """How far a run has come: its newest checkpoint is after `step` steps of `epoch`, of `epochs` in all.

    `ended` is how: "running" if another process writes it just now, "interrupted" if it never said.
    """

    run: str
    network: str
    dataset: str
    epochs: int
    epoch: int
    step: int
    ended: Literal["finished", "stopped", "failed", "interrupted", "running"]


def last_place(run: Path) -> RunPlace | None:
    """Where the run in `run` can be gone on with; None if no checkpoint's header can be read. Looks, verifies nothing."""
    for path in checkpoints(run):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            card = read_description(path)
            settings = card["config"]
            return RunPlace(
                str(run), settings["network"], settings["dataset"], settings["training"]["epochs"], card["epoch"],
                card["step"], _ended(run),
            )  # fmt: skip
    return None


def _ended(run: Path) -> Literal["finished", "stopped", "failed", "interrupted", "running"]:
    if _is_written(run):
        return "running"
    match _last_event(run):
        case Finished():
            return "finished"
        case Stopped():
            return "stopped"
        case Failed():
            return "failed"
    return "interrupted"


def _last_event(run: Path) -> Event | None:
    """The last that the run itself said, and not who scored it later. Events are a few thousand bytes long at most, but
    for those of very many classes.
    """
    with contextlib.suppress(OSError, ValueError), (run / "events.jsonl").open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 1_000_000))
        events = (from_json(line.decode("ascii")) for line in reversed(file.read().split(b"\n")[:-1]))
        return next((event for event in events if not isinstance(event, Tested)), None)
    return None


def _is_written(run: Path) -> bool:
    if not (run / "run.lock").exists():
        return False
    lock = FileLock(run / "run.lock", thread_local=False)
    try:
        lock.acquire(timeout=0.05)  # another window may look in the same moment
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return False
    lock.release()
    return False


def newest_runs(folder: Path) -> list[Path]:
    """The run folders in `folder`, the newest first by name, which begins with the date."""
    try:
        return sorted((path for path in folder.iterdir() if (path / "config.toml").is_file()), reverse=True)
    except OSError:
        return []
