"""If only the head learns, the features of a picture never change: they are computed once, for all epochs."""

from __future__ import annotations

import math
import mmap
import os
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from resnet_gui.config import StartConfig, TrainConfig
from resnet_gui.data.batch import Batch
from resnet_gui.data.feature_loader import FeatureLoader
from resnet_gui.data.loader import Loader
from resnet_gui.data.prefetch import prefetch
from resnet_gui.data.split import Splits
from resnet_gui.data.transforms import Augmentation, Preprocessing
from resnet_gui.device import Compute
from resnet_gui.events import Note, Progress, Skipped
from resnet_gui.memory import free_memory
from resnet_gui.messages import Problem, message, reason
from resnet_gui.nets.catalog import find
from resnet_gui.nets.feature_extractor import split_at_head
from resnet_gui.nets.head import features_shape
from resnet_gui.throttle import Throttle
from resnet_gui.training.resource_checks import check_disk
from resnet_gui.training.run_state import RunState

_SHARE = 4
"""The features may take up to 1 / `_SHARE` of the free memory."""


@dataclass(frozen=True, slots=True)
class EpochInputs:
    """What one epoch uses: the network, its training and validation loaders, and how to compute.

    `features_per_second` is the speed, in images/s, at which the features were computed once for all epochs. It is None
    if every epoch reads the pictures.
    """

    network: nn.Module
    train: Loader | FeatureLoader
    val: Loader | FeatureLoader
    compute: Compute
    features_per_second: float | None = None


def prepare_inputs(
    state: RunState, stop: threading.Event
) -> Generator[Note | Skipped | Progress, None, EpochInputs | None]:
    """The whole network of a run and its pictures; or, if only the head learns, the head and the pictures' features.

    The features are computed here. A resumed run computes them again, from the same batches, to the same bits.
    Returns None when stopped. Raises `Problem` (`features_no_room`); and `FolderGone`, after which it can be called
    again.
    """
    inputs = EpochInputs(state.network, state.train, state.val, state.compute)
    if not from_features(state.config.start):
        return inputs
    preprocessing = state.train.preprocessing
    split = split_at_head(state.network, preprocessing.channels, preprocessing.image_size)
    if split is None:
        yield Note(message("features_not_apart", network=find(state.config.network).title))
        return inputs
    train, val = yield from _loaders(state, split.shape)
    speed = yield from _compute_features(state, state.compute.to_device(split.backbone), train, val, stop)
    compute = replace(state.compute, memory_format="channels_last")
    return None if speed is None else EpochInputs(split.head, train, val, compute, speed)


def from_features(start: StartConfig) -> bool:
    """Whether the head learns from features that are computed once."""
    return start.train_part == "head" and start.norm_statistics == "frozen" and start.feature_views > 0


def feature_bytes(config: TrainConfig, network: nn.Module, preprocessing: Preprocessing, splits: Splits) -> int:
    """How many bytes of memory the features of a run will take, in float32; 0 if it learns from pictures."""
    if not from_features(config.start):
        return 0
    rows = _views(config) * len(splits.train) + len(splits.val)
    size = 4 * rows * math.prod(features_shape(network, preprocessing.channels, preprocessing.image_size))
    return min(size, free_memory() // _SHARE)


def _views(config: TrainConfig) -> int:
    """How many views of a training picture there are: one without augmentation, because all would be the same."""
    return config.start.feature_views if config.data.random_crop or config.data.flip else 1


def _compute_features(
    state: RunState, backbone: nn.Module, train: FeatureLoader, val: FeatureLoader, stop: threading.Event
) -> Generator[Skipped | Progress, None, float | None]:
    """Sends every picture through `backbone` and keeps its features. Returns the images/s, None when stopped."""
    throttle, began, done, speed = Throttle(0.1), time.monotonic(), 0, 0.0
    for loader, view, item in _batches(state, train, val):
        if stop.is_set():
            return None
        if isinstance(item, Skipped):
            yield item
            continue
        loader.put(view, item.indices, _features(state, backbone, item))
        done += len(item.labels)
        total = train.views * train.readable + val.readable
        speed = done / max(1e-9, time.monotonic() - began)
        if throttle.ready() or done == total:
            left = (total - done + state.test.readable) / speed
            yield Progress("features", done, total, state.epoch, images_per_second=speed, seconds_left=left)
    return speed


def _batches(
    state: RunState, train: FeatureLoader, val: FeatureLoader
) -> Iterator[tuple[FeatureLoader, int, Batch | Skipped]]:
    """All views that the epochs use: the evaluation view of each picture, and augmented views of training pictures."""
    augmentation = Augmentation.of(state.config.data, state.train.preprocessing, state.config.training.seed)
    for view in range(train.views):
        pictures = state.train.views(augmentation, view) if view else state.train.evaluate()
        for item in prefetch(pictures, state.compute.device):
            yield train, view, item
    for item in prefetch(state.val.evaluate(), state.compute.device):
        yield val, 0, item


def _features(state: RunState, backbone: nn.Module, batch: Batch) -> Tensor:
    pixels = state.train.prepare(batch)
    with torch.inference_mode(), state.compute.autocast():
        features: Tensor = backbone(state.compute.to_memory_format(pixels))
    return features


def _loaders(state: RunState, shape: tuple[int, ...]) -> Generator[Note, None, tuple[FeatureLoader, FeatureLoader]]:
    """Loaders with storage for features of `shape`. Raises `Problem`."""
    views, (channels, *rest) = _views(state.config), shape
    learned = views * len(state.train.samples)
    storage = yield from _feature_storage((learned + len(state.val.samples), *rest, channels), state)
    return (
        FeatureLoader(state.train, storage[:learned].view(views, -1, *storage.shape[1:])),
        FeatureLoader(state.val, storage[learned:].unsqueeze(0)),
    )


def _feature_storage(shape: tuple[int, ...], state: RunState) -> Generator[Note, None, Tensor]:
    """A tensor of `shape`: on the GPU or in memory if large enough, else in a file that vanishes with the tensor."""
    device, dtype = state.compute.device, getattr(torch, state.compute.precision)
    size = math.prod(shape) * dtype.itemsize
    if device.type == "cuda" and size <= torch.cuda.mem_get_info(device)[0] // _SHARE:
        return torch.empty(shape, dtype=dtype, device=device)
    if size <= free_memory() // _SHARE:
        return torch.empty(shape, dtype=dtype)
    folder = state.best.path.parent
    giga = f"{size / 1e9:.1f}"
    yield Note(message("features_on_disk", size=giga, path=str(folder)))
    try:
        check_disk(state.config, state.network, size)
        return torch.frombuffer(_nameless_file(size, folder), dtype=dtype).view(shape)
    except OSError as error:
        raise Problem("features_no_room", size=giga, path=str(folder), reason=reason(error)) from error


def _nameless_file(size: int, folder: Path) -> mmap.mmap:
    """`size` bytes of memory, mapped from a file without a name. Raises `OSError`."""
    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):  # else a write to a full disk would kill the process
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return mmap.mmap(file.fileno(), size)
