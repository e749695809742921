"""Whether what is adopted answers like a plain PyTorch script: `python tests/benchmarks/adopt.py [WEIGHTS NAMES]`

Checkpoints are made in the spellings of their trainers, and each becomes a model by one command. WEIGHTS, SqueezeNet 1.1 of
1,000 classes, and the names of these are by default those beside the checkout, if they are there. Then `resnet-gui predict
--precision float32` answers on photographs, small pictures, and JPEGs larger than twice what is needed, and so does a script
of ten lines. Prints for each file the largest difference of any probability, and returns 1 if one is above 1e-6.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import SHARED, SQUEEZENET, flowers
from PIL import Image
from timing import seconds
from torch import nn
from torchvision import models, transforms

from resnet_gui.data.readers.class_folders import pictures_in
from resnet_gui.nets.build import build

ALLOWED = 1e-6
FIVE = "daisy,dandelion,rose,sunflower,tulip"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)
EACH = 12
"""Pictures of each kind."""

State = dict[str, torch.Tensor]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("weights", nargs="?", type=Path, default=SQUEEZENET, help="of SqueezeNet 1.1, for ImageNet")
    parser.add_argument("names", nargs="?", type=Path, default=SHARED / "weights" / "imagenet_class_index.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        worst = [check(*each) for each in cases(Path(home), options.weights, options.names)]
    print(f"{len(worst)} files, largest difference {max(worst):.1e}, allowed {ALLOWED:.0e}")
    return int(max(worst) > ALLOWED)


def cases(
    home: Path, weights: Path, names: Path
) -> Iterator[tuple[Path, list[str], nn.Module, Any, dict[str, list[Path]]]]:
    """The file, the options that adopt it, and for the script the network, its transforms, and the pictures by kind."""
    pictures = kinds_of_pictures(home / "pictures")
    network = with_statistics(build("resnet20", 5, 3))
    for name, spelling in spellings().items():
        file = home / f"{name}.pth"
        torch.save(spelling(network.state_dict()), file)
        options = ["--network", "resnet20", "--classes", FIVE]
        yield file, options, network, prepare(32, 32, MEAN, STD), pictures
    file = home / "resnet20-12fca82f.th"
    published = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": published, "best_prec1": 91.7}, file)
    options = [
        "--network",
        "resnet20",
        "--classes",
        FIVE,
        "--mean",
        *map(str, CIFAR_MEAN),
        "--std",
        *map(str, CIFAR_STD),
    ]
    yield file, options, network, prepare(32, 32, CIFAR_MEAN, CIFAR_STD), pictures
    if weights.is_file():
        squeezenet = models.squeezenet1_1(num_classes=1000)
        squeezenet.load_state_dict(torch.load(weights, weights_only=True))
        options = ["--network", "squeezenet1_1", "--classes", str(names) if names.is_file() else "imagenet"]
        yield weights, options, squeezenet, prepare(256, 224, MEAN, STD), pictures


def spellings() -> dict[str, Callable[[State], Any]]:
    """How trainers write the weights of a network: with other names before theirs, and other things beside them."""
    return {
        "lightning_compiled": lambda state: {
            "state_dict": {**prefixed("model._orig_mod.", state), "criterion.weight": torch.ones(5)}
        },
        "averaged_compiled": lambda state: {"n_averaged": torch.tensor(7), **prefixed("module._orig_mod.", state)},
        "under_weights": lambda state: {"epoch": 1, "weights": state},
        "attribute_resnet": lambda state: prefixed("resnet.", state),
        "with_namespace": lambda state: {"model": state, "epoch": 9, "args": argparse.Namespace(lr=0.1)},
        "with_numpy_number": lambda state: {"state_dict": state, "best_acc": np.float64(0.93)},
        "with_device": lambda state: {"state_dict": state, "device": torch.device("cpu")},
    }


def prefixed(prefix: str, state: State) -> State:
    return {prefix + name: tensor for name, tensor in state.items()}


def with_statistics(network: nn.Module) -> nn.Module:
    """`network` with norms that do something, as after a training."""
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.2, 0.2)
            nn.init.uniform_(layer.running_var, 0.6, 1.4)
    return network


def kinds_of_pictures(folder: Path) -> dict[str, list[Path]]:
    """Photographs as they are, of 48 x 40 pixels, and as JPEGs of ten times the sides."""
    photographs = pictures_in(flowers())[0][:: max(1, len(pictures_in(flowers())[0]) // EACH)][:EACH]
    made: dict[str, list[Path]] = {"photographs": photographs, "small": [], "large JPEGs": []}
    for kind, size, suffix in (("small", (48, 40), ".png"), ("large JPEGs", (3000, 2400), ".jpg")):
        (folder / kind).mkdir(parents=True)
        for number, path in enumerate(photographs):
            made[kind].append(folder / kind / f"{number}{suffix}")
            Image.open(path).convert("RGB").resize(size).save(made[kind][-1])
    return made


def prepare(resize: int, side: int, mean: tuple[float, ...], std: tuple[float, ...]) -> Any:
    return transforms.Compose([
        transforms.Resize(resize), transforms.CenterCrop(side), transforms.ToTensor(), transforms.Normalize(mean, std),
    ])  # fmt: skip


def check(file: Path, options: list[str], network: nn.Module, prepared: Any, pictures: dict[str, list[Path]]) -> float:
    """Prints a line for the file. Returns the largest difference."""
    model = pictures["small"][0].parents[1] / "model.safetensors"
    took = seconds(lambda: run("adopt", str(file), *options, "--out", str(model)))
    off = {kind: difference(model, paths, network.eval(), prepared) for kind, paths in pictures.items()}
    shown = "  ".join(f"{kind} {value:.1e}" for kind, value in off.items())
    print(f"{file.name:28} adopted in {took:.1f} s  {shown}", flush=True)
    return max(off.values())


def difference(model: Path, paths: list[Path], network: nn.Module, prepared: Any) -> float:
    """The largest difference of any probability between the program's answers and the script's."""
    lines = run("predict", str(model), *map(str, paths), "--precision", "float32", "--top", "100000", "--json")
    items = [json.loads(line) for line in lines]
    classes = sorted(items[0]["labels"])
    found = torch.tensor(
        [[dict(zip(each["labels"], each["probabilities"], strict=True))[name] for name in classes] for each in items]
    )
    with torch.inference_mode():
        plain = torch.cat([network(prepared(Image.open(path).convert("RGB"))[None]).softmax(1) for path in paths])
    order = header(model)["classes"]
    return float((found - plain[:, [order.index(name) for name in classes]]).abs().max())


def header(model: Path) -> Any:
    data = model.read_bytes()
    return json.loads(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["resnet_gui"])


def run(*arguments: str) -> list[str]:
    done = subprocess.run([sys.executable, "-m", "resnet_gui", *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main())
