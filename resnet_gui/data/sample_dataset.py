"""Draws a small dataset of textured shapes, so that everything can be tried without pictures of the user's own."""

from __future__ import annotations

import colorsys
import math
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event as Flag

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from resnet_gui.events import Event, Progress, SampleDrawn
from resnet_gui.messages import Problem, Value
from resnet_gui.output.advice import reason_and_advice
from resnet_gui.paths import cache_folder, resource

Pixels = npt.NDArray[np.float32]
"""Red, green and blue from 0 to 255: height × width × 3."""

_SHARP = 4  # outlines are drawn so many times larger, then made smaller, to be smooth


@dataclass(frozen=True, slots=True)
class Recipe:
    """`resources/sample.toml`, where each field is explained."""

    name: str
    seed: int
    classes: list[str]
    pictures_per_class: int
    side: int
    size: list[float]
    off_centre: float
    turn: float
    noise: list[float]
    settings: dict[str, Value]


def read_recipe() -> Recipe:
    """The recipe that comes with the program."""
    return Recipe(**tomllib.loads(resource("sample.toml").read_text("utf-8")))


def draw_sample(stop: Flag) -> Iterator[Event]:
    """Draws the sample dataset into the cache folder, once: `Progress` for each picture, then `SampleDrawn`.

    `stop` is checked before every picture; if it is set, nothing is left behind. Raises `Problem` if the folder
    cannot be written.
    """
    recipe = read_recipe()
    try:
        folder = cache_folder("sample") / recipe.name
        if not folder.is_dir():
            yield from _draw_all(recipe, folder, stop)
    except OSError as error:
        raise Problem("cannot_write", path=str(error.filename or "sample"), **reason_and_advice(error)) from error
    if folder.is_dir():
        yield SampleDrawn(str(folder), tuple(recipe.settings.items()))


def _draw_all(recipe: Recipe, folder: Path, stop: Flag) -> Iterator[Event]:
    """Draws beside `folder` and renames at the end, so that half a dataset never looks like a whole one."""
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
    steps = len(recipe.classes) * recipe.pictures_per_class
    try:
        for step in range(steps):
            if stop.is_set():
                return
            index, shape = divmod(step, len(recipe.classes))
            name = recipe.classes[shape]
            (part / name).mkdir(exist_ok=True)
            _save(draw(recipe, name, index), part / name / f"{index:03}", index)
            yield Progress("sample", step + 1, steps)
        part.chmod(0o755)
        part.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process has drawn it meanwhile
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _save(picture: Image.Image, stem: Path, index: int) -> None:
    """JPEG and PNG in turn, as a real folder has both."""
    if index % 2:
        picture.save(stem.with_suffix(".png"))
    else:
        picture.save(stem.with_suffix(".jpg"), quality=92)


def draw(recipe: Recipe, name: str, index: int) -> Image.Image:
    """Picture `index` of class `name`, RGB, `recipe.side` pixels square: a function of the recipe alone.

    Colours, textures, light, position and area are drawn alike for every class, so that only the outline differs.
    """
    chance = Random(f"{recipe.seed}/{name}/{index}")
    ground, figure = _colours(chance)
    behind = _textured(chance, recipe.side, ground)
    front = _textured(chance, recipe.side, figure)
    mask = _outline(chance, recipe, name)
    dark = _share(_shadow(mask)) * np.float32(0.45)
    pixels = behind * (1 - dark) * (1 - _share(mask)) + front * _share(mask)
    noise = np.random.Generator(np.random.PCG64(chance.getrandbits(64))).standard_normal(pixels.shape, np.float32)
    return Image.fromarray(np.uint8(np.clip(pixels + chance.uniform(*recipe.noise) * noise, 0, 255)))


def _shadow(mask: Image.Image) -> Image.Image:
    """The shape's shadow, soft and a little to the lower right."""
    shadow = Image.new("L", mask.size)
    shadow.paste(mask, (mask.width // 32, mask.width // 32))
    return shadow.filter(ImageFilter.GaussianBlur(mask.width / 24))


def _share(mask: Image.Image) -> Pixels:
    """`mask` from 0 to 1: height × width × 1."""
    return np.asarray(mask, np.float32)[..., None] / np.float32(255)


def _colours(chance: Random) -> tuple[Pixels, Pixels]:
    """Two colours each for ground and figure: of any hue, a pale ground, a vivid figure of another hue."""
    hue = chance.random()
    other = hue + chance.uniform(0.25, 0.75)
    return _pair(hue, 0.28, chance.uniform(0.92, 1.0)), _pair(other, 0.76, chance.uniform(0.50, 0.72))


def _pair(hue: float, saturation: float, value: float) -> Pixels:
    """A colour and a slightly darker neighbour of it: 2 × 3."""
    colours = [
        colorsys.hsv_to_rgb(turned % 1, saturation, value * fade) for turned, fade in ((hue, 1), (hue + 0.06, 0.86))
    ]
    return np.array(colours, np.float32) * np.float32(255)


def _textured(chance: Random, side: int, colours: Pixels) -> Pixels:
    """A square filled from the one colour to the other: softly, in stripes, dots, waves or checks."""
    angle, period = chance.uniform(0, math.tau), chance.uniform(0.06, 0.16)
    down, across = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    along = across * math.cos(angle) + down * math.sin(angle)
    beside = down * math.cos(angle) - across * math.sin(angle)
    turn, turn_beside = np.sin(along * math.tau / period), np.sin(beside * math.tau / period)
    pattern = {
        "soft": 0 * turn,
        "stripes": turn,
        "waves": np.sin((along + 0.025 * np.sin(beside * math.tau / 0.35)) * math.tau / period),
        "checks": turn * turn_beside * 3,
        "dots": (turn + turn_beside - 1.0) * 2,
    }[chance.choice(["soft", "stripes", "waves", "checks", "dots"])]
    share = np.clip(0.5 + 0.7 * along + 0.22 * np.clip(pattern * 2, -1, 1), 0, 1)[..., None]
    return np.asarray(colours[0] * (1 - share) + colours[1] * share, np.float32)


def _outline(chance: Random, recipe: Recipe, name: str) -> Image.Image:
    """The shape as a mask: 0 where the ground is, 255 where the figure is."""
    wide = recipe.side * _SHARP
    radius = wide * chance.uniform(*recipe.size)
    x, y = (wide * (0.5 + chance.uniform(-recipe.off_centre, recipe.off_centre)) for _ in range(2))
    turned = chance.uniform(-recipe.turn, recipe.turn) - math.pi / 2
    mask = Image.new("L", (wide, wide))
    pen = ImageDraw.Draw(mask)
    if name == "circle":
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    else:
        pen.polygon(
            [(x + radius * r * math.cos(turned + a), y + radius * r * math.sin(turned + a)) for r, a in _corners(name)],
            fill=255,
        )
    return mask.resize((recipe.side, recipe.side), Image.Resampling.BOX)


def _corners(name: str) -> list[tuple[float, float]]:
    """The corners of an upright shape about its middle: distance and angle in radians. Its area is that of a circle of radius 1."""
    radii = {"triangle": [1.0] * 3, "square": [1.0] * 4, "star": [1.0, 0.45] * 5}[name]
    step = math.tau / len(radii)
    area = len(radii) / 2 * radii[0] * radii[1] * math.sin(step)
    return [(radius * math.sqrt(math.pi / area), step * corner) for corner, radius in enumerate(radii)]
