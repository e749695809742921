"""Small PNGs of pictures in the cache folder, so that the window need not decode a user's files itself."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event as Flag

from PIL import Image

from resnet_gui.data.image import decode, stat_image
from resnet_gui.events import Event, Thumbnails
from resnet_gui.messages import Problem
from resnet_gui.output.advice import reason_and_advice
from resnet_gui.paths import cache_folder
from resnet_gui.records import GreyRange, Thumbnail
from resnet_gui.throttle import Throttle

SIDE = 96
"""The default longest side of a thumbnail, in pixels."""


def thumbnail(path: Path, side: int = SIDE, grey_range: GreyRange | None = None) -> Path:
    """A PNG of `path` that fits into `side` × `side` pixels, made now if none is cached of this version of the file.

    Values of more than 8 bits are shown in `grey_range`, as the network sees them.

    Raises `Problem` if the picture cannot be read, or the PNG cannot be written.
    """
    png = _cache_path(path, side, grey_range)
    try:
        os.utime(png)  # so that `prune` sees that it is in use
    except OSError:
        _draw(path, side, grey_range, png)
    return png


def thumbnails(
    paths: Sequence[Path], stop: Flag, side: int = SIDE, grey_range: GreyRange | None = None
) -> Iterator[Event]:
    """A thumbnail of each of `paths`, in batches, at most 20 a second. Pictures that cannot be read are left out.

    `stop` is checked before every picture.
    """
    ready: list[Thumbnail] = []
    pace = Throttle(0.05)
    for path in paths:
        if stop.is_set():
            return
        try:
            ready.append(Thumbnail(str(path), str(thumbnail(path, side, grey_range))))
        except Problem:
            continue
        if pace.ready():
            yield Thumbnails(tuple(ready))
            ready.clear()
    if ready:
        yield Thumbnails(tuple(ready))


def prune(days: float = 30) -> None:
    """Removes thumbnails and pasted pictures that were not used in the last `days`, to keep the cache small."""
    oldest = time.time() - days * 24 * 3600
    for file in (*_folder().iterdir(), *cache_folder("pasted").rglob("*.png")):
        try:
            if file.stat().st_mtime < oldest:
                file.unlink()
        except OSError:
            continue  # another process was faster, or the file is in use: next time


def _cache_path(path: Path, side: int, grey_range: GreyRange | None) -> Path:
    """The path of the thumbnail of this version of the file."""
    status = stat_image(path)
    version = f"\0{status.st_mtime_ns}\0{status.st_size}\0{side}" + (f"\0{grey_range}" if grey_range else "")
    name = hashlib.blake2b(os.fsencode(path.absolute()) + version.encode(), digest_size=16).hexdigest()
    return _folder() / f"{name}.png"


def _folder() -> Path:
    try:
        return cache_folder("thumbnails")
    except OSError as error:
        raise Problem("cannot_write", path=str(error.filename), **reason_and_advice(error)) from error


def _draw(path: Path, side: int, grey_range: GreyRange | None, png: Path) -> None:
    small = decode(path, side, grey_range).image
    small.thumbnail((side, side))
    try:
        _save(small, png)
    except OSError as error:
        raise Problem("cannot_write", path=str(png), **reason_and_advice(error)) from error


def _save(image: Image.Image, png: Path) -> None:
    """Writes beside `png` and renames, so that no reader ever sees half of it."""
    handle, name = tempfile.mkstemp(suffix=".part", dir=png.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            image.save(file, "PNG", compress_level=1)  # a quarter of the time for a twentieth more room
        part.replace(png)
    finally:
        part.unlink(missing_ok=True)
