"""What an engine imports, and how long it takes: `python tests/benchmarks/imports.py`

Each line is a new process that does one thing: imports torch and nothing else; imports what an engine imports before it
is ready; and after that makes an optimizer, trains one of the program's networks, or predicts pictures. Heavy packages
that were imported as well are named. The processes take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HEAVY = ("torchvision", "timm", "torch._dynamo", "sympy", "scipy", "matplotlib", "triton")

ENGINE = "import torch, resnet_gui.training.loop, resnet_gui.prediction.streaming"
OPTIMIZER = "torch.optim.SGD([torch.zeros(1)], lr=1.0)"
TRAINING = """
import threading
from resnet_gui.config import make_config
settings = {"dataset": "pictures", "out": "runs", "network": "resnet20", "data.image_size": 32, "training.epochs": 1}
list(resnet_gui.training.loop.train(make_config(settings), threading.Event()))
"""
ANSWER = """
import pathlib, threading
from resnet_gui.config import MachineConfig
from resnet_gui.prediction.predictor import Predictor
predictor = Predictor(pathlib.Path("model.safetensors"), MachineConfig())
list(resnet_gui.prediction.streaming.predict(predictor, [pathlib.Path("pictures")], threading.Event()))
"""
WORK = {
    "torch alone": "import torch",
    "an engine, until it is ready": ENGINE,
    "… and its first optimizer": f"{ENGINE}\n{OPTIMIZER}",
    "… and a training": f"{ENGINE}\n{TRAINING}",
    "… and the answers to 24 pictures": f"{ENGINE}\n{ANSWER}",
}
REPORT = """
import json, resource, sys, time
began = time.perf_counter()
{work}
seconds = time.perf_counter() - began
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, list(sys.modules)]))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--count", type=int, default=5, metavar="N", help="processes of each kind (default 5)")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        runs = [{name: run(work, folder) for name, work in WORK.items()} for _ in range(count)]
    print("                                   seconds   of processor     MB   heavy packages")
    for name in WORK:
        columns = list(zip(*(each[name] for each in runs), strict=True))
        wall, processor, memory = (statistics.median(column) for column in columns[:3])
        print(f"{name:34}{wall:8.2f}{processor:15.2f}{memory:7.0f}   {columns[3][0]}")
    return 0


def prepare(folder: Path) -> None:
    """Writes pictures of two classes and an untrained model."""
    from PIL import Image

    from resnet_gui.data.transforms import Preprocessing
    from resnet_gui.model_file import ModelMetadata, save_model
    from resnet_gui.nets.build import build

    for name in ("dark", "light"):
        (folder / "pictures" / name).mkdir(parents=True)
        for shade in range(12):
            Image.new("L", (40, 40), shade + 200 * (name == "light")).save(folder / f"pictures/{name}/{shade}.png")
    metadata = ModelMetadata(
        "resnet18", ("dark", "light"), Preprocessing.for_size(32), epoch=1, validated=False, val_accuracy=None, val_loss=None,
        test=None, test_opened=0,
    )  # fmt: skip
    save_model(folder / "model.safetensors", build("resnet18", 2).state_dict(), metadata)


def run(work: str, folder: str) -> tuple[float, float, float, str]:
    """Seconds, seconds of the processor, the most memory in MB, and the heavy packages of a process that does `work`.

    Each process has a cache of its own, so that all do the same work.
    """
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-c", REPORT.format(work=work)], cwd=folder, env={**os.environ, "XDG_CACHE_HOME": cache},
            capture_output=True, text=True,
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds, processor, memory, modules = json.loads(done.stdout.splitlines()[-1])
    return seconds, processor, memory, ", ".join(package for package in HEAVY if package in modules) or "none"


if __name__ == "__main__":
    sys.exit(main())
