"""The command line as it reads a hostile file: in a fork of this process, which has imported everything before.

A start of Python with torch takes three seconds, a fork a hundredth of one. What is measured of it is what reading costs.
Only Linux measures so.
"""

from __future__ import annotations

import csv
import gc
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from hostile_files import watch
from hostile_files.catalog import NETWORK
from hostile_files.hostile_file import HostileFile
from hostile_files.verdict import HANG, Opened
from hostile_files.watch import install, to_file
from resnet_gui.cli.main import VERBS, main

_ROOM = 8 << 30
"""Bytes that a reader may take beyond what it has, so that a hostile file cannot end whatever else runs."""
_PAUSE = 0.002


class CommandLine:
    """Opens files by each verb that takes one.

    `work` is a folder for what they write, `dataset` one of pictures, `good` a file of weights of `NETWORK`.
    """

    def __init__(self, work: Path, dataset: Path, good: Path) -> None:
        self._work, self._dataset, self._good = work, dataset, good
        self._picture = next(dataset.rglob("*.bmp"))
        self._usual: dict[str, float] = {}
        import_all()
        gc.freeze()  # else a collection in a fork touches, and so copies, all that is shared
        install(self._report)
        self._log: Callable[[str], object] = lambda line: None

    def _report(self, line: str) -> None:
        self._log(line)

    def verbs(self, file: HostileFile) -> list[str]:
        """The verbs for such a file: a model is asked and scored, weights become something; each also takes the other."""
        weights = ["train", "pretrained", "predict"]
        adopting = ["adopt", "classes"] if "adopt" in VERBS else []
        if file.kind == "class list":
            return adopting or ["predict"]
        if file.kind in ("thing", "another format"):
            return [*weights, *adopting]
        return ["predict", "evaluate", "train"] if file.is_model else [*weights, *adopting[:1]]

    def open_afresh(self, verb: str, path: Path) -> Opened:
        """The same in a process of its own, started as a user starts it; what its start costs is not counted."""
        out, log = self._work / "out", self._work / "watch.txt"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        log.write_text("")
        command = [sys.executable, watch.__file__, str(log), *self._arguments(verb, path, out)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=3 * HANG, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            return Opened(f"{verb}, afresh", None, 0.0, 0.0)
        opened = Opened(
            f"{verb}, afresh", done.returncode, 0.0, 0.0, done.stdout, done.stderr, log.read_text().splitlines()
        )
        opened.has_result = opened.status == 0 and _has_result(verb, out, opened)
        return opened

    def open(self, verb: str, path: Path, meanwhile: Callable[[Path], object] | None = None) -> Opened:
        """Runs the verb with the file `path`, to its end or to the limit."""
        if verb not in self._usual:
            self._usual[verb] = 0.0
            self._usual[verb] = self.open(verb, self._work / "nothing.safetensors").megabytes
        out = self._work / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        arguments = self._arguments(verb, path, out)
        opened = self._forked(verb, arguments, path, meanwhile)
        opened.megabytes -= self._usual[verb]
        opened.has_result = opened.status == 0 and _has_result(verb, out, opened)
        opened.leftovers = [] if verb == "predict" else sorted(each.name for each in out.iterdir())
        return opened

    def _arguments(self, verb: str, path: Path, out: Path) -> list[str]:
        model, as_json = ["--out", str(out / "model.safetensors")], "--json"
        match verb:
            case "train":
                return [
                    "train", str(self._dataset), "--network", NETWORK, "--image-size", "32", "--start-from", "file",
                    "--start-path", str(path), "--epochs", "1", "--batch-size", "8", "--out", str(out), "--threads", "1",
                    "--loading-threads", "1", "--precision", "float32", "--memory-format", "contiguous", "--cache-gigabytes", "0",
                    as_json,
                ]  # fmt: skip
            case "adopt":
                return ["adopt", str(path), "--network", NETWORK, "--classes", "a,b,c,d", *model, as_json]
            case "classes":  # good weights, whose class names are the file
                return ["adopt", str(self._good), "--network", NETWORK, "--classes", str(path), *model, as_json]
            case "pretrained":
                return ["pretrained", "squeezenet1_1", "--weights", str(path), *model, as_json]
            case "predict":
                return [
                    "predict",
                    str(path),
                    str(self._picture),
                    "--csv",
                    str(out / "table.csv"),
                    "--precision",
                    "float32",
                    as_json,
                ]
        return ["evaluate", str(path), str(self._dataset), "--split", "all", "--precision", "float32", as_json]

    def _forked(
        self, verb: str, arguments: list[str], path: Path, meanwhile: Callable[[Path], object] | None
    ) -> Opened:
        names = ("stdout", "stderr", "watch")
        printed, said, log = (self._work / f"{name}.txt" for name in names)
        for each in (printed, said, log):
            each.unlink(missing_ok=True)
        pid = os.fork()
        if pid == 0:
            self._become(arguments, printed, said, log)
        with _meanwhile(meanwhile, path):
            status, used = _waited_for(pid)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return Opened(
            verb, status, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, printed.read_text(errors="replace"),
            said.read_text("utf-8", "surrogateescape"), lines,
        )  # fmt: skip

    def _become(self, arguments: list[str], printed: Path, said: Path, log: Path) -> None:
        """Never returns: this process is the program from now on."""
        status = 99
        try:
            os.setsid()
            for number, name, flags in (
                (0, os.devnull, os.O_RDONLY),
                (1, printed, os.O_WRONLY | os.O_CREAT),
                (2, said, os.O_WRONLY | os.O_CREAT),
            ):
                os.dup2(os.open(name, flags, 0o600), number)
            size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + _ROOM, size + _ROOM))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            self._log = to_file(log)
            status = main(arguments)
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 1
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            self._log = lambda line: None
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def import_all() -> None:
    """Imports what the verbs import on their way, and has torch import its compiler, as the first optimizer does."""
    import PIL.Image
    import torch

    import resnet_gui.cli.evaluate_command
    import resnet_gui.cli.predict_command
    import resnet_gui.cli.pretrained_command
    import resnet_gui.cli.train_command
    import resnet_gui.evaluation.evaluate
    import resnet_gui.evaluation.labelled_folder
    import resnet_gui.prediction.streaming
    import resnet_gui.training.loop
    from resnet_gui.nets.libraries import torchvision_models

    if "adopt" in VERBS:
        import resnet_gui.cli.adopt_command
        import resnet_gui.prediction.model_from_weights  # noqa: F401
    torchvision_models()
    PIL.Image.init()
    torch.optim.SGD([torch.zeros(1)], lr=1.0)


class _meanwhile:  # noqa: N801 - used as a function
    """Does something to the file again and again in a thread, as long as it is open."""

    def __init__(self, change: Callable[[Path], object] | None, path: Path) -> None:
        self._change, self._path = change, path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        if self._change:
            self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        if self._change:
            self._thread.join()

    def _run(self) -> None:
        assert self._change
        while not self._stop.wait(_PAUSE):
            try:
                self._change(self._path)
            except OSError:
                continue


def _waited_for(pid: int) -> tuple[int | None, resource.struct_rusage]:
    """The exit status, None if it was killed for its time, and what it used."""
    end = time.monotonic() + HANG
    while time.monotonic() < end:
        found, status, used = os.wait4(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status), used
        time.sleep(_PAUSE)
    os.kill(pid, signal.SIGKILL)
    return None, os.wait4(pid, 0)[2]


def _has_result(verb: str, out: Path, opened: Opened) -> bool:
    """Whether there is what a success should leave: a model, or numbers that are numbers."""
    if verb in ("adopt", "classes", "pretrained"):
        return (out / "model.safetensors").is_file()
    if verb == "train":
        return any(out.glob("*/model.safetensors"))
    if verb == "predict":
        return all(map(_is_number, _probabilities(out / "table.csv"))) and '"probabilities"' in opened.printed
    return '"loss"' in opened.printed or '"right"' in opened.printed


def _probabilities(table: Path) -> Iterator[str]:
    csv.field_size_limit(2**30)
    with table.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield from (value for name, value in row.items() if name and name.startswith("probability"))


def _is_number(text: str) -> bool:
    return math.isfinite(float(text))
