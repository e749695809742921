"""Where only the head learns, what enters it of a picture never changes: it is computed once, for all epochs."""

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
"""One in so many bytes of the free memory may be taken."""


@dataclass(frozen=True, slots=True)
class EpochInputs:
    """What an epoch goes through: `network` learns from what `train` gives, as `compute` says, and is tried on `val`.

    `looked` is at how many images/s pictures were looked at once for all epochs, None where they are in each.
    """

    network: nn.Module
    train: Loader | FeatureLoader
    val: Loader | FeatureLoader
    compute: Compute
    features_per_second: float | None = None


def prepare_inputs(
    state: RunState, stop: threading.Event
) -> Generator[Note | Skipped | Progress, None, EpochInputs | None]:
    """The pictures and the whole network of a run; or where only its head learns, their features and that.

    These are computed here. Features of a resumed run are computed anew, from the same batches, to the same bits.
    None when stopped. Raises `Problem` (`features_no_room`), and `FolderGone`, after which it can be called again.
    """
    course = EpochInputs(state.network, state.train, state.val, state.compute)
    if not from_features(state.config.start):
        return course
    rule = state.train.preprocessing
    apart = split_at_head(state.network, rule.channels, rule.image_size)
    if apart is None:
        yield Note(message("features_not_apart", network=find(state.config.network).title))
        return course
    train, val = yield from _loaders(state, apart.shape)
    speed = yield from _look(state, state.compute.to_device(apart.backbone), train, val, stop)
    compute = replace(state.compute, memory_format="channels_last")
    return None if speed is None else EpochInputs(apart.head, train, val, compute, speed)


def from_features(start: StartConfig) -> bool:
    """Whether these settings let a head learn from features that are computed once."""
    return start.train_part == "head" and start.norm_statistics == "frozen" and start.feature_views > 0


def feature_bytes(config: TrainConfig, network: nn.Module, rule: Preprocessing, splits: Splits) -> int:
    """How much of the memory the features of a run will take, in float32; 0 where it learns from pictures."""
    if not from_features(config.start):
        return 0
    rows = _views(config) * len(splits.train) + len(splits.val)
    size = 4 * rows * math.prod(features_shape(network, rule.channels, rule.image_size))
    return min(size, free_memory() // _SHARE)


def _views(config: TrainConfig) -> int:
    """Without augmentation all views would be the same."""
    return config.start.feature_views if config.data.random_crop or config.data.flip else 1


def _look(
    state: RunState, body: nn.Module, train: FeatureLoader, val: FeatureLoader, stop: threading.Event
) -> Generator[Skipped | Progress, None, float | None]:
    """Sends every picture through `body` and keeps its features. Returns the images/s, None when stopped."""
    pace, began, done, speed = Throttle(0.1), time.monotonic(), 0, 0.0
    for loader, view, item in _batches(state, train, val):
        if stop.is_set():
            return None
        if isinstance(item, Skipped):
            yield item
            continue
        loader.put(view, item.indices, _features(state, body, item))
        done += len(item.labels)
        total = train.views * train.readable + val.readable
        speed = done / max(1e-9, time.monotonic() - began)
        if pace.ready() or done == total:
            left = (total - done + state.test.readable) / speed
            yield Progress("features", done, total, state.epoch, images_per_second=speed, seconds_left=left)
    return speed


def _batches(
    state: RunState, train: FeatureLoader, val: FeatureLoader
) -> Iterator[tuple[FeatureLoader, int, Batch | Skipped]]:
    """All that the epochs will want: the evaluation view of each picture, and of those to learn from further ones."""
    augmentation = Augmentation.of(state.config.data, state.train.preprocessing, state.config.training.seed)
    for view in range(train.views):
        pictures = state.train.views(augmentation, view) if view else state.train.evaluate()
        for item in prefetch(pictures, state.compute.device):
            yield train, view, item
    for item in prefetch(state.val.evaluate(), state.compute.device):
        yield val, 0, item


def _features(state: RunState, body: nn.Module, batch: Batch) -> Tensor:
    pixels = state.train.prepare(batch)
    with torch.inference_mode(), state.compute.autocast():
        features: Tensor = body(state.compute.to_memory_format(pixels))
    return features


def _loaders(state: RunState, shape: tuple[int, ...]) -> Generator[Note, None, tuple[FeatureLoader, FeatureLoader]]:
    """Loaders with room for features of `shape`. Raises `Problem`."""
    views, (channels, *rest) = _views(state.config), shape
    learned = views * len(state.train.samples)
    room = yield from _room((learned + len(state.val.samples), *rest, channels), state)
    return (
        FeatureLoader(state.train, room[:learned].view(views, -1, *room.shape[1:])),
        FeatureLoader(state.val, room[learned:].unsqueeze(0)),
    )


def _room(shape: tuple[int, ...], state: RunState) -> Generator[Note, None, Tensor]:
    """On the graphics card or in memory where it is a small part of these, else in a file that goes with the tensor."""
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
        return torch.frombuffer(_file(size, folder), dtype=dtype).view(shape)
    except OSError as error:
        raise Problem("features_no_room", size=giga, path=str(folder), reason=reason(error)) from error


def _file(size: int, folder: Path) -> mmap.mmap:
    """Memory that lies in a file without a name. Raises `OSError`."""
    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):  # else a full disk would show when it is written to, which ends the process
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return mmap.mmap(file.fileno(), size)
