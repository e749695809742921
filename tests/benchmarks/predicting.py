"""Pictures predicted from files beside forward passes and decoding alone: `python tests/benchmarks/predicting.py`

F is the predictor's own network on a batch in memory, at the best of a few batch sizes; D is opening the pictures in as many
threads as there are cores. On a processor the two share its cores, so that 1 / (1/F + 1/D) is what overlapping can reach;
on a graphics card it is the slower of the two. `--window` also predicts one picture after the other in the window.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch reads it when it is imported

import torch
from datasets import flowers
from timing import machine, seconds
from torch import Tensor

from resnet_gui.config import MachineConfig
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import usable_cores
from resnet_gui.model_file import ModelMetadata, save_model
from resnet_gui.nets.build import build
from resnet_gui.prediction.predictor import Predictor
from resnet_gui.prediction.streaming import predict

STREAM_BOUND, ONE_BOUND = 0.9, 1.3
"""The share of the images/s that overlapping can reach; the multiple of one forward pass and one decoding."""
BATCHES = (1, 8, 16, 32)
ONES = 20
"""The number of single pictures."""
AFTERWARDS = 500
"""Milliseconds to wait after an answer in the window: meanwhile its engine draws a preview, and nothing is timed."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--network", default="resnet18")
    parser.add_argument("--size", type=int, default=224, metavar="PX")
    parser.add_argument("--pictures", type=int, default=1000, metavar="N", help="to predict (default 1000)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="in turns (default 3)")
    parser.add_argument("--window", action="store_true", help="also from the drop to the answer in the window")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DOCUMENTS_DIR"), home)
        files = list(itertools.islice(itertools.cycle(sorted(flowers().glob("*/*"))), options.pictures))
        predictor = Predictor(write_model(Path(home), options), MachineConfig())
        how = predictor.inference.compute
        print(machine())
        print(
            f"{options.network}, {options.size} px; the program took {how.precision}, {how.memory_format}, {how.device}"
        )
        kept = [stream(predictor, files, options.repeats), one_by_one(predictor, files[:ONES])]
        if options.window:
            kept.append(in_the_window(predictor, files[:ONES]))
    return int(not all(kept))


def write_model(folder: Path, options: argparse.Namespace) -> Path:
    """Writes an untrained model, which takes as long as a trained one."""
    classes = tuple(sorted(path.name for path in flowers().iterdir()))
    metadata = ModelMetadata(options.network, classes, Preprocessing.for_size(options.size), epoch=0, validated=False)
    save_model(folder / "model.safetensors", build(options.network, len(classes)).state_dict(), metadata)
    return folder / "model.safetensors"


def stream(predictor: Predictor, files: list[Path], repeats: int) -> bool:
    """Prints images/s. Returns whether the program kept its bound."""
    forwards, decodings, wholes, ratios = [], [], [], []
    size = max(BATCHES, key=lambda size: size / forward_seconds(predictor, size))
    for _ in range(repeats):
        forwards.append(size / forward_seconds(predictor, size))
        decodings.append(len(files) / decoding_seconds(predictor, files))
        wholes.append(len(files) / seconds(lambda: list(predict(predictor, files, threading.Event()))))
        forwards.append(size / forward_seconds(predictor, size))
        ratios.append(wholes[-1] / reachable(predictor, statistics.mean(forwards[-2:]), decodings[-1]))
    print(f"\nF, forward passes alone, in batches of {size}  {statistics.median(forwards):8.1f} images/s")
    print(f"D, decoding alone                         {statistics.median(decodings):8.1f} images/s")
    print(f"{len(files)} pictures predicted from files        {statistics.median(wholes):8.1f} images/s")
    ratio = statistics.median(ratios)
    print(f"of what overlapping can reach             {ratio:8.2f}   asked: at least {STREAM_BOUND}", flush=True)
    return ratio >= STREAM_BOUND


def reachable(predictor: Predictor, forward: float, decoding: float) -> float:
    if predictor.inference.compute.device.type == "cpu":
        return 1 / (1 / forward + 1 / decoding)
    return min(forward, decoding)


def forward_seconds(predictor: Predictor, size: int) -> float:
    """Seconds for a batch of `size` in memory: the mean of about a second of passes, after one that warms up."""
    step = forward(predictor, size)
    step()
    count = max(3, round(1 / seconds(step)))  # about a second
    return seconds(lambda: [step() for _ in range(count)][-1].sum().item()) / count


def forward(predictor: Predictor, size: int) -> Callable[[], Tensor]:
    compute, preprocessing = predictor.inference.compute, predictor.metadata.preprocessing
    pixels = torch.randint(
        0, 256, (size, preprocessing.channels, preprocessing.image_size, preprocessing.image_size), dtype=torch.uint8
    )
    pictures = compute.to_memory_format(preprocessing.normalize(pixels.to(compute.device)))

    def step() -> Tensor:
        with torch.inference_mode(), compute.autocast():
            return predictor.inference.network(pictures)

    return step


def decode(preprocessing: Preprocessing, path: Path) -> Tensor:
    return preprocessing.pixels(preprocessing.open(path))


def decoding_seconds(predictor: Predictor, files: list[Path]) -> float:
    with ThreadPoolExecutor(usable_cores()) as pool:
        return seconds(lambda: list(pool.map(partial(decode, predictor.metadata.preprocessing), files)))


def one_by_one(predictor: Predictor, files: list[Path]) -> bool:
    return report_ones("in this process", predictor, files, lambda path: seconds(lambda: predictor.predict(path)))


def report_ones(where: str, predictor: Predictor, files: list[Path], answered: Callable[[Path], float]) -> bool:
    """Prints how long one picture takes `answered`. Returns whether that is close enough to the sum of its parts."""
    step, open_one, parts, wholes = forward(predictor, 1), partial(decode, predictor.metadata.preprocessing), [], []
    step(), answered(files[-1])
    for path in files[:-1]:
        open_one(files[-1]), step()  # timed only when warm
        parts.append(seconds(partial(open_one, path)) + seconds(lambda: step().sum().item()))
        wholes.append(answered(path))
    ratio = statistics.median(whole / part for whole, part in zip(wholes, parts, strict=True))
    print(f"\none decoding and one forward pass         {1000 * statistics.median(parts):8.1f} ms")
    print(f"one picture, {where:28} {1000 * statistics.median(wholes):8.1f} ms")
    print(f"ratio                                     {ratio:8.2f}   asked: at most {ONE_BOUND}", flush=True)
    return ratio <= ONE_BOUND


def in_the_window(predictor: Predictor, files: list[Path]) -> bool:
    """From the drop until the pane shows the probabilities. The window's engine is another process, as always."""
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")  # offscreen prints one for each layout
    from PySide6.QtCore import QEventLoop
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from resnet_gui.gui.theme import Theme
    from resnet_gui.gui.user_settings import UserSettings
    from resnet_gui.gui.window.main_window import MainWindow

    app = QApplication(sys.argv[:1])
    window = MainWindow(Theme(app), UserSettings())
    pane, shown = window.predict_pane, QEventLoop()
    pane.preview_requested.connect(shown.quit)  # once the answer is shown
    window.show()

    def answered(path: Path) -> float:
        began = time.perf_counter()
        pane.pictures_dropped.emit([str(path)])
        shown.exec()  # without polling, which would take a core from the engine
        took = time.perf_counter() - began
        assert pane.view.as_text().startswith(str(path))
        QTest.qWait(AFTERWARDS)
        return took

    window.open_path(predictor.path)
    kept = report_ones("from drop to bars", predictor, files, answered)
    window.end_engines()
    return kept


if __name__ == "__main__":
    sys.exit(main())
