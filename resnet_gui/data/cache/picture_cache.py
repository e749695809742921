"""Decodes and scales pictures once: the result of `Preprocessing.open` is cached for later epochs and runs."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path
from types import TracebackType

import PIL
from PIL import Image, features

from resnet_gui.data.cache.pixel_store import CachedPicture, PixelStore
from resnet_gui.data.snapshot import Version
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.memory import free_memory
from resnet_gui.paths import cache_folder

_OPEN_VERSION = 1
"""Must be raised with every change to the result of `Preprocessing.open`, else old pixels would still be used."""

_SHARE = 4
"""Where the disk cannot be used, the cache takes at most one in so many bytes of the free memory."""
_SQUARES = 32
"""A picture with more pixels than so many squares of the short side (a strip) is not cached: it takes too much room."""
_FRESH = 3_000_000_000
"""Nanoseconds. Some disks' clocks stand still for two seconds, and a file that changes meanwhile keeps its times."""


class PictureCache:
    """The pictures of the dataset in `root` as `preprocessing.open` makes them, for all loaders of a run.

    May be used from any thread. Pictures are kept on disk, where all datasets together take `gigabytes` at most (0: the
    disk is not used). If the disk is full or fails, they are kept in memory while there is room; the rest is decoded
    each time. A failure of the cache is never an error. Must be closed, which a `with` does.
    """

    def __init__(self, root: Path, preprocessing: Preprocessing, gigabytes: float) -> None:
        self.preprocessing = preprocessing
        self._mode = "L" if preprocessing.channels == 1 else "RGB"
        self._store = _pixel_store(root, preprocessing, int(gigabytes * 1e9))
        self._memory = _Memory(free_memory() // _SHARE)

    def get(self, name: str, version: Version) -> tuple[Image.Image, bytes] | None:
        """The picture whose path from the root is `name`, and its file's digest (see `Snapshot`).

        None if it is not cached, or was cached from another version of the file.
        """
        key = _number(name)
        kept = self._memory.get(key, version) or (self._store and self._store.get(key, version))
        return (Image.frombytes(self._mode, kept.size, kept.pixels), kept.digest) if kept else None

    def digest(self, name: str, version: Version) -> bytes | None:
        """The digest alone, without reading the pixels."""
        key = _number(name)
        if kept := self._memory.get(key, version):
            return kept.digest
        return self._store.digest(key, version) if self._store else None

    def put(self, name: str, version: Version, digest: bytes, scaled: Image.Image) -> None:
        """Caches `scaled`, which `preprocessing.open` made of a file of that version and digest."""
        if scaled.width * scaled.height > _SQUARES * self.preprocessing.resize**2 or scaled.mode != self._mode:
            return
        key, kept = _number(name), CachedPicture(version, digest, scaled.size, scaled.tobytes())
        if self._store is None or _is_fresh(version) or not self._store.put(key, kept):
            self._memory.put(key, kept)

    def save(self) -> None:
        """Writes the index, so that later runs find the pictures cached so far."""
        if self._store:
            self._store.save()

    def close(self) -> None:
        """Saves, and releases everything. May be called while other threads still get and put."""
        if self._store:
            self._store.close()
        self._memory.close()

    def __enter__(self) -> PictureCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Memory:
    """Keeps up to `room` bytes of pictures."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: dict[int, CachedPicture] = {}
        self._lock = threading.Lock()

    def get(self, name: int, version: Version) -> CachedPicture | None:
        kept = self._kept.get(name)
        return kept if kept and kept.version == version else None

    def put(self, name: int, kept: CachedPicture) -> None:
        with self._lock:
            before = self._kept.pop(name, None)
            self._room += len(before.pixels) if before else 0
            if len(kept.pixels) <= self._room:
                self._room -= len(kept.pixels)
                self._kept[name] = kept

    def close(self) -> None:
        with self._lock:
            self._room = 0
            self._kept.clear()


def _pixel_store(root: Path, preprocessing: Preprocessing, limit: int) -> PixelStore | None:
    """The store of this dataset and preprocessing; None if `limit` is 0 or the store cannot be used."""
    decoders = PIL.__version__, features.version("libjpeg_turbo")
    parts = (
        os.path.abspath(root),  # noqa: PTH100
        preprocessing.resize,
        preprocessing.interpolation,
        preprocessing.channels,
        _OPEN_VERSION,
        *decoders,
        *([preprocessing.grey_range] if preprocessing.grey_range else []),
        *(["as torchvision"] if preprocessing.as_torchvision else []),
    )
    key = hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
    try:
        return PixelStore(cache_folder("pictures"), key, preprocessing.channels, limit) if limit else None
    except (OSError, NotImplementedError):
        return None


def _number(name: str) -> int:
    """A 64-bit hash of a path. Where two paths share one, the versions of their files differ."""
    return int.from_bytes(hashlib.blake2b(os.fsencode(name), digest_size=8).digest(), "big")


def _is_fresh(version: Version) -> bool:
    """Whether the file changed so recently that another change could leave its times as they are."""
    now = time.time_ns()
    return any(abs(now - moment) < _FRESH for moment in version[1:])
