"""Samples become batches, read ahead in threads. A picture that cannot be read is left out and told, once."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from resnet_gui.counter import seed_for
from resnet_gui.data.folder import Sample
from resnet_gui.data.image import open_image
from resnet_gui.data.snapshot import Snapshot
from resnet_gui.data.transforms import Augmentation, Preprocessing
from resnet_gui.events import Skipped
from resnet_gui.messages import Problem


@dataclass(frozen=True, slots=True)
class Batch:
    """`pixels` uint8 `[N, 3, H, W]` and `labels` int64 `[N]`, on the CPU."""

    pixels: Tensor
    labels: Tensor


def epoch_order(seed: int, epoch: int, count: int) -> list[int]:
    """The order in which an epoch visits `count` samples: a function of (seed, epoch) alone."""
    generator = torch.Generator().manual_seed(seed_for(seed, "order", epoch))
    return torch.randperm(count, generator=generator).tolist()


def steps_per_epoch(count: int, batch_size: int) -> int:
    """How many batches `Loader.train` makes of `count` readable pictures: a last one of one joins the one before it."""
    whole, rest = divmod(count, batch_size)
    return max(1, whole + (rest > 1))


class FolderGone(Exception):
    """Not a picture but the whole dataset folder cannot be reached: a drive was unplugged, a folder renamed."""


class Loader:
    """The pictures of one split.

    `skipped` holds the indices of samples that turned out to be unreadable or replaced; they are not tried again.
    `snapshot` knows what the pictures were when the run began; without one, that is now.
    `landmarks` lie directly in `root`: when none of them is there, it is not a picture that is missing but the folder.
    """

    def __init__(
        self,
        root: Path,
        samples: Sequence[Sample],
        preprocessing: Preprocessing,
        batch_size: int,
        threads: int,
        snapshot: Snapshot | None = None,
    ) -> None:
        self.root = root
        self.samples = samples
        self.preprocessing = preprocessing
        self.batch_size = batch_size
        self.threads = threads
        self.snapshot = snapshot or Snapshot.take(root, samples)
        self.landmarks = {sample.path.partition("/")[0] for sample in samples}
        self.skipped: set[int] = set()

    @property
    def readable(self) -> int:
        """How many pictures are left, as far as is known."""
        return len(self.samples) - len(self.skipped)

    @property
    def readable_classes(self) -> int:
        """How many classes these belong to."""
        return len({sample.label for index, sample in enumerate(self.samples) if index not in self.skipped})

    @property
    def is_gone(self) -> bool:
        """Whether the dataset folder cannot be reached, or nothing is left in it."""
        return not any(os.path.exists(self.root / name) for name in self.landmarks)  # noqa: PTH110 - Path.exists raises for some errors

    def train(self, augmentation: Augmentation, epoch: int, done: int = 0) -> Iterator[Batch | Skipped]:
        """One epoch in its own order and augmentation, from where `done` pictures of it have been learned from.

        No batch of one is made, for batch norm cannot learn from it. Raises `FolderGone`.
        """
        order = epoch_order(augmentation.seed, epoch, len(self.samples))
        left = [index for index in order if index not in self.skipped][done:]
        return self._batches(left, lambda image, index: augmentation.pixels(image, epoch, index), join_single=True)

    def evaluate(self) -> Iterator[Batch | Skipped]:
        """Every picture once, in order, through the evaluation preprocessing. Raises `FolderGone`."""
        return self._batches(range(len(self.samples)), lambda image, index: self.preprocessing.pixels(image))

    def _batches(
        self, order: Iterable[int], view: Callable[[Image.Image, int], Tensor], join_single: bool = False
    ) -> Iterator[Batch | Skipped]:
        """Groups readable pictures in order. One full group is held back, so that a last single can join it."""
        group: list[tuple[Tensor, int]] = []
        for index, read in self._read_ahead(order, view):
            if isinstance(read, Skipped):
                self.skipped.add(index)
                yield read
                continue
            if len(group) > self.batch_size:
                yield _stack(group[: self.batch_size])
                del group[: self.batch_size]
            group.append((read, self.samples[index].label))
        if len(group) == self.batch_size + 1 and not join_single:
            yield _stack(group[:-1])
            del group[:-1]
        if group:
            yield _stack(group)

    def _read_ahead(
        self, order: Iterable[int], view: Callable[[Image.Image, int], Tensor]
    ) -> Iterator[tuple[int, Tensor | Skipped]]:
        """Reads in `threads` threads, two batches ahead, and gives back in order."""
        wanted = (index for index in order if index not in self.skipped)
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="loader")
        try:
            coming: deque[tuple[int, Future[Tensor | Skipped]]] = deque()
            for index in wanted:
                coming.append((index, pool.submit(self._read, index, view)))
                if len(coming) >= 2 * self.batch_size + self.threads:
                    first, future = coming.popleft()
                    yield first, future.result()
            for index, future in coming:
                yield index, future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _read(self, index: int, view: Callable[[Image.Image, int], Tensor]) -> Tensor | Skipped:
        """A view of a picture, or why there is none. What fails is tried twice: the folder may have been back in between."""
        try:
            return self._view(index, view)
        except Problem:
            if self.is_gone:
                raise FolderGone from None
        try:
            return self._view(index, view)
        except Problem as problem:
            return Skipped(str(self.root / self.samples[index].path), problem.message)

    def _view(self, index: int, view: Callable[[Image.Image, int], Tensor]) -> Tensor:
        path = self.root / self.samples[index].path
        image = open_image(path)
        if not self.snapshot.holds(index, path):
            raise Problem("image_changed", path=str(path))
        return view(image, index)


def _stack(group: Sequence[tuple[Tensor, int]]) -> Batch:
    return Batch(torch.stack([pixels for pixels, _ in group]), torch.tensor([label for _, label in group]))
