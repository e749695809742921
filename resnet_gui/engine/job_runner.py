"""The jobs of an engine: each request starts a generator of events in a thread of its own."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resnet_gui.engine.outbox import Outbox
from resnet_gui.engine.predictor_cache import PredictorCache
from resnet_gui.events import Event, Failed, JobEnded, NetworkNames, Ready
from resnet_gui.messages import Problem, message
from resnet_gui.records import GreyRange, from_plain

WARM_UP = 0
"""The id of the job that every engine starts by itself: it imports what other jobs need, then emits `Ready`."""

PATIENCE = 60.0
"""Seconds that jobs get to finish a step and save when the input has ended."""


class JobRunner:
    """The jobs under way, each in a thread of its own with a stop flag."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._stops: dict[int, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        self._predictors = PredictorCache()

    def receive(self, line: str) -> None:
        """Handles one request. A line that is no request gives `Failed`."""
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
        """Starts the job that `request` names."""
        job = int(request["id"])
        stop = self._stops[job] = threading.Event()
        name = f"{request.get('do')}-{job}"
        thread = threading.Thread(target=self._run, args=(job, request, stop), name=name, daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()

    def finish(self) -> None:
        """Stops every job and waits until each has saved, but at most `PATIENCE` seconds."""
        for stop in list(self._stops.values()):
            stop.set()
        deadline = time.monotonic() + PATIENCE
        for thread in self._threads:
            if thread.ident and not thread.name.startswith(("warm", "model")):  # these have nothing to save
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
            text = f"{type(error).__name__}: {error}"
            self._outbox.put(job, Failed(message("internal_error", error=text)))
        finally:
            del self._stops[job]
            self._outbox.put(job, JobEnded())

    def _job(self, request: dict[str, Any], stop: threading.Event) -> Iterator[Event]:
        """The events of the job that `request["do"]` names. Imports are here, so that each job loads only its own."""
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

                moved_to = Path(request["dataset"]) if request.get("dataset") else None
                return resume(Path(request["run"]), stop, request.get("epochs"), bool(request.get("accept")), moved_to)
            case "test":
                from resnet_gui.evaluation.evaluate import score_test_split

                return score_test_split(Path(request["run"]), stop)
            case "check":
                return _check(request, stop)
            case "thumbnails":
                from resnet_gui.data.thumbnail import thumbnails

                paths = [Path(path) for path in request["paths"]]
                return thumbnails(paths, stop, request["side"], _grey_range(request))
            case "sample":
                from resnet_gui.data.sample_dataset import draw_sample

                return draw_sample(stop)
            case "summary":
                from resnet_gui.nets.summary import summarise

                return iter((summarise(*(request[key] for key in ("network", "classes", "channels", "size"))),))
            case "networks":
                from resnet_gui.nets.library_catalog import names

                return iter((NetworkNames(request["source"], names(request["source"])),))
            case "fetch":
                from resnet_gui.nets.library_catalog import weights_of
                from resnet_gui.weights.weight_cache import fetch

                if (weights := weights_of(request["network"])) is None:
                    raise Problem("no_pretrained", network=request["network"])
                return fetch(weights, stop)
            case "adopt":
                return _adopt(request, stop)
            case "model":
                return self._predictors.describe(Path(request["model"]), *_how(request), stop)
            case "predict":
                paths = [Path(path) for path in request["paths"]]
                return self._predictors.predict(Path(request["model"]), paths, stop, *_how(request))
            case other:
                raise Problem("engine_request", reason=f"there is no job “{other}”")


def _adopt(request: dict[str, Any], stop: threading.Event) -> Iterator[Event]:
    """Makes a model of a file of weights. What the request leaves out is decided by the job."""
    from resnet_gui.prediction.model_from_weights import Adoption, adopt

    numbers = {name: tuple(map(float, request.get(name, ()))) for name in ("mean", "std")}
    return adopt(
        Adoption(
            Path(request["weights"]), request["network"], tuple(request.get("classes", ())), Path(request["out"]),
            **numbers, size=int(request.get("size", 0)), middle_share=float(request.get("middle_share", 0)),
            interpolation=request.get("interpolation", ""), colour=request.get("colour", "auto"),
            part=request.get("part", ""),
        ),
        stop,
    )  # fmt: skip


def _check(request: dict[str, Any], stop: threading.Event) -> Iterator[Event]:
    """Looks for the dataset's range of grey, which its thumbnails need, then decodes every picture."""
    from resnet_gui.config import make_config
    from resnet_gui.data.checks.duplicates import with_duplicates
    from resnet_gui.data.checks.readable import check
    from resnet_gui.data.checks.survey import find_grey_range
    from resnet_gui.data.readers.class_folders import list_folder
    from resnet_gui.data.split import split_samples

    config = make_config(request.get("config", {}))
    layout, fold = config.data.layout, config.data.validation_fold
    listing = list_folder(Path(request["dataset"]), stop.is_set, layout=layout, validation_fold=fold)
    listing = listing and with_duplicates(listing, stop.is_set)  # as a run does: copies decide what is in train
    if listing:
        splits = split_samples(listing, config.data.val_fraction, config.data.test_fraction, config.training.seed)
        yield from find_grey_range(listing.root, splits.train, config.data, stop)
        yield from check(listing.root, listing.samples, stop)


def _grey_range(request: dict[str, Any]) -> GreyRange | None:
    """The range of grey that thumbnails are to show: that of a model, or one that the request holds, if any."""
    if request.get("model"):
        from resnet_gui.model_file import preprocessing_in

        with contextlib.suppress(Problem):  # without the model pictures can be shown all the same
            preprocessing = preprocessing_in(Path(request["model"]))
            return preprocessing.grey_range if preprocessing else None
    found: GreyRange | None = from_plain(GreyRange, request.get("grey_range"))
    return found


def _how(request: dict[str, Any]) -> tuple[bool, str]:
    """How a request for a model wants it to compute: whether a run computes meanwhile, and the precision."""
    return bool(request.get("busy")), str(request.get("precision", "auto"))


def _warm() -> Iterator[Event]:
    """Imports what every job needs, which takes seconds, then emits `Ready` with the device."""
    import torch

    import resnet_gui.prediction.streaming
    import resnet_gui.training.loop  # noqa: F401
    from resnet_gui.config import MachineConfig
    from resnet_gui.data.thumbnail import prune
    from resnet_gui.device import choose_device, devices

    device = choose_device(MachineConfig())
    yield Ready(device.type, torch.get_num_threads(), torch.__version__, devices())
    prune()


def _warm_training() -> Iterator[Event]:
    """Makes an optimizer: for the first one torch imports its compiler, two seconds, though nothing is compiled."""
    import torch

    torch.optim.SGD([torch.zeros(1)], lr=1.0)
    return iter(())
