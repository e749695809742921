"""Many pictures, one answer after the other: the next are decoded while the network computes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path

import torch

from resnet_gui.data.folder import pictures_in
from resnet_gui.events import Predicted, Prediction
from resnet_gui.messages import message
from resnet_gui.pace import Pace
from resnet_gui.prediction.predictor import Picture, Predictor

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
    pace, size, largest = Pace(0.05), 1, _largest_batch(predictor)
    with closing(_opened(predictor, _files(paths), 2 * largest)) as opened:
        while (batch := list(islice(opened, size))) and not stop.is_set():
            began = time.perf_counter()
            waiting += predictor.answer(batch, top)
            seconds, pictures = time.perf_counter() - began, sum(isinstance(each, Picture) for each in batch)
            if 2 * size * seconds <= _BATCH_SECONDS * pictures:  # at this pace twice as many are not too many
                size = min(2 * size, largest)
            if pace.due():
                yield Predicted(str(predictor.path), tuple(waiting))
                waiting = []
    if waiting:
        yield Predicted(str(predictor.path), tuple(waiting))


def _largest_batch(predictor: Predictor) -> int:
    """As many pictures as make the same number of pixels, but never more than 64: small ones gain nothing by that."""
    device, side = predictor.inference.compute.device, predictor.card.preprocessing.image_size
    return min(64, max(1, _LARGEST[device.type] * 224**2 // side**2))


def _opened(
    predictor: Predictor, files: Iterable[Path | Prediction], ahead: int
) -> Generator[Picture | Prediction, None, None]:
    """Each of `files` opened, in order: by as many threads as compute, up to `ahead` of them before they are wanted.

    Where one thread computes it opens them too: no more may be taken.
    """

    def open_one(file: Path | Prediction) -> Picture | Prediction:
        return file if isinstance(file, Prediction) else predictor.open(file)

    threads = torch.get_num_threads()
    if threads == 1:
        yield from map(open_one, files)
        return
    coming: deque[Future[Picture | Prediction]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="opening")
    try:
        for file in files:
            coming.append(pool.submit(open_one, file))
            if len(coming) > ahead:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _files(paths: Sequence[Path]) -> Iterator[Path | Prediction]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        pictures = pictures_in(path)
        yield from pictures
        if not pictures:
            yield Prediction(str(path), problem=message("nothing_to_predict", path=str(path)))
