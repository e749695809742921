"""How long it takes to open a network layer by layer: `python tests/benchmarks/layers.py`

In a warm process, like the engine, against what it replaces: building the network with weights, and a forward pass.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import torch

from resnet_gui.nets.build import build
from resnet_gui.nets.summary import summarise

NETWORKS = ("resnet18", "resnet50", "resnet152", "densenet121", "googlenet")
REPEATS = 5


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def with_weights(name: str) -> None:
    with torch.inference_mode():
        build(name, 1000).eval()(torch.zeros(1, 3, 224, 224))


def main() -> None:
    """Warms up with each network, then takes medians of interleaved repeats."""
    print(f"{'network':12} {'layer by layer':>15} {'with weights':>13} {'ratio':>6}")
    for name in NETWORKS:
        opened, built = [], []
        for repeat in range(REPEATS + 1):
            times = seconds(partial(summarise, name, 1000, 3, 224)), seconds(partial(with_weights, name))
            if repeat:
                opened.append(times[0])
                built.append(times[1])
        one, other = statistics.median(opened), statistics.median(built)
        print(f"{name:12} {one:13.2f} s {other:11.2f} s {one / other:6.2f}")


if __name__ == "__main__":
    main()
