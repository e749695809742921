"""Lines of any length in few points, and figures in words."""

import math

import numpy as np
import pytest

from resnet_gui.gui.curves import KEPT_POINTS, Curve
from resnet_gui.gui.durations import time_left, time_taken
from resnet_gui.gui.epoch_table import scientific


def test_a_curve_keeps_its_shape_in_few_points():
    curve = Curve()
    for index in range(30_000):
        curve.add(index / 100, math.sin(index / 3000))
    assert KEPT_POINTS / 2 <= len(curve.x) <= KEPT_POINTS
    assert np.all(np.diff(curve.x) > 0)
    assert curve.x[-1] == pytest.approx(299.99, abs=0.2)
    assert np.abs(curve.y - np.sin(curve.x / 30)).max() < 0.01


def test_a_short_curve_is_exact():
    curve = Curve()
    for index in range(KEPT_POINTS):
        curve.add(index, index**2)
    assert list(curve.x) == list(range(KEPT_POINTS))
    assert list(curve.y) == [index**2 for index in range(KEPT_POINTS)]


def test_figures_in_words():
    assert [time_left(seconds) for seconds in (3, 31, 100, 7800)] == [
        "a few seconds left", "about 30 s left", "about 2 min left", "about 2 h 10 min left",
    ]  # fmt: skip
    assert [time_taken(seconds) for seconds in (0.84, 28.4, 88, 3725)] == ["0.8 s", "28 s", "1:28 min", "1:02 h"]
    assert [scientific(rate) for rate in (0.00041, 0.1, 1, 10)] == ["4.1e-4", "1.0e-1", "1.0e0", "1.0e1"]
