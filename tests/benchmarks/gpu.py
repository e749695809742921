"""Training on a graphics card beside its bound: `python tests/benchmarks/gpu.py`

The bound is the training step alone, on random tensors in the card's memory, in the program's precision and the better
memory format, measured before the first epoch and after each. The pictures are photographs of 512 x 384; the first epoch
decodes them, and the later ones, which are compared with the bound, read them from the cache.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import photographs
from timing import beside_bound, machine

from resnet_gui.config import make_config

KINDS = (("resnet50", 224), ("resnet50", 160), ("resnet18", 224), ("resnet18", 160))
VARIANTS: tuple[dict[str, Any], ...] = (
    {"precision": "float32"}, {"precision": "float16"}, {"memory_format": "contiguous"}, {"loading_threads": 2},
    {"loading_threads": 4}, {"loading_threads": 8}, {"loading_threads": 16}, {"threads": 1},
)  # fmt: skip
"""Settings of the machine, one changed at a time; the program chooses the others."""
BOUND = 0.9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--pictures", type=int, default=4096, metavar="N", help="to learn from (default 4096)")
    parser.add_argument("--epochs", type=int, default=5, metavar="N")
    parser.add_argument("--batch", type=int, default=128, metavar="N")
    parser.add_argument("--variants", action="store_true", help="also the first network with one setting changed")
    options = parser.parse_args()
    print(machine())
    if not torch.cuda.is_available():
        print("no graphics card here")
        return 0
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        pictures = photographs(Path(cache) / "photographs", options.pictures, options.batch)
        print(f"{'network, px':40}{'first epoch':>12}{'later':>8}{'bound':>8}{'ratio':>7}   the program took")
        ratios = [measure(pictures, options, f"{kind[0]} {kind[1]}", kind, {}) for kind in KINDS]
        for variant in VARIANTS if options.variants else ():
            measure(
                pictures, options, "  ".join(f"{name} {value}" for name, value in variant.items()), KINDS[0], variant
            )
    print(f"asked: at least {BOUND} of the bound")
    return int(min(ratios) < BOUND)


def measure(
    pictures: Path, options: argparse.Namespace, title: str, kind: tuple[str, int], variant: dict[str, Any]
) -> float:
    """Trains, prints a line in images/s, and returns the later epochs' share of the bound."""
    settings = {
        "dataset": pictures, "network": kind[0], "data.image_size": kind[1], "start.start_from": "random",
        "training.batch_size": options.batch, "training.epochs": options.epochs, "training.learning_rate": 0.001,
        "machine.device": "cuda", "machine.checkpoint_minutes": 1440,
    }  # fmt: skip
    settings |= {f"machine.{name}": value for name, value in variant.items()}
    with tempfile.TemporaryDirectory() as out:
        os.environ["XDG_CACHE_HOME"] = out
        measured = beside_bound(make_config({**settings, "out": out}), steps=30)
    later = measured.pairs[1:]
    ours, bound = (statistics.median(column) for column in zip(*later, strict=True))
    ratio = statistics.median(ours / bound for ours, bound in later)
    print(f"{title:40}{measured.epochs[0]:12.0f}{ours:8.0f}{bound:8.0f}{ratio:7.2f}   {measured.plan}", flush=True)
    return ratio


if __name__ == "__main__":
    sys.exit(main())
