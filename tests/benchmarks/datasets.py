"""The pictures of the benchmarks: real ones beside the checkout if there are any, else the sample dataset."""

from __future__ import annotations

import gzip
import itertools
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from resnet_gui.data.sample_dataset import draw_sample
from resnet_gui.events import SampleDrawn

SHARED = Path(__file__).resolve().parents[3] / "shared"
SQUEEZENET = SHARED / "weights" / "squeezenet1_1-imagenet.pth"
"""Trained weights of SqueezeNet 1.1; the file may be missing."""

PHOTOGRAPH = (512, 384)
"""Pixels, width and height."""


def flowers() -> Path:
    """A folder of class folders: photographs of five flowers, else the sample."""
    flowers = SHARED / "data" / "flowers"
    return flowers if flowers.is_dir() else sample()


def sample() -> Path:
    """The sample dataset, drawn into the cache folder at the first call."""
    return next(Path(event.folder) for event in draw_sample(threading.Event()) if isinstance(event, SampleDrawn))


def photographs(folder: Path, train: int, val: int) -> Path:
    """Writes photographs of `PHOTOGRAPH` pixels to `folder`/train and `folder`/val, the classes in turn. Returns `folder`."""
    pictures = _mirrored_in_turn(flowers())
    for split, count in (("train", train), ("val", val)):
        for number, (name, picture) in enumerate(itertools.islice(pictures, count)):
            (folder / split / name).mkdir(parents=True, exist_ok=True)
            picture.save(folder / split / name / f"{number:05}.jpg", quality=90)
    return folder


def _mirrored_in_turn(folder: Path) -> Iterator[tuple[str, Image.Image]]:
    """Yields each class's next picture, for ever. When all are used they are mirrored, so that files differ."""
    for mirrored in itertools.cycle((False, True)):
        classes = [sorted(path.iterdir()) for path in sorted(folder.iterdir())]
        for path in itertools.chain.from_iterable(zip(*classes, strict=False)):
            picture = ImageOps.fit(Image.open(path).convert("RGB"), PHOTOGRAPH)
            yield path.parent.name, ImageOps.mirror(picture) if mirrored else picture


def train_and_val(source: Path, folder: Path) -> Path:
    """Copies the class folders of `source`: every fifth picture into `folder`/val, the others into `folder`/train."""
    for classes in source.iterdir():
        for number, path in enumerate(sorted(classes.iterdir())):
            target = folder / ("train" if number % 5 else "val") / classes.name
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return folder


def fashion_mnist(folder: Path, count: int) -> Path:
    """The first `count` training pictures of Fashion-MNIST as PNG files in class folders in `folder`; else the sample."""
    source = SHARED / "data" / "fashion-mnist"
    if not source.is_dir():
        return sample()
    pixels = np.frombuffer(gzip.decompress((source / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((source / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    for number, label in enumerate(labels[:count]):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.reshape(-1, 28, 28)[number]).save(folder / str(label) / f"{number:05}.png")
    return folder
