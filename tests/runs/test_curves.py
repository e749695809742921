"""Lines of any length in few points, and figures as text."""

import itertools
import math

import pytest

from resnet_gui.events import EpochDone
from resnet_gui.gui.text import scientific, time_left, time_taken
from resnet_gui.runs.curves import KEPT_POINTS, Curve, Point, RunCurves


def drawn(line: list[Point], limit: int = KEPT_POINTS) -> Curve:
    curve = Curve(limit)
    for x, y in line:
        curve.add(x, y)
    return curve


def test_a_curve_keeps_its_shape_in_few_points():
    line = [(index / 100, math.sin(index / 3000)) for index in range(30_000)]
    curve = drawn(line)
    assert KEPT_POINTS / 4 <= len(curve.points) <= KEPT_POINTS + 1
    assert curve.points == sorted(set(curve.points) & set(line)), "points of the line itself, in its order"
    assert curve.points[-1] == line[-1]
    gaps = [after - before for (before, _), (after, _) in itertools.pairwise(curve.points)]
    assert max(gaps) < 2, "no part of it is left out"


def test_no_peak_is_lost_however_long_the_line():
    line = [(index, index % 7 / 100) for index in range(100_000)]
    peaks = [(12_345, 5.0), (12_346, -5.0), (54_321, 3.0), (99_999, 4.0)]
    for x, height in peaks:
        line[x] = x, height
    assert set(peaks) <= set(drawn(line).points)


def test_what_is_kept_does_not_depend_on_when_one_looks():
    curve = Curve(limit=20)
    for index in range(1000):
        curve.add(index, math.sin(index))
        assert curve.points[-1] == (index, math.sin(index))
    assert curve.points == drawn([(index, math.sin(index)) for index in range(1000)], limit=20).points


@pytest.mark.parametrize("count", [0, 1, 2, 3, KEPT_POINTS - 1, KEPT_POINTS])
def test_a_short_curve_is_exact(count):
    line = [(float(index), float(index % 5 - index % 3)) for index in range(count)]
    assert drawn(line).points == line


def test_the_nearest_epoch_is_found_among_many():
    curves = RunCurves()
    assert curves.nearest(3) is None
    for number in range(1, 10_001):
        curves.add_epoch(EpochDone(number, 1.0, 0.5, None, None, 0.001, 1.0, False))
    assert [curves.nearest(x).epoch for x in (-4, 0.9, 1.4, 1.6, 9_999.7, 20_000)] == [
        1,
        1,
        1,
        2,
        10_000,
        10_000,
    ]


def test_figures_in_words():
    assert [time_left(seconds) for seconds in (3, 31, 100, 7800)] == [
        "a few seconds left", "about 30 s left", "about 2 min left", "about 2 h 10 min left",
    ]  # fmt: skip
    assert [time_taken(seconds) for seconds in (0.84, 28.4, 88, 3725)] == ["0.8 s", "28 s", "1:28 min", "1:02 h"]
    assert [scientific(rate) for rate in (0.00041, 0.1, 1, 10)] == ["4.1e-4", "1.0e-1", "1.0e0", "1.0e1"]
