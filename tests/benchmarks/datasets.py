"""Where the benchmarks' pictures come from: real ones that lie beside the checkout, else the sample that the program draws."""

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
"""Trained weights of SqueezeNet 1.1, if they are there."""

PHOTOGRAPH = (512, 384)
"""Pixels, width and height."""


def flowers() -> Path:
    """A folder of class folders: photographs of five flowers, else the sample."""
    flowers = SHARED / "data" / "flowers"
    return flowers if flowers.is_dir() else sample()


def sample() -> Path:
    """The sample dataset, drawn into the cache folder when it is first wanted."""
    return next(Path(event.folder) for event in draw_sample(threading.Event()) if isinstance(event, SampleDrawn))


def photographs(folder: Path, train: int, val: int) -> Path:
    """So many photographs of `PHOTOGRAPH` pixels in `folder`/train and `folder`/val, the classes in turn. Returns `folder`."""
    pictures = _mirrored_in_turn(flowers())
    for split, count in (("train", train), ("val", val)):
        for number, (name, picture) in enumerate(itertools.islice(pictures, count)):
            (folder / split / name).mkdir(parents=True, exist_ok=True)
            picture.save(folder / split / name / f"{number:05}.jpg", quality=90)
    return folder


def _mirrored_in_turn(folder: Path) -> Iterator[tuple[str, Image.Image]]:
    """Each class's next picture, for ever: when all have had their turn they come mirrored, so that files differ."""
    for mirrored in itertools.cycle((False, True)):
        classes = [sorted(path.iterdir()) for path in sorted(folder.iterdir())]
        for path in itertools.chain.from_iterable(zip(*classes, strict=False)):
            picture = ImageOps.fit(Image.open(path).convert("RGB"), PHOTOGRAPH)
            yield path.parent.name, ImageOps.mirror(picture) if mirrored else picture


def train_and_val(source: Path, folder: Path) -> Path:
    """Copies the class folders of `source`: every fifth picture into `folder`/val, the others into `folder`/train."""
    for classes in source.iterdir():
        for number, path in enumerate(sorted(classes.iterdir())):
            place = folder / ("train" if number % 5 else "val") / classes.name
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
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
