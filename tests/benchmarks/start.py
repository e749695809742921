"""How long the program takes to a painted window, beside a bare window with one plot: `python tests/benchmarks/start.py`

Each start is a new process. The time runs from its creation until it prints that its window is painted: the first paint
event was delivered and, as the event loop is back, flushed. Both kinds take turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

BOUND = 1.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--count", type=int, default=9, metavar="N", help="starts of each kind (default 9)")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as home:
        environment = own_environment(home)
        for kind in ("bare", "program"):  # fills the caches of byte code and fonts
            start(kind, environment)
        times: dict[str, list[float]] = {"bare": [], "program": []}
        torch_seen = False
        for _ in range(count):
            for kind, seconds in times.items():
                taken, modules = start(kind, environment)
                seconds.append(taken)
                torch_seen |= "torch" in modules
        torch_seen |= "torch" in start("until-ready", environment)[1]
    return report(times, torch_seen)


def own_environment(home: str) -> dict[str, str]:
    """The environment of the children: the user's settings are neither read nor written."""
    environment = {**os.environ, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home, "XDG_DOCUMENTS_DIR": home}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its byte code
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    return environment


def start(kind: str, environment: dict[str, str]) -> tuple[float, set[str]]:
    """Seconds to the painted window, and the packages loaded by then or, at the latest, at the end."""
    with tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, __file__, kind], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        )
        with child, child.stdout as lines:
            painted = lines.readline()
            seconds = time.perf_counter() - began
            at_the_end = lines.read()
        if child.returncode or not painted.startswith("painted") or not at_the_end.startswith("ended"):
            errors.seek(0)
            raise SystemExit(f"The {kind} window was not painted, or ended with {child.returncode}.\n{errors.read()}")
    return seconds, set(f"{painted} {at_the_end}".split())


def report(times: dict[str, list[float]], torch_seen: bool) -> int:
    for kind, seconds in times.items():
        spread = f"{1000 * min(seconds):.0f} to {1000 * max(seconds):.0f}"
        print(f"{kind:8} {1000 * statistics.median(seconds):6.0f} ms   (median of {len(seconds)}, {spread})")
    ratio = statistics.median(times["program"]) / statistics.median(times["bare"])
    print(f"ratio    {ratio:6.2f}      (bound {BOUND})")
    print(
        f"torch in the window's process: {'YES' if torch_seen else 'never'} (at the paint, and with the engine ready)"
    )
    return int(ratio > BOUND or torch_seen)


def report_modules(word: str) -> None:
    print(word, *{name.partition(".")[0] for name in sys.modules}, flush=True)


def watched(window_class: type, then: Callable) -> type:
    """A subclass of `window_class` that, after its first paint, prints "painted" and calls `then(window)`."""
    from PySide6.QtCore import QEvent, QTimer
    from PySide6.QtWidgets import QApplication

    class Watched(window_class):
        def showEvent(self, event):
            super().showEvent(event)
            QApplication.instance().installEventFilter(self)  # a window covered by its children is not painted itself

        def eventFilter(self, widget, event):
            if event.type() == QEvent.Type.Paint:
                QApplication.instance().removeEventFilter(self)
                QTimer.singleShot(0, self.report)  # the event loop is back when all widgets are painted and flushed
            return False

        def report(self):
            report_modules("painted")
            then(self)

    return Watched


def run_bare() -> int:
    import pyqtgraph
    from PySide6.QtWidgets import QApplication, QMainWindow

    app = QApplication(sys.argv[:1])
    window = watched(QMainWindow, QMainWindow.close)()
    window.setCentralWidget(pyqtgraph.PlotWidget())
    window.resize(1280, 800)
    window.show()
    return app.exec()


def run_program(until_ready: bool) -> int:
    """The program's own entry point; only its window prints when it is painted."""
    from resnet_gui.cli.main import main
    from resnet_gui.gui.window import main_window

    def close_when_ready(window):
        window.prediction_engine.engine_phase_changed.connect(
            lambda phase: window.close() if phase == "ready" else None
        )

    main_window.MainWindow = watched(
        main_window.MainWindow, close_when_ready if until_ready else main_window.MainWindow.close
    )
    return main([])


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1] in ("bare", "program", "until-ready"):
        status = run_bare() if sys.argv[1] == "bare" else run_program(sys.argv[1] == "until-ready")
        report_modules("ended")
        sys.exit(status)
    sys.exit(main())
