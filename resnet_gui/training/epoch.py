"""One epoch of learning: batches go through the network, gradients come back, weights change."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import replace

import torch

from resnet_gui.data.batch import Batch
from resnet_gui.data.loader import steps_per_epoch
from resnet_gui.data.prefetch import prefetch
from resnet_gui.data.transforms import Augmentation
from resnet_gui.events import CheckpointSaved, Note, Progress, Skipped
from resnet_gui.messages import Problem, message
from resnet_gui.nets.catalog import find
from resnet_gui.seeds import seed_for
from resnet_gui.throttle import Throttle
from resnet_gui.training.cached_features import EpochInputs
from resnet_gui.training.checkpoint import Checkpointer
from resnet_gui.training.loss import batch_loss
from resnet_gui.training.run_state import RunState
from resnet_gui.training.schedule import learning_rate, training_size
from resnet_gui.training.trainable import set_to_learn


class EpochTrainer:
    """Takes a `RunState` through its epoch, from its current step on, with the network and loaders of `inputs`."""

    def __init__(self, state: RunState, inputs: EpochInputs) -> None:
        self.state = state
        self.inputs = inputs
        self.config = state.config.training
        self.auxiliary_weight = find(state.config.network).auxiliary
        self.augmentation = Augmentation.of(state.config.data, state.train.preprocessing, self.config.seed)

    def epoch(
        self, stop: threading.Event, checkpointer: Checkpointer
    ) -> Generator[Skipped | Progress | CheckpointSaved | Note, None, bool]:
        """Trains for the rest of the epoch. Returns False if `stop` ended it early.

        Sums stay on the device. Reading one waits for every step before it, so they are read at most 10 times a second.
        Raises `Problem`, and `FolderGone`, after which it can be called again.
        """
        state = self.state
        set_to_learn(state.network, state.config.start)
        seen_before, began, throttle = state.seen, time.monotonic(), Throttle(0.1)
        now = began
        augmentation = replace(self.augmentation, image_size=training_size(state.config, state.epoch))
        pictures = self.inputs.train.train(augmentation, state.epoch, state.seen)
        for item in prefetch(pictures, state.compute.device):
            if stop.is_set():
                return False
            if isinstance(item, Skipped):
                yield item
                continue
            if len(item.labels) < 2:
                break  # the only readable picture: batch norm cannot learn from one
            steps = max(state.step + 1, steps_per_epoch(state.train.readable, self.config.batch_size))
            yield from self._learn_from(item, steps)
            state.step += 1
            state.seen += len(item.labels)
            now, before = time.monotonic(), now
            state.seconds += now - before
            if throttle.ready():
                speed = (state.seen - seen_before) / max(1e-9, now - began)
                yield Progress(
                    "train", state.step, steps, state.epoch, state.loss, state.accuracy, speed, self._seconds_left(speed)
                )  # fmt: skip
            yield from checkpointer.save_if_due()
        if state.train.readable_classes < 2:
            raise Problem("too_few_pictures", count=state.train.readable)
        return True

    def _learn_from(self, batch: Batch, steps: int) -> Iterator[Note]:
        """One step. If GPU memory runs out, the step is repeated in smaller parts, with a note."""
        state = self.state
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, state.epoch - 1 + min(1.0, state.step / steps))
        buffers = list(self.inputs.network.buffers())
        before = [buffer.clone() for buffer in buffers]
        while not self._fits(batch):
            # Here, not in the `except` block: the exception keeps every tensor of the failed step alive.
            state.optimizer.zero_grad()
            if buffers:
                torch._foreach_copy_(buffers, before)
            if state.compute.device.type == "cuda":
                torch.cuda.empty_cache()
            parts = self._parts(batch)
            if parts == len(batch.labels) // 2:  # they cannot get smaller
                raise Problem("out_of_memory", device="graphics card")
            state.part_size = math.ceil(len(batch.labels) / parts / 2)
            yield Note(message("batch_in_parts", size=state.part_size))
        state.scaler.step(state.optimizer)
        state.scaler.update()

    def _fits(self, batch: Batch) -> bool:
        """Computes the gradients of `batch`. Returns False if the GPU does not have enough memory."""
        try:
            self._find_gradients(batch)
        except torch.OutOfMemoryError:
            return False
        return True

    def _parts(self, batch: Batch) -> int:
        """How many parts `batch` is split into: each has at least two pictures."""
        count = len(batch.labels)
        return min(math.ceil(count / self.state.part_size), count // 2)

    def _find_gradients(self, batch: Batch) -> None:
        """Forward and backward, part by part; the gradients add up to those of the mean loss."""
        state, inputs, count = self.state, self.inputs, len(batch.labels)
        inputs.compute.seed(seed_for(self.config.seed, "step", state.epoch, state.step))
        state.optimizer.zero_grad()
        loss_sum, right = torch.zeros_like(state.loss_sum), torch.zeros_like(state.right)
        parts = self._parts(batch)
        prepared = inputs.train.prepare(batch)
        for pixels, labels in zip(prepared.tensor_split(parts), batch.labels.tensor_split(parts), strict=True):
            with inputs.compute.autocast():
                output = inputs.network(inputs.compute.to_memory_format(pixels))
                goal, loss, logits = batch_loss(output, labels, self.auxiliary_weight)
            torch.autograd.backward(state.scaler.scale(goal * (len(labels) / count)))
            loss_sum += loss.detach() * len(labels)
            right += (logits.argmax(1) == labels).sum()
        state.loss_sum += loss_sum
        state.right += right

    def _seconds_left(self, speed: float) -> float:
        """An estimate of the seconds left in the run, from the `speed` of this epoch in images/s.

        Work grows with the area of the pictures. Scoring a picture takes about a third of the time of a training step.
        """
        state, features_per_second = self.state, self.inputs.features_per_second
        if features_per_second:  # only the test pictures still go through the whole network
            epochs = self.config.epochs - state.epoch + 1
            work = epochs * (state.train.readable + state.val.readable / 3) - state.seen
            return work / speed + state.test.readable / features_per_second
        areas = [training_size(state.config, epoch) ** 2 for epoch in range(state.epoch, self.config.epochs + 1)]
        full, area = state.config.data.image_size**2, areas[0]
        scored = (len(areas) * state.val.readable + state.test.readable) / 3 * full
        return (state.train.readable * sum(areas) - state.seen * area + scored) / (speed * area)
