"""The worker thread: it runs an engine process and turns its events into Qt signals."""

from __future__ import annotations

import itertools
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from PySide6.QtCore import QObject, QThread, Signal

from resnet_gui.events import Event, from_json
from resnet_gui.paths import log_folder


def engine_command() -> list[str]:
    """The command line of an engine. `-P` keeps Python from importing files that lie in the current folder."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "serve"]
    return [sys.executable, "-P", "-m", "resnet_gui", "serve"]


class Engine(QThread):
    """One engine process. Requests may be made at once; they are queued until it has started.

    When the process ends unexpectedly, `died` is emitted; its jobs emit no more events.
    """

    event_received = Signal(int, object)
    """An event, with the id of its job."""
    died = Signal(str)
    """How the process ended, such as "exit status 1"."""

    _ids = itertools.count(1)
    """Shared by all engines, so that an id stays unique when an engine is replaced."""

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.log = log_folder() / f"{name}-{os.getpid()}.log"
        self.pid = 0
        self._requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._is_ending = False
        self._process: subprocess.Popen[bytes] | None = None

    def request(self, do: str, **values: Any) -> int:
        """Queues the job `do` with its arguments `values`. Returns its id."""
        job = next(self._ids)
        self._requests.put({"id": job, "do": do, **values})
        return job

    def stop(self, job: int) -> None:
        """Requests that a job stops; it saves, and emits an event about that."""
        self._requests.put({"stop": job})

    def end(self) -> None:
        """Closes the engine's input: the engine stops its jobs, saves and exits. Returns at once."""
        self._is_ending = True
        self._requests.put(None)

    def end_and_wait(self, seconds: float) -> None:
        """Like `end`, and waits for the exit; after `seconds` the process is killed."""
        self.end()
        if self.isRunning() and not self.wait(int(seconds * 1000)):
            self.kill()
            self.wait()

    def kill(self) -> None:
        """Kills a process that does not respond; `died` follows."""
        if self._process is not None:
            self._process.kill()

    def run(self) -> None:
        """Runs in the thread: starts the process, emits its events, and waits for its exit."""
        try:
            with _open_log(self.log) as log:
                self._process = subprocess.Popen(
                    engine_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, **_own_session()
                )
        except OSError as error:
            self.died.emit(str(error))
            return
        self.pid = self._process.pid
        writer = threading.Thread(target=self._write, name="requests", daemon=True)
        reader = threading.Thread(target=self._read, name="events", daemon=True)
        writer.start()
        reader.start()
        status = self._process.wait()
        self._requests.put(None)
        writer.join()
        reader.join(timeout=0.3)  # for its last events; a child of the engine could hold the pipe open for ever
        if not self._is_ending:
            self.died.emit(_exit_text(status))

    def _write(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            with self._process.stdin as pipe:
                while (request := self._requests.get()) is not None:
                    pipe.write(json.dumps(request).encode("ascii") + b"\n")
                    pipe.flush()
        except OSError:
            return  # the engine has exited, which `run` handles

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            for line in pipe:
                if line.endswith(b"\n"):  # else the engine was killed while it wrote the line
                    self.event_received.emit(int(json.loads(line)["id"]), from_json(line.decode("ascii")))


def start_engine(
    name: str, owner: QObject, on_event: Callable[[Engine, int, Event], None], on_died: Callable[[Engine, str], None]
) -> Engine:
    """Starts an engine with the parent `owner`. `on_event` gets each event with its job's id, `on_died` how it ended."""
    engine = Engine(name, owner)
    engine.event_received.connect(lambda job, event: on_event(engine, job, event))
    engine.died.connect(lambda how: on_died(engine, how))
    engine.finished.connect(engine.deleteLater)
    engine.start()
    return engine


def _open_log(log: Path) -> IO[bytes]:
    """The log, opened for appending. If it cannot be written, the engine's stderr is discarded."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("ab")
    except OSError:
        return Path(os.devnull).open("wb")


def _own_session() -> dict[str, Any]:
    """Arguments for a session of its own: no Ctrl-C from the user's terminal, and no console window."""
    if sys.platform == "win32":
        below_normal = 0x4000
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP | below_normal}
    return {"start_new_session": True}


def _exit_text(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"
