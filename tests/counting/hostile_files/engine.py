"""The engine as it reads hostile files: one real process for all, as the window has it, under the audit hook."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile_files import watch
from hostile_files.catalog import NETWORK
from hostile_files.verdict import HANG, Opened

_TICKS = os.sysconf("SC_CLK_TCK")


class EngineReader:
    """Sends the jobs that take a file of weights or a model, and then one for a good model, which must not wait.

    `work` is a folder for what they write, `dataset` one of pictures, `good` a model that is whole.
    """

    def __init__(self, work: Path, dataset: Path, good: Path) -> None:
        self._work, self._dataset, self._good = work, dataset, good
        self._picture = next(dataset.rglob("*.bmp"))
        self._log = work / "watch.txt"
        self._jobs = 0
        self._usual = 0.0
        self._start()

    def _start(self) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stderr = (self._work / "stderr.txt").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, watch.__file__, str(self._log), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._stderr, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._read, args=(self._process, self._lines), daemon=True).start()
        self._wait({0}, 60 + HANG)
        self._open(self._good, lambda _: None)  # what the first use of all imports
        self._usual = 0.0
        self._usual = self._open(self._work / "nothing.safetensors", lambda _: None).megabytes

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        self._stderr.close()

    def open(self, path: Path, meanwhile: Callable[[Path], object] | None = None) -> Opened:
        """All jobs with the file `path`, at once; what is measured is a share for each.

        `status` 1: each was refused, 0: at least one was not, None: not all ended, or the good model got no answer.
        """
        opened = self._open(path, meanwhile or (lambda _: None))
        if opened.status is None or self._process.poll() is not None:
            self.close()
            self._start()
        return opened

    def _open(self, path: Path, meanwhile: Callable[[Path], object]) -> Opened:
        self._log.write_text("")
        began, before = self._seconds(), self._reset_memory()
        jobs = {self._send(request) for request in self._requests(path)}
        good = self._send({"do": "model", "model": str(self._good)})
        lines, is_over = self._wait(jobs | {good}, HANG, lambda: meanwhile(path))
        status = self._process.poll()
        events = [json.loads(line) for line in lines]
        failed = [event for event in events if event["event"] == "Failed"]
        is_held = all(event["id"] != good for event in events) or any(event["id"] == good for event in failed)
        if is_over and not is_held:
            status = int(len(failed) >= len(jobs) - 1)  # pictures are drawn without a model, too
        return Opened(
            "engine", status, (self._seconds() - began) / len(jobs), (self._memory() - before) / len(jobs) - self._usual, "\n".join(lines),
            "\n".join(json.dumps(event) for event in failed), self._log.read_text(errors="replace").splitlines(), has_result=True,
        )  # fmt: skip

    def _requests(self, path: Path) -> list[dict[str, Any]]:
        config = {
            "dataset": str(self._dataset), "network": NETWORK, "out": str(self._work / "runs"),
            "data": {"image_size": 32}, "start": {"start_from": "file", "start_path": str(path)},
            "training": {"epochs": 1, "batch_size": 8},
            "machine": {"threads": 1, "loading_threads": 1, "precision": "float32", "memory_format": "contiguous", "cache_gigabytes": 0.0},
        }  # fmt: skip
        adopted = {
            "weights": str(path),
            "network": NETWORK,
            "classes": ["a", "b", "c", "d"],
            "out": str(self._work / "out.safetensors"),
        }
        return [
            {"do": "model", "model": str(path)}, {"do": "predict", "model": str(path), "paths": [str(self._picture)]},
            {"do": "train", "config": config}, {"do": "adopt", **adopted},
            {"do": "thumbnails", "model": str(path), "paths": [str(self._picture)], "side": 40},
        ]  # fmt: skip

    def _send(self, request: dict[str, Any]) -> int:
        self._jobs += 1
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps({"id": self._jobs, "precision": "float32", **request}) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it is dead, which `_wait` finds
        return self._jobs

    def _read(self, process: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            lines.put(line.rstrip("\n"))

    def _wait(
        self, jobs: set[int], seconds: float, meanwhile: Callable[[], object] = lambda: None
    ) -> tuple[list[str], bool]:
        """What the jobs emitted, and whether all of them have ended."""
        end, left, lines = time.monotonic() + seconds, set(jobs), []
        while left and time.monotonic() < end and (self._process.poll() is None or not self._lines.empty()):
            try:
                line = self._lines.get(timeout=0.01)
            except queue.Empty:
                meanwhile()
                continue
            lines.append(line)
            event = json.loads(line)
            if event.get("event") == "JobEnded":
                left.discard(event["id"])
        return lines, not left

    def _seconds(self) -> float:
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def _reset_memory(self) -> float:
        """Forgets the most memory so far. Returns what is used now, in MB."""
        try:
            Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")
        except OSError:
            return 0.0
        return self._memory("VmRSS")

    def _memory(self, which: str = "VmHWM") -> float:
        try:
            lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        except OSError:
            return 0.0
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(which)), 0.0)
