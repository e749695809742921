"""What the training pictures have in common, found once before a run: their size and their range of values.

All headers are read; only pictures with more than 8 bits a value are decoded. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from typing import TypeVar

from resnet_gui.config import DataConfig
from resnet_gui.data.bit_depth import Extent, common_range
from resnet_gui.data.image import Header, read_deep, read_header
from resnet_gui.data.samples import Sample
from resnet_gui.events import GreyRangeFound, Progress
from resnet_gui.messages import Message, Problem, first_names, message
from resnet_gui.records import GreyRange
from resnet_gui.throttle import Throttle

T = TypeVar("T")

_THREADS = 2
_TOGETHER = 64
"""How many headers are read as one task, which costs more than reading one."""
_ENOUGH = 20_000
"""The sizes of so many pictures, evenly spaced, show whether most are small."""
_SIZE_ALONE = (".jpg", ".jpeg", ".jpe", ".jfif", ".bmp")
"""Of files with these names nothing but the size is of interest: not all of a large set need be read."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a dataset's training pictures have in common, and what of it the user should know.

    `small`: most have a short side up to the network's size. `grey_range`: None where all have 8 bits a value.
    """

    small: bool = False
    grey_range: GreyRange | None = None
    notes: tuple[Message, ...] = ()


def survey(
    root: Path, samples: Sequence[Sample], config: DataConfig, stop: Flag
) -> Generator[Progress, None, Survey | None]:
    """Looks at the training pictures `samples` in `root`. Returns None when stopped.

    Pictures that cannot be read are passed over: the run reports them. `Progress` comes at most every 0.1 s.
    """
    paths = [root / sample.path for sample in _needed(samples)]
    headers = yield from _in_order(paths, _header, _TOGETHER, stop)
    if headers is None:
        return None
    found = [(path, header) for path, header in zip(paths, headers, strict=True) if header]
    small = sum(min(header.width, header.height) <= config.image_size for _, header in found)
    deep = [path for path, header in found if header.deep]
    grey_range = yield from _grey_range(deep, config.grey_levels == "picture", stop)
    if stop.is_set():
        return None
    notes = [
        *_first_frames([path for path, header in found if header.animated]),
        *([_said(len(deep), grey_range)] if grey_range and deep else []),
    ]
    return Survey(small > len(found) / 2, grey_range, tuple(notes))


def find_grey_range(
    root: Path, samples: Sequence[Sample], config: DataConfig, stop: Flag
) -> Iterator[Progress | GreyRangeFound]:
    """What a run on the training pictures `samples` would show as black and white, for thumbnails before there is a run.

    Nothing is found where all pictures have 8 bits a value, or when stopped.
    """
    found = yield from survey(root, samples, config, stop)
    if found and found.grey_range:
        yield GreyRangeFound(found.grey_range)


def _grey_range(paths: Sequence[Path], stretch: bool, stop: Flag) -> Generator[Progress, None, GreyRange | None]:
    """The range of the pictures `paths`, which have more than 8 bits a value; None if there are none, or when stopped."""
    if stretch:
        return GreyRange(0.0, 0.0, stretch=True)
    extents = yield from _in_order(paths, _extent, 1, stop)
    return common_range(extent for extent in extents or () if extent)


def _said(count: int, grey_range: GreyRange) -> Message:
    if grey_range.stretch:
        return message("grey_stretched", count=count)
    return message("grey_range", count=count, **grey_range.limits)


def _first_frames(paths: Sequence[Path]) -> Iterator[Message]:
    if paths:
        yield message("first_frame_only", count=len(paths), names=first_names([path.name for path in paths]))


def _needed(samples: Sequence[Sample]) -> Sequence[Sample]:
    """All of `samples`; of a large set's photographs only some, evenly spaced."""
    if len(samples) <= _ENOUGH:
        return samples
    every = -(-len(samples) // _ENOUGH)
    return [
        sample
        for index, sample in enumerate(samples)
        if index % every == 0 or not sample.path.lower().endswith(_SIZE_ALONE)
    ]


def _in_order(
    paths: Sequence[Path], look: Callable[[Path], T | None], together: int, stop: Flag
) -> Generator[Progress, None, list[T | None] | None]:
    """What `look` finds in each of `paths`, read by a few threads, some `together`. Returns None when stopped."""

    def look_at_some(start: int) -> list[T | None]:
        return [None if stop.is_set() else look(path) for path in paths[start : start + together]]

    found: list[T | None] = []
    progress = Throttle(0.1)
    progress.ready()
    with ThreadPoolExecutor(_THREADS) as pool:
        for some in pool.map(look_at_some, range(0, len(paths), together)):
            found += some
            if stop.is_set():
                return None
            if progress.ready():
                yield Progress("survey", len(found), len(paths))
    return found


def _header(path: Path) -> Header | None:
    try:
        return read_header(path)
    except Problem:
        return None


def _extent(path: Path) -> Extent | None:
    try:
        picture = read_deep(path)
    except Problem:
        return None
    return Extent.of(picture) if picture else None
