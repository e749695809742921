"""A dataset so small that a run on it takes a second or two, and whose labels can be read off its pictures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"blue": (40, 60, 220), "green": (40, 200, 60), "red": (220, 50, 40), "yellow": (220, 210, 40)}
"""The classes, by name, and the mean colour of their pictures."""

SETTINGS: dict[str, object] = {
    "network": "resnet20", "data.image_size": 32, "training.epochs": 3, "training.batch_size": 4,
    "training.learning_rate": 0.01, "machine.precision": "float32", "machine.memory_format": "channels_last",
}  # fmt: skip
"""For `make_config`, beside `dataset` and `out`. What a trial could decide otherwise another time is set, so that runs can
be compared to the bit."""

_TIME = 1_700_000_000  # in seconds since 1970


def draw(root: Path, per_class: int = 8) -> Path:
    """Draws `per_class` pictures of each class in the new folder `root`, the same every time, and returns it.

    Each is noise around its class's colour, so that another crop or flip of it gives other weights. As in a set that
    came in an archive, all have one size in bytes and one time of change: only their content tells them apart.
    """
    chance = np.random.default_rng(1)
    for name, colour in COLOURS.items():
        (root / name).mkdir(parents=True)
        for index in range(per_class):
            picture(root / name / f"{index}.bmp", colour, chance)
    return root


def picture(path: Path, colour: tuple[int, int, int], chance: np.random.Generator, side: int = 40) -> None:
    """Draws one picture of `side` x `side` pixels."""
    coarse = chance.integers(-35, 36, (8, 8, 3)) + np.array(colour)
    noise = Image.fromarray(coarse.clip(0, 255).astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    noise.save(path)
    os.utime(path, (_TIME, _TIME))
