"""Decodes every picture of a dataset once, to report which ones cannot be used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event as Flag

from resnet_gui.data.image import decode
from resnet_gui.data.samples import Sample
from resnet_gui.events import Checked, Event, Progress, Skipped, SkippedMany
from resnet_gui.messages import Message, Problem, message
from resnet_gui.throttle import Throttle

_THREADS = 2
_SHOWN = 3
"""How many names a note gives as examples."""

_Result = tuple[Message | None, bool]
"""Why a picture cannot be read, if so, and whether it is the first frame of several."""


def check(root: Path, samples: Sequence[Sample], stop: Flag) -> Iterator[Event]:
    """Decodes every picture and yields `SkippedMany` for the bad ones, at most 20 a second, and `Checked` at the end.

    Bad pictures come in the order of `samples`. `Progress` comes at most every 0.1 s. `stop` is checked before every
    picture; if it is set, there is no `Checked`.
    """
    skipped = 0
    first_frames: list[str] = []
    found: list[Skipped] = []
    progress, news = Throttle(0.1), Throttle(0.05)
    with ThreadPoolExecutor(_THREADS) as pool:
        results = _in_order(pool, lambda sample: _look_at(root / sample.path, stop), samples)
        for step, (sample, (problem, first_of_many)) in enumerate(zip(samples, results, strict=True), 1):
            if stop.is_set():
                return
            if first_of_many:
                first_frames.append(sample.path)
            if problem:
                skipped += 1
                found.append(Skipped(str(root / sample.path), problem))
            if found and news.ready():
                yield SkippedMany(tuple(found))
                found.clear()
            if progress.ready():
                yield Progress("check", step, len(samples))
    if found:
        yield SkippedMany(tuple(found))
    yield Checked(len(samples) - skipped, skipped, _notes(first_frames))


def _notes(first_frames: Sequence[str]) -> tuple[Message, ...]:
    """A note on the pictures with several frames or pages: how many, and the first of them."""
    if not first_frames:
        return ()
    names = ", ".join(first_frames[:_SHOWN]) + (", …" if len(first_frames) > _SHOWN else "")
    return (message("first_frame_only", count=len(first_frames), names=names),)


def _in_order(
    pool: ThreadPoolExecutor, job: Callable[[Sample], _Result], samples: Iterable[Sample]
) -> Iterator[_Result]:
    """The results of `job` in the order of `samples`, with only a few pending, so that stopping is quick."""
    waiting: deque[Future[_Result]] = deque()
    for sample in samples:
        waiting.append(pool.submit(job, sample))
        if len(waiting) > 2 * _THREADS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _look_at(path: Path, stop: Flag) -> _Result:
    if stop.is_set():
        return None, False
    try:
        return None, decode(path).first_of_many
    except Problem as problem:
        return problem.message, False
