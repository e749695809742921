"""Counts what becomes of a run whose process is killed, again and again: at random times, and at named points of a save.

    python tests/counting/kill.py

A trial is one run of several lives. Each but the last ends by SIGKILL, the next goes on with the run, and what there is
at the end is compared with the same run undisturbed. Every fifth trial is lived in the engine and on the command line.
"""

from __future__ import annotations

import atexit
import collections
import functools
import os
import random
import shutil
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import die
import lives
import small_data
import tally
from lives import Death, Job, Life
from outcome import Outcome, results

from resnet_gui.events import (
    CheckpointSaved,
    EpochDone,
    Finished,
    JobEnded,
    Note,
    Progress,
    Ready,
    Resumed,
    Started,
)  # fmt: skip
from resnet_gui.tensor_file import read_tensor_file
from resnet_gui.training.run_folder import checkpoints, newest_runs, read_events

NEVER = ("unreadable", "saves lost", "epochs lost", "different")
"""Runs, models or checkpoints that cannot be read or gone on with; checkpoints and epochs that were told and are not
there after the next start; runs whose end is not the undisturbed one's to the bit."""

EVERY = 5
"""One trial of so many is lived in processes of their own; the others are forks."""

OPTIMIZERS = ("adam", "sgd")


class Trial:
    """One run and its lives. What was counted is in `counted`, by name."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.draw = random.Random(number)
        self.forked = number % EVERY != EVERY - 1
        self.optimizer = OPTIMIZERS[number // 3 % len(OPTIMIZERS)]
        self.out = _folder() / f"runs-{number}"
        self.told: list[EpochDone] = []
        self.saved = (0, 0)
        self.counted: collections.Counter[str] = collections.Counter()

    def live(self) -> None:
        """All of the run's lives."""
        _, seconds = _undisturbed(self.optimizer)
        for turn in range(self.draw.randint(2, 4) if self.forked else 1):
            self._one_life(self._death(turn, seconds))
        end = self._one_life(Death())
        if not _finished(end):
            return
        outcome, expected = Outcome.of(self._run()), _undisturbed(self.optimizer)[0]
        if outcome != expected:
            self._wrong("different", f"{outcome} instead of {expected}")
        self._check_diary(self._run())

    def _death(self, turn: int, seconds: float) -> Death:
        """At a named point every other time; else at any time since the start, or soon after an event."""
        kind = (self.number // EVERY + self.number + turn) % 4
        if kind % 2 == 0:
            file = self.draw.choice(("checkpoint", "checkpoint", "model", "diary"))
            return Death(f"{self.draw.choice(die.POINTS[file])}:{file}:{self.draw.randint(1, 5)}")
        if kind == 1 and self.forked:
            return Death(seconds=self.draw.uniform(0, 0.5 * seconds))
        return Death(events=self.draw.randint(0, 10), seconds=self.draw.uniform(0, 0.06))

    def _one_life(self, death: Death) -> Life:
        run = self._run()
        job: Job = {"do": "resume", "run": str(run)} if run else {"do": "train", "config": self._settings()}
        kind = lives.Fork if self.forked else self.draw.choice((lives.engine, lives.command_line))
        life = lives.live(kind(job, death.point), death)
        life.said = [event for event in life.said if not isinstance(event, Ready | JobEnded)]
        if life.killed:
            self.counted["kills"] += 1
            self.counted[f"kills {self._place(life, death)}"] += 1
        self._judge(life, run)
        return life

    def _run(self) -> Path | None:
        return next((run for run in newest_runs(self.out) if checkpoints(run)), None)

    def _settings(self) -> dict[str, object]:
        """What must not make a difference is drawn anew."""
        return _settings(self.out, self.optimizer) | {
            "machine.loading_threads": self.draw.choice((1, 2)),
            "machine.checkpoint_minutes": self.draw.choice((0.01, 5.0)),
        }

    def _place(self, life: Life, death: Death) -> str:
        """Where the life ended, as far as can be seen from outside."""
        run = self._run()
        if death.point:
            return f"at “{death.point.partition(':')[0]}”"
        if run is None:
            return "before the first checkpoint"
        if any(run.rglob(f".*.{life.pid}.part")):
            return "inside a save"
        match life.said[-1:]:
            case [Progress(phase=phase)]:
                return f"in the phase “{phase}”"
            case [Finished()]:
                return "after the end"
            case [] | [Started() | Resumed() | Note()]:
                return "while it started"
        return "just after an epoch or a save"

    def _judge(self, life: Life, run: Path | None) -> None:
        """What a life found of what the ones before it had told, and what it left behind."""
        resumed = next((event for event in life.said if isinstance(event, Resumed)), None)
        if not life.killed and not _finished(life):
            self._wrong("unreadable", f"it ends with {life.said[-1:]}")
        if damaged := [event for event in life.said if isinstance(event, Note) and "damaged" in event.message.code]:
            self._wrong("unreadable", f"{damaged}")
        if run is None and self.saved > (0, 0):
            self._wrong("unreadable", "a checkpoint was told, and there is none")
        if resumed:
            if (resumed.epoch, resumed.step) < self.saved:
                self._wrong("saves lost", f"{resumed} after {self.saved}")
            if lost := [done.epoch for done in self.told if done.epoch >= resumed.epoch]:
                self._wrong("epochs lost", f"{lost} at {resumed}")
        self.told += [event for event in life.said if isinstance(event, EpochDone)]
        self.saved = max([self.saved, *((e.epoch, e.step) for e in life.said if isinstance(e, CheckpointSaved))])
        self._check_files()

    def _check_files(self) -> None:
        """Whatever a killed process leaves under its own name must be whole."""
        for path in self.out.rglob("*.safetensors"):
            try:
                read_tensor_file(path)
            except ValueError as error:
                self._wrong("unreadable", f"{path.name}: {error}")

    def _check_diary(self, run: Path | None) -> None:
        """An epoch that was told stands in the table, with the very figures, and the story is told once."""
        assert run
        story = read_events(run)
        rows, told = results(run), [event for event in story if isinstance(event, EpochDone)]
        if missing := [done for done in self.told if done not in rows]:
            self._wrong("epochs lost", f"{missing} not in results.csv")
        if rows != told or not isinstance(story[0], Started) or not isinstance(story[-1], Finished):
            self._wrong("different", f"events.jsonl tells another story than results.csv: {story}")

    def _wrong(self, what: str, why: str) -> None:
        self.counted[what] += 1
        print(f"trial {self.number}: {what}: {why}", flush=True)


def _finished(life: Life) -> bool:
    return isinstance(life.said[-1] if life.said else None, Finished)


def trial(number: int) -> dict[str, int]:
    """One run, killed one to four times. Everything is drawn from `number`, but what the clock decides."""
    its = Trial(number)
    try:
        its.live()
    finally:
        if not any(its.counted[what] for what in NEVER):
            shutil.rmtree(its.out, ignore_errors=True)
    return its.counted


@functools.cache
def _undisturbed(optimizer: str) -> tuple[Outcome, float]:
    """What becomes of the run that is left alone, and how many seconds that takes."""
    out, began = _folder() / f"undisturbed-{optimizer}", time.monotonic()
    life = lives.live(lives.Fork({"do": "train", "config": _settings(out, optimizer)}, ""), Death())
    assert isinstance(life.said[-1], Finished), life.said[-1]
    return Outcome.of(newest_runs(out)[0]), time.monotonic() - began


def _settings(out: Path, optimizer: str) -> dict[str, object]:
    return {**small_data.SETTINGS, "dataset": str(_data()), "out": str(out), "training.optimizer": optimizer}


@functools.cache
def _data() -> Path:
    return small_data.draw(_folder() / "pictures")


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="resnet-gui-kill-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


if __name__ == "__main__":
    tally.run("kill", trial, short=20, never=NEVER)
