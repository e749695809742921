"""Decodes every picture of a dataset once, to report which ones cannot be used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event as Flag

from resnet_gui.data.image import open_image
from resnet_gui.data.samples import Sample
from resnet_gui.events import Checked, Event, Progress, Skipped, SkippedMany
from resnet_gui.messages import Message, Problem
from resnet_gui.throttle import Throttle

_THREADS = 2


def check(root: Path, samples: Sequence[Sample], stop: Flag) -> Iterator[Event]:
    """Decodes every picture and yields `SkippedMany` for the bad ones, at most 20 a second, and `Checked` at the end.

    Bad pictures come in the order of `samples`. `Progress` comes at most every 0.1 s. `stop` is checked before every
    picture; if it is set, there is no `Checked`.
    """
    skipped = 0
    found: list[Skipped] = []
    progress, news = Throttle(0.1), Throttle(0.05)
    with ThreadPoolExecutor(_THREADS) as pool:
        problems = _in_order(pool, lambda sample: _problem(root / sample.path, stop), samples)
        for step, (sample, problem) in enumerate(zip(samples, problems, strict=True), 1):
            if stop.is_set():
                return
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
    yield Checked(len(samples) - skipped, skipped)


def _in_order(
    pool: ThreadPoolExecutor, job: Callable[[Sample], Message | None], samples: Iterable[Sample]
) -> Iterator[Message | None]:
    """The results of `job` in the order of `samples`, with only a few pending, so that stopping is quick."""
    waiting: deque[Future[Message | None]] = deque()
    for sample in samples:
        waiting.append(pool.submit(job, sample))
        if len(waiting) > 2 * _THREADS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _problem(path: Path, stop: Flag) -> Message | None:
    if stop.is_set():
        return None
    try:
        open_image(path)
    except Problem as problem:
        return problem.message
    return None
