"""The training loop, top to bottom: a config goes in, events come out, a model file is left behind."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from resnet_gui.config import TrainConfig
from resnet_gui.counter import seed_for
from resnet_gui.data.folder import list_folder
from resnet_gui.data.loader import Loader, steps_per_epoch
from resnet_gui.data.split import Splits, fingerprint, split_samples
from resnet_gui.data.transforms import Augmentation, Preprocessing
from resnet_gui.device import choose_device, memory_has_a_sentence
from resnet_gui.evaluation.score import evaluate
from resnet_gui.events import EpochDone, Event, Finished, Note, Progress, Skipped, Started, Stopped
from resnet_gui.messages import Message, Problem, message
from resnet_gui.model import ModelCard
from resnet_gui.nets.build import build
from resnet_gui.pace import Pace
from resnet_gui.training.best_model import BestModel
from resnet_gui.training.run_folder import dataset_fingerprint, make_run_folder, recorded
from resnet_gui.training.schedule import learning_rate, make_optimizer


def train(config: TrainConfig, stop: threading.Event) -> Iterator[Event]:
    """Trains `config.network` on the folder `config.dataset` and yields what happens.

    `stop` is looked at before every step and every batch: when it is set, what there is is saved, `Stopped` comes and
    the iterator ends. The best model by validation accuracy (ties: lower loss) is in the run's `model.safetensors`
    from the first validation on. The test pictures are opened once, by that model, after the last epoch.

    Raises `Problem` for what the person can mend: a folder without classes, a missing device, a loss that is not
    finite, memory or disk that is full.
    """
    device = choose_device(config.machine)
    listing = list_folder(config.dataset, stop.is_set)
    if listing is None:
        return  # stopped before there was anything to save
    splits = split_samples(listing, config.data.val_fraction, config.data.test_fraction, config.training.seed)
    config = config.model_copy(update={"dataset": listing.root})
    torch.manual_seed(seed_for(config.training.seed, "weights"))
    with memory_has_a_sentence(device):
        network = build(config.network, len(splits.classes)).to(device)
    run = make_run_folder(config, splits)
    notes = (*listing.notes, *splits.notes)
    yield from recorded(_run(config, splits, notes, network, device, run, stop), run)


def _run(
    config: TrainConfig,
    splits: Splits,
    notes: Sequence[Message],
    network: nn.Module,
    device: torch.device,
    run: Path,
    stop: threading.Event,
) -> Iterator[Event]:
    yield Started(
        str(run), config.network, splits.classes, len(splits.train), len(splits.val), len(splits.test),
        config.training.epochs, device.type, torch.get_num_threads(),
    )  # fmt: skip
    yield from (Note(note) for note in notes)
    if not splits.val:
        yield Note(message("no_validation"))

    preprocessing = Preprocessing.for_size(config.data.image_size)
    training, validation, test = (
        Loader(config.dataset, samples, preprocessing, config.training.batch_size, config.machine.loading_threads)
        for samples in (splits.train, splits.val, splits.test)
    )
    card = ModelCard(
        config.network, splits.classes, preprocessing, epoch=0, validated=False,
        dataset_fingerprint=dataset_fingerprint(config.dataset, splits), split_fingerprint=fingerprint(splits),
    )  # fmt: skip
    best = BestModel(run / "model.safetensors", card)
    learner = Learner(config, network, training, device, len(splits.val), len(splits.test))
    try:
        complete = yield from _epochs(learner, validation, best, stop)
    except Problem:
        yield from best.try_to_save()  # the disk may have room by now
        raise
    if complete:
        yield from _finish(learner, test, best, stop)


def _epochs(
    learner: Learner, validation: Loader, best: BestModel, stop: threading.Event
) -> Generator[Event, None, bool]:
    """Learns and validates, epoch by epoch, and keeps the best. Returns False when stopped, with what there is saved."""
    network, device, classes = learner.network, learner.device, len(best.card.classes)
    validating = bool(validation.samples)
    for epoch in range(1, learner.config.epochs + 1):
        began = time.monotonic()
        score = None
        with memory_has_a_sentence(device):
            complete = yield from learner.epoch(epoch, stop)
            if complete and validating:
                score = yield from evaluate(network, validation, classes, device, stop, "validate", epoch)
                complete = score is not None
        if not complete:
            if not best.card.validated:  # better these weights than none
                best.offer(network, epoch, None)
            best.save()
            yield Stopped(str(best.path), epoch, learner.step, best.card.validated)
            return False
        if score is not None and not score.seen:
            yield Note(message("no_validation"))
            validating, score = False, None
        if score is not None and not math.isfinite(score.loss):
            raise Problem("loss_not_finite", epoch=epoch, step=learner.step)
        taken = best.offer(network, epoch, score)
        learner.epoch_seconds = time.monotonic() - began
        yield EpochDone(
            epoch, learner.loss, learner.accuracy, score.loss if score else None, score.accuracy if score else None,
            learning_rate(learner.config, epoch - 1), learner.epoch_seconds, taken and score is not None,
        )  # fmt: skip
        yield from best.try_to_save()
    return True


def _finish(learner: Learner, test: Loader, best: BestModel, stop: threading.Event) -> Iterator[Event]:
    """Opens the test pictures, once, with the best model."""
    best.save()
    if test.samples:
        learner.network.load_state_dict(best.weights)
        classes = best.card.classes
        score = yield from evaluate(learner.network, test, len(classes), learner.device, stop, "test")
        if score is None:
            yield Stopped(str(best.path), learner.config.epochs, learner.step, best.card.validated)
            return
        if score.seen:
            best.with_test(score.as_test(classes, opened=1))
            best.save()
        else:
            yield Note(message("no_test"))
    yield Finished(str(best.path), best.card.epoch, best.card.val_accuracy, best.card.test)


class Learner:
    """Takes a network through epochs of training. After one, `loss` and `accuracy` are its means, `step` its last step.

    `validated` and `tested` pictures are scored after each epoch and at the end, which takes time, too.
    """

    def __init__(
        self, config: TrainConfig, network: nn.Module, loader: Loader, device: torch.device, validated: int, tested: int
    ) -> None:
        self.config = config.training
        self.network = network
        self.loader = loader
        self.device = device
        self.augmentation = Augmentation.of(config.data, loader.preprocessing, self.config.seed)
        self.optimizer = make_optimizer(self.config, network.parameters())
        self.loss = self.accuracy = math.nan
        self.step = 0
        self.validated, self.tested = validated, tested
        self.epoch_seconds = 0.0

    def epoch(self, epoch: int, stop: threading.Event) -> Generator[Skipped | Progress, None, bool]:
        """One pass over the training pictures. Returns whether it was complete, or ended early by `stop`.

        Sums stay on the device: reading one waits for every step before it, so that is done ten times a second at most.
        """
        self.network.train()
        self.step = seen = 0
        loss_sum = torch.zeros((), device=self.device)
        right = torch.zeros((), device=self.device)
        began, pace = time.monotonic(), Pace(0.1)
        for item in self.loader.train(self.augmentation, epoch):
            if stop.is_set():
                if seen:
                    self._read(loss_sum, right, seen, epoch)  # weights that are not finite are not worth saving
                return False
            if isinstance(item, Skipped):
                yield item
                continue
            if len(item.labels) < 2:
                break  # the only readable picture: batch norm cannot learn from one
            steps = max(self.step + 1, steps_per_epoch(self.loader.readable, self.config.batch_size))
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(self.config, epoch - 1 + min(1.0, self.step / steps))
            labels = item.labels.to(self.device, non_blocking=True)
            pixels = item.pixels.to(self.device, non_blocking=True)
            logits = self.network(self.loader.preprocessing.normalize(pixels))
            loss = functional.cross_entropy(logits, labels)
            self.optimizer.zero_grad()
            torch.autograd.backward(loss)
            self.optimizer.step()

            self.step += 1
            seen += len(labels)
            loss_sum += loss.detach() * len(labels)
            right += (logits.argmax(1) == labels).sum()
            if pace.due():
                self._read(loss_sum, right, seen, epoch)
                speed = seen / max(1e-9, time.monotonic() - began)
                left = self._seconds_left(epoch, seen, speed)
                yield Progress("train", self.step, steps, epoch, self.loss, self.accuracy, speed, left)
        if self.loader.readable_classes < 2:
            raise Problem("too_few_pictures", count=self.loader.readable)
        self._read(loss_sum, right, seen, epoch)
        return True

    def _seconds_left(self, epoch: int, seen: int, speed: float) -> float:
        """An estimate for the rest of the run: by the last epoch where there is one, else by `speed`.

        To score a picture takes about a third of the time of learning from it.
        """
        work = self.loader.readable + self.validated / 3
        per_epoch = self.epoch_seconds or work / speed
        return per_epoch * (self.config.epochs - epoch + 1 - seen / work + self.tested / 3 / work)

    def _read(self, loss_sum: torch.Tensor, right: torch.Tensor, seen: int, epoch: int) -> None:
        self.loss, self.accuracy = loss_sum.item() / seen, right.item() / seen
        if not math.isfinite(self.loss):
            raise Problem("loss_not_finite", epoch=epoch, step=self.step)
