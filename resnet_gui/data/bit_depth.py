"""Pictures with more than 8 bits a value: which these are, the range of their values, and how that becomes 8 bits.

Pillow keeps such values as the file has them, but for colours and for grey with transparency, of which it keeps the
upper 8 bits, and for PGM, whose values it scales up. Needs no torch, may be called from any thread.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from resnet_gui.records import GreyRange

_LADDER = (255, 1023, 4095, 16383, 65535)
"""The highest values of 8, 10, 12, 14 and 16 bits."""
_SAMPLE_BITS, _PHOTOMETRIC = 258, 262  # TIFF tags
_WHITE_IS_ZERO = 0
_SWAPPED = {
    "RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B", "RGBA;16B": "RGBA;16L", "RGBA;16L": "RGBA;16B",
    "RGB;16N": "RGB;16B" if sys.byteorder == "little" else "RGB;16L",
    "RGBA;16N": "RGBA;16B" if sys.byteorder == "little" else "RGBA;16L",
}  # fmt: skip
"""Pillow takes the first or the second byte of each value, by the order that it believes the file to have."""


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether the file of `image`, opened and not loaded yet, has more than 8 bits a value that can be read."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16") or _raw_mode(image) in ("LA;16B", *_SWAPPED)


@dataclass(frozen=True, slots=True)
class DeepPicture:
    """All values of a picture, uint16, uint32, int32 or float32 [H, W], or uint16 [H, W, 3]; `alpha` 0 to 255 [H, W] if it has any."""

    values: NDArray[Any]
    alpha: NDArray[np.uint8] | None = None
    white_is_zero: bool = False
    stated: int = 0
    """The highest value that there can be, as the file states; 0 if it states none."""

    @classmethod
    def load(cls, image: ImageFile.ImageFile, path: Path) -> DeepPicture:
        """Loads `image`, which is deep and was opened from `path`. Raises what Pillow raises."""
        raw, highest, key = _raw_mode(image), _highest(image), image.info.get("transparency")
        if raw in _SWAPPED:
            return cls._colour(image, path, _SWAPPED[raw], highest)
        if raw == "LA;16B":
            _decode_as(image, "I", "I;32BS")
            both = np.asarray(image).view(np.uint32)
            return cls((both >> 16).astype(np.uint16), (both >> 8).astype(np.uint8), stated=highest)
        image.load()
        values = np.asarray(image)
        values = values.astype(values.dtype.newbyteorder("="), copy=False)
        if raw == "I;32N":  # of TIFF, without a sign
            values = values.view(np.uint32)
        if image.format == "PPM" and image.mode == "I":
            values = np.rint(values * ((highest or 65535) / 65535)).astype(np.int32)
        white_is_zero = image.format == "TIFF" and _tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO
        alpha = np.where(values == key, 0, 255).astype(np.uint8) if isinstance(key, int) else None
        return cls(values, alpha, white_is_zero, highest)

    @classmethod
    def _colour(cls, image: ImageFile.ImageFile, path: Path, swapped: str, highest: int) -> DeepPicture:
        """Colours of 16 bits: Pillow gives one byte of each value at a time, so the file is read twice."""
        with path.open("rb") as file, Image.open(file, formats=(image.format or "",)) as other:
            image.load()
            _decode_as(other, other.mode, swapped)
            upper, lower = np.asarray(image).astype(np.uint16), np.asarray(other)
        values = upper[..., :3] << 8 | lower[..., :3]
        return cls(values, upper[..., 3].astype(np.uint8) if upper.shape[2] == 4 else None, stated=highest)

    def within(self, span: GreyRange) -> tuple[Image.Image, int]:
        """The picture with 8 bits a value, and how many finite values lay beyond `span` and were clipped."""
        if span.stretch:
            span = GreyRange(*_extremes(self.values))
        levels, clipped = _eight_bits(self.values, span.low, span.high)
        shown = Image.fromarray(255 - levels if self.white_is_zero else levels)
        if self.alpha is not None:
            shown.putalpha(Image.fromarray(self.alpha))
        return shown, clipped


def _eight_bits(values: NDArray[Any], low: float, high: float) -> tuple[NDArray[np.uint8], int]:
    if values.dtype == np.uint16:
        clipped = int(np.count_nonzero((values < low) | (values > high)))
        return _table(low, high)[values], clipped
    finite = np.isfinite(values) if values.dtype.kind == "f" else True
    clipped = int(np.count_nonzero(((values < low) | (values > high)) & finite))
    return _levels(np.nan_to_num(values, posinf=high, neginf=low), low, high), clipped


@functools.lru_cache(maxsize=4)
def _table(low: float, high: float) -> NDArray[np.uint8]:
    """The level of each value of 16 bits."""
    return _levels(np.arange(65536), low, high)


def _levels(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    exact = values.astype(np.float32 if values.dtype == np.float32 else np.float64)
    scaled = (exact.clip(low, high) - low) * (255.0 / max(high - low, 1e-12))
    return np.rint(scaled).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Extent:
    """The lowest and highest finite value of a deep picture, whether all are whole numbers, and what its file states."""

    low: float
    high: float
    whole: bool
    stated: int = 0

    @classmethod
    def of(cls, picture: DeepPicture) -> Extent:
        """That of `picture`."""
        return cls(*_extremes(picture.values), picture.values.dtype.kind != "f", picture.stated)


def common_range(extents: Iterable[Extent]) -> GreyRange | None:
    """The range that holds the values of all pictures of a dataset; None if there are none.

    It is what the files state, if it holds their values; of others with whole numbers it is the smallest of 8 to 16
    bits that does. Negative values, very large ones, and fractions are as low and as high as the set has them.
    """
    stated: list[Extent] = []
    whole: list[Extent] = []
    fractions: list[Extent] = []
    for extent in extents:
        is_stated = extent.stated and extent.low >= 0 and extent.high <= extent.stated
        (stated if is_stated else whole if extent.whole else fractions).append(extent)
    spans = [(0.0, float(extent.stated)) for extent in stated]
    spans += [(extent.low, extent.high) for extent in fractions]
    if whole:
        low, high = min(extent.low for extent in whole), max(extent.high for extent in whole)
        enough = next((float(top) for top in _LADDER if low >= 0 and high <= top), None)
        spans.append((low, high) if enough is None else (0.0, enough))
    if not spans:
        return None
    return GreyRange(min(low for low, _ in spans), max(high for _, high in spans))


def _extremes(values: NDArray[Any]) -> tuple[float, float]:
    """The lowest and the highest finite value; 0 and 0 if there is none."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _highest(image: ImageFile.ImageFile) -> int:
    """The highest value that the file says there can be; 0 if that is no less than its 16 or 32 bits can hold anyway."""
    if image.format == "PPM" and image.mode == "I":
        arguments = image.tile[0].args
        return int(arguments[1]) if isinstance(arguments, tuple) else 0
    bits = _significant_bits(image) if image.format == "PNG" else 0
    if image.format == "TIFF":
        sizes = _tag(image, _SAMPLE_BITS)
        bits = sizes[0] if isinstance(sizes, tuple) else 0
    return 2**bits - 1 if 8 < bits < 16 else 0


def _tag(image: ImageFile.ImageFile, tag: int) -> Any:
    return getattr(image, "tag_v2", {}).get(tag)


def _significant_bits(image: ImageFile.ImageFile) -> int:
    """What a PNG's chunk sBIT says, which Pillow passes over; 0 if there is none."""
    file = image.fp
    here = file.tell() if file else 0
    if file is None:
        return 0
    try:
        file.seek(8)
        while len(head := file.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
            if head[4:] == b"sBIT":
                return int.from_bytes(file.read(1), "big")
            file.seek(int.from_bytes(head[:4], "big") + 4, 1)
        return 0
    finally:
        file.seek(here)


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """How the file's values lie in it, in Pillow's words."""
    arguments: Any = image.tile[0].args if image.tile else ""
    raw = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return str(raw)


def _decode_as(image: ImageFile.ImageFile, mode: str, raw: str) -> None:
    """Loads `image` as if its file had said that its values lie in it like `raw`."""
    image._mode = mode
    image.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw) for tile in image.tile
    ]
    image.load()
