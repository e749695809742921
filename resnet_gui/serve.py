"""The engine: a process that does jobs for the window. Requests come in as JSON lines, events go out as JSON lines.

Requests: `{"id": 3, "do": "predict", …}` starts job 3, `{"stop": 3}` asks it to stop. Every event carries its job's
id; `JobEnded` is a job's last. End of input means that whoever asked is gone: stop, save, exit.
Nothing heavy is imported at the top: the descriptors come before libraries that print.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any

from resnet_gui.events import Downloading, Event, Failed, JobEnded, NetworkNames, Progress, Ready, to_json
from resnet_gui.messages import Problem, message

if TYPE_CHECKING:
    from resnet_gui.prediction.predictor import Predictor

WARM_UP = 0
"""The id of the job that every engine starts by itself: importing what the others need, then `Ready`."""

PATIENCE = 60.0
"""Seconds that jobs get to finish a step and save when the input has ended."""


def serve() -> int:
    """Serves until the input ends."""
    requests, answers = _take_over_descriptors()
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)  # the window and the person's other programs come first
    jobs = Jobs(Outbox(answers))
    jobs.start({"id": WARM_UP, "do": "warm"})
    with contextlib.suppress(EndOfInput):
        signal.signal(signal.SIGTERM, _end_of_input)
        for line in requests:
            jobs.receive(line)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # saving has begun
    jobs.finish()
    # Libraries may hold threads that never end; everything is saved and said by now.
    os._exit(0)


class EndOfInput(Exception):
    """The system wants this process to end: to be treated as if the input had."""


def _end_of_input(number: int, frame: FrameType | None) -> None:
    raise EndOfInput


def _take_over_descriptors() -> tuple[IO[str], IO[str]]:
    """Keeps the protocol to itself: what libraries read is nothing, and what they print goes to the log."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8", newline="\n")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return requests, answers


class Outbox:
    """Writes events in a thread of its own, so that a job never waits for a reader.

    Of a job's progress (`Progress`, `Downloading`) the newest is sent, at most 10 times a second; nothing else is
    dropped.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._progress: dict[int, Progress | Downloading] = {}
        self._changed = threading.Condition()
        self._next_progress = 0.0
        self._closed = False
        self.broken = threading.Event()
        self._writer = threading.Thread(target=self._write, name="outbox", daemon=True)
        self._writer.start()

    def put(self, job: int, event: Event) -> None:
        """Sends `event`, after progress of the same job that waits: it goes out if it is time, else it is old news."""
        with self._changed:
            if isinstance(event, Progress | Downloading):
                self._progress[job] = event
            else:
                if time.monotonic() >= self._next_progress:
                    self._take_progress()
                self._progress.pop(job, None)
                self._lines.append(to_json(event, id=job))
            self._changed.notify()

    def _take_progress(self) -> None:
        self._lines += [to_json(event, id=job) for job, event in self._progress.items()]
        self._progress.clear()
        self._next_progress = time.monotonic() + 0.1

    def close(self) -> None:
        """Sends what waits, then ends."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._writer.join(timeout=5)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._progress or self._closed)
                if self._progress and (self._closed or time.monotonic() >= self._next_progress):
                    self._take_progress()
                lines, self._lines = self._lines, []
                if self._closed and not lines:
                    return
            self._send(lines)
            if not lines:
                time.sleep(0.01)  # only progress waits, and not for long

    def _send(self, lines: list[str]) -> None:
        try:
            self._stream.write("".join(line + "\n" for line in lines))
            self._stream.flush()
        except OSError:
            self.broken.set()


class Jobs:
    """The jobs under way, each in a thread of its own with a stop flag."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._stops: dict[int, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        self._answering = Answering()

    def receive(self, line: str) -> None:
        """Carries out one request; what is no request is answered with `Failed`."""
        try:
            request = json.loads(line)
            if "stop" in request:
                if stop := self._stops.get(request["stop"]):
                    stop.set()
            else:
                self.start(request)
        except (ValueError, KeyError, TypeError) as error:
            self._outbox.put(-1, Failed(message("engine_request", reason=str(error))))

    def start(self, request: dict[str, Any]) -> None:
        """Starts the job that `request` asks for."""
        job = int(request["id"])
        stop = self._stops[job] = threading.Event()
        name = f"{request.get('do')}-{job}"
        thread = threading.Thread(target=self._run, args=(job, request, stop), name=name, daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()

    def finish(self) -> None:
        """Stops every job and waits until each has saved, but not for ever."""
        for stop in list(self._stops.values()):
            stop.set()
        deadline = time.monotonic() + PATIENCE
        for thread in self._threads:
            if thread.ident and not thread.name.startswith(("warm", "model")):  # who only loads has nothing to save
                thread.join(max(0.0, deadline - time.monotonic()))
        self._outbox.close()

    def _run(self, job: int, request: dict[str, Any], stop: threading.Event) -> None:
        try:
            for event in self._job(request, stop):
                self._outbox.put(job, event)
                if self._outbox.broken.is_set():
                    stop.set()
        except Problem as problem:
            self._outbox.put(job, Failed(problem.message))
        except Exception as error:
            traceback.print_exc()
            words = f"{type(error).__name__}: {error}"
            self._outbox.put(job, Failed(message("internal_error", error=words)))
        finally:
            del self._stops[job]
            self._outbox.put(job, JobEnded())

    def _job(self, request: dict[str, Any], stop: threading.Event) -> Iterator[Event]:
        """The events of the job that `request["do"]` names. Imports are here, so that each job brings its own."""
        match request["do"]:
            case "warm":
                return _warm()
            case "warm_training":
                return _warm_training()
            case "train":
                from resnet_gui.config import make_config
                from resnet_gui.training.loop import train

                return train(make_config(request["config"]), stop)
            case "resume":
                from resnet_gui.training.loop import resume

                return resume(Path(request["run"]), stop, request.get("epochs"), bool(request.get("accept")))
            case "test":
                from resnet_gui.evaluation.score import score_test_split

                return score_test_split(Path(request["run"]), stop)
            case "check":
                from resnet_gui.data.folder import list_folder
                from resnet_gui.data.health import check

                listing = list_folder(Path(request["dataset"]), stop.is_set)
                return check(listing.root, listing.samples, stop) if listing else iter(())
            case "thumbnails":
                from resnet_gui.data.thumbnail import thumbnails

                return thumbnails([Path(path) for path in request["paths"]], stop, request["side"])
            case "sample":
                from resnet_gui.data.sample import draw_sample

                return draw_sample(stop)
            case "summary":
                from resnet_gui.nets.summary import summarise

                return iter((summarise(*(request[key] for key in ("network", "classes", "channels", "size"))),))
            case "networks":
                from resnet_gui.nets.outside import names

                return iter((NetworkNames(request["source"], names(request["source"])),))
            case "fetch":
                from resnet_gui.nets.fetch import fetch
                from resnet_gui.nets.outside import weights_of

                if (weights := weights_of(request["network"])) is None:
                    raise Problem("no_pretrained", network=request["network"])
                return fetch(weights, stop)
            case "model":
                return self._answering.describe(Path(request["model"]), bool(request.get("busy")))
            case "predict":
                paths = [Path(path) for path in request["paths"]]
                return self._answering.predict(Path(request["model"]), paths, stop, bool(request.get("busy")))
            case other:
                raise Problem("engine_request", reason=f"there is no job “{other}”")


class Answering:
    """Keeps the last model loaded, and answers one question at a time."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._loaded: tuple[object, Predictor] | None = None

    def describe(self, model: Path, busy: bool) -> Iterator[Event]:
        """What the file `model` says of itself, once it has proved that it can be loaded; now it is warm."""
        with self._turn:
            yield self._load(model, busy).card.info(model)

    def predict(self, model: Path, paths: list[Path], stop: threading.Event, busy: bool) -> Iterator[Event]:
        """Answers for `paths`. While a run computes (`busy`) this takes one thread of the processor and no more."""
        from resnet_gui.prediction.streaming import predict

        with self._turn:
            yield from predict(self._load(model, busy), paths, stop)

    def _load(self, model: Path, busy: bool) -> Predictor:
        """The predictor for the file as it is now: a model that was saved anew is loaded anew."""
        from resnet_gui.config import MachineConfig
        from resnet_gui.device import choose_device
        from resnet_gui.prediction.predictor import Predictor

        machine = MachineConfig(device="cpu", threads=1) if busy else MachineConfig()
        device = choose_device(machine)  # and its threads, which change more often
        try:
            status = model.stat()
        except OSError as error:
            raise Problem("model_missing", path=str(model)) from error
        key = (str(model), status.st_mtime_ns, status.st_size, device)
        known, predictor = self._loaded or (None, None)
        if predictor is None or known != key:
            predictor = Predictor(model, machine, predictor)
            self._loaded = key, predictor
        return predictor


def _warm() -> Iterator[Event]:
    """Imports what every job needs, which takes seconds, and says what there is to compute with."""
    import torch

    import resnet_gui.prediction.streaming
    import resnet_gui.training.loop  # noqa: F401
    from resnet_gui.config import MachineConfig
    from resnet_gui.data.thumbnail import prune
    from resnet_gui.device import choose_device

    device = choose_device(MachineConfig())
    yield Ready(device.type, torch.get_num_threads(), torch.__version__)
    prune()


def _warm_training() -> Iterator[Event]:
    """Makes an optimizer: for the first one torch imports its compiler, two seconds, though nothing is compiled."""
    import torch

    torch.optim.SGD([torch.zeros(1)], lr=1.0)
    return iter(())
