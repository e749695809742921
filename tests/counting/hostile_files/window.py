"""The window as it reads hostile files: one real program with its real engines, without a screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from hostile_files.verdict import HANG, Opened

_START = 120.0
"""Seconds for the window to begin and to answer the first path."""


class WindowReader:
    """Hands paths to `window_process.py`. `work` is a folder for all that it writes."""

    def __init__(self, work: Path) -> None:
        self._work, self._log = work, work / "watch.txt"
        self._start()

    def _start(self) -> None:
        homes = {f"XDG_{name}_HOME": str(self._work / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ, **homes, "HOME": str(self._work)}
        self._stderr = (self._work / "stderr.txt").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("window_process.py"), str(self._log)], env=environment, cwd=self._work,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        self._ask(self._work / "nothing.safetensors", _START)

    def close(self) -> None:
        """Ends the program and its engines, which are told by the end of their input."""
        self._process.kill()
        self._process.wait()
        self._stderr.close()

    def open(self, path: Path) -> Opened:
        """Opens or drops the file `path`. `status` 1: there was an answer. The seconds are those that the window stood still."""
        self._log.write_text("")
        self._stderr.truncate(0)
        answer = self._ask(path, HANG)
        status = self._process.poll()
        executed = [line for line in self._log.read_text(errors="replace").splitlines() if not _is_own(line)]
        words = (self._work / "stderr.txt").read_text(errors="replace").replace("\0", "").strip()
        words = "\n".join(line for line in words.splitlines() if "This plugin does not support" not in line)
        if answer is None:
            self.close()
            self._start()
            return Opened("window", status, 0.0, 0.0, "", words, executed)
        found = json.loads(answer)
        return Opened(
            "window", 3 if words else 1, found["stall"], 0.0, "", words or found["shown"] or "nothing", executed
        )

    def _ask(self, path: Path, seconds: float) -> str | None:
        """The answer; None if the window died or had to be killed."""
        assert self._process.stdin
        assert self._process.stdout
        watchdog = threading.Timer(seconds, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps(str(path)) + "\n")
            self._process.stdin.flush()
            return self._process.stdout.readline() or None
        except OSError:
            return None
        finally:
            watchdog.cancel()


def _is_own(line: str) -> bool:
    """Whether it is the start of an engine."""
    return line.startswith("subprocess.Popen") and "serve" in line
