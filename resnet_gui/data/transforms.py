"""From a picture to the network's input: light augmentation for training, fixed preprocessing for all else."""

from __future__ import annotations

import functools
import math
import random
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy
import torch
from PIL import Image
from torch import Tensor

from resnet_gui.config import DataConfig
from resnet_gui.data.image import Decoded, decode
from resnet_gui.records import LATER, GreyRange, Weights
from resnet_gui.seeds import seed_for

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""

MIDDLE_SHARE = 0.875
"""How much of the shorter side evaluation sees where nothing else is known: the proportions of ImageNet, a crop of 224
from a short side of 256 (He et al. 2015, §3.4)."""

_LONGEST = 16
"""How many times as long as `resize` an enlarged picture may be; beyond that, enlarging it would take too much memory."""

_INTERPOLATIONS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The evaluation preprocessing: validation, test and prediction share it, and it travels in the model file.

    Its first half, `open`, is the same for every use of a picture, so that its result can be cached. The second half
    crops what the network sees. The short side is scaled to `resize` pixels, the central square of `image_size` pixels
    is cropped (the share image_size / resize of the short side is what evaluation sees), and channels are normalized by `mean` and `std`: three of each for colours, one for grey. Their defaults
    are those of ImageNet.
    """

    image_size: int
    resize: int
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    grey_range: GreyRange | None = field(default=None, metadata=LATER)
    """What is black and white where values have more than 8 bits. None: each picture's own, as `data.image` guesses it,
    in models that were made before there was a range, or of pictures that need none."""
    as_torchvision: bool = field(default=False, metadata=LATER)
    """Whether the pixels are to the bit those of torchvision's Resize, CenterCrop, ToTensor and Normalize, with which
    most weights of others were trained: large JPEGs are decoded whole, and small pictures are enlarged before the crop."""

    @classmethod
    def for_size(cls, image_size: int, middle_share: float = MIDDLE_SHARE) -> Preprocessing:
        """That of a network which knows no other, for pictures of `image_size` pixels."""
        return cls(image_size, image_size).with_middle_share(middle_share)

    @property
    def channels(self) -> int:
        """How many channels a picture has for the network: 3, or 1 for grey."""
        return len(self.mean)

    def at(self, image_size: int) -> Preprocessing:
        """The same for another size, in the same proportions."""
        return replace(self, image_size=image_size, resize=round(image_size * self.resize / self.image_size))

    @property
    def middle_share(self) -> float:
        """How much of a picture's short side evaluation sees: 1 is all of it."""
        return self.image_size / self.resize

    def with_middle_share(self, share: float) -> Preprocessing:
        """The same with another `middle_share`, above 0 and at most 1."""
        # Rounded twice: a share that was computed from `resize` leads back to it, whatever its last digit.
        return replace(self, resize=round(round(self.image_size / share, 6)))

    def with_channels(self, channels: int) -> Preprocessing:
        """The same for grey (1) or colours (3): grey takes the mean of the colours; colours take the value of grey."""
        if channels == self.channels:
            return self
        mean, std = sum(self.mean) / self.channels, sum(self.std) / self.channels
        return replace(self, mean=(mean,) * channels, std=(std,) * channels)

    def open(self, path: Path) -> Image.Image:
        """The first half: the picture in `path`, scaled down as far as possible. This is what the cache keeps.

        Raises `Problem` as `data.image.decode`. If a change of the code changes the result, raise `_OPEN_VERSION` in
        `data/cache/picture_cache.py`.
        """
        return self.scaled(self.decode(path).image)

    def decode(self, path: Path) -> Decoded:
        """The picture in `path`, as large as needed. Raises as `data.image.decode`.

        Large photographs are decoded at half their size or less, never below twice what is needed, so that the scaling
        that follows still decides how they look.
        """
        return decode(path, 0 if self.as_torchvision else 2 * self.resize, self.grey_range)

    def scaled(self, image: Image.Image) -> Image.Image:
        """All of a decoded picture, in grey where there is one channel, its short side scaled down to `resize` pixels.

        A smaller one stays as it is, since enlarging it would take memory and show nothing more, but `as_torchvision`.
        """
        if self.channels == 1:
            image = image.convert("L")
        short, long = sorted(image.size)
        if short <= self.resize and not (self.as_torchvision and long <= _LONGEST * short):
            return image
        long = int(self.resize * long / short)  # as torchvision's Resize has it
        size = (self.resize, long) if image.width < image.height else (long, self.resize)
        return image.resize(size, _INTERPOLATIONS[self.interpolation])

    def pixels(self, scaled: Image.Image) -> Tensor:
        """The second half: the middle of a scaled picture, as uint8 `[channels, image_size, image_size]`.

        Where the short side is `resize` this only crops. A smaller picture is cropped and enlarged in one step, so that
        a strip of 1 x 10,000 pixels is never blown up in between.
        """
        return _cut(scaled, self, self.middle(scaled), self.image_size)

    def middle(self, scaled: Image.Image) -> Box:
        """The box that evaluation sees of a scaled picture."""
        side = min(scaled.size) * self.image_size / self.resize
        left, top = (scaled.width - side) / 2, (scaled.height - side) / 2
        if side == self.image_size:
            left, top = round(left), round(top)
        return left, top, left + side, top + side

    def normalize(self, pixels: Tensor) -> Tensor:
        """uint8 `[N, channels, H, W]` as float32, minus `mean` and divided by `std` for each channel."""
        if self.as_torchvision:  # the same but for rounding
            mean, std = (_of_white(shares, pixels.device) for shares in (self.mean, self.std))
            return (pixels.float() / 255 - mean) / std
        return (pixels.float() - _levels(self.mean, pixels.device)) / _levels(self.std, pixels.device)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """A random crop and flip for training, in place of the central crop, drawn anew for every (seed, epoch, index)."""

    preprocessing: Preprocessing
    random_crop: bool
    flip: bool
    seed: int
    image_size: int
    """The side of what is shown, in pixels: that of the preprocessing, or smaller in the first epochs of a run."""
    scale: tuple[float, float] = (0.35, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    @classmethod
    def of(cls, config: DataConfig, preprocessing: Preprocessing, seed: int) -> Augmentation:
        """The augmentation that `config` describes."""
        return cls(preprocessing, config.random_crop, config.flip, seed, preprocessing.image_size)

    def pixels(self, scaled: Image.Image, epoch: int, index: int, view: int = 0) -> Tensor:
        """A view of a scaled picture (see `Preprocessing.scaled`), as uint8 `[channels, image_size, image_size]`."""
        box, mirrored = self.draw(scaled, epoch, index, view)
        pixels = _cut(scaled, self.preprocessing, box, self.image_size)
        return pixels.flip(2) if mirrored else pixels

    def draw(self, scaled: Image.Image, epoch: int, index: int, view: int = 0) -> tuple[Box, bool]:
        """The box to crop from a scaled picture, and whether to mirror it; the same for every device that crops."""
        draw = random.Random(seed_for(self.seed, "augment", epoch, index, *([view] if view else [])))
        box = self._crop(draw, *scaled.size) if self.random_crop else self.preprocessing.middle(scaled)
        return box, self.flip and draw.random() < 0.5

    def _crop(self, draw: random.Random, width: int, height: int) -> Box:
        """A box of random area and shape inside the picture (Szegedy et al. 2015, §6)."""
        area = width * height * draw.uniform(*self.scale)
        ratio = math.exp(draw.uniform(math.log(self.ratio[0]), math.log(self.ratio[1])))
        box_width = min(width, max(1.0, math.sqrt(area * ratio)))
        box_height = min(height, max(1.0, math.sqrt(area / ratio)))
        left, top = draw.random() * (width - box_width), draw.random() * (height - box_height)
        return left, top, left + box_width, top + box_height


@functools.cache
def _of_white(shares: tuple[float, ...], device: torch.device) -> Tensor:
    """Fractions of white, [1, channels, 1, 1]. Cached, since copying them to a device waits for it."""
    return torch.tensor(shares, device=device).view(1, -1, 1, 1)


@functools.cache
def _levels(shares: tuple[float, ...], device: torch.device) -> Tensor:
    """Fractions of white as levels of 255, [1, channels, 1, 1]."""
    return _of_white(shares, device) * 255


def _cut(scaled: Image.Image, preprocessing: Preprocessing, box: Box, side: int) -> Tensor:
    return whole(scaled.resize((side, side), _INTERPOLATIONS[preprocessing.interpolation], box=box))


def whole(picture: Image.Image) -> Tensor:
    """All of a picture, as uint8 `[channels, H, W]`."""
    pixels = numpy.array(picture, dtype=numpy.uint8).reshape(picture.height, picture.width, -1)
    return torch.from_numpy(pixels).permute(2, 0, 1)


def preprocessing_for(weights: Weights) -> Preprocessing:
    """The preprocessing with which the shared `weights` were trained."""
    return Preprocessing(weights.image_size, weights.resize, weights.interpolation, weights.mean, weights.std)
