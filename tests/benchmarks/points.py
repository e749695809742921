"""How late the event loop is beside very long runs: `python tests/benchmarks/points.py`

Three runs are shown in the training tab: one that has just begun and one of 1,000,000 steps in 100,000 epochs, which both
continue, and one whose log of 1,000,000 lines is read meanwhile. Progress is emitted ten times, an epoch once a second.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lag import P99_BOUND, Probe, figures, spin, wait
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from resnet_gui.events import EpochDone, Event, Progress, Started, to_json
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.runs.history import RunHistory
from resnet_gui.runs.log_reader import LogReader, history_of

STEPS = 10
"""Steps of an epoch."""
_STARTED = Started("run", "resnet18", ("a", "b"), 6000, 2000, 2000, 100_000, "cpu", 2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--points", type=int, default=1_000_000, help="steps of the long run (default 1,000,000)")
    parser.add_argument("--seconds", type=float, default=20, help="how long each is watched (default 20)")
    options = parser.parse_args()
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication(sys.argv[:1])
    watch = Watch(TrainingTab(Theme(app)), options.seconds)
    print("ms late                          p50     p99     max")
    short = watch.show("a run of 300 steps", *long_run(300))
    long = watch.show(f"a run of {options.points:,} steps", *long_run(options.points))
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), options.points)
        reading = watch.read(f"reading {options.points:,} lines", Path(folder))
    watch.tab.hide()
    print(f"p99 of the long run {long / short:.1f} x the short one's; asked: at most {P99_BOUND:.0f} ms in each line")
    return int(max(short, long, reading) > P99_BOUND)


class Watch(QObject):
    """A training tab in a window, whose event loop is measured."""

    has_read = Signal(object)

    def __init__(self, tab: TrainingTab, seconds: float) -> None:
        super().__init__()
        self.tab = tab
        self._seconds = seconds
        self.tab.resize(660, 700)
        self.tab.show()
        self.tab.show_history(RunHistory("run"))  # imports what draws plots
        spin(1)

    def show(self, name: str, history: RunHistory, later: Iterator[Event]) -> float:
        """Shows a run that continues. Returns the 99th percentile, in milliseconds."""
        steps = QTimer(interval=100)
        steps.timeout.connect(lambda: self.tab.show_event(next(later)))

        def work() -> None:
            self.tab.show_history(history)
            steps.start()
            spin(self._seconds)
            steps.stop()

        return self._report(name, work)

    def read(self, name: str, run: Path) -> float:
        """Opens the run in a folder as the window does: read in a thread, then shown."""
        histories: list[RunHistory] = []
        self.has_read.connect(histories.append)

        def work() -> None:
            run_in_thread(lambda: history_of(run, LogReader(run).read()[0]), self.has_read)
            wait(lambda: histories, 600)
            self.tab.show_history(histories[0])
            spin(1)

        began = time.monotonic()
        p99 = self._report(name, work)
        points = len(histories[0].curves.loss.running.points)
        print(f"read and drawn after {time.monotonic() - began:.1f} s, in {points} points")
        return p99

    def _report(self, name: str, work: Callable[[], None]) -> float:
        probe, began = Probe(), time.monotonic()
        work()
        late = figures(probe.late, (began, time.monotonic()))
        probe.deleteLater()
        print(f"{name:27}", *(f"{each:7.1f}" for each in late))
        return late[1]


def long_run(points: int) -> tuple[RunHistory, Iterator[Event]]:
    """A run of `points` steps so far, and its later events."""
    later = events()
    history = RunHistory("run")
    history.epochs = 2 * points // STEPS
    began = time.perf_counter()
    for _ in range(points + points // STEPS):
        history.add(next(later))
    print(f"{points:,} points taken in: {1e6 * (time.perf_counter() - began) / points:.1f} µs each")
    return history, later


def events() -> Iterator[Event]:
    """Yields epochs for ever, with random figures."""
    chance = random.Random(0)
    epoch = 0
    while True:
        epoch += 1
        loss, right = 0.2 + 2 * math.exp(-epoch / 3000), 1 - 0.7 * math.exp(-epoch / 3000)
        for step in range(1, STEPS + 1):
            yield Progress(
                "train", step, STEPS, epoch, loss + chance.random() / 5, right - chance.random() / 5, 50.0, 9.0
            )
        yield EpochDone(epoch, loss, right, loss + chance.random() / 3, right - chance.random() / 3, 0.001, 10.0, False)


def write(run: Path, lines: int) -> None:
    """Writes the log of a run, `lines` lines long."""
    endless = events()
    with (run / "events.jsonl").open("w") as file:
        file.write(to_json(_STARTED) + "\n")
        file.writelines(to_json(next(endless)) + "\n" for _ in range(lines))


if __name__ == "__main__":
    sys.exit(main())
