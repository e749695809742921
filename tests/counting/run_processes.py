"""Starts processes that train a run and write its events as lines of JSON, and kills them.

To spare the seconds in which torch is imported, most of them are forks of this process, which never computes itself.
For Linux and macOS.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kill_points

from resnet_gui.events import Event, Failed, JobEnded, from_json, to_json

PATIENCE = 120.0
"""Seconds without an event after which a process counts as hung: an error of the program, or of this one."""

Job = dict[str, Any]
"""The request to the engine: `{"do": "train", "config": {…}}` or `{"do": "resume", "run": …}`."""


_JOB = 1
"""The job's id in an engine, which has one of its own before."""


@dataclass(frozen=True)
class Kill:
    """When to kill a process: at `point` of a save (see `kill_points`), or `seconds` after event number `after_events`."""

    point: str = ""
    after_events: int = 0
    seconds: float = float("inf")


@dataclass
class RunProcess:
    """A process that has ended: all `events` that it wrote, and whether it was `killed`."""

    pid: int
    events: list[Event] = field(default_factory=list)
    killed: bool = False


class Fork:
    """A fork of this process that does one job, as `subprocess.Popen` would show it."""

    stdin = None

    def __init__(self, job: Job, point: str) -> None:
        _import_torch()
        read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(read)
            _do_job_in_fork(job, point, write)
        os.close(write)
        self.stdout = os.fdopen(read, "rb")

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@functools.cache
def _import_torch() -> None:
    """Once, and not in every fork. Nothing is computed here, for torch's threads do not survive a fork."""
    import torch._dynamo  # noqa: F401 - the first optimizer would

    import resnet_gui.training.loop  # noqa: F401


def _do_job_in_fork(job: Job, point: str, write: int) -> None:
    try:
        if point:
            kill_points.kill_at_point(point)
        for event in _events(job):
            os.write(write, to_json(event).encode() + b"\n")
    except BaseException as error:
        print(f"a fork ended with {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def _events(job: Job) -> Iterator[Event]:
    from resnet_gui.config import make_config
    from resnet_gui.messages import Problem
    from resnet_gui.training.loop import resume, train

    stop = threading.Event()
    try:
        yield from train(make_config(job["config"]), stop) if job["do"] == "train" else resume(Path(job["run"]), stop)
    except Problem as problem:
        yield Failed(problem.message)


def engine(job: Job, point: str) -> subprocess.Popen[bytes]:
    """The job in the process that the window would start."""
    from resnet_gui.gui.workers.engine_process import engine_command

    process = _start(engine_command(), point)
    assert process.stdin
    process.stdin.write(json.dumps({"id": _JOB, **job}).encode() + b"\n")
    process.stdin.flush()
    return process


def command_line(job: Job, point: str) -> subprocess.Popen[bytes]:
    """The job as a user would type it."""
    command = [sys.executable, "-P", "-m", "resnet_gui", "train", "--json"]
    if job["do"] == "resume":
        return _start([*command, "--resume", job["run"]], point)
    options = [
        f"--{key.rpartition('.')[2].replace('_', '-')}={value}"
        for key, value in job["config"].items()
        if key != "dataset"
    ]
    return _start([*command, *options, job["config"]["dataset"]], point)


def _start(command: list[str], point: str) -> subprocess.Popen[bytes]:
    environment = dict(os.environ)
    if point:
        path = [_site(), str(Path(kill_points.__file__).parent), *filter(None, [environment.get("PYTHONPATH")])]
        environment |= {"PYTHONPATH": os.pathsep.join(path), kill_points.VARIABLE: point}
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
    )


@functools.cache
def _site() -> str:
    """A folder with the `sitecustomize.py` that Python imports before anything else."""
    folder = tempfile.mkdtemp(prefix="resnet-gui-site-")
    atexit.register(shutil.rmtree, folder)
    (Path(folder) / "sitecustomize.py").write_text("import kill_points\n")
    return folder


def follow(process: Fork | subprocess.Popen[bytes], kill: Kill) -> RunProcess:
    """Reads the events of the process until it ends, and kills it at the moment that `kill` names."""
    ended, torn, kill_at = RunProcess(process.pid), b"", float("inf")
    assert process.stdout
    with process.stdout as pipe:
        while True:
            if kill_at == float("inf") and len(ended.events) >= kill.after_events:
                kill_at = time.monotonic() + kill.seconds
            left = min(PATIENCE, kill_at - time.monotonic())
            if not select.select([pipe], [], [], max(0.0, left))[0]:
                assert left < PATIENCE, f"it hangs after {ended.events[-1:]}"
                os.kill(process.pid, signal.SIGKILL)
                kill_at = float("nan")  # what it wrote before can still be read
            if not (chunk := os.read(pipe.fileno(), 1 << 16)):
                break
            *lines, torn = (torn + chunk).split(b"\n")
            ended.events += [from_json(line.decode()) for line in lines]
            if process.stdin and to_json(JobEnded(), id=_JOB).encode() in lines:
                process.stdin.close()
    ended.killed = process.wait() == -signal.SIGKILL
    if process.stdin:
        process.stdin.close()
    return ended
