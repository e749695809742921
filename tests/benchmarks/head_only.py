"""Only the head learns: beside one forward pass, and beside a loop over epochs: `python tests/benchmarks/head_only.py`

Ten epochs of the program, from the call to its return and with an empty cache, against one forward pass of the network
over the same pictures: prefetched from files by threads, in the same precision. Then the time until the validation accuracy
reaches the best of a loop over epochs with a frozen backbone, in float32, as in the tutorials. All on the processor.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch reads it when it is imported

import torch
from datasets import SQUEEZENET, flowers, train_and_val
from predicting import decode
from timing import machine, seconds

from resnet_gui.config import make_config
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute, usable_cores
from resnet_gui.events import EpochDone, Planned, Progress
from resnet_gui.nets.build import build
from resnet_gui.training.loop import train

EPOCHS, SIZE, BATCH = 10, 224, 32
NETWORK = "squeezenet1_1" if SQUEEZENET.is_file() else "resnet18"
PASS_BOUND = 1.3
"""The program's ten epochs may take so many times as long as one pass."""
LOOP_BOUND = 20.0
"""So many times sooner the program must be as good."""

LEARNS = {"training.optimizer": "sgd", "training.learning_rate": 0.001, "training.weight_decay": 0.0,
          "training.schedule": "constant"}  # fmt: skip
"""The settings by which the tutorial's script learns."""


@dataclass
class Run:
    """Seconds from the call to the compute plan, to the last feature, to each epoch's end (with its validation accuracy),
    and to the return, when all files are written.
    """

    planned: float = 0.0
    featured: float = 0.0
    epochs: list[tuple[float, float]] = field(default_factory=list)
    whole: float = 0.0
    plan: Planned | None = None

    def seconds_to(self, accuracy: float) -> float:
        """Seconds until an epoch first reached `accuracy`; infinity if none did."""
        return next((when for when, reached in self.epochs if reached >= accuracy), float("inf"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="of run and pass, in turns (default 3)")
    parser.add_argument("--loop-epochs", type=int, default=EPOCHS, metavar="N", help="of the loop (default 10)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        pictures = train_and_val(flowers(), Path(cache) / "pictures")
        print(machine(), f"\n{NETWORK}, {SIZE} px, batch {BATCH}, {len(files_in(pictures))} pictures", flush=True)
        kept = beside_a_pass(pictures, options.repeats)
        return int(not (beside_the_loop(pictures, options.loop_epochs) and kept))


def files_in(pictures: Path) -> list[Path]:
    return sorted(pictures.glob("*/*/*"))


def beside_a_pass(pictures: Path, repeats: int) -> bool:
    """Prints the times of both. Returns whether the program kept its bound."""
    runs, passes = [], []
    for _ in range(repeats):
        runs.append(head_only(pictures, EPOCHS))
        passes.append(one_pass(files_in(pictures), runs[-1].plan))
    plan = runs[0].plan
    print(f"the program took {plan.precision}, {plan.memory_format}, {plan.threads} + {plan.loading_threads} threads\n")
    ratios = [run.whole / once for run, once in zip(runs, passes, strict=True)]
    print(f"one pass over the files       {statistics.median(passes):7.1f} s   median of {repeats}")
    print(f"{EPOCHS} epochs, the whole run      {statistics.median(run.whole for run in runs):7.1f} s")
    print(f"  of it until it was planned  {statistics.median(run.planned for run in runs):7.1f} s")
    print(f"  then until all features     {statistics.median(run.featured - run.planned for run in runs):7.1f} s")
    print(
        f"ratio                         {statistics.median(ratios):7.2f} x   asked: at most {PASS_BOUND} x", flush=True
    )
    return statistics.median(ratios) <= PASS_BOUND


def head_only(pictures: Path, epochs: int, enough: float = 2.0) -> Run:
    """Runs the program with an empty cache until its validation accuracy is `enough`, or to the end."""
    settings: dict[str, Any] = {
        **LEARNS, "dataset": pictures, "network": NETWORK, "data.image_size": SIZE, "training.batch_size": BATCH,
        "training.epochs": epochs, "start.train_part": "head", "start.start_from": "random", "machine.device": "cpu",
    }  # fmt: skip
    if SQUEEZENET.is_file():
        settings |= {"start.start_from": "file", "start.start_path": SQUEEZENET}
    run, stop = Run(), threading.Event()
    with tempfile.TemporaryDirectory() as out:
        os.environ["XDG_CACHE_HOME"] = out
        began = time.perf_counter()
        for event in train(make_config({**settings, "out": out}), stop):
            now = time.perf_counter() - began
            if isinstance(event, Planned):
                run.plan, run.planned = event, now
            elif isinstance(event, Progress) and event.phase == "features":
                run.featured = now
            elif isinstance(event, EpochDone):
                run.epochs.append((now, event.val_accuracy))
                if event.val_accuracy >= enough:
                    stop.set()
        run.whole = time.perf_counter() - began
    return run


def one_pass(files: list[Path], plan: Planned) -> float:
    """Seconds for reading all pictures and one forward pass over them."""
    compute = Compute(torch.device("cpu"), plan.precision, plan.memory_format)
    network, preprocessing = compute.to_device(build(NETWORK, 5).eval()), Preprocessing.for_size(SIZE)

    def work() -> None:
        with ThreadPoolExecutor(usable_cores()) as pool:
            views = pool.map(partial(decode, preprocessing), files)
            for batch in iter(lambda: list(itertools.islice(views, BATCH)), []):
                network(compute.to_memory_format(preprocessing.normalize(torch.stack(batch))))

    with torch.inference_mode(), compute.autocast():
        return seconds(work)


def beside_the_loop(pictures: Path, epochs: int) -> bool:
    """Prints when both reach the loop's best accuracy. Returns whether the program kept its bound."""
    loop = frozen_loop(pictures, epochs)
    best = max(accuracy for _, accuracy in loop)
    reached = next(when for when, accuracy in loop if accuracy == best)
    ours = head_only(pictures, 20 * epochs, best)
    print(f"\nthe loop's best validation accuracy in {epochs} epochs: {100 * best:.1f} %")
    print(f"the loop                      {reached:7.1f} s   (all of its epochs: {loop[-1][0]:.1f} s)")
    print(f"the program                   {ours.seconds_to(best):7.1f} s   after {len(ours.epochs)} epochs")
    ratio = reached / ours.seconds_to(best)
    print(f"ratio                         {ratio:7.1f} x   asked: at least {LOOP_BOUND:.0f} x")
    return ratio >= LOOP_BOUND


def frozen_loop(pictures: Path, epochs: int) -> list[tuple[float, float]]:
    """For each epoch: seconds from the first epoch's start to its end, and its validation accuracy."""
    weights = [f"--weights={SQUEEZENET}"] if SQUEEZENET.is_file() else []
    script = [sys.executable, Path(__file__).with_name("tutorial_script.py"), pictures, "--head-only", *weights]
    flags = [f"--network={NETWORK}", f"--size={SIZE}", f"--batch={BATCH}", f"--epochs={epochs}"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    del environment["OMP_WAIT_POLICY"]  # which the tutorial's script does not set
    output = subprocess.run([*script, *flags], env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [line.split() for line in output.splitlines() if line.startswith("val ")]
    return [(float(words[3]), float(words[1])) for words in lines]


if __name__ == "__main__":
    sys.exit(main())
