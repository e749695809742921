"""Samples become batches, read ahead in threads. A picture that cannot be read is skipped and reported once."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from resnet_gui.data.batch import Batch, View
from resnet_gui.data.cache.picture_cache import PictureCache
from resnet_gui.data.resample import resample
from resnet_gui.data.samples import Sample
from resnet_gui.data.snapshot import Snapshot, version_of
from resnet_gui.data.transforms import Augmentation, Preprocessing, whole
from resnet_gui.events import Note, Skipped
from resnet_gui.messages import Problem, message
from resnet_gui.seeds import seed_for

_View = Callable[[Image.Image, int], View]
"""Makes a view from a scaled picture and its index."""

_LARGEST = 4
"""Pictures with more pixels than so many squares of the short side are cropped before batching.

A batch takes for each picture as much memory as for its largest.
"""
_TOGETHER = 8
"""How many pictures a thread reads at most as one task: a task costs more than decoding a small picture."""


def epoch_order(seed: int, epoch: int, count: int) -> list[int]:
    """The order in which an epoch visits `count` samples: a function of (seed, epoch) alone."""
    generator = torch.Generator().manual_seed(seed_for(seed, "order", epoch))
    return torch.randperm(count, generator=generator).tolist()


def steps_per_epoch(count: int, batch_size: int) -> int:
    """How many batches `Loader.train` makes of `count` readable pictures: a last batch of one joins the one before."""
    whole, rest = divmod(count, batch_size)
    return max(1, whole + (rest > 1))


class FolderGone(Exception):
    """The whole dataset folder cannot be reached, not just one picture: a drive was unplugged, or a folder renamed."""


class Loader:
    """The pictures of one split.

    `skipped` holds the indices of samples that turned out to be unreadable or replaced; they are not tried again.
    `clipped` holds those of pictures with values beyond the range of grey that were read so far.
    `snapshot` holds the pictures' versions at the start of the run; without one, it is taken now.
    `cache`, which must be for the same preprocessing, keeps the pictures decoded; it does not change the pixels.
    With `crop_on_device`, training pictures come whole, and `prepare` crops them on the device.
    `root_entries` are the names directly in `root`: if none of them exists, the whole folder is missing.
    """

    def __init__(
        self,
        root: Path,
        samples: Sequence[Sample],
        preprocessing: Preprocessing,
        batch_size: int,
        threads: int,
        snapshot: Snapshot | None = None,
        cache: PictureCache | None = None,
        crop_on_device: bool = False,
    ) -> None:
        self.root = root
        self.samples = samples
        self.preprocessing = preprocessing
        self.batch_size = batch_size
        self.threads = threads
        self.snapshot = snapshot or Snapshot.take(root, samples)
        self.cache = cache
        self.crop_on_device = crop_on_device
        self.root_entries = {sample.path.partition("/")[0] for sample in samples}
        self.skipped: set[int] = set()
        self.clipped: set[int] = set()

    @property
    def readable(self) -> int:
        """How many pictures have not been skipped so far."""
        return len(self.samples) - len(self.skipped)

    @property
    def readable_classes(self) -> int:
        """How many classes these belong to."""
        return len({sample.label for index, sample in enumerate(self.samples) if index not in self.skipped})

    @property
    def is_gone(self) -> bool:
        """Whether the dataset folder cannot be reached, or has lost all of its entries."""
        return not any(os.path.exists(self.root / name) for name in self.root_entries)  # noqa: PTH110 - Path.exists raises for some errors

    def digests(self) -> dict[int, bytes]:
        """The digest of the content of each picture that has been read and not skipped, by its index."""
        return {
            index: self.snapshot.digest[index].tobytes() for index in self.snapshot.known() if index not in self.skipped
        }

    def prepare(self, batch: Batch) -> Tensor:
        """The pixels of `batch` as the network takes them: float32 `[N, C, S, S]`, on the device of the batch."""
        pixels = batch.pixels
        if batch.cuts:
            pixels = resample(pixels, *batch.cuts, batch.side, self.preprocessing.interpolation)
        return self.preprocessing.normalize(pixels)

    def train(self, augmentation: Augmentation, epoch: int, done: int = 0) -> Iterator[Batch | Skipped]:
        """One epoch in its own order and augmentation, without its first `done` pictures.

        There is no batch of one picture, since batch norm cannot learn from it. Raises `FolderGone`.
        """
        order = epoch_order(augmentation.seed, epoch, len(self.samples))
        left = [index for index in order if index not in self.skipped][done:]
        return self._batches(
            left, partial(self._show, augmentation, epoch, 0), augmentation.image_size, join_single=True
        )

    def evaluate(self) -> Iterator[Batch | Skipped]:
        """Every picture once, in order, through the evaluation preprocessing. Raises `FolderGone`."""
        return self._batches(range(len(self.samples)), lambda image, index: View(self.preprocessing.pixels(image)))

    def views(self, augmentation: Augmentation, view: int) -> Iterator[Batch | Skipped]:
        """Every picture once, in order, as `augmentation` shows it for the `view`-th time. Raises `FolderGone`."""
        view_of = partial(self._show, augmentation, 0, view)
        return self._batches(range(len(self.samples)), view_of, augmentation.image_size)

    def _show(self, augmentation: Augmentation, epoch: int, view: int, scaled: Image.Image, index: int) -> View:
        """A view of a picture: cropped, or with the box that the device is to crop."""
        side = augmentation.image_size
        if self.crop_on_device and scaled.width * scaled.height <= _LARGEST * self.preprocessing.resize**2:
            return View(whole(scaled), *augmentation.draw(scaled, epoch, index, view))
        pixels = augmentation.pixels(scaled, epoch, index, view)
        return View(pixels, (0, 0, side, side) if self.crop_on_device else None)

    def clipped_notes(self) -> Iterator[Note]:
        """How many pictures had values beyond the range of grey, if any had."""
        if self.clipped and (grey_range := self.preprocessing.grey_range):
            yield Note(message("grey_clipped", count=len(self.clipped), **grey_range.limits))

    def read_digests(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Takes the digest of every picture's content before training opens it, until `cancelled()`.

        The cache knows many of them; the files of the others are read.
        """
        for index in self.snapshot.unread() if self.cache else ():
            if cancelled():
                return
            name = self.samples[index].path
            now = version_of(f"{self.root}{os.sep}{name}")
            if self.cache and (digest := self.cache.digest(name, now)):
                self.snapshot.recognizes(index, now, digest)
        self.snapshot.read(self.root, self.samples, cancelled)

    def _batches(
        self, order: Iterable[int], view: _View, side: int = 0, join_single: bool = False
    ) -> Iterator[Batch | Skipped]:
        """Groups readable pictures in order. One full group is held back, so that a single last picture can join it."""
        group: list[tuple[int, View]] = []
        for index, read in self._read_ahead(order, view):
            if isinstance(read, Skipped):
                self.skipped.add(index)
                yield read
                continue
            if len(group) > self.batch_size:
                yield self._batch(group[: self.batch_size], side)
                del group[: self.batch_size]
            group.append((index, read))
        if len(group) == self.batch_size + 1 and not join_single:
            yield self._batch(group[:-1], side)
            del group[:-1]
        if group:
            yield self._batch(group, side)

    def _batch(self, group: Sequence[tuple[int, View]], side: int) -> Batch:
        indices = torch.tensor([index for index, _ in group])
        labels = torch.tensor([self.samples[index].label for index, _ in group])
        return Batch.of([view for _, view in group], labels, indices, side)

    def _read_ahead(self, order: Iterable[int], view: _View) -> Iterator[tuple[int, View | Skipped]]:
        """Reads in `threads` threads, two batches ahead, and yields the pictures in order."""
        wanted = (index for index in order if index not in self.skipped)
        size = max(1, min(_TOGETHER, self.batch_size // self.threads))
        prefetch = 2 * self.batch_size // size + self.threads
        coming: deque[Future[list[tuple[int, View | Skipped]]]] = deque()
        left = threading.Event()
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="loader")
        try:
            while some := list(itertools.islice(wanted, size)):
                coming.append(pool.submit(self._read_some, some, view, left))
                if len(coming) >= prefetch:
                    yield from coming.popleft().result()
            while coming:
                yield from coming.popleft().result()
            if self.cache:
                pool.submit(self.cache.save)
        finally:
            left.set()
            pool.shutdown(wait=False)

    def _read_some(
        self, indices: Sequence[int], view: _View, left: threading.Event
    ) -> list[tuple[int, View | Skipped]]:
        """Reads the pictures at `indices`, until `left` is set because the reader has gone."""
        return [(index, self._read(index, view)) for index in indices if not left.is_set()]

    def _read(self, index: int, view: _View) -> View | Skipped:
        """A view of a picture, or why there is none. A failure is tried again, since the folder may have come back."""
        try:
            return view(self._scaled(index), index)
        except Problem:
            if self.is_gone:
                raise FolderGone from None
        try:
            return view(self._scaled(index), index)
        except Problem as problem:
            return Skipped(str(self.root / self.samples[index].path), problem.message)

    def _scaled(self, index: int) -> Image.Image:
        """The decoded and scaled picture, from the cache if its file is unchanged. Raises `Problem`."""
        name = self.samples[index].path
        before = version_of(f"{self.root}{os.sep}{name}")
        if self.cache and (found := self.cache.get(name, before)):
            scaled, digest = found
            if self.snapshot.recognizes(index, before, digest):
                return scaled
        path = self.root / name
        decoded = self.preprocessing.decode(path)
        scaled = self.preprocessing.scaled(decoded.image)
        if not self.snapshot.holds(index, path):
            raise Problem("image_changed", path=str(path))
        if decoded.clipped:
            self.clipped.add(index)  # and it is not cached, so that it is counted in every run
        # If its version has changed, it may have been half written when it was read.
        elif self.cache and self.snapshot.version(index) == before:
            self.cache.put(name, before, self.snapshot.digest[index].tobytes(), scaled)
        return scaled
