"""Copies batches to the device while the step before is still being computed there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from resnet_gui.data.batch import Batch

T = TypeVar("T")


def prefetch(items: Iterator[Batch | T], device: torch.device) -> Iterator[Batch | T]:
    """`items` in their order, with batches moved to `device`; anything else passes unchanged.

    For CUDA, a batch is copied from pinned memory, in a stream of its own, one batch ahead.
    """
    move = partial(_move, device)
    if device.type != "cuda":
        for item in items:
            yield item.moved(move) if isinstance(item, Batch) else item
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    coming: deque[Batch | T] = deque()
    for item in items:
        if isinstance(item, Batch):
            with torch.cuda.stream(stream):
                item = item.moved(move)
        coming.append(item)
        if len(coming) > 1:
            yield _arrived(coming.popleft(), stream)
    while coming:
        yield _arrived(coming.popleft(), stream)


def _move(device: torch.device, tensor: Tensor) -> Tensor:
    """Copies `tensor` to `device`: asynchronously from pinned memory on CUDA, elsewhere synchronously."""
    if device.type != "cuda":
        return tensor.to(device)
    pinned = tensor.pin_memory() if tensor.device.type == "cpu" else tensor
    return pinned.to(device, non_blocking=True)


def _arrived(item: Batch | T, stream: torch.cuda.Stream) -> Batch | T:
    """Makes the current stream wait for a batch, and keeps its memory until that stream has used it."""
    if isinstance(item, Batch):
        current = torch.cuda.current_stream(item.pixels.device)
        current.wait_stream(stream)
        for tensor in (item.pixels, item.labels, *(item.cuts or ())):
            tensor.record_stream(current)
    return item
