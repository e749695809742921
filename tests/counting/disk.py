"""Refuses each call by which a run touches its files, one after the other, and checks every event of the run.

For every n: the n-th call fails, or it and all later ones, because the disk is full, broken or forbids it. What the
run has reported must be on the disk, and what failed must have been reported. Once the disk is healthy again, the run
must go on and end exactly like one that was not disturbed. The last kind of trial is a real disk that fills up in mid-run.

    python tests/counting/disk.py [--trials N | --minutes M]

The first round of trials takes every fifth n, the next four those between, and later ones refuse by chance.
"""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # before torch: threads that spin slow down whatever runs beside

import collections
import contextlib
import errno
import itertools
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import small_data
from event_checks import RunRecord, faults
from file_calls import Call, fsync_disabled, watched
from outcome import Outcome
from power import settings
from tally import run

from resnet_gui.config import TrainConfig
from resnet_gui.events import BestSaved, EpochDone, Event, Finished
from resnet_gui.messages import Problem
from resnet_gui.runs.run_folder import checkpoints, newest_runs
from resnet_gui.training import loop

NEVER = ("corruptions", "silent_successes", "raw_errors", "other_results", "leftovers", "tables_short")

Counted = collections.Counter[str]
Refuses = Callable[[int, Call], bool]
"""Whether to refuse a call, by its number from 1."""

_BY_PATH = ("open", "replace", "mkdir", "unlink", "listdir", "scandir", "stat")
_REFUSED = {
    errno.ENOSPC: ("open", "write", "fsync", "replace", "mkdir"),
    errno.EIO: (*_BY_PATH, "read", "write", "close", "fsync", "statvfs"),
    errno.EACCES: _BY_PATH,
}
"""Which calls a system refuses with which error."""

_ROUNDS = 5
_KINDS = tuple(itertools.product(_REFUSED, (False, True), ("train", "resume")))


class Refuser:
    """Lets calls through but those that `refuses` chooses, of those that can fail with `error`.

    Of the first refused write to a file half is done, as systems do it: their answer is that not all was written, and
    only the next call fails.
    """

    def __init__(self, error: int, refuses: Refuses) -> None:
        self.error = error
        self.refuses = refuses
        self.calls = 0
        self.refused: list[str] = []
        self._halved: set[Path] = set()
        self._owing = False

    def __call__(self, call: Call) -> Any:
        can_fail = call.what in _REFUSED[self.error]
        self.calls += can_fail
        if not self._owing and not (can_fail and self.refuses(self.calls, call)):
            return call.do()
        self.refused.append(f"{call.what} {call.path.name}")
        if call.what == "write" and call.path not in self._halved:
            self._halved.add(call.path)
            self._owing = True
            return call.do(call.data[: len(call.data) // 2])
        self._owing = False
        if call.what == "close":  # the system does close it
            call.do()
        raise OSError(self.error, os.strerror(self.error), str(call.path))


class Runs:
    """The same run again and again in `folder`: from its beginning, or from where it was stopped once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dataset = small_data.draw(folder / "pictures", 4)
        self.expected = undisturbed(settings(self.dataset, folder / "undisturbed"))
        self.stopped = self._stopped()

    def _stopped(self) -> Path:
        """After its first epoch, when there are two checkpoints and a model."""
        stop = threading.Event()
        for event in loop.train(settings(self.dataset, self.folder / "stopped"), stop):
            if isinstance(event, BestSaved):
                stop.set()
        return newest_runs(self.folder / "stopped")[0]

    def disturbed(self, job: str, watch: Refuser) -> Iterator[str]:
        """What was wrong about one run whose files are watched."""
        out = Path(tempfile.mkdtemp(dir=self.folder)) / "runs"
        if job == "resume":
            shutil.copytree(self.stopped, out / self.stopped.name)
            events = loop.resume(out / self.stopped.name, threading.Event())
        else:
            events = loop.train(settings(self.dataset, out), threading.Event())
        with impatient(), watched(out.parent, watch):
            record = RunRecord().collect(events)
        for folder in newest_runs(out):
            yield from faults(folder, record)
            yield from self._faults_later(folder)
        yield from ["raw_errors"] * (record.error is not None and not isinstance(record.error, Problem))
        yield from ["told"] * record.reports_failure
        shutil.rmtree(out.parent)

    def _faults_later(self, folder: Path) -> Iterator[str]:
        """On a healthy disk the run goes on, if it had begun, and ends like any other."""
        if not checkpoints(folder):
            return
        record = RunRecord().collect(loop.resume(folder, threading.Event()))
        if record.last(Finished) is None or Outcome.of(folder) != self.expected:
            yield "other_results"
        yield from ["leftovers"] * any(folder.rglob("*.part"))


@contextlib.contextmanager
def impatient() -> Iterator[None]:
    """To wait for a virus scanner that lets go of a file, or for another window, would take minutes in all."""
    with (
        mock.patch("resnet_gui.atomic_write._FIRST_WAIT", 1e-4),
        mock.patch("resnet_gui.runs.run_lock._PATIENCE", 0.1),
    ):
        yield


def undisturbed(config: TrainConfig) -> Outcome:
    """What becomes of the run when nobody disturbs it."""
    *_, last = loop.train(config, threading.Event())
    assert isinstance(last, Finished)
    return Outcome.of(Path(last.model).parent)


def refusals(runs: Runs, number: int, every: int = _ROUNDS) -> Counted:
    """One kind of refusal, at each `every`-th call; in rounds beyond the first ones calls are refused by chance."""
    turn, kind = divmod(number, len(_KINDS) + 1)
    error, _, job = _KINDS[kind]
    counted: Counted = collections.Counter()
    for first in range(1 + turn % every, 1000, every):
        watch = Refuser(error, _refuses(number, first))
        found = collections.Counter(runs.disturbed(job, watch))
        if found.keys() - {"told"}:
            print(f"{os.strerror(error)}, {job}, from {first}, {watch.refused[:1]}: {dict(found)}", flush=True)
        counted.update(found, disturbed_runs=1, refused_calls=len(watch.refused))
        if first > watch.calls:
            break
    return counted


def _refuses(number: int, first: int) -> Refuses:
    turn, kind = divmod(number, len(_KINDS) + 1)
    if turn >= _ROUNDS:
        chance = Random(1000 * number + first)
        return lambda call_number, call: chance.random() < 0.02
    if _KINDS[kind][1]:
        return lambda call_number, call: call_number >= first
    return lambda call_number, call: call_number == first


def full_disk() -> Counted:
    """A real disk that is full from the end of the first epoch to that of the third."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = small_data.draw(Path(folder, "pictures"), 4)
        expected = undisturbed(settings(dataset, Path(folder, "runs"), epochs=4))
        try:
            with small_disk(Path(folder, "disk"), 24) as disk:
                return _filled(loop.train(settings(dataset, disk, epochs=4), threading.Event()), disk, expected)
        except PermissionError as error:
            print(f"no small disk, which only root can have: {error}", flush=True)
            return collections.Counter(small_disks_skipped=1)


def _filled(events: Iterator[Event], disk: Path, expected: Outcome) -> Counted:
    def filling() -> Iterator[Event]:
        for event in events:
            yield event
            if isinstance(event, BestSaved) and event.epoch == 1:
                fill(disk / "filler")
            if isinstance(event, EpochDone) and event.epoch == 3:
                (disk / "filler").unlink()

    record = RunRecord().collect(filling())
    [folder] = newest_runs(disk)
    found: Counted = collections.Counter(faults(folder, record), full_disks=1)
    found["silent_successes"] += not record.reports_failure
    found["raw_errors"] += record.error is not None
    found["other_results"] += record.last(Finished) is None or Outcome.of(folder).model != expected.model
    return found


@contextlib.contextmanager
def small_disk(folder: Path, mega: int) -> Iterator[Path]:
    """A disk of so many MB, mounted on the new folder `folder`. Raises `PermissionError` for all but root."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mega}m", "tmpfs", str(folder)]
    if (done := subprocess.run(mount, capture_output=True, text=True)).returncode:
        raise PermissionError(done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(path: Path) -> None:
    """Makes a file that takes all the room there is."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def trial(number: int) -> Counted:
    """One kind of refusal at every fifth call, or the disk that fills up."""
    if number % (len(_KINDS) + 1) == len(_KINDS):
        return full_disk()
    with tempfile.TemporaryDirectory() as folder, fsync_disabled():
        return refusals(Runs(Path(folder)), number)


if __name__ == "__main__":
    run("disk", trial, short=len(_KINDS) + 1, never=NEVER)
