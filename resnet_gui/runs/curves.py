"""The curves of a run, for the plots. Nothing here uses a widget, so that a thread can build them from an old run."""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain
from operator import attrgetter, itemgetter

from resnet_gui.events import EpochDone, Progress

KEPT_POINTS = 1000

Point = tuple[float, float]
"""x and y."""


class Curve:
    """Points of a line in the order of x, thinned to at most `limit` that keep its shape, and the newest.

    A line of up to `limit` points keeps all. A longer one is cut into stretches of equally many points, each of which
    keeps its lowest and its highest. When the limit is reached, stretches are merged in pairs. So every peak stays
    where it was, and the cost of adding a point does not grow with the line.
    """

    def __init__(self, limit: int = KEPT_POINTS) -> None:
        self._stretches: list[tuple[Point, ...]] = []
        self._most = limit // 4 * 2
        self._each = 2
        self._count = 0
        self._newest: Point | None = None

    def add(self, x: float, y: float) -> None:
        """Adds a point to the right of all others."""
        if self._count % self._each == 0:
            self._open_next()
        self._count += 1
        self._newest = x, y
        stretch = self._stretches[-1]
        if len(stretch) < 2 or not _between(stretch, y):
            self._stretches[-1] = _extremes((*stretch, self._newest))

    @property
    def points(self) -> list[Point]:
        """The points kept, at most `limit` + 1 points; the newest is the last."""
        kept = list(chain.from_iterable(self._stretches))
        return kept if self._newest is None or kept[-1] is self._newest else [*kept, self._newest]

    def _open_next(self) -> None:
        if len(self._stretches) == self._most:
            pairs = zip(self._stretches[0::2], self._stretches[1::2], strict=True)
            self._stretches = [_extremes(first + second) for first, second in pairs]
            self._each *= 2
        self._stretches.append(())


def _between(ends: tuple[Point, ...], y: float) -> bool:
    """Whether `y` is neither lower nor higher than both of two points."""
    (_, first), (_, last) = ends
    return first <= y <= last or last <= y <= first


def _extremes(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """The lowest and the highest of `points`, in their order."""
    if len(points) <= 2:
        return points
    height = itemgetter(1)
    lowest, highest = min(points, key=height), max(points, key=height)
    return tuple(point for point in points if point is lowest or point is highest)


class Metric:
    """One metric by epoch: running means while training, a point for each validation, and the best of these."""

    def __init__(self) -> None:
        self.running, self.validated = Curve(), Curve()
        self.best: tuple[int, float] | None = None
        """The best epoch and its value."""


class RunCurves:
    """Loss and accuracy (in per cent) of one run, and its epochs."""

    def __init__(self) -> None:
        self.loss, self.accuracy = Metric(), Metric()
        self.epochs: list[EpochDone] = []
        """In the order of their numbers."""

    def add_step(self, event: Progress) -> None:
        """Adds the running means of an epoch."""
        if event.phase == "train" and event.loss is not None and event.accuracy is not None:
            self._add(event.epoch - 1 + event.step / max(event.steps, 1), event.loss, event.accuracy)

    def add_epoch(self, done: EpochDone) -> None:
        """Adds an epoch's figures."""
        self.epochs.append(done)
        self._add(done.epoch, done.train_loss, done.train_accuracy)
        for metric, value in ((self.loss, done.val_loss), (self.accuracy, per_cent(done.val_accuracy))):
            if value is not None:
                metric.validated.add(done.epoch, value)
                if done.best:
                    metric.best = done.epoch, value

    def nearest(self, x: float) -> EpochDone | None:
        """The epoch nearest to `x`, a position in epochs; None before the first is done."""
        after = bisect_left(self.epochs, x, key=attrgetter("epoch"))
        around = self.epochs[max(after - 1, 0) : after + 1]
        return min(around, key=lambda done: abs(done.epoch - x), default=None)

    def _add(self, x: float, loss: float, accuracy: float) -> None:
        self.loss.running.add(x, loss)
        self.accuracy.running.add(x, 100 * accuracy)


def per_cent(share: float | None) -> float | None:
    """`share` from 0 to 1 as per cent."""
    return None if share is None else 100 * share
