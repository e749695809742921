"""How far predictions are from float32, and how much faster: `python tests/benchmarks/precision.py [MODEL …]`

Every photograph is predicted from its file by a predictor in float32, by one that decides itself ("auto", the default) and by
one in 16 bits throughout but for the head. Without MODEL, SqueezeNet 1.1 with its trained weights answers. Returns 1 if the
default is more than 0.01 off for any photograph, or has another first class, or an exact tie for the first.
"""

from __future__ import annotations

import argparse
import collections
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch reads it when it is imported

import torch
from datasets import SHARED, SQUEEZENET, flowers
from timing import machine, seconds

from resnet_gui.config import MachineConfig
from resnet_gui.data.readers.class_folders import pictures_in
from resnet_gui.device import choose_device, short_precision
from resnet_gui.prediction.model_from_weights import make_model
from resnet_gui.prediction.predictor import Predictor
from resnet_gui.prediction.streaming import predict
from resnet_gui.records import Prediction

ALLOWED = 0.01
ALL = 10_000
"""More classes than any model has."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="of photographs, by default the flowers")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="in turns (default 3)")
    options = parser.parse_args()
    shorter = short_precision(choose_device(MachineConfig())) or "bfloat16"
    folder = options.pictures or flowers()
    print(machine(), f"\n{len(pictures_in(folder))} photographs in {folder.name}; 16 bits are {shorter}")
    with tempfile.TemporaryDirectory() as home:
        models = options.models or [pretrained(Path(home))]
        kept = [compare(model, folder, ("float32", "auto", shorter), options.repeats) for model in models]
    return int(not all(kept))


def pretrained(home: Path) -> Path:
    """SqueezeNet's model file, from the weights beside the checkout."""
    if not SQUEEZENET.exists():
        sys.exit(f"name a model: there are no trained weights in {SHARED}")
    list(make_model("squeezenet1_1", SQUEEZENET, home / "model.safetensors", threading.Event()))
    return home / "model.safetensors"


def compare(model: Path, folder: Path, precisions: Sequence[str], repeats: int) -> bool:
    """Prints a line for each precision. Returns whether "auto" was as good as float32 every time."""
    found, good = dict[str, list[Prediction]](), True
    speeds, frugal = (collections.defaultdict[str, list[float]](list) for _ in range(2))
    for _ in range(repeats):
        for precision in precisions:
            predictor = Predictor(model, MachineConfig(precision=precision))  # type: ignore[arg-type]
            before = time.process_time()
            took = seconds(lambda: found.update({precision: answers(predictor, folder)}))  # noqa: B023 - called at once
            speeds[precision].append(len(found[precision]) / took)
            frugal[precision].append(len(found[precision]) / (time.process_time() - before))
        good &= not any(worse(found["float32"], found["auto"])[:3])
    print(f"\n{predictor.metadata.network}, {len(predictor.metadata.classes)} classes, {model.parent.name}")
    for precision in precisions:
        beyond, changed, ties, furthest = worse(found["float32"], found[precision])
        ratio, ratio_of_processor = (
            statistics.median(a / b for a, b in zip(each[precision], each["float32"], strict=True))
            for each in (speeds, frugal)
        )
        used = collections.Counter(each.precision for each in found[precision] if each.labels)
        print(
            f"{precision:9} beyond {ALLOWED}: {beyond:4}  another first: {changed:3}  ties: {ties:3}  furthest: {furthest:.4f}  "
            f"{statistics.median(speeds[precision]):7.1f} images/s  {ratio:5.2f} x float32, by processor time {ratio_of_processor:5.2f} x  {dict(used)}",
            flush=True,
        )
    return good


def answers(predictor: Predictor, folder: Path) -> list[Prediction]:
    return [item for event in predict(predictor, [folder], threading.Event(), ALL) for item in event.items]


def worse(exact: list[Prediction], found: list[Prediction]) -> tuple[int, int, int, float]:
    """How many are beyond what is allowed, have another first class, have an exact tie; and the largest difference."""
    pairs = [(each, other) for each, other in zip(exact, found, strict=True) if each.labels]
    off = [difference(*pair) for pair in pairs]
    changed = sum(each.labels[0] != other.labels[0] for each, other in pairs)
    ties = sum(
        other.probabilities[0] == other.probabilities[1] and each.probabilities[0] != each.probabilities[1]
        for each, other in pairs
    )
    return sum(each > ALLOWED for each in off), changed, ties, max(off)


def difference(exact: Prediction, found: Prediction) -> float:
    """The largest, over all classes."""
    by_label = dict(zip(found.labels, found.probabilities, strict=True))
    return max(abs(by_label[label] - p) for label, p in zip(exact.labels, exact.probabilities, strict=True))


if __name__ == "__main__":
    with torch.inference_mode():
        sys.exit(main())
