"""How much of a picture evaluation should see: `python tests/benchmarks/middle_share.py [--fashion FOLDER] [--weights FILE SET ...]`

`--fashion` is the folder of Fashion-MNIST's four IDX files: the program trains ResNet-20 on 28 px with three seeds, and scores
the test pictures whole and cropped (28 of 32, as before there was a choice). Each seed learns once from
random crops, which do not depend on the share, and once from whole pictures without them.
Each `SET` is a folder of larger pictures: a linear
head learns from what SqueezeNet 1.1 with the weights `--weights` makes of the training pictures, at 224 px. The share is chosen by
cross-validation on these; the test pictures are for the report. Brackets hold 95 % intervals (Wilson 1927).
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import math
import statistics
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from timing import machine
from torch import Tensor
from torch.nn import functional

from resnet_gui.config import MachineConfig, make_config
from resnet_gui.data.loader import Loader
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.data.samples import Sample
from resnet_gui.data.split import split_samples
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute
from resnet_gui.evaluation.evaluate import Score, evaluate
from resnet_gui.events import Finished
from resnet_gui.model_file import load_model
from resnet_gui.nets.build import build
from resnet_gui.nets.head import head_of
from resnet_gui.training.loop import train
from resnet_gui.weights.transfer import load_weights

WHOLE, CROPPED = 1.0, 0.875
SHARES = (WHOLE, CROPPED, 0.8)
FOLDS, DRAWS = 5, 4
"""How often the training pictures are drawn anew into so many folds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--fashion", type=Path, metavar="FOLDER", help="the IDX files of Fashion-MNIST")
    parser.add_argument("--pictures", type=int, nargs=2, default=(6000, 4000), help="training and test pictures of it")
    parser.add_argument("--epochs", type=int, default=6, help="of a run on Fashion-MNIST (default 6)")
    parser.add_argument("--seeds", type=int, default=3, help="how many runs of each (default 3)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="weights of SqueezeNet 1.1")
    parser.add_argument("sets", nargs="*", type=Path, metavar="SET", help="folders of larger pictures")
    options = parser.parse_args()
    print(machine())
    if options.fashion:
        small_pictures(options.fashion, options.pictures, options.epochs, options.seeds)
    if options.weights:
        for folder in options.sets:
            large_pictures(folder, options.weights)


def small_pictures(source: Path, counts: Sequence[int], epochs: int, seeds: int) -> None:
    """Prints the test accuracy of ResNet-20 by seed and share."""
    print(f"ResNet-20, Fashion-MNIST, 28 px, {counts[0]} training and {counts[1]} test pictures, {epochs} epochs")
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "fashion"
        for split, prefix, count in zip(("train", "test"), ("train", "t10k"), counts, strict=True):
            write_pictures(source, prefix, count, root / split)
        for seed, crops in itertools.product(range(seeds), (True, False)):
            model = trained(root, Path(place) / "runs", epochs, seed, crops)
            for share in (WHOLE, CROPPED):
                print(
                    f"  seed {seed}  {'with' if crops else 'without':7} random crops  share {share:5}  {scored(*tested(model, root, share))}",
                    flush=True,
                )


def write_pictures(source: Path, prefix: str, count: int, root: Path) -> None:
    """The first `count` pictures as PNG files in folders by class."""
    pixels, labels = (
        np.frombuffer(gzip.decompress((source / f"{prefix}-{name}-ubyte.gz").read_bytes()), np.uint8, offset=offset)
        for name, offset in (("images-idx3", 16), ("labels-idx1", 8))
    )
    for number, label in enumerate(labels[:count]):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.reshape(-1, 28, 28)[number]).save(root / str(label) / f"{number:05}.png")


def trained(root: Path, out: Path, epochs: int, seed: int, crops: bool) -> Path:
    """The model file of a run."""
    settings = {
        "dataset": root, "out": out, "network": "resnet20", "data.image_size": 28, "data.val_fraction": 0.1,
        "data.random_crop": crops, "training.epochs": epochs, "training.batch_size": 64, "training.seed": seed,
        "training.learning_rate": 0.003, "machine.device": "cpu", "machine.precision": "float32",
        "machine.memory_format": "channels_last", "machine.threads": 2, "machine.loading_threads": 1,
    }  # fmt: skip
    events = train(make_config(settings), threading.Event())
    return next(Path(event.model) for event in events if isinstance(event, Finished))


def tested(model: Path, root: Path, share: float) -> tuple[int, int]:
    """How many test pictures the model gets right if it sees that share of them, of how many."""
    network, metadata = load_model(model)
    listing = list_folder(root)
    assert listing is not None
    samples = [sample for sample in listing.samples if sample.split == "test"]
    loader = Loader(root, samples, metadata.preprocessing.with_middle_share(share), 64, 1)
    compute = Compute.of(MachineConfig(precision="float32"), torch.device("cpu"))
    events = evaluate(network, loader, len(metadata.classes), compute, threading.Event(), "test")
    try:
        while True:
            next(events)
    except StopIteration as end:
        score: Score = end.value
        return sum(score.right), score.seen


def large_pictures(root: Path, weights: Path) -> None:
    """Prints for each share the accuracy of cross-validation on the training pictures, and that on the test pictures."""
    listing = list_folder(root)
    assert listing is not None
    splits = split_samples(listing, 0.01, 0.3, 0)
    learned, unseen = [*splits.train, *splits.val], splits.test
    if not unseen:  # the folder has validation pictures only
        learned, unseen = [*splits.train], splits.val
    print(f"{root.name}: {len(learned)} training and {len(unseen)} test pictures, 224 px")
    features = backbone(weights)
    for share in SHARES:
        seen, labels = features_of(features, root, learned, share)
        unseen_features, truth = features_of(features, root, unseen, share)
        parts = [validated(seen, labels, draw) for draw in range(DRAWS)]
        spread = statistics.stdev(parts) if len(parts) > 1 else 0.0
        right = int((predicted(seen, labels, unseen_features) == truth).sum())
        print(
            f"  share {share:5}  validated {statistics.mean(parts):.2%} (draws differ by {spread:.2%})  test {scored(right, len(truth))}",
            flush=True,
        )


def backbone(weights: Path) -> torch.nn.Module:
    """All of SqueezeNet 1.1 but its head."""
    network = build("squeezenet1_1", 1000)
    load_weights(network, weights, head_of(network, 3, 224), str(weights))
    features: torch.nn.Module = network.eval().features
    return features


def features_of(network: torch.nn.Module, root: Path, samples: Sequence[Sample], share: float) -> tuple[Tensor, Tensor]:
    """The features [N, 512] of pictures of which `share` is seen, and their labels [N]."""
    preprocessing = Preprocessing.for_size(224, share)
    rows = []
    with torch.inference_mode():
        for sample in samples:
            pixels = preprocessing.pixels(preprocessing.open(root / sample.path))[None]
            rows.append(network(preprocessing.normalize(pixels)).mean((2, 3))[0])
    return torch.stack(rows), torch.tensor([sample.label for sample in samples])


def validated(features: Tensor, labels: Tensor, draw: int) -> float:
    """The accuracy of cross-validation, from 0 to 1."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(draw))
    right = 0
    for fold in range(FOLDS):
        held = order[fold::FOLDS]
        rest = torch.ones(len(labels), dtype=torch.bool)
        rest[held] = False
        right += int((predicted(features[rest], labels[rest], features[held]) == labels[held]).sum())
    return right / len(labels)


def predicted(features: Tensor, labels: Tensor, asked: Tensor) -> Tensor:
    """The labels that a linear head gives `asked`, which learned from the others until it changed no more."""
    features, asked = features.clone(), asked.clone()
    mean, std = features.mean(0), features.std(0) + 1e-6
    known, questions = (features - mean) / std, (asked - mean) / std
    weight = torch.zeros(features.shape[1], int(labels.max()) + 1, requires_grad=True)
    bias = torch.zeros(weight.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=100)

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(known @ weight + bias, labels) + 0.01 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(step)
    return (questions @ weight + bias).argmax(1)


def scored(right: int, total: int) -> str:
    """The accuracy and its interval."""
    z, share = 1.96, right / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return f"{right} of {total}: {share:.2%} [{middle - half:.2%}, {middle + half:.2%}]"


if __name__ == "__main__":
    main()
