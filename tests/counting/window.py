"""Counts what becomes of the window and of its runs when both are used at random: `python tests/counting/window.py`

A trial is one start of the real program with its real engines (`window_process.py`): Start, Pause, Resume and Stop are
clicked, pictures dropped, engines killed, and at the end the window is closed or the program killed. Then no process may
be left, and every run that has begun can be resumed and ends with the same model as an undisturbed run.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
import small_data
import tally
from window_process import SETTINGS

from resnet_gui.config import make_config
from resnet_gui.events import Finished
from resnet_gui.messages import Problem
from resnet_gui.runs.run_folder import checkpoints
from resnet_gui.training.loop import resume, train

NEVER = (
    "segfaults",
    "qthread_destroyed",
    "words_on_stderr",
    "hung",
    "leftover_processes",
    "not_resumable",
    "other_models",
)
MARK = "RESNET_GUI_TRIAL"
OFFSCREEN = "This plugin does not support"
"""What Qt writes for every window when there is no screen."""
PATIENCE = 150
"""Seconds for a whole trial; a run has 8 epochs of about a second each."""
SAVING = 65
"""Seconds that an engine has to save when its window was killed."""


def trial(number: int) -> Mapping[str, int]:
    """One start of the program, and what it left behind."""
    work = _work() / str(number)
    runs = work / "runs"
    work.mkdir()
    homes = {f"XDG_{name}_HOME": str(work / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
    environment = {**os.environ, **homes, "HOME": str(work), MARK: f"{os.getpid()}-{number}"}
    script = Path(__file__).with_name("window_process.py")
    counted = dict.fromkeys(("runs", "resumed"), 0)
    program = subprocess.Popen(
        [sys.executable, script, str(number), str(_pictures()), str(runs)],
        env=environment, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    try:
        output, _ = program.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        counted["hung"] = 1
        program.send_signal(signal.SIGABRT)  # which makes it print where it is
        output, _ = program.communicate()
    counted |= _judged(program.returncode, output)
    was_killed = program.returncode in (-signal.SIGKILL, -signal.SIGINT)
    counted["leftover_processes"] = _left_over(environment[MARK], SAVING if was_killed else 1)
    for run in sorted(runs.glob("*/")):
        counted["runs"] += 1
        if checkpoints(run):
            counted["resumed"] += 1
            what = _gone_on_with(run)
            if what:
                counted[what] = counted.get(what, 0) + 1
    shutil.rmtree(work)
    return counted


def _judged(status: int, output: str) -> dict[str, int]:
    """What can be seen from the program's exit status and its output."""
    output = "".join(line for line in output.splitlines(keepends=True) if not line.startswith(OFFSCREEN))
    if output.strip():
        print(output, flush=True)
    return {
        "segfaults": int(status in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS)),
        "qthread_destroyed": output.count("QThread: Destroyed"),
        "words_on_stderr": int(bool(output.strip())),
        "closed": int(status == 0),
        "killed_windows": int(status < 0),
    }


def _left_over(mark: str, patience: float) -> int:
    """How many processes of a trial are still there after `patience` seconds; they are ended."""
    end = time.monotonic() + patience
    while (found := _marked(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    for process in found:
        print("left over:", process.pid, process.cmdline(), flush=True)
        process.kill()
    return len(found)


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def _gone_on_with(run: Path) -> str:
    """Resumes the run to its end. Returns what was wrong, "" if nothing was."""
    try:
        last = list(resume(run, threading.Event()))[-1]
    except Problem as problem:
        print(run, problem, flush=True)
        return "not_resumable"
    if not isinstance(last, Finished):
        print(run, last, flush=True)
        return "not_resumable"
    return "" if Path(last.model).read_bytes() == _undisturbed() else "other_models"


@functools.cache
def _work() -> Path:
    work = Path(tempfile.mkdtemp(prefix="resnet-gui-window-"))
    atexit.register(shutil.rmtree, work, ignore_errors=True)
    return work


@functools.cache
def _pictures() -> Path:
    return small_data.draw(_work() / "pictures")


@functools.cache
def _undisturbed() -> bytes:
    """The model of the same run, left alone."""
    config = make_config({**SETTINGS, "dataset": _pictures(), "out": _work() / "undisturbed"})
    *_, last = train(config, threading.Event())
    assert isinstance(last, Finished)
    return Path(last.model).read_bytes()


if __name__ == "__main__":
    tally.run("window", trial, 30, NEVER)
