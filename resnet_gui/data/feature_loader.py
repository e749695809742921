"""Batches of features in place of pictures: the outputs of a network's backbone, from memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from resnet_gui.data.batch import Batch
from resnet_gui.data.loader import Loader, epoch_order
from resnet_gui.data.transforms import Augmentation


class FeatureLoader:
    """Replaces the loader `pictures`: it gives the same batches, but their `pixels` are features.

    `room` [views, samples, ..., C] holds the features, which must be `put` there before they are loaded. Channels come
    last in it, since a head that is a convolution is quickest that way.
    """

    def __init__(self, pictures: Loader, room: Tensor) -> None:
        self._pictures = pictures
        self._count = len(pictures.samples)
        self.views = len(room)
        self._rows = room.flatten(0, 1)
        self._labels = torch.tensor([sample.label for sample in pictures.samples], device=room.device)

    @property
    def batch_size(self) -> int:
        """How many pictures are in a batch."""
        return self._pictures.batch_size

    @property
    def readable(self) -> int:
        """How many pictures have not been skipped."""
        return self._pictures.readable

    @property
    def readable_classes(self) -> int:
        """How many classes these belong to."""
        return self._pictures.readable_classes

    def put(self, view: int, indices: Tensor, features: Tensor) -> None:
        """Stores `features` [N, C, ...] as view number `view` of the pictures at `indices` [N]."""
        rows = (view * self._count + indices).to(self._rows.device)
        self._rows.index_copy_(0, rows, features.movedim(1, -1).to(self._rows))

    def prepare(self, batch: Batch) -> Tensor:
        """The features as they are: they need no preprocessing."""
        return batch.pixels

    def train(self, augmentation: Augmentation, epoch: int, done: int = 0) -> Iterator[Batch]:
        """One epoch in the order and batches of `Loader.train`; a picture's views take turns from epoch to epoch."""
        order = epoch_order(augmentation.seed, epoch, self._count)
        left = torch.tensor([index for index in order if index not in self._pictures.skipped][done:], dtype=torch.int64)
        groups = [*torch.split(left, self.batch_size)]
        if len(groups) > 1 and len(groups[-1]) == 1:
            groups[-2:] = [torch.cat(groups[-2:])]
        return self._batches(groups, epoch - 1)

    def evaluate(self) -> Iterator[Batch]:
        """The first view of every picture once, in order, in the batches of `Loader.evaluate`."""
        indices = [index for index in range(self._count) if index not in self._pictures.skipped]
        return self._batches(torch.split(torch.tensor(indices, dtype=torch.int64), self.batch_size))

    def _batches(self, groups: Sequence[Tensor], turn: int | None = None) -> Iterator[Batch]:
        """With a `turn`, neighbouring pictures show different views, so that each epoch mixes views; else the first."""
        for indices in groups:
            if len(indices):
                view = 0 if turn is None else (indices + turn) % self.views
                rows = (view * self._count + indices).to(self._rows.device)
                features = self._rows.index_select(0, rows).movedim(-1, 1)
                yield Batch(features, self._labels[indices.to(self._labels.device)], indices)
