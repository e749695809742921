"""What a user would write after PyTorch's transfer-learning tutorial; `training.py` runs it beside the program.

`python tests/benchmarks/tutorial_script.py FOLDER`, with `train` and `val` in it. The flags are those that make it faster.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--network", default="resnet18")
parser.add_argument("--size", type=int, default=224)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--workers", type=int, default=2)
parser.add_argument("--amp", action="store_true")
parser.add_argument("--channels-last", action="store_true")
parser.add_argument("--head-only", action="store_true")
parser.add_argument("--weights", type=Path)


def with_new_head(options: argparse.Namespace, classes: int) -> tuple[nn.Module, nn.Module]:
    """The network, from its weights if they are given, and its new last layer."""
    network = models.get_model(options.network)
    if options.weights:
        network.load_state_dict(torch.load(options.weights, weights_only=True))
    network.requires_grad_(not options.head_only)
    if options.network.startswith("squeezenet"):
        head = network.classifier[1] = nn.Conv2d(512, classes, kernel_size=1)
    else:
        head = network.fc = nn.Linear(network.fc.in_features, classes)
    return network, head


def main() -> None:
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    normalize = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    views = {
        "train": [transforms.RandomResizedCrop(options.size), transforms.RandomHorizontalFlip()],
        "val": [transforms.Resize(options.size * 256 // 224), transforms.CenterCrop(options.size)],
    }
    pictures = {
        phase: datasets.ImageFolder(
            options.folder / phase, transforms.Compose([*view, transforms.ToTensor(), normalize])
        )
        for phase, view in views.items()
    }
    loaders = {
        phase: DataLoader(dataset, options.batch, shuffle=True, num_workers=options.workers)
        for phase, dataset in pictures.items()
    }
    network, head = with_new_head(options, len(pictures["train"].classes))
    network = network.to(device, memory_format=layout)
    criterion = nn.CrossEntropyLoss()
    learning = head if options.head_only else network
    optimizer = torch.optim.SGD(learning.parameters(), lr=0.001, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
    best, began = 0.0, time.perf_counter()
    for _ in range(options.epochs):
        for phase, loader in loaders.items():
            network.train(phase == "train")
            right = 0
            for images, labels in loader:
                images, labels = images.to(device, memory_format=layout), labels.to(device)
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    with torch.autocast(device, torch.bfloat16, enabled=options.amp):
                        outputs = network(images)
                        loss = criterion(outputs, labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                right += (outputs.argmax(1) == labels).sum().item()
            accuracy = right / len(pictures[phase])
            print(f"{phase} {accuracy} after {time.perf_counter() - began} s", flush=True)
        scheduler.step()
        if accuracy >= best:
            best = accuracy
            with tempfile.TemporaryFile() as file:
                torch.save(network.state_dict(), file)


if __name__ == "__main__":
    main()
