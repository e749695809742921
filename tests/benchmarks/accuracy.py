"""Whether speed costs accuracy: the program beside a plain float32 loop: `python tests/benchmarks/accuracy.py`

The program chooses precision and memory format, and crops from pictures that were decoded and scaled once. The plain loop
uses float32 and contiguous memory, and in each epoch opens the whole pictures again with torchvision's transforms. Both
learn the same pictures with the same learning rates. Each draws crops, order and initial weights from the same seeds in
its own way. The program's mean accuracy may be lower by at most the spread of the plain loop's accuracies.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch reads it when it is imported

import torch
from datasets import SQUEEZENET, fashion_mnist, flowers, train_and_val
from timing import machine
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from resnet_gui.config import TrainConfig, make_config
from resnet_gui.data.transforms import Augmentation, Preprocessing
from resnet_gui.device import usable_cores
from resnet_gui.events import EpochDone, Planned
from resnet_gui.nets.build import build
from resnet_gui.training.loop import train
from resnet_gui.training.schedule import learning_rate, make_optimizer

EPOCHS = 4
FROM_RANDOM = {"start.start_from": "random", "training.learning_rate": 0.001, "training.batch_size": 32}
FINE_TUNED = {**FROM_RANDOM, "network": "squeezenet1_1", "start.start_from": "file", "start.start_path": SQUEEZENET,
              "training.learning_rate": 0.0003}  # fmt: skip
TASKS = {
    "flowers": {
        "data.image_size": 128,
        **(FINE_TUNED if SQUEEZENET.is_file() else {"network": "resnet18", **FROM_RANDOM}),
    },
    "fashion": {"data.image_size": 32, "network": "resnet20", **FROM_RANDOM},
}
PICTURES = 3000
"""The number of Fashion-MNIST's pictures used; a fifth of them validates."""
ALIKE = {"float32": ": exact like the plain loop, so that only cached crops and the memory format are compared"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="how many (default 3)")
    parser.add_argument("--epochs", type=int, metavar="N", help="fewer or more than 4")
    parser.add_argument(
        "--progressive", action="store_true", help="with smaller pictures in the program's early epochs"
    )
    options = parser.parse_args()
    changed = {"data.progressive_sizes": options.progressive, "training.epochs": options.epochs or EPOCHS}
    print(machine())
    print("validation accuracy in %, by seed; mean; spread", flush=True)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        folders = {"flowers": flowers(), "fashion": fashion_mnist(Path(cache) / "fashion", PICTURES)}
        kept = [compare(name, folders[name], {**TASKS[name], **changed}, options.seeds) for name in TASKS]
    return int(not all(kept))


def compare(name: str, source: Path, settings: dict[str, Any], seeds: int) -> bool:
    """Prints the accuracies of both. Returns whether the program's mean is lower by at most the plain loop's spread."""
    accuracies: dict[str, list[float]] = {"program": [], "plain": []}
    with tempfile.TemporaryDirectory() as out:
        pictures = train_and_val(source, Path(out) / "pictures")
        for seed in range(seeds):
            config = make_config({**settings, "dataset": pictures, "out": out, "training.seed": seed})
            reached, plan = program(config)
            accuracies["program"].append(100 * reached)
            accuracies["plain"].append(100 * plain(config))
    print(f"{name:8} the program took {plan.precision}, {plan.memory_format}{ALIKE.get(plan.precision, '')}")
    for way, each in accuracies.items():
        by_seed = "".join(f"{accuracy:7.1f}" for accuracy in each)
        print(f"{name:8} {way:8}{by_seed}{statistics.mean(each):9.1f}{max(each) - min(each):7.1f}")
    worse = statistics.mean(accuracies["plain"]) - statistics.mean(accuracies["program"])
    kept = worse <= max(accuracies["plain"]) - min(accuracies["plain"])
    words = "within the plain loop's spread" if kept else "WORSE than the plain loop's spread"
    print(f"{name:8} program minus plain {-worse:+.1f} points: {words}", flush=True)
    return kept


def program(config: TrainConfig) -> tuple[float, Planned]:
    """The validation accuracy after the last epoch, and the compute plan."""
    events = list(train(config, threading.Event()))
    plan = next(event for event in events if isinstance(event, Planned))
    return [event.val_accuracy for event in events if isinstance(event, EpochDone)][-1], plan


def plain(config: TrainConfig) -> float:
    """The validation accuracy after the last epoch of the plain loop."""
    torch.manual_seed(config.training.seed)
    torch.set_num_threads(usable_cores())
    learn, check = (ImageFolder(config.dataset / split, view) for split, view in views(config).items())
    network = initial_network(config, len(learn.classes))
    optimizer = make_optimizer(config.training, network.parameters())
    batches = DataLoader(learn, config.training.batch_size, shuffle=True)
    for epoch in range(config.training.epochs):
        network.train()
        for step, (pixels, labels) in enumerate(batches):
            optimizer.param_groups[0]["lr"] = learning_rate(config.training, epoch + step / len(batches))
            optimizer.zero_grad()
            functional.cross_entropy(network(pixels), labels).backward()
            optimizer.step()
    return accuracy(network.eval(), check)


def views(config: TrainConfig) -> dict[str, transforms.Compose]:
    """The program's transforms, made of torchvision's."""
    size = config.data.image_size
    preprocessing = Preprocessing.for_size(size)
    ours = Augmentation.of(config.data, preprocessing, config.training.seed)
    tensor = [transforms.ToTensor(), transforms.Normalize(preprocessing.mean, preprocessing.std)]
    crop = transforms.RandomResizedCrop(size, scale=ours.scale, ratio=ours.ratio)
    middle = [transforms.Resize(preprocessing.resize), transforms.CenterCrop(size)]
    return {
        "train": transforms.Compose([crop, transforms.RandomHorizontalFlip(), *tensor]),
        "val": transforms.Compose([*middle, *tensor]),
    }


def initial_network(config: TrainConfig, classes: int) -> nn.Module:
    network = build(config.network, classes)
    if config.start.start_path:
        loaded = torch.load(config.start.start_path, weights_only=True)
        fitting = {name: weights for name, weights in loaded.items() if not name.startswith("classifier")}
        network.load_state_dict(fitting, strict=False)
    return network


@torch.inference_mode()
def accuracy(network: nn.Module, pictures: ImageFolder) -> float:
    right = sum(int((network(pixels).argmax(1) == labels).sum()) for pixels, labels in DataLoader(pictures, 32))
    return right / len(pictures)


if __name__ == "__main__":
    sys.exit(main())
