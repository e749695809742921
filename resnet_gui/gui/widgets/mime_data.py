"""Sorts the content of a drag or of the clipboard by file names; no file is opened."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage, QPixmap

from resnet_gui.weights.weight_cache import WEIGHT_SUFFIXES

MODEL_SUFFIX = ".safetensors"
_MODEL_SUFFIXES = (MODEL_SUFFIX, *WEIGHT_SUFFIXES)


@dataclass(frozen=True, slots=True)
class DroppedPaths:
    """`pictures` are files and folders, `models` files of models or weights; `image` is a bitmap without a file.

    `elsewhere`: there were URLs, but none of a file on this machine.
    """

    pictures: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    image: QImage | None = None
    elsewhere: bool = False


def may_hold_something(mime: QMimeData) -> bool:
    """Whether a drop of `mime` is accepted."""
    return mime.hasUrls() or mime.hasImage()


def sort_out(mime: QMimeData) -> DroppedPaths:
    """The paths or the bitmap in `mime`. Paths are preferred: file managers and browsers offer both."""
    paths = [local_path(url) for url in mime.urls() if url.isLocalFile()]
    if paths:
        return DroppedPaths(
            pictures=tuple(path for path in paths if not is_model(path)),
            models=tuple(path for path in paths if is_model(path)),
        )
    if mime.hasImage():
        return DroppedPaths(image=_as_image(mime.imageData()))
    return DroppedPaths(elsewhere=mime.hasUrls())


def is_model(path: str) -> bool:
    """Whether `path` is called like a model, or like weights, of which a model can be made. A folder is neither."""
    return path.lower().endswith(_MODEL_SUFFIXES) and not os.path.isdir(path)  # noqa: PTH112 - Path raises for some


def local_path(url: QUrl) -> str:
    """The path of a file's URL. Unlike `QUrl.toLocalFile`, it keeps the bytes of a name that is not UTF-8."""
    path = url.toLocalFile()
    if "\ufffd" in path:
        path = os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded)))
    return path


def _as_image(data: object) -> QImage | None:
    image = data.toImage() if isinstance(data, QPixmap) else data
    return image if isinstance(image, QImage) and not image.isNull() else None
