"""The one way to open a picture: safe, whole, upright, RGB. Needs no torch, may be called from any thread."""

from __future__ import annotations

import os
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from resnet_gui.data.bit_depth import DeepPicture, is_deep
from resnet_gui.messages import Problem, reason
from resnet_gui.records import GreyRange

BACKGROUND = (255, 255, 255)
"""What lies behind transparent pixels: white, as paper and most web pages."""

MAX_BYTES = 256 * 2**20
MAX_PIXELS = 178_000_000
"""Width times height. Just below what Pillow itself calls a bomb; 534 MB as RGB."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_ORIENTATION = 0x0112  # the EXIF tag
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_SIDEWAYS = {_UPRIGHT[orientation] for orientation in (5, 6, 7, 8)}

# Pillow warns of harmless oddities (a corrupt EXIF block, a large picture), which would reach the user's terminal, or
# end the decoding where warnings are errors. `catch_warnings` is not thread-safe, so they are ignored for good.
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture, upright, in mode RGB, without metadata; `width` and `height` are the file's own, turned likewise.

    `clipped` is the number of its values that lay beyond the range of grey.
    """

    image: Image.Image
    width: int
    height: int
    clipped: int = 0


@dataclass(frozen=True, slots=True)
class Header:
    """What the file of a picture says before it is decoded: width and height as stored, not turned upright.

    `deep`: it has more than 8 bits a value. `animated`: it has several frames or pages, of which the first is read.
    """

    width: int
    height: int
    deep: bool = False
    animated: bool = False


def open_image(path: Path) -> Image.Image:
    """The picture in `path`, decoded whole. Raises as `decode`."""
    return decode(path).image


def decode(path: Path, short_side: int = 0, grey_range: GreyRange | None = None) -> Decoded:
    """The picture in `path`: its first frame.

    Where `short_side` is given, a JPEG is decoded at a half, a quarter or an eighth of its size, which is much quicker,
    as long as that leaves its shorter side so many pixels. Transparency is laid over `BACKGROUND`. Values of more than
    8 bits are shown in `grey_range`; without one, each picture's grey has its own range (see `_eight_bit`).
    Raises `Problem` (a code that begins with `image_`) if it cannot be read; nothing else, and no warning, comes out.
    """
    size = stat_image(path).st_size
    try:
        with path.open("rb") as file:
            if size < 1024 and file.read(len(_LFS_POINTER)) == _LFS_POINTER:
                raise Problem("image_lfs_pointer", path=str(path))
            with Image.open(file, formats=FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                if short_side:
                    image.draft(None, (short_side, short_side))  # does nothing in other formats
                shown, clipped = _loaded(image, path, grey_range)
                turn = _turn(image)
                upright = shown if turn is None else shown.transpose(turn)
                if turn in _SIDEWAYS:
                    width, height = height, width
                return Decoded(_plain(_rgb(upright)), width, height, clipped)
    except Problem:
        raise
    except UnidentifiedImageError as error:
        raise Problem("image_format", path=str(path)) from error
    except Image.DecompressionBombError as error:
        raise Problem("image_too_many_pixels", path=str(path), limit=MAX_PIXELS // 1_000_000) from error
    except Exception as error:  # whatever a decoder throws at a damaged file: OSError, SyntaxError, struct.error, …
        if isinstance(error, OSError) and error.errno:
            raise Problem("image_unreadable", path=str(path), reason=reason(error)) from error
        why = str(error) or "its data cannot be decoded"
        raise Problem("image_broken", path=str(path), reason=why) from error


def read_header(path: Path) -> Header:
    """What the file `path` says of its picture, which is not decoded. Raises `Problem` if it is none."""
    stat_image(path)
    try:
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            animated = image.format not in ("JPEG", "MPO") and getattr(image, "is_animated", False)
            return Header(image.width, image.height, is_deep(image), animated)
    except Exception as error:  # as in `decode`
        raise Problem("image_format", path=str(path)) from error


def read_deep(path: Path) -> DeepPicture | None:
    """The values of the picture in `path` as its file has them; None if they have 8 bits or fewer.

    Raises `Problem` as `decode`.
    """
    stat_image(path)
    try:
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS or not is_deep(image):
                return None
            return DeepPicture.load(image, path)
    except Exception as error:  # as in `decode`
        raise Problem("image_broken", path=str(path), reason=str(error)) from error


def stat_image(path: Path) -> os.stat_result:
    """The status of an ordinary file of a sensible size. Raises `Problem` for anything else, without opening it.

    (To open a FIFO would wait for a writer, perhaps for ever.)
    """
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise Problem("image_missing", path=str(path)) from error
    except OSError as error:
        raise Problem("image_unreadable", path=str(path), reason=reason(error)) from error
    if not stat.S_ISREG(status.st_mode):
        raise Problem("image_not_regular", path=str(path))
    if status.st_size == 0:
        raise Problem("image_empty", path=str(path))
    if status.st_size > MAX_BYTES:
        raise Problem("image_too_large", path=str(path), limit=MAX_BYTES // 2**20)
    return status


def _loaded(image: ImageFile, path: Path, grey_range: GreyRange | None) -> tuple[Image.Image, int]:
    """`image` with 8 bits a value if there is a range for that, and how many values it clipped."""
    if grey_range and is_deep(image):
        return DeepPicture.load(image, path).within(grey_range)
    image.load()
    return image, 0


def _turn(image: Image.Image) -> Image.Transpose | None:
    """How `image` must be turned to be upright by its EXIF block; None if it is upright, or if that block is broken."""
    try:
        return _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a parser meets damage in many ways, and none is worth the picture
        return None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _eight_bit(image)
    if image.mode == "LAB":
        lab_to_srgb = ImageCms.buildTransform(
            ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
        )
        return ImageCms.applyTransform(image, lab_to_srgb) or image
    if image.has_transparency_data:
        image = image.convert("RGBA")
        flat = Image.new("RGB", image.size, BACKGROUND)
        flat.paste(image, mask=image.getchannel("A"))
        return flat
    return image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits or of fractions, as 8 bits, so that equal values look equal in every picture of a dataset.

    The full range is 0 to 65535 for whole numbers, and 0 to 1, 255 or 65535 for fractions: the first that holds all of
    the values. A picture that fits in none is stretched from its own lowest value to its highest.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    ceilings = (1.0, 255.0, 65535.0) if image.mode == "F" else (65535.0,)
    floor, ceiling = next(((0.0, top) for top in ceilings if low >= 0.0 and high <= top), (low, high))
    scaled = (values - floor) * (255.0 / max(ceiling - floor, 1e-12))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _plain(image: Image.Image) -> Image.Image:
    """`image` without metadata: else a copy saved from it could be turned twice, or keep a colour profile."""
    image.info = {}
    return image
