"""Deeper without shortcuts is worse, with them it is not: `python tests/benchmarks/degradation.py`

The degradation problem of He et al. 2015 (section 4.2, figures 1 and 6), small enough for a processor: plain and residual
networks of two depths learn the sample pictures, all by the one recipe below. Prints the training errors and draws them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyqtgraph as pg

from resnet_gui.config import make_config
from resnet_gui.data.sample_dataset import draw_sample
from resnet_gui.events import EpochDone, SampleDrawn
from resnet_gui.paths import resource

WORDS = {"plain": "plain", "resnet": "residual"}
KINDS, DEPTHS, SEEDS = tuple(WORDS), (20, 56), (0, 1, 2)

RECIPE = {
    "data.image_size": 16,  # the networks take pictures from 8 pixels; their 32 would take four times as long
    "data.val_fraction": 0.01,  # nearly all are trained on, because the training error is measured
    "data.test_fraction": 0.0,
    "data.random_crop": False,  # the same pictures in every epoch, so that all errors can go away
    "data.flip": False,
    "start.start_from": "random",
    "training.batch_size": 16,
    "training.epochs": 15,
    "machine.device": "cpu",
    "machine.threads": 2,  # another number of threads adds in another order, so the figures would differ a little
}
"""Settings that differ from the program's defaults, the same for every network."""

BOUND = 5.0
"""By more points than this the deeper plain network must be worse, and the deeper residual one must not, at each seed."""

PLOT = Path(__file__).resolve().parent.parent / "screenshots" / "degradation.png"

Errors = dict[str, np.ndarray]
"""Training errors in per cent, by network: seeds × epochs."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER",
        help="learn these instead; the plot is then degradation.png in the folder where you are",
    )  # fmt: skip
    pictures = parser.parse_args().pictures
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        errors = all_errors(pictures or sample())
    draw(errors, Path("degradation.png") if pictures else PLOT)
    return report(errors)


def sample() -> Path:
    return next(Path(event.folder) for event in draw_sample(threading.Event()) if isinstance(event, SampleDrawn))


def all_errors(pictures: Path) -> Errors:
    """Trains every network with every seed, and prints the error of each."""
    errors: dict[str, list[list[float]]] = {f"{kind}{depth}": [] for kind in KINDS for depth in DEPTHS}
    for seed in SEEDS:
        for network, runs in errors.items():
            began, worked = time.monotonic(), time.process_time()
            runs.append(errors_by_epoch(network, seed, pictures))
            print(
                f"{network:9} seed {seed}  {runs[-1][-1]:5.1f} % training error after {len(runs[-1])} epochs"
                f"   {time.monotonic() - began:3.0f} s, {time.process_time() - worked:3.0f} s of processor time",
                flush=True,
            )
    return {network: np.array(runs) for network, runs in errors.items()}


def errors_by_epoch(network: str, seed: int, pictures: Path) -> list[float]:
    """In per cent of the pictures learned from, counted during the epoch, while the weights change."""
    from resnet_gui.training.loop import train

    settings = {**RECIPE, "dataset": pictures, "network": network, "training.seed": seed}
    with tempfile.TemporaryDirectory() as out:
        events = train(make_config({**settings, "out": out}), threading.Event())
        return [100 * (1 - event.train_accuracy) for event in events if isinstance(event, EpochDone)]


def report(errors: Errors) -> int:
    """Prints the table and both differences. Returns 0 if they are what the paper found."""
    print(f"\nTraining error in %, mean of {len(SEEDS)} seeds; below, the last of the lowest and the highest seed")
    print_row("epoch", errors)
    for epoch in range(RECIPE["training.epochs"]):
        print_row(epoch + 1, [f"{runs[:, epoch].mean():.1f}" for runs in errors.values()])
    print_row("seeds", [f"{runs[:, -1].min():.1f}-{runs[:, -1].max():.1f}" for runs in errors.values()])
    plain, residual = (deeper_minus_shallower(errors, kind) for kind in KINDS)
    shown = plain.min() > BOUND >= residual.max()
    print("As in the paper." if shown else "NOT as in the paper.")
    return int(not shown)


def print_row(head: object, cells: Iterable[str]) -> None:
    print(f"{head:>5}", *(f"{cell:>9}" for cell in cells))


def deeper_minus_shallower(errors: Errors, kind: str) -> np.ndarray:
    """After the last epoch, for each seed, in points."""
    shallow, deep = (f"{kind}{depth}" for depth in DEPTHS)
    more = errors[deep][:, -1] - errors[shallow][:, -1]
    print(f"{deep} minus {shallow}: {more.mean():+.1f} points ({more.min():+.1f} to {more.max():+.1f})")
    return more


def draw(errors: Errors, path: Path) -> None:
    """Plain left, residual right; the deeper is bold. The bands reach from the lowest seed to the highest."""
    os.environ |= {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": "2"}  # no display needed, and small dots
    app = pg.mkQApp()
    colours = tomllib.loads(resource("theme.toml").read_text("utf-8"))["light"]
    window = pg.GraphicsLayoutWidget(size=(920, 400))
    window.setBackground(colours["panel"])
    top = float(np.max(list(errors.values())))
    for kind in KINDS:
        plot = framed(window.addPlot(), colours, top)
        plot.addLegend(offset=(-20, 100), labelTextColor=colours["text"], labelTextSize="10pt")
        for depth, colour, width in zip(DEPTHS, (colours["second"], colours["accent"]), (3, 6), strict=True):
            add_curve(plot, errors[f"{kind}{depth}"], f"{WORDS[kind]}, {depth} layers", colour, width)
    window.show()
    app.processEvents()
    window.grab().save(str(path))
    print(path)


def framed(plot: pg.PlotItem, colours: dict[str, str], top: float) -> pg.PlotItem:
    """Axes and grid, the same for both, so that they can be compared."""
    plot.showGrid(x=True, y=True, alpha=0.2)
    plot.setLabel("bottom", "epoch", color=colours["dim"])
    plot.setLabel("left", "training error, %", color=colours["dim"])
    plot.setXRange(0, RECIPE["training.epochs"], padding=0.02)
    plot.setYRange(0, top, padding=0.02)
    for side in ("bottom", "left"):
        plot.getAxis(side).setPen(colours["line"])
        plot.getAxis(side).setTextPen(colours["dim"])
    return plot


def add_curve(plot: pg.PlotItem, runs: np.ndarray, name: str, colour: str, width: float) -> None:
    epochs = np.arange(1, runs.shape[1] + 1)
    edges = [pg.PlotCurveItem(epochs, edge) for edge in (runs.min(0), runs.max(0))]
    band = pg.mkColor(colour)
    band.setAlpha(40)
    plot.addItem(pg.FillBetweenItem(*edges, brush=band))
    plot.plot(epochs, runs.mean(0), pen=pg.mkPen(colour, width=width), name=name, antialias=True)


if __name__ == "__main__":
    sys.exit(main())
