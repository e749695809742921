"""Full training beside its bound and beside the tutorial's script: `python tests/benchmarks/training.py`

The bound is the training step alone, on random tensors in memory, in the precision that the program has chosen. It is
measured in the program's own process, before the first epoch and after each. Wall times are those of whole processes,
including imports. The pictures are photographs of 512 x 384. The program's first run has an empty cache, its second a full one.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from datasets import photographs
from timing import Measured, beside_bound, has_bfloat16, machine

from resnet_gui.config import make_config

SCRIPT = Path(__file__).with_name("tutorial_script.py")
FIRST, SECOND, TUTORIAL = "the program, first run", "the program, second run", "the tutorial's script"
FIRST_EPOCH_BOUND, WARM_BOUND = 0.85, 0.95
"""Shares of the bound's images per second."""
TUTORIAL_BOUND, FLAGS_BOUND = 3.0, 1.0
"""Factors by which the program must be faster than the script, and than the script with its best flags."""
PROGRESSIVE_GOAL = 1.2
"""The factor by which it should be faster than the bound of full-size pictures."""

NO_BFLOAT16 = "not asked of a processor without AMX or AVX512-BF16"

Round = dict[str, tuple[float, Measured | None]]
"""By trainer: the wall time in seconds and, for the program, its speed beside the bound."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--network", default="resnet18", help="resnet18 or resnet50 (default resnet18)")
    parser.add_argument("--size", type=int, default=224, metavar="PX")
    parser.add_argument("--batch", type=int, default=32, metavar="N")
    parser.add_argument("--pictures", type=int, default=96, metavar="N", help="to learn from (default 96)")
    parser.add_argument("--epochs", type=int, default=3, metavar="N")
    parser.add_argument("--repeats", type=int, default=1, metavar="N", help="of everything, in turns (default 1)")
    parser.add_argument(
        "--precision", default="auto", help="if it is set, the program is compared with the bound alone"
    )
    parser.add_argument(
        "--progressive", action="store_true", help="with smaller pictures in the program's early epochs"
    )
    parser.add_argument(
        "--processor-time", action="store_true",
        help="compares the processor time that the program and the bound alone take, where others use the machine, too",
    )  # fmt: skip
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        clock = time.process_time if options.processor_time else time.perf_counter
        print(json.dumps(dataclasses.asdict(beside_bound(make_config(options.child), 2, clock))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        pictures = photographs(Path(folder) / "photographs", options.pictures, options.pictures // 4)
        rounds = [one_round(options, pictures, Path(folder) / str(number)) for number in range(options.repeats)]
    return report(options, rounds)


def one_round(options: argparse.Namespace, pictures: Path, folder: Path) -> Round:
    """The program without and with a cache, the others in between."""
    ways = {FIRST: partial(program, options, pictures, folder)}
    if options.precision == "auto" and not options.processor_time:
        flags = ["--channels-last", *(["--amp"] if has_bfloat16() else [])]
        ways[TUTORIAL] = partial(tutorial, options, pictures)
        for workers in (0, 1, 2):
            more = [*flags, f"--workers={workers}"]
            ways[" ".join(("with", *more))] = partial(tutorial, options, pictures, *more)
    ways[SECOND] = partial(program, options, pictures, folder)
    results = {}
    for name, train in ways.items():
        results[name] = train()
        print(f"{results[name][0]:7.1f} s  {name}", flush=True)
    return results


def program(options: argparse.Namespace, pictures: Path, folder: Path) -> tuple[float, Measured]:
    settings = {
        "dataset": str(pictures), "out": str(folder / "runs"), "network": options.network, "start.start_from": "random",
        "data.image_size": options.size, "training.batch_size": options.batch, "training.epochs": options.epochs,
        "training.learning_rate": 0.001, "machine.precision": options.precision,
        "machine.checkpoint_minutes": 1440, "data.progressive_sizes": options.progressive,
    }  # fmt: skip
    flags = ["--processor-time"] if options.processor_time else []
    command = [__file__, *flags, "--child", json.dumps(settings)]
    wall, output = timed(command, {**os.environ, "XDG_CACHE_HOME": str(folder)})
    measured = Measured(**json.loads(output.splitlines()[-1]))
    return wall - measured.aside, measured


def tutorial(options: argparse.Namespace, pictures: Path, *flags: str) -> tuple[float, None]:
    """Runs the script without `OMP_WAIT_POLICY`, which a tutorial's script does not set."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    same = [f"--{name}={getattr(options, name)}" for name in ("network", "size", "batch", "epochs")]
    return timed([str(SCRIPT), str(pictures), *same, *flags], environment)[0], None


def timed(arguments: list[str], environment: dict[str, str]) -> tuple[float, str]:
    """Seconds of a whole Python process, and its output."""
    began = time.perf_counter()
    child = subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter() - began, child.stdout


def report(options: argparse.Namespace, rounds: list[Round]) -> int:
    first, second = ([each[name][1] for each in rounds] for name in (FIRST, SECOND))
    print(f"\n{machine()}")
    print(f"{options.network}, {options.size} px, batch {options.batch}, {options.pictures} photographs, "
          f"{options.epochs} epochs, {options.repeats} x\n"
          f"the program took {first[0].plan}; its bounds {', '.join(run.format for run in first + second)}")  # fmt: skip
    kept = [report_speeds(first, second, options.processor_time)]
    if TUTORIAL in rounds[0]:
        kept.append(report_walls(rounds))
    if options.progressive:
        print(
            f"\nnothing is judged: the program's early pictures are smaller; wished for: {PROGRESSIVE_GOAL} x the bound"
        )
    return int(not (all(kept) or options.progressive))


def report_speeds(first: list[Measured], second: list[Measured], processor_time: bool) -> bool:
    """Prints the speeds beside the bound. Returns whether they are close enough."""
    cold = [run.pairs[0] for run in first]
    warm = [pair for run in first for pair in run.pairs[1:]] + [pair for run in second for pair in run.pairs]
    unit = "images per processor second" if processor_time else "images/s"
    print(f"\n{unit:34}{'program':>9}{'bound':>9}{'ratio':>8}{'asked':>8}")
    kept = True
    for name, pairs, required in (("first epoch", cold, FIRST_EPOCH_BOUND), ("later epochs", warm, WARM_BOUND)):
        ours, bound = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(ours / bound for ours, bound in pairs)
        print(f"{f'{name}, median of {len(pairs)}':34}{ours:9.1f}{bound:9.1f}{ratio:8.2f}{required:8.2f}")
        kept &= ratio >= required
    return kept


def report_walls(rounds: list[Round]) -> bool:
    """Prints wall times and how many times faster the program is. Returns whether that is enough."""
    walls = {name: statistics.median(each[name][0] for each in rounds) for name in rounds[0]}
    print(f"\n{'wall time':48}{'s':>8}{'first run is':>15}{'second run is':>15}")
    for name, wall in walls.items():
        faster = "".join(f"{wall / walls[ours]:13.2f} x" for ours in (FIRST, SECOND))
        print(f"{name:48}{wall:8.1f}{faster}")
    best = min(wall for name, wall in walls.items() if name not in (FIRST, SECOND, TUTORIAL))
    over_tutorial, over_best = (wall / walls[FIRST] for wall in (walls[TUTORIAL], best))
    print(
        f"first run against the script: {over_tutorial:.2f} x, asked {TUTORIAL_BOUND} x",
        "" if has_bfloat16() else NO_BFLOAT16,
    )
    print(f"first run against its best flags: {over_best:.2f} x, asked {FLAGS_BOUND} x")
    return over_best >= FLAGS_BOUND and (over_tutorial >= TUTORIAL_BOUND or not has_bfloat16())


if __name__ == "__main__":
    sys.exit(main())
