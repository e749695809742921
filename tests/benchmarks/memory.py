"""How well the memory of a run is estimated beforehand: `python tests/benchmarks/memory.py`

Each line is a process that trains for a few steps; its peak is compared with the estimate that `memory_note` uses.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil

RUNS = (("resnet20", 32, 64), ("resnet18", 96, 64), ("resnet18", 224, 32), ("resnet50", 160, 16))
"""Network, image size in pixels, batch size."""


def measure(network: str, size: int, batch: int) -> None:
    """Prints one line, for this process."""
    from resnet_gui.config import make_config
    from resnet_gui.data.sample_dataset import draw_sample
    from resnet_gui.data.transforms import Preprocessing
    from resnet_gui.events import Progress, SampleDrawn
    from resnet_gui.nets.build import build
    from resnet_gui.training.loop import train
    from resnet_gui.training.resource_checks import memory_bytes

    stop, ended = threading.Event(), threading.Event()
    drawn = next(event for event in draw_sample(stop) if isinstance(event, SampleDrawn))
    process, peaks = psutil.Process(), [0]
    before = process.memory_info().rss

    def watch() -> None:
        while not ended.wait(0.002):
            peaks[0] = max(peaks[0], process.memory_info().rss)

    threading.Thread(target=watch).start()
    with tempfile.TemporaryDirectory() as out:
        settings = {"dataset": drawn.folder, "out": out, "network": network, "data.image_size": size,
                    "start.start_from": "random"}  # fmt: skip
        config = make_config({**settings, "training.batch_size": batch})
        for event in train(config, stop):
            if isinstance(event, Progress) and event.step >= 2:
                stop.set()
    ended.set()
    needed = memory_bytes(config, build(network, 3), Preprocessing.for_size(size))
    peak, estimate = (peaks[0] - before) / 1e6, needed / 1e6
    print(
        f"{network:9} {size:4} px  batch {batch:3}  {estimate:6.0f} MB estimated  {peak:6.0f} MB used  {peak / estimate:.2f} x"
    )


def main() -> None:
    """Measures each in a process of its own."""
    if len(sys.argv) == 4:
        measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
        return
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "XDG_CACHE_HOME": cache}
        for run in RUNS:
            subprocess.run([sys.executable, Path(__file__), *map(str, run)], env=environment, check=True)


if __name__ == "__main__":
    main()
