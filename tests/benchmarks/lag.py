"""How late the window's event loop is while an engine starts, trains and predicts: `python tests/benchmarks/lag.py`

The real window with its real engines, on the sample pictures. In its process a timer is due every 5 ms; how late it
fires is how late a click would be handled. Each 5 ms of a longer delay count too: a click could have fallen into any.
A bare, idle window in another process is measured in the same way, and shows what the machine itself adds.

With --names models are opened and asked instead: an ordinary one and one that knows 10,000 classes with names of 1,000
letters, by turns, since other programs may disturb some of the rounds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QSocketNotifier, Qt, QTimer
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

INTERVAL = 5.0
"""Milliseconds between two due times."""
P99_BOUND, MAX_BOUND = 20.0, 100.0
"""Milliseconds."""
NAMES_MAX_BOUND = 50.0
"""That of --names, in the best of its rounds."""
ROUNDS = 4

Late = tuple[float, float]
"""The time by the monotonic clock in seconds, and the delay in milliseconds."""


class Probe(QObject):
    """Records the delay at each due time of a precise timer."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[Late] = []
        self.worked: list[Late] = []
        """The milliseconds that this thread computed between two ticks: other programs do not change them."""
        self._spent = time.thread_time()
        self._due = time.monotonic() + INTERVAL / 1000
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer, interval=int(INTERVAL))
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now, spent = time.monotonic(), time.thread_time()
        self.worked.append((now, (spent - self._spent) * 1000))
        self._spent = spent
        late = max(0.0, (now - self._due) * 1000)
        while late >= 0:
            self.late.append((now, late))
            late -= INTERVAL
        self._due = now + INTERVAL / 1000


class Scenario:
    """What a user does: opens the sample, trains, then predicts one photograph after another."""

    def __init__(self, seconds: float, pictures: list[str]) -> None:
        from resnet_gui.gui.theme import Theme
        from resnet_gui.gui.user_settings import UserSettings
        from resnet_gui.gui.window.main_window import MainWindow

        self.window = MainWindow(Theme(QApplication.instance()), UserSettings())
        self.phases: dict[str, tuple[float, float]] = {}
        self._seconds = seconds
        self._pictures = pictures
        self._ready: set[str] = set()
        self.waits: list[float] = []
        self.window.prediction_engine.engine_phase_changed.connect(lambda phase: self._ready.add(f"prediction {phase}"))
        self.window.training_engine.engine_phase_changed.connect(lambda phase: self._ready.add(f"training {phase}"))
        self.window.show()
        QTest.qWaitForWindowExposed(self.window)

    def open_models(self, models: dict[str, str]) -> None:
        """Opens each model and asks it about pictures, several times over."""
        wait(lambda: "prediction ready" in self._ready, 120)
        for number in range(1, ROUNDS + 1):
            for name, model in models.items():
                self._phase(f"{name} {number}", lambda model=model: self._ask(model))

    def _ask(self, model: str) -> None:
        pane, engine = self.window.predict_pane, self.window.prediction_engine
        pane.model_dropped.emit(model)
        wait(lambda: engine.loaded and engine.loaded.path == model, 60)
        spin(0.5)
        for picture in self._pictures:
            dropped = time.monotonic()
            pane.pictures_dropped.emit([picture])
            wait(lambda picture=picture: pane.view.as_text().startswith(picture), 60)
            self.waits.append(time.monotonic() - dropped)
            spin(0.7)
            pane.copy()
            QApplication.sendEvent(pane.view.bars, QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), QPoint(5, 5)))
            spin(0.3)

    def run(self) -> None:
        window = self.window
        self._phase("start", self._start)
        QTest.mouseClick(window.setup.findChild(QPushButton, "start"), Qt.MouseButton.LeftButton)
        wait(lambda: window.training_engine.run, 60)
        self._phase("train", lambda: spin(self._seconds))
        wait(lambda: window.prediction_engine.best, 600)
        self._phase("train+predict", self._predict)
        if window.training_engine.phase != "running":
            raise SystemExit("The training ended before the measurement did.")
        window.training_engine.stop()
        wait(lambda: window.training_engine.phase == "idle", 60)

    def _start(self) -> None:
        self.window.open_sample()
        wait(lambda: {"prediction ready", "training ready"} <= self._ready and self.window.dataset_lister.listing, 120)
        self.window.setup.set_values({"training.epochs": 10_000})

    def _predict(self) -> None:
        pane = self.window.predict_pane
        end = time.monotonic() + self._seconds
        for picture in itertools.cycle(self._pictures):
            dropped = time.monotonic()
            pane.pictures_dropped.emit([picture])
            wait(lambda picture=picture: pane.view.as_text().startswith(picture), 60)
            self.waits.append(time.monotonic() - dropped)
            spin(0.5)
            if time.monotonic() > end:
                return

    def _phase(self, name: str, work: Callable[[], None]) -> None:
        began = time.monotonic()
        work()
        self.phases[name] = began, time.monotonic()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--seconds", type=float, default=20, help="how long each phase of the training (default 20)")
    parser.add_argument(
        "--names", action="store_true", help="a model with 10,000 long class names, and an ordinary one"
    )
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return run_bare() if options.bare else measure(options.seconds, options.names)


def measure(seconds: float, names: bool) -> int:
    with tempfile.TemporaryDirectory() as home:
        for variable in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DOCUMENTS_DIR"):
            os.environ[variable] = home
        app = QApplication(sys.argv[:1])
        bare = subprocess.Popen([sys.executable, __file__, "--bare"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            scenario = Scenario(seconds, photographs(Path(home)))
            found = models(Path(home)) if names else {}
            probe = Probe()
            scenario.open_models(found) if names else scenario.run()
        finally:
            beside = json.loads(bare.communicate()[0])
        scenario.window.end_engines()
        scenario.window.hide()
        app.processEvents()
    return report_names(scenario, probe, beside) if names else report(scenario, probe.late, beside)


def run_bare() -> int:
    app = QApplication(sys.argv[:1])
    window = QWidget()
    window.show()
    probe = Probe()
    notifier = QSocketNotifier(0, QSocketNotifier.Type.Read)  # its input ends even if the other process is killed
    notifier.activated.connect(app.quit)
    app.exec()
    print(json.dumps(probe.late))
    return 0


def report(scenario: Scenario, late: list[Late], beside: list[Late]) -> int:
    print("                     the window               a bare, idle window beside it")
    print("ms late          p50     p99     max          p50     p99     max")
    exceeded = False
    for name, phase in scenario.phases.items():
        ours, theirs = figures(late, phase), figures(beside, phase)
        exceeded |= ours[1] > P99_BOUND or ours[2] > MAX_BOUND
        print(f"{name:13}", *(f"{each:7.1f}" for each in ours), "    ", *(f"{each:7.1f}" for each in theirs))
    print(f"bounds               {P99_BOUND:7.1f} {MAX_BOUND:7.1f}")
    waits = f"{np.median(scenario.waits):.1f} s, at most {max(scenario.waits):.1f} s"
    print(
        f"{len(scenario.waits)} pictures answered after {waits}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print("ABOVE a bound" if exceeded else "bounds kept")
    return int(exceeded)


def report_names(scenario: Scenario, probe: Probe, beside: list[Late]) -> int:
    """Each round beside what the machine itself added, and the best one of the long names, which nothing disturbed."""
    print("                      the window               a bare, idle window beside it  longest work at once")
    print("ms late           p50     p99     max          p50     p99     max")
    worst = 0.0
    for name, phase in scenario.phases.items():
        ours, theirs = figures(probe.late, phase), figures(beside, phase)
        worst = max(worst, ours[2]) if name.startswith("long") else worst
        worked = figures(probe.worked, phase)[2]
        print(f"{name:14}", *(f"{each:7.1f}" for each in ours), "    ", *(f"{each:7.1f}" for each in (*theirs, worked)))
    print(f"longest delay in any round with long names: {worst:.1f} ms, the bound is {NAMES_MAX_BOUND} ms")
    return int(worst > NAMES_MAX_BOUND)


def figures(late: list[Late], phase: tuple[float, float]) -> tuple[float, float, float]:
    """Median, 99th percentile and maximum, in milliseconds."""
    inside = [each for when, each in late if phase[0] <= when <= phase[1]]
    return float(np.median(inside)), float(np.percentile(inside, 99)), max(inside)


def photographs(folder: Path) -> list[str]:
    """Two pictures as large and as hard to compress as those of a camera."""
    chance = np.random.default_rng(0)
    coarse = Image.fromarray(chance.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((2000, 1500), Image.BICUBIC)
    grain = chance.normal(0, 8, (1500, 2000, 3))
    paths = [str(folder / name) for name in ("first.jpg", "second.jpg")]
    for path in paths:
        Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)).save(path, quality=90)
    return paths


def models(folder: Path) -> dict[str, str]:
    """An ordinary model and one with 10,000 classes, whose names have 1,000 letters, by the name of their phase."""
    from resnet_gui.data.transforms import Preprocessing
    from resnet_gui.model_file import ModelMetadata, save_model
    from resnet_gui.nets.build import build

    long = tuple(f"{number:05} {'abcdefghij' * 100}"[:1000] for number in range(10_000))
    paths = {}
    for name, classes in (("ordinary", ("cat", "dog", "horse")), ("long names", long)):
        paths[name] = str(folder / f"{name}.safetensors")
        metadata = ModelMetadata("resnet20", classes, Preprocessing.for_size(32), 1, True)
        save_model(Path(paths[name]), build("resnet20", len(classes)).state_dict(), metadata)
    return paths


def spin(seconds: float) -> None:
    """Lets the event loop run."""
    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def wait(condition: Callable[[], object], seconds: float) -> None:
    """Lets the event loop run until `condition` holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("What was waited for did not come.")
        spin(0.02)


if __name__ == "__main__":
    sys.exit(main())
