"""Cuts the power at every moment of a run, and looks at what the program makes of each thing the disk may hold then.

A real run is traced: each call by which it changes its files, and each event, which is a promise. Each beginning of
that trace is a power cut; `power_cut.py` finds what the disk may hold after it. Each such folder is made, and the run
in it resumed: it must go on from the last checkpoint that was promised, or from the one that was being written.

    python tests/counting/power.py [--trials N | --minutes M]
"""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # before torch: threads that spin slow down whatever runs beside

import collections
import contextlib
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import small_data
from file_calls import Call, fsync_disabled, watched
from outcome import results
from power_cut import Disk, State, fingerprint, key
from tally import run

from resnet_gui.config import TrainConfig, make_config
from resnet_gui.events import BestSaved, CheckpointSaved, EpochDone, Event, Finished, Resumed, Started, Stopped
from resnet_gui.messages import Problem
from resnet_gui.model_file import load_model
from resnet_gui.runs.event_log import read_events
from resnet_gui.training import loop

NEVER = ("unreadable", "neither_old_nor_new", "lost_after_return", "wrong_table", "wrong_story", "leftovers")

Trace = list[Call | Event]

_CHANGES = ("write", "fsync", "mkdir", "unlink", "replace")


def settings(dataset: Path, out: Path, **training: object) -> TrainConfig:
    """The smallest run that is a real one: two epochs of two steps, a third of a second."""
    values = small_data.SETTINGS | {"dataset": dataset, "out": out, "training.epochs": 2, "machine.threads": 1}
    return make_config(values | {f"training.{name}": value for name, value in training.items()})


class Recorder:
    """Keeps the trace of what is done in `root`, and of the events meanwhile."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.trace: Trace = []

    def __call__(self, call: Call) -> Any:
        result = call.do()
        if call.mode or call.what in _CHANGES:
            self.trace.append(call)
        return result

    def record(self, events: Iterator[Event], stop: threading.Event, last: type | None = None) -> None:
        """Records `events`, and sets `stop` at the first of the kind `last`."""
        with watched(self.root, self):
            for event in events:
                self.trace.append(event)
                if isinstance(event, last or ()):
                    stop.set()


def traced(number: int, root: Path, dataset: Path) -> Trace:
    """A run to its end; one that is stopped and resumed; one that is given another epoch."""
    recorder, stop = Recorder(root), threading.Event()
    optimizer = ("adam", "sgd")[number // 3 % 2]
    config = settings(dataset, root / "runs", optimizer=optimizer, seed=number)
    last = BestSaved if number % 3 == 1 else None
    recorder.record(loop.train(config, stop), stop, last)
    folder = next(Path(event.run) for event in recorder.trace if isinstance(event, Started))
    if number % 3:
        recorder.record(loop.resume(folder, threading.Event(), epochs=number % 3 + 1), threading.Event())
    return recorder.trace


@dataclass
class Promises:
    """What the events have promised so far, and the fingerprints of all that was ever written whole, by path.

    `model` counts the models written when the last one was promised; `loaded` remembers which model files could be.
    """

    run: Path = Path()
    position: tuple[int, int] = (0, 0)
    model: int = 0
    epochs: dict[int, EpochDone] = field(default_factory=dict)
    loaded: dict[str, bool] = field(default_factory=dict)
    written: dict[Path, list[str]] = field(default_factory=lambda: collections.defaultdict(list))

    def update(self, event: Event, root: Path) -> None:
        """Adds what `event` promises."""
        match event:
            case Started():
                self.run = Path(event.run).relative_to(root)
            case CheckpointSaved():
                self.position = max(self.position, (event.epoch, event.step))
            case EpochDone():
                self.position = max(self.position, (event.epoch + 1, 0))
                self.epochs[event.epoch] = event
            case BestSaved() | Stopped() | Finished():
                self.model = len(self.written[self.run / "model.safetensors"])


def count(trace: Trace, root: Path, chance: Random, share: float = 1.0) -> collections.Counter[str]:
    """Looks at that `share` of the power cuts, and of what the disk may hold after each of these."""
    counted: collections.Counter[str] = collections.Counter()
    disk, promises = Disk(root), Promises()
    seen: set[object] = set()
    for each in [*trace, None]:
        counted["power_cuts"] += 1
        for state in disk.states(chance) if chance.random() < share else ():
            known = (key(state), promises.position, promises.model)
            if known not in seen and not seen.add(known) and chance.random() < share:
                counted["states"] += 1
                counted.update(_faults(state, promises))
        if isinstance(each, Call):
            disk.follow(each)
            if each.what == "replace":
                path = each.target.relative_to(root)
                promises.written[path].append(fingerprint(disk.content(each.target)))
        elif each is not None:
            promises.update(each, root)
    return counted


def _faults(state: State, promises: Promises) -> Iterator[str]:
    """Makes the folder and looks at it."""
    with tempfile.TemporaryDirectory() as folder, fsync_disabled():
        for path in sorted(state):
            content = state[path]
            if content is None:
                Path(folder, path).mkdir()
            else:
                Path(folder, path).write_bytes(content)
        yield from _faults_of_checkpoints(Path(folder), state, promises)
        yield from _faults_of_model(Path(folder), promises)


def _faults_of_checkpoints(folder: Path, state: State, promises: Promises) -> Iterator[str]:
    run = folder / promises.run
    if promises.run not in state:
        yield from ["lost_after_return"] * (promises.position > (0, 0))
        return
    try:
        with contextlib.closing(loop.resume(run, threading.Event())) as events:
            resumed = next(events)
            assert isinstance(resumed, Resumed)
    except Problem as problem:
        if promises.position > (0, 0):
            yield "lost_after_return" if problem.message.code == "no_checkpoint" else "unreadable"
        return
    except Exception as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        yield "unreadable"
        return
    position = resumed.epoch, resumed.step
    if position < promises.position:
        yield "lost_after_return"
    checkpoint = promises.run / "checkpoints" / f"epoch-{position[0]:05}-step-{position[1]:06}.safetensors"
    if fingerprint(state[checkpoint] or b"") not in promises.written[checkpoint]:
        yield "neither_old_nor_new"
    yield from _faults_of_records(run, resumed.epoch, promises)
    if any(folder.rglob("*.part")):
        yield "leftovers"


def _faults_of_records(run: Path, epoch: int, promises: Promises) -> Iterator[str]:
    """results.csv and events.jsonl must have each epoch before the checkpoint once, in order, and no later ones."""
    rows = results(run)
    if [row.epoch for row in rows] != list(range(1, epoch)) or any(
        row != promises.epochs.get(row.epoch, row) for row in rows
    ):
        yield "wrong_table"
    if [event for event in read_events(run) if isinstance(event, EpochDone)] != rows:
        yield "wrong_story"


def _faults_of_model(folder: Path, promises: Promises) -> Iterator[str]:
    path = folder / promises.run / "model.safetensors"
    written = promises.written[promises.run / "model.safetensors"]
    if not path.exists():
        yield from ["lost_after_return"] * (promises.model > 0)
        return
    found = fingerprint(path.read_bytes())
    if not _loads(path, found, promises):
        yield "unreadable"
        return
    if found not in written:
        yield "neither_old_nor_new"
    elif found not in written[max(0, promises.model - 1) :]:
        yield "lost_after_return"


def _loads(path: Path, found: str, promises: Promises) -> bool:
    if found not in promises.loaded:
        try:
            load_model(path)
            promises.loaded[found] = True
        except Problem:
            promises.loaded[found] = False
    return promises.loaded[found]


def trial(number: int) -> collections.Counter[str]:
    """Every power cut of one run."""
    with tempfile.TemporaryDirectory() as folder, fsync_disabled():
        root = Path(folder, "disk")
        root.mkdir()
        trace = traced(number, root, small_data.draw(Path(folder, "pictures"), 4))
        return count(trace, root, Random(number))


if __name__ == "__main__":
    run("power", trial, short=3, never=NEVER)
