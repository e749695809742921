"""Predictions for many pictures, in order: the next are decoded while the network computes."""

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
"""The least time between events; and the longest that a prediction waits for the next picture."""
_BATCH_SECONDS = 0.5
"""The longest that a batch should take, so that the user does not wait for results, or for the end after Stop."""
_LARGEST = {"cpu": 8, "cuda": 64, "mps": 64}
"""The largest batch for pictures of 224 x 224. A larger one is slower on a processor, because activations do not stay
in its caches; a GPU should have memory for so many."""


def predict(predictor: Predictor, paths: Sequence[Path], stop: threading.Event, top: int = 5) -> Iterator[Predicted]:
    """Predictions for `paths`, files or folders, in their order, in events at most 20 times a second.

    A picture that cannot be read, and a folder without pictures, give a `Prediction` with a problem. The first batch is
    one picture, so that its result comes at once; then batches grow to suit the machine. `stop` is checked before each.
    """
    return predict_files(predictor, files_in(paths), stop, top)


def predict_files(
    predictor: Predictor, files: Iterable[Path | Prediction], stop: threading.Event, top: int = 5
) -> Iterator[Predicted]:
    """Like `predict`, for what `files_in` yields."""
    waiting: list[Prediction] = []
    throttle = Throttle(_EVENT_SECONDS)
    with closing(_opened(predictor, iter(files), 2 * _largest_batch(predictor))) as opened:
        for predictions in _predictions(predictor, opened, stop, top):
            waiting += predictions
            if waiting and throttle.ready():
                yield Predicted(str(predictor.path), tuple(waiting))
                waiting = []
    if waiting:
        yield Predicted(str(predictor.path), tuple(waiting))


def _predictions(
    predictor: Predictor, opened: Iterable[Picture | Prediction | None], stop: threading.Event, top: int
) -> Iterator[list[Prediction]]:
    """Predicts batch by batch. None in `opened` ends a batch early."""
    size, largest = 1, _largest_batch(predictor)
    batch: list[Picture | Prediction] = []
    for each in opened:
        batch += [each] if each else []
        if each and len(batch) < size:
            continue
        if stop.is_set():
            return
        began = time.perf_counter()
        predictions = predictor.predict_batch(batch, top)
        seconds, pictures = time.perf_counter() - began, sum(isinstance(each, Picture) for each in batch)
        yield predictions
        predictor.check()
        if 2 * size * seconds <= _BATCH_SECONDS * pictures:  # at this speed twice as many still fit in the time
            size = min(2 * size, largest)
        batch = []


def _largest_batch(predictor: Predictor) -> int:
    """How many pictures make the same number of pixels, but at most 64: small ones gain nothing from more."""
    device, side = predictor.inference.compute.device, predictor.metadata.preprocessing.image_size
    return min(64, max(1, _LARGEST[device.type] * 224**2 // side**2))


def _opened(
    predictor: Predictor, files: Iterator[Path | Prediction], prefetch: int
) -> Generator[Picture | Prediction | None, None, None]:
    """Each of `files` opened, in order, by as many threads as compute; up to `prefetch` of them wait to be used.

    The first is yielded before the others are listed, which takes a while for large folders. None is yielded when the
    next is not decoded yet, and at the end. If one thread computes, it also opens: no further thread may be used.
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
            if len(coming) > prefetch:
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


def files_in(paths: Sequence[Path]) -> Iterator[Path | Prediction]:
    """The pictures among and in `paths`, in order. A folder without pictures gives a `Prediction` with the problem."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        pictures, unread = pictures_in(path)
        yield from pictures
        yield from (Prediction(str(path), problem=each) for each in unread)
        if not pictures and not unread:
            yield Prediction(str(path), problem=message("nothing_to_predict", path=str(path)))
