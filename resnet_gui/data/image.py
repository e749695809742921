"""The one way to open a picture: safe, whole, upright, RGB. Needs no torch, may be called from any thread."""

from __future__ import annotations

import importlib
import math
import os
import re
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageCms, JpegImagePlugin, UnidentifiedImageError, features
from PIL.ImageFile import ImageFile

from resnet_gui.data.bit_depth import DeepPicture, is_deep
from resnet_gui.data.picture_kinds import FIRST_BYTES, install_command, kind_of, kinds_read
from resnet_gui.data.quiet_libraries import silence
from resnet_gui.messages import Problem, reason
from resnet_gui.records import GreyRange

BACKGROUND = (255, 255, 255)
"""What lies behind transparent pixels: white, as paper and most web pages."""

MAX_BYTES = 256 * 2**20
MAX_PIXELS = 178_000_000
"""Width times height of what is decoded. Just below what Pillow itself calls a bomb; 712 MB in its memory."""
MAX_JPEG_PIXELS = 400_000_000
"""Width times height of a JPEG's file, which is decoded at half its size or less where `MAX_PIXELS` demands it."""
MAX_PROGRESSIVE_PIXELS = 200_000_000
"""The same where a JPEG comes in several scans: all its coefficients lie in memory, 2 bytes each, whatever is decoded."""

FORMATS = (
    "JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", *(["AVIF"] if "AVIF" in kinds_read() else []),
    *(["JPEG2000"] if features.check("jpg_2000") else []),
)  # fmt: skip
"""Pillow's names of the kinds of picture that are opened, besides "HEIF" (see `_can_read_heic`)."""

_JPEG = b"\xff\xd8\xff"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_ORIENTATION = 0x0112  # the EXIF tag
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_SIDEWAYS = {_UPRIGHT[orientation] for orientation in (5, 6, 7, 8)}

silence()
if "AVIF" in FORMATS:
    avif: Any = importlib.import_module("PIL.AvifImagePlugin")  # older versions of Pillow have none
    avif.DEFAULT_MAX_THREADS = 1  # the caller decides how many threads open pictures

# Pillow warns of harmless oddities (a corrupt EXIF block, a large picture), which would reach the user's terminal, or
# end the decoding where warnings are errors. `catch_warnings` is not thread-safe, so they are ignored for good.
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture, upright, in mode RGB, without metadata; `width` and `height` are the file's own, turned likewise.

    `first_of_many`: the file has more frames or pages, which are left out.
    `clipped` is the number of its values that lay beyond the range of grey.
    """

    image: Image.Image
    width: int
    height: int
    first_of_many: bool = False
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
    as long as that leaves its shorter side so many pixels; and always where it has more than `MAX_PIXELS`. Transparency
    is laid over `BACKGROUND`. Values of more than 8 bits are shown in `grey_range`; without one, each picture's grey has
    its own range (see `_eight_bit`).
    Raises `Problem` (a code that begins with `image_`) if it cannot be read; nothing else, and no warning, comes out.
    """
    size = stat_image(path).st_size
    start = b""
    try:
        with path.open("rb") as file:
            start = file.read(FIRST_BYTES)
            formats = _formats(start, size, path)
            with _opened(file, formats) as image:
                width, height = image.size
                _refuse_too_many_pixels(image, file, path)
                _draft(image, short_side)
                shown, clipped = _loaded(image, path, grey_range)
                turn = _turn(image)
                upright = shown if turn is None else shown.transpose(turn)
                if turn in _SIDEWAYS:
                    width, height = height, width
                picture = _plain(_rgb(upright))
                return Decoded(picture, width, height, _has_more_frames(image, path), clipped)
    except Problem:
        raise
    except UnidentifiedImageError as error:
        raise _unidentified(start, path) from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(path, _pixels_in(error), MAX_PIXELS) from error
    except Exception as error:  # whatever a decoder throws at a damaged file: OSError, SyntaxError, struct.error, …
        if isinstance(error, OSError) and error.errno:
            raise Problem("image_unreadable", path=str(path), reason=reason(error)) from error
        why = str(error) or "its data cannot be decoded"
        raise Problem("image_broken", path=str(path), reason=why) from error


def _formats(start: bytes, size: int, path: Path) -> tuple[str, ...]:
    """What a file of `size` bytes that begins with `start` may be. Raises `Problem` where that cannot be read."""
    if size < 1024 and start.startswith(_LFS_POINTER):
        raise Problem("image_lfs_pointer", path=str(path))
    if kind_of(start) != "HEIC":
        return FORMATS
    if not _can_read_heic():
        raise Problem("image_heic", path=str(path), command=install_command())
    return (*FORMATS, "HEIF")


def _unidentified(start: bytes, path: Path) -> Problem:
    """Why Pillow does not know a file that begins with `start`: damage to AVIF, HEIC and JPEG 2000 comes out so, too."""
    read = kinds_read()
    if kind_of(start) in {"AVIF", "HEIC", "JPEG 2000"}.intersection(read):
        return Problem("image_broken", path=str(path), reason="its header cannot be decoded")
    return Problem("image_format", path=str(path), formats=", ".join(read))


def _can_read_heic() -> bool:
    """Whether pillow-heif is there, which also teaches Pillow to use it. It may be installed while the program runs."""
    try:
        import pillow_heif
    except ImportError:
        return False
    if "HEIF" not in Image.OPEN:
        pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    return True


def _opened(file: BinaryIO, formats: tuple[str, ...]) -> ImageFile:
    """The picture in `file`, of which only the header has been read.

    Pillow refuses 179 million pixels and more before any plugin's caller can ask for fewer. It is right for all formats
    but JPEG, which is opened past that check.
    """
    file.seek(0)
    try:
        return Image.open(file, formats=formats)
    except Image.DecompressionBombError:
        file.seek(0)
        if file.read(3) != _JPEG:
            raise
        file.seek(0)
        return JpegImagePlugin.jpeg_factory(file)


def _refuse_too_many_pixels(image: Image.Image, file: BinaryIO, path: Path) -> None:
    """Raises `Problem` if `image`, of which only the header in `file` has been read, has more than its format may."""
    pixels, limit = image.width * image.height, MAX_PIXELS
    if pixels > MAX_PIXELS and isinstance(image, JpegImagePlugin.JpegImageFile):
        limit = MAX_PROGRESSIVE_PIXELS if _has_several_scans(file) else MAX_JPEG_PIXELS
    if pixels > limit:
        raise _too_many_pixels(path, pixels, limit)


def _has_several_scans(file: BinaryIO) -> bool:
    """Whether the JPEG in `file` is progressive or has a scan for each colour."""
    file.seek(0)
    header = JpegImagePlugin.JpegImageFile(file)  # leaves `file` at the end of the header of the first scan
    if "progressive" in header.info:
        return True
    colours = len(header.layer)
    scan_of_all = b"\xff\xda" + bytes([0, 6 + 2 * colours, colours])
    file.seek(-(2 + 6 + 2 * colours), os.SEEK_CUR)
    return file.read(len(scan_of_all)) != scan_of_all


def _draft(image: Image.Image, short_side: int) -> None:
    """Has a JPEG decoded at less than its size, as `decode` describes. Other formats are decoded whole."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return
    side = short_side or min(image.size)
    if image.width * image.height > MAX_PIXELS:
        side = min(side, min(image.size) // 2)
    if side < min(image.size):
        image.draft(None, (side, side))


def _too_many_pixels(path: Path, pixels: int, limit: int) -> Problem:
    millions = math.ceil(pixels / 1_000_000)
    return Problem("image_too_many_pixels", path=str(path), pixels=millions, limit=limit // 1_000_000)


def _pixels_in(error: Image.DecompressionBombError) -> int:
    """The number of pixels that Pillow names: "Image size (900000000 pixels) exceeds limit of …"."""
    found = re.search(r"\((\d+) pixels\)", str(error))
    return int(found[1]) if found else MAX_PIXELS + 1


def _has_more_frames(image: Image.Image, path: Path) -> bool:
    """Whether the file has further frames or pages, as far as they can be found. `image` cannot be used after this.

    What a phone hides behind a JPEG, a second view or a film, counts only where the file is called MPO.
    """
    if image.format == "MPO" and path.suffix.lower() != ".mpo":
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # a damaged second frame
        return True


def read_header(path: Path) -> Header:
    """What the file `path` says of its picture, which is not decoded. Raises `Problem` if it is none."""
    size = stat_image(path).st_size
    try:
        with path.open("rb") as file, _opened(file, _formats(file.read(FIRST_BYTES), size, path)) as image:
            return Header(image.width, image.height, is_deep(image), _has_more_frames(image, path))
    except Problem:
        raise
    except Exception as error:  # as in `decode`
        raise _unidentified(b"", path) from error


def read_deep(path: Path) -> DeepPicture | None:
    """The values of the picture in `path` as its file has them; None if they have 8 bits or fewer.

    Raises `Problem` as `decode`.
    """
    size = stat_image(path).st_size
    try:
        with path.open("rb") as file, _opened(file, _formats(file.read(FIRST_BYTES), size, path)) as image:
            if image.width * image.height > MAX_PIXELS or not is_deep(image):
                return None
            return DeepPicture.load(image, path)
    except Problem:
        raise
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
