"""What the training pictures' headers say, read once before a run: how large the pictures are. Needs no torch."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag

from resnet_gui.data.image import Header, read_header
from resnet_gui.data.samples import Sample
from resnet_gui.events import Progress
from resnet_gui.messages import Problem
from resnet_gui.throttle import Throttle

_THREADS = 2
_TOGETHER = 64
"""How many headers are read as one task, which costs more than reading one."""
_ENOUGH = 20_000
"""The sizes of so many pictures, evenly spaced, show whether most are small."""
_SIZE_ALONE = (".jpg", ".jpeg", ".jpe", ".jfif", ".bmp")
"""Of files with these names nothing but the size is of interest: not all of a large set need be read."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a dataset's training pictures have in common. `small`: most have a short side up to the network's size."""

    small: bool = False


def survey(
    root: Path, samples: Sequence[Sample], image_size: int, stop: Flag
) -> Generator[Progress, None, Survey | None]:
    """Reads the headers of the pictures `samples` in `root`. Returns None when stopped.

    Pictures that cannot be read are passed over: the run reports them. `Progress` comes at most every 0.1 s.
    """
    paths = [root / sample.path for sample in _needed(samples)]
    headers, progress = [], Throttle(0.1)
    progress.ready()
    for read in _read(paths, stop):
        headers += read
        if stop.is_set():
            return None
        if progress.ready():
            yield Progress("survey", len(headers), len(paths))
    short_sides = [min(header.width, header.height) for header in headers if header]
    small = sum(side <= image_size for side in short_sides)
    return Survey(small > len(short_sides) / 2)


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


def _read(paths: Sequence[Path], stop: Flag) -> Iterator[list[Header | None]]:
    """The headers of `paths` in order, some at a time; None for a picture that cannot be read, or when stopped."""

    def read_some(start: int) -> list[Header | None]:
        return [None if stop.is_set() else _header(path) for path in paths[start : start + _TOGETHER]]

    with ThreadPoolExecutor(_THREADS) as pool:
        yield from pool.map(read_some, range(0, len(paths), _TOGETHER))


def _header(path: Path) -> Header | None:
    try:
        return read_header(path)
    except Problem:
        return None
