"""The lines of a run, for the plots. Nothing here knows a widget, so that a thread can make them from an old run."""

from __future__ import annotations

import numpy as np

from resnet_gui.events import EpochDone, Progress

KEPT_POINTS = 2000


class Curve:
    """Points of a line in the order of x. Never more than `limit`: beyond it, neighbours become their mean."""

    def __init__(self, limit: int = KEPT_POINTS) -> None:
        self._points = np.zeros((limit, 2))
        self._count, self._each, self._in_last = 0, 1, 0

    def add(self, x: float, y: float) -> None:
        """Adds a point to the right of all others."""
        if self._in_last in (0, self._each):
            self._open_next()
        self._in_last += 1
        last = self._points[self._count - 1]
        last += (np.array((x, y)) - last) / self._in_last

    @property
    def x(self) -> np.ndarray:
        """Shape (n,), n at most `limit`."""
        return self._points[: self._count, 0]

    @property
    def y(self) -> np.ndarray:
        """Shape (n,), n at most `limit`."""
        return self._points[: self._count, 1]

    def _open_next(self) -> None:
        if self._count == len(self._points):
            self._points[: self._count // 2] = (self._points[0::2] + self._points[1::2]) / 2
            self._count //= 2
            self._each *= 2
        self._points[self._count] = 0.0
        self._count += 1
        self._in_last = 0


class Metric:
    """One figure by epoch: running means while training, a point for each validation, and the best of these."""

    def __init__(self) -> None:
        self.running, self.validated = Curve(), Curve()
        self.best: tuple[int, float] | None = None
        """The best epoch and its value."""


class RunCurves:
    """Loss and accuracy (in per cent) of one run, and its epochs."""

    def __init__(self) -> None:
        self.loss, self.accuracy = Metric(), Metric()
        self.epochs: list[EpochDone] = []

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

    def _add(self, place: float, loss: float, accuracy: float) -> None:
        self.loss.running.add(place, loss)
        self.accuracy.running.add(place, 100 * accuracy)


def per_cent(share: float | None) -> float | None:
    """`share` from 0 to 1 as per cent."""
    return None if share is None else 100 * share
