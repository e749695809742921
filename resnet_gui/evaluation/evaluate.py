"""A network and the pictures of a split become a score. Validation and test use this same code."""

from __future__ import annotations

import math
import threading
from collections.abc import Generator, Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnet_gui.config import MachineConfig, TrainConfig, read_config
from resnet_gui.data.cache.picture_cache import PictureCache
from resnet_gui.data.feature_loader import FeatureLoader
from resnet_gui.data.loader import FolderGone, Loader
from resnet_gui.data.moved_folder import moved_root
from resnet_gui.data.prefetch import prefetch
from resnet_gui.data.snapshot import Snapshot
from resnet_gui.data.split import Splits, read_split
from resnet_gui.device import (
    Compute,
    choose_device,
    device_as_before,
    out_of_memory_as_problem,
    slow_precision,
)
from resnet_gui.evaluation.learned_pictures import among, equal_to, learned_before, learned_by, test_snapshot
from resnet_gui.events import Event, Note, Phase, Progress, Skipped, TestScored
from resnet_gui.messages import Problem, message
from resnet_gui.model_file import load_model, save_model
from resnet_gui.records import ClassScore, TestScore
from resnet_gui.runs.event_log import append_event
from resnet_gui.runs.run_lock import only_writer
from resnet_gui.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Score:
    """Mean cross-entropy `loss`, and for each class how many pictures there were and how many were right (top-1).

    If no picture could be read, `seen` is 0 and the other figures mean nothing. `hits` are the indices of the
    pictures that were right. `leaked` of the pictures, of which `leaked_right` were right, were also training pictures.
    """

    loss: float
    right: tuple[int, ...]
    total: tuple[int, ...]
    hits: frozenset[int] = frozenset()
    leaked: int = 0
    leaked_right: int = 0

    @property
    def seen(self) -> int:
        """How many pictures were scored."""
        return sum(self.total)

    @property
    def accuracy(self) -> float:
        """From 0 to 1."""
        return sum(self.right) / self.seen

    def as_test(self, classes: tuple[str, ...], opened: int) -> TestScore:
        """This score as the one on the test pictures, which have now been used `opened` times.

        Raises `Problem` (`score_not_finite`).
        """
        if not math.isfinite(self.loss):
            raise Problem("score_not_finite")
        rows = tuple(ClassScore(*row) for row in zip(classes, self.right, self.total, strict=True))
        return TestScore(sum(self.right), sum(self.total), self.loss, rows, opened, self.leaked, self.leaked_right)

    def with_leaks(self, indices: Set[int]) -> Score:
        """This score, in which the pictures at `indices` are counted as training pictures."""
        return replace(self, leaked=len(indices), leaked_right=len(self.hits & indices))


def evaluate(
    network: nn.Module,
    loader: Loader | FeatureLoader,
    classes: int,
    compute: Compute,
    stop: threading.Event,
    phase: Phase,
    epoch: int = 0,
) -> Generator[Skipped | Progress, None, Score | None]:
    """Scores `network` on every readable picture of `loader`. Returns None when stopped."""
    network.eval()
    device = compute.device
    loss_sum = torch.zeros((), dtype=torch.float64 if device.type != "mps" else torch.float32, device=device)
    right = torch.zeros(classes, dtype=torch.int64, device=device)
    total = torch.zeros(classes, dtype=torch.int64, device=device)
    found: list[Tensor] = []
    seen, throttle = 0, Throttle(0.1)
    with torch.inference_mode():
        for item in prefetch(loader.evaluate(), device):
            if stop.is_set():
                return None
            if isinstance(item, Skipped):
                yield item
                continue
            labels = item.labels
            with compute.autocast():
                logits = network(compute.to_memory_format(loader.prepare(item)))
            loss_sum += functional.cross_entropy(logits.float(), labels, reduction="sum")
            total += labels.bincount(minlength=classes)
            is_right = logits.argmax(1) == labels
            right += labels[is_right].bincount(minlength=classes)
            found.append(item.indices.to(device)[is_right])
            seen += len(labels)
            if throttle.ready():
                yield Progress(
                    phase, math.ceil(seen / loader.batch_size), math.ceil(loader.readable / loader.batch_size), epoch
                )
    hits = frozenset(index for indices in found for index in indices.tolist())
    return Score(loss_sum.item() / max(1, seen), tuple(right.tolist()), tuple(total.tolist()), hits)


def score_test_split(
    run: Path, stop: threading.Event, moved_to: Path | None = None, device: str = "auto", precision: str = "auto"
) -> Iterator[Event]:
    """Scores the run in the folder `run` on its test split at the user's request: a stopped run has no test score.

    It computes as the run did, but for a `device` and a `precision` other than "auto".
    The score, and how often the test split was used, go into the model file. `moved_to` is the folder where the
    pictures are now, if they were moved; one that is not as it was is skipped there. Raises `Problem`.
    """
    if run.is_file():  # a model file
        if not (run.parent / "config.toml").is_file():
            raise Problem("evaluate_what", path=str(run))
        run = run.parent
    config = read_config(run / "config.toml")
    splits = read_split(run / "split.csv")
    if not splits.test:
        raise Problem("test_split_empty")
    with only_writer(run):
        machine, snapshot = computing(config.machine, device, precision), None
        config = config.model_copy(update={"machine": machine})
        if moved_to is not None:
            config = config.model_copy(update={"dataset": moved_root(moved_to, splits.test)})
            snapshot = test_snapshot(run, splits.test, config.dataset)
        for event in _score_test_split(run / "model.safetensors", config, splits, stop, snapshot):
            if isinstance(event, TestScored):  # other events here are not part of the run's log
                append_event(event, run)
            yield event


def computing(machine: MachineConfig, device: str, precision: str) -> MachineConfig:
    """`machine` with another `device` and `precision`; "auto" keeps its own. Raises `Problem` for a device that is missing."""
    if device != "auto":
        choose_device(MachineConfig(device=device))
    wanted = {name: value for name, value in (("device", device), ("precision", precision)) if value != "auto"}
    return machine.model_copy(update=wanted)


def _score_test_split(
    path: Path, config: TrainConfig, splits: Splits, stop: threading.Event, snapshot: Snapshot | None
) -> Iterator[Event]:
    network, metadata = load_model(path)
    compute = Compute.of(config.machine, device_as_before(config.machine))
    if note := slow_precision(compute):
        yield Note(note)
    root, preprocessing, machine = config.dataset, metadata.preprocessing, config.machine
    try:
        with (
            PictureCache(root, preprocessing, machine.cache_gigabytes) as cache,
            out_of_memory_as_problem(compute.device),
        ):
            batch_size, threads = config.training.batch_size, machine.loading_threads
            loader = Loader(root, splits.test, preprocessing, batch_size, threads, snapshot, cache)
            score = yield from evaluate(
                compute.to_device(network), loader, len(metadata.classes), compute, stop, "test"
            )
    except FolderGone:
        raise Problem("dataset_missing", path=str(config.dataset)) from None
    if score is None:
        yield Note(message("test_stopped"))
        return
    yield from loader.clipped_notes()
    if not score.seen:
        raise Problem("test_pictures_unreadable", count=len(splits.test), path=str(config.dataset))
    learned = learned_by(path.parent) | learned_before(config.start)
    seen_before = among(loader, learned) | equal_to(loader, splits.train, stop)
    test = score.with_leaks(seen_before).as_test(metadata.classes, metadata.test_opened + 1)
    save_model(path, network.state_dict(), replace(metadata, test=test, test_opened=test.opened))
    yield TestScored(str(path), test)
