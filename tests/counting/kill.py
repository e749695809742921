"""Counts what becomes of a run whose process is killed, again and again: at random times, and at named points of a save.

    python tests/counting/kill.py

A trial is one run in several processes, one after the other. Each but the last is killed by SIGKILL, and the next
resumes the run. The end is compared with the same run undisturbed. Every fifth trial uses the engine and the command line.
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

import kill_points
import run_processes
import small_data
import tally
from outcome import Outcome, results
from run_processes import Job, Kill, RunProcess

from resnet_gui.events import CheckpointSaved, EpochDone, Finished, JobEnded, Note, Progress, Ready, Resumed, Started
from resnet_gui.runs.event_log import read_events
from resnet_gui.runs.run_folder import checkpoints, newest_runs
from resnet_gui.tensor_file import read_tensor_file

NEVER = ("unreadable", "saves lost", "epochs lost", "different")
"""Runs, models or checkpoints that cannot be read or gone on with; checkpoints and epochs that an event reported and that
are not there after the next start; runs whose end is not the undisturbed one's to the bit."""

EVERY = 5
"""One trial of so many starts new processes; the others fork this one."""

OPTIMIZERS = ("adam", "sgd")


class Trial:
    """One run and its processes. What was counted is in `counted`, by name."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.draw = random.Random(number)
        self.forked = number % EVERY != EVERY - 1
        self.optimizer = OPTIMIZERS[number // 3 % len(OPTIMIZERS)]
        self.out = _folder() / f"runs-{number}"
        self.epochs: list[EpochDone] = []
        self.saved = (0, 0)
        self.counted: collections.Counter[str] = collections.Counter()

    def run_all(self) -> None:
        """Starts and kills all of the run's processes, and looks at the end of the run."""
        _, seconds = _undisturbed(self.optimizer)
        for turn in range(self.draw.randint(2, 4) if self.forked else 1):
            self._run_process(self._draw_kill(turn, seconds))
        end = self._run_process(Kill())
        if not _finished(end):
            return
        outcome, expected = Outcome.of(self._run()), _undisturbed(self.optimizer)[0]
        if outcome != expected:
            self._wrong("different", f"{outcome} instead of {expected}")
        self._check_records(self._run())

    def _draw_kill(self, turn: int, seconds: float) -> Kill:
        """At a named point every other time; else at any time since the start, or soon after an event."""
        kind = (self.number // EVERY + self.number + turn) % 4
        if kind % 2 == 0:
            file = self.draw.choice(("checkpoint", "checkpoint", "model", "record"))
            return Kill(f"{self.draw.choice(kill_points.POINTS[file])}:{file}:{self.draw.randint(1, 5)}")
        if kind == 1 and self.forked:
            return Kill(seconds=self.draw.uniform(0, 0.5 * seconds))
        return Kill(after_events=self.draw.randint(0, 10), seconds=self.draw.uniform(0, 0.06))

    def _run_process(self, kill: Kill) -> RunProcess:
        run = self._run()
        job: Job = {"do": "resume", "run": str(run)} if run else {"do": "train", "config": self._settings()}
        kind = (
            run_processes.Fork if self.forked else self.draw.choice((run_processes.engine, run_processes.command_line))
        )
        ended = run_processes.follow(kind(job, kill.point), kill)
        ended.events = [event for event in ended.events if not isinstance(event, Ready | JobEnded)]
        if ended.killed:
            self.counted["kills"] += 1
            self.counted[f"kills {self._phase_of_end(ended, kill)}"] += 1
        self._judge(ended, run)
        return ended

    def _run(self) -> Path | None:
        return next((run for run in newest_runs(self.out) if checkpoints(run)), None)

    def _settings(self) -> dict[str, object]:
        """What must not make a difference is drawn anew."""
        return _settings(self.out, self.optimizer) | {
            "machine.loading_threads": self.draw.choice((1, 2)),
            "machine.checkpoint_minutes": self.draw.choice((0.01, 5.0)),
        }

    def _phase_of_end(self, ended: RunProcess, kill: Kill) -> str:
        """Where the process ended, as far as can be seen from outside."""
        run = self._run()
        if kill.point:
            return f"at “{kill.point.partition(':')[0]}”"
        if run is None:
            return "before the first checkpoint"
        if any(run.rglob(f".*.{ended.pid}.part")):
            return "inside a save"
        match ended.events[-1:]:
            case [Progress(phase=phase)]:
                return f"in the phase “{phase}”"
            case [Finished()]:
                return "after the end"
            case [] | [Started() | Resumed() | Note()]:
                return "while it started"
        return "just after an epoch or a save"

    def _judge(self, ended: RunProcess, run: Path | None) -> None:
        """Whether the process found what the earlier ones had reported, and whether what it left behind is whole."""
        resumed = next((event for event in ended.events if isinstance(event, Resumed)), None)
        if not ended.killed and not _finished(ended):
            self._wrong("unreadable", f"it ends with {ended.events[-1:]}")
        if damaged := [event for event in ended.events if isinstance(event, Note) and "damaged" in event.message.code]:
            self._wrong("unreadable", f"{damaged}")
        if run is None and self.saved > (0, 0):
            self._wrong("unreadable", "a checkpoint was reported, and there is none")
        if resumed:
            if (resumed.epoch, resumed.step) < self.saved:
                self._wrong("saves lost", f"{resumed} after {self.saved}")
            if lost := [done.epoch for done in self.epochs if done.epoch >= resumed.epoch]:
                self._wrong("epochs lost", f"{lost} at {resumed}")
        self.epochs += [event for event in ended.events if isinstance(event, EpochDone)]
        self.saved = max([self.saved, *((e.epoch, e.step) for e in ended.events if isinstance(e, CheckpointSaved))])
        self._check_files()

    def _check_files(self) -> None:
        """Whatever a killed process leaves under its own name must be whole."""
        for path in self.out.rglob("*.safetensors"):
            try:
                read_tensor_file(path)
            except ValueError as error:
                self._wrong("unreadable", f"{path.name}: {error}")

    def _check_records(self, run: Path | None) -> None:
        """Each reported epoch is in results.csv with the same figures, and events.jsonl has the same epochs once each."""
        assert run
        events = read_events(run)
        rows, epochs = results(run), [event for event in events if isinstance(event, EpochDone)]
        if missing := [done for done in self.epochs if done not in rows]:
            self._wrong("epochs lost", f"{missing} not in results.csv")
        if rows != epochs or not isinstance(events[0], Started) or not isinstance(events[-1], Finished):
            self._wrong("different", f"events.jsonl has other epochs than results.csv: {events}")

    def _wrong(self, what: str, why: str) -> None:
        self.counted[what] += 1
        print(f"trial {self.number}: {what}: {why}", flush=True)


def _finished(ended: RunProcess) -> bool:
    return isinstance(ended.events[-1] if ended.events else None, Finished)


def trial(number: int) -> dict[str, int]:
    """One run, killed one to four times. Everything is drawn from `number`, but what the clock decides."""
    its = Trial(number)
    try:
        its.run_all()
    finally:
        if not any(its.counted[what] for what in NEVER):
            shutil.rmtree(its.out, ignore_errors=True)
    return its.counted


@functools.cache
def _undisturbed(optimizer: str) -> tuple[Outcome, float]:
    """What becomes of the run that is left alone, and how many seconds that takes."""
    out, began = _folder() / f"undisturbed-{optimizer}", time.monotonic()
    ended = run_processes.follow(run_processes.Fork({"do": "train", "config": _settings(out, optimizer)}, ""), Kill())
    assert isinstance(ended.events[-1], Finished), ended.events[-1]
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
