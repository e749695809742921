"""Counts what becomes of a run whose pictures are edited: while it trains, and before it is resumed.

    python tests/counting/change.py

A trial is one run and one way to alter its dataset. Every class has an unmistakable colour, so each batch shows by
itself whether its labels are right; and each picture that was altered must be listed, and no other.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import hashlib
import os
import random
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import small_data
import tally
import torch
from dataset_edits import EDITS, Edit, EditResult, as_ordinary_user, made_unreadable
from outcome import Outcome

from resnet_gui.config import TrainConfig, make_config
from resnet_gui.data.batch import Batch
from resnet_gui.data.loader import Loader
from resnet_gui.data.split import read_split
from resnet_gui.data.transforms import Augmentation
from resnet_gui.events import DatasetChanged, Event, Failed, Finished, Skipped, Started, Waiting
from resnet_gui.messages import Problem
from resnet_gui.training.loop import resume, train

NEVER = ("wrong labels", "listed wrongly", "not listed", "rest unused", "disk touched", "different", "not gone on")
"""Pictures that were learned or scored under another class's name; pictures that were listed as edited and were not,
and the other way round; pictures left out for no reason; runs on whose disk a question left a trace; runs that differ
though nothing that matters was altered; runs that did not come to their end."""

_LAST = 3


class Watch:
    """Looks at every batch that a loader makes, and calls `then` when the training has come to batch `at`."""

    def __init__(self, at: int, then: Callable[[], None]) -> None:
        self.at, self.then = at, then
        self.trained = self.batches = self.wrong = 0
        self.used: collections.Counter[int] = collections.Counter()

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        real_train, real_evaluate = Loader.train, Loader.evaluate

        def watched_train(
            loader: Loader, augmentation: Augmentation, epoch: int, done: int = 0
        ) -> Iterator[Batch | Skipped]:
            for item in self._checked(real_train(loader, augmentation, epoch, done)):
                if isinstance(item, Batch):
                    self.used[epoch] += len(item.labels)
                    self.trained += 1
                    if self.trained == self.at:
                        self.then()
                yield item

        Loader.train, Loader.evaluate = watched_train, lambda loader: self._checked(real_evaluate(loader))
        try:
            yield
        finally:
            Loader.train, Loader.evaluate = real_train, real_evaluate

    def _checked(self, items: Iterator[Batch | Skipped]) -> Iterator[Batch | Skipped]:
        colours = torch.tensor(list(small_data.COLOURS.values()), dtype=torch.float32)
        for item in items:
            if isinstance(item, Batch):
                nearest = torch.cdist(item.pixels.float().mean((2, 3)), colours).argmin(1)
                self.wrong += int((nearest != item.labels).sum())
                self.batches += 1
            yield item


class Trial:
    """One run on a dataset of its own in `folder`. What was counted is in `counted`, by name."""

    def __init__(self, folder: Path, number: int, edit: Edit) -> None:
        self.draw = random.Random(number)
        self.edit = edit
        self.root = small_data.draw(folder / "pictures")
        self.config = _config(self.root, folder / "runs", self.draw.choice((1, 2)))
        self.stop = threading.Event()
        self.altered = EditResult()
        self.events: list[Event] = []
        self.counted: collections.Counter[str] = collections.Counter()

    @property
    def run(self) -> Path:
        return next(Path(event.run) for event in self.events if isinstance(event, Started))

    def alter(self) -> None:
        splits = read_split(self.run / "split.csv")
        self.altered = self.edit(self.root, splits, self.draw)

    def during_run(self) -> None:
        """Alters the pictures in the second of three epochs, while loading threads read ahead."""
        watch = Watch(self.draw.randint(5, 8), self.alter)
        with watch.looking():
            self._collect(train(self.config, self.stop))
        listed = [os.path.relpath(event.path, self.root) for event in self.events if isinstance(event, Skipped)]
        self._compare(listed, {*self.altered.removed, *self.altered.changed, *self.altered.unreadable})
        if self.altered.back and not any(isinstance(event, Waiting) for event in self.events):
            self._wrong("not gone on", "it did not wait for the folder")
        self._check_end(watch)

    def before_resume(self) -> None:
        """Stops in the second of three epochs, alters, resumes."""
        watch = Watch(self.draw.randint(5, 8), self.stop.set)
        with watch.looking():
            self._collect(train(self.config, self.stop))
            self.alter()
            if self.altered.back:
                self._ask_without_pictures()
            if self._resume_without_consent():
                self._collect(resume(self.run, threading.Event(), accept_changes=True))
        listed = [os.path.relpath(event.path, self.root) for event in self.events if isinstance(event, Skipped)]
        self._compare(listed, set(self.altered.unreadable))
        self._check_end(watch)

    def _collect(self, events: Iterator[Event]) -> None:
        try:
            for event in events:
                self.events.append(event)
                if isinstance(event, Waiting) and self.altered.back:
                    self.altered.back()
        except Problem as problem:
            self.events.append(Failed(problem.message))

    def _ask_without_pictures(self) -> None:
        """The whole folder is away: to resume is refused, and leaves no trace."""
        before = _traces(self.run)
        try:
            events = list(resume(self.run, threading.Event()))
        except Problem as problem:
            events = []
            if problem.message.code != "dataset_missing":
                self._wrong("not gone on", str(problem))
        if events or _traces(self.run) != before:
            self._wrong("disk touched", f"it was resumed without pictures: {events[:2]}")
        assert self.altered.back
        self.altered.back()

    def _resume_without_consent(self) -> bool:
        """Resumes without having accepted anything. True if the user was asked, rightly or not."""
        before, altered = _traces(self.run), self.altered
        events = resume(self.run, threading.Event())
        first = next(events)
        if not isinstance(first, DatasetChanged):
            self.events.append(first)
            if any(altered.expected):
                self._wrong("not listed", f"{altered.expected}, but: {first}")
            self._collect(events)
            return False
        for more in events:
            self._wrong("listed wrongly", f"{more} after the question")
        if _traces(self.run) != before:
            self._wrong("disk touched", "by the question")
        altered.note_listed(first.changed)
        listed = (first.classes_added, first.classes_removed, first.added, first.removed, first.changed)
        for wanted, found in zip(altered.expected, listed, strict=True):
            self._compare(found, set(wanted))
        return True

    def _but_unread(self, listed: Sequence[str]) -> tuple[str, ...]:
        """`listed` without touched pictures that the run had not read yet, for which it cannot vouch."""
        unread = set(listed) & self.altered.unread
        self.counted["unread pictures left out"] += len(unread)
        return tuple(path for path in listed if path not in unread)

    def _compare(self, listed: Sequence[str], expected: set[str]) -> None:
        found = self._but_unread(listed)
        twice = [path for path, count in collections.Counter(found).items() if count > 1]
        if wrongly := sorted({*found} - expected) + twice:
            self._wrong("listed wrongly", f"{wrongly}", len(wrongly))
        if missing := sorted(expected - {*found}):
            self._wrong("not listed", f"{missing}", len(missing))
        self.counted["pictures and classes listed rightly"] += len(expected & {*found})

    def _check_end(self, watch: Watch) -> None:
        self.counted["batches looked at"] += watch.batches
        if watch.wrong:
            self._wrong("wrong labels", f"{watch.wrong}", watch.wrong)
        if not isinstance(self.events[-1], Finished):
            self._wrong("not gone on", f"it ends with {self.events[-1]}")
            return
        altered = {*self.altered.removed, *self.altered.changed, *self.altered.unreadable}
        left = sum(sample.path not in altered for sample in read_split(self.run / "split.csv").train)
        if watch.used[_LAST] < left:
            self._wrong("rest unused", f"{watch.used[_LAST]} pictures of {left}")
        if not altered and self._outcome() != _undisturbed()[: len(self._outcome())]:
            self._wrong("different", f"{self._outcome()} instead of {_undisturbed()}")

    def _outcome(self) -> tuple[object, ...]:
        """The model file too, unless test pictures were left out: then its test score is another."""
        found = Outcome.of(self.run)
        whole = (found.weights, found.epochs, found.model)
        return whole[:2] if self.counted["unread pictures left out"] else whole

    def _wrong(self, what: str, why: str, count: int = 1) -> None:
        self.counted[what] += count
        print(f"{self.edit.__name__}: {what}: {why}", flush=True)


TRIALS = [(edit, when) for edit in EDITS for when in (Trial.during_run, Trial.before_resume)]


def trial(number: int) -> dict[str, int]:
    """One way to alter a dataset; which pictures and when exactly is drawn from `number`."""
    edit, when = TRIALS[number % len(TRIALS)]
    _undisturbed()
    with tempfile.TemporaryDirectory(prefix="resnet-gui-change-") as folder:
        its = Trial(Path(folder), number, edit)
        with as_ordinary_user(Path(folder)) if edit is made_unreadable else contextlib.nullcontext():
            when(its)
    return its.counted


def _traces(run: Path) -> dict[str, str]:
    """What lies in the run's folder, by name, but for who last locked it."""
    return {
        str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in run.rglob("*")
        if path.is_file() and path.name not in ("run.lock", "owner.json")
    }


@functools.cache
def _undisturbed() -> tuple[object, ...]:
    with tempfile.TemporaryDirectory(prefix="resnet-gui-change-") as folder:
        root = small_data.draw(Path(folder) / "pictures")
        *_, finished = train(_config(root, Path(folder) / "runs", 2), threading.Event())
        assert isinstance(finished, Finished)
        found = Outcome.of(Path(finished.model).parent)
        return found.weights, found.epochs, found.model


def _config(root: Path, out: Path, loading_threads: int) -> TrainConfig:
    values = {"dataset": root, "out": out, "training.epochs": _LAST, "machine.loading_threads": loading_threads}
    return make_config({**small_data.SETTINGS, **values})


if __name__ == "__main__":
    tally.run("change", trial, short=len(TRIALS), never=NEVER)
