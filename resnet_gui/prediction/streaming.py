"""Many pictures, one answer after the other: the next are decoded while the network computes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from itertools import islice
from pathlib import Path

import torch

from resnet_gui.data.readers.class_folders import pictures_in
from resnet_gui.events import Predicted
from resnet_gui.messages import message
from resnet_gui.prediction.predictor import Picture, Predictor
from resnet_gui.records import Prediction
from resnet_gui.throttle import Throttle

_EVENT_SECONDS = 0.05
"""Events are so far apart; and for longer than that no answer waits for a picture after its own."""
_BATCH_SECONDS = 0.5
"""A batch should not take longer, lest the person waits for news, or for the end after Stop."""
_LARGEST = {"cpu": 8, "cuda": 64, "mps": 64}
"""So many pictures of 224 x 224 a batch has at most. With more of them a processor is slower, since what it computes does
not stay in its caches; a graphics card should have memory for so many."""


def predict(predictor: Predictor, paths: Sequence[Path], stop: threading.Event, top: int = 5) -> Iterator[Predicted]:
    """Answers for `paths`, files or folders, in their order, in events at most 20 times a second.

    What cannot be read, and a folder without pictures, is told in its place. The first batch is one picture, so that its
    answer comes at once; then they grow to what suits the machine. `stop` is looked at before every batch.
    """
    waiting: list[Prediction] = []
    pace = Throttle(_EVENT_SECONDS)
    with closing(_opened(predictor, _files(paths), 2 * _largest_batch(predictor))) as opened:
        for answers in _answers(predictor, opened, stop, top):
            waiting += answers
            if waiting and pace.ready():
                yield Predicted(str(predictor.path), tuple(waiting))
                waiting = []
    if waiting:
        yield Predicted(str(predictor.path), tuple(waiting))


def _answers(
    predictor: Predictor, opened: Iterable[Picture | Prediction | None], stop: threading.Event, top: int
) -> Iterator[list[Prediction]]:
    """Batch by batch. None in `opened` ends a batch, and one without pictures is no answer."""
    size, largest = 1, _largest_batch(predictor)
    batch: list[Picture | Prediction] = []
    for each in opened:
        batch += [each] if each else []
        if each and len(batch) < size:
            continue
        if stop.is_set():
            return
        began = time.perf_counter()
        answers = predictor.answer(batch, top)
        seconds, pictures = time.perf_counter() - began, sum(isinstance(each, Picture) for each in batch)
        yield answers
        if 2 * size * seconds <= _BATCH_SECONDS * pictures:  # at this pace twice as many are not too many
            size = min(2 * size, largest)
        batch = []


def _largest_batch(predictor: Predictor) -> int:
    """As many pictures as make the same number of pixels, but never more than 64: small ones gain nothing by that."""
    device, side = predictor.inference.compute.device, predictor.metadata.preprocessing.image_size
    return min(64, max(1, _LARGEST[device.type] * 224**2 // side**2))


def _opened(
    predictor: Predictor, files: Iterator[Path | Prediction], ahead: int
) -> Generator[Picture | Prediction | None, None, None]:
    """Each of `files` opened, in order: by as many threads as compute, up to `ahead` of them before they are wanted.

    The first comes before any other is looked for, which takes a while in large folders. None comes when the next is not
    there yet, and at the end. Where one thread computes it opens them too: no more may be taken.
    """

    def open_one(file: Path | Prediction) -> Picture | Prediction:
        return file if isinstance(file, Prediction) else predictor.open(file)

    threads = torch.get_num_threads()
    yield from map(open_one, files if threads == 1 else islice(files, 1))
    coming: deque[Future[Picture | Prediction]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="opening")
    try:
        for file in files:
            coming.append(pool.submit(open_one, file))
            if len(coming) > ahead:
                yield from _awaited(coming.popleft())
        while coming:
            yield from _awaited(coming.popleft())
        yield None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _awaited(picture: Future[Picture | Prediction]) -> Iterator[Picture | Prediction | None]:
    while wait([picture], _EVENT_SECONDS).not_done:
        yield None
    yield picture.result()


def _files(paths: Sequence[Path]) -> Iterator[Path | Prediction]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        pictures = pictures_in(path)
        yield from pictures
        if not pictures:
            yield Prediction(str(path), problem=message("nothing_to_predict", path=str(path)))
