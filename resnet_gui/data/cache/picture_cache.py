"""Pictures are decoded and scaled once: what `Preprocessing.open` made of them is kept, for later epochs and runs."""

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

_RULE = 1
"""To be raised with every change to what `Preprocessing.open` makes of a picture, or nobody would see the change."""

_SHARE = 4
"""One in so many bytes of the free memory may be taken where the disk cannot be used."""
_SQUARES = 32
"""A picture of more than so many squares of the short side, a strip, is not kept: it would take the room of many."""
_FRESH = 3_000_000_000
"""Nanoseconds. Some disks' clocks stand still for two seconds, and a file that changes meanwhile keeps its times."""


class PictureCache:
    """The pictures of the dataset in `root`, as `rule.open` makes them, for all loaders of a run, from any thread.

    They are kept on disk, where all datasets together take `gigabytes` at most, and none for 0. What finds no room
    there, or no disk that takes it, is kept in memory while that lasts; the rest is decoded each time. Nothing that
    goes wrong here is an error. To be closed, which a `with` does.
    """

    def __init__(self, root: Path, rule: Preprocessing, gigabytes: float) -> None:
        self.preprocessing = rule
        self._mode = "L" if rule.channels == 1 else "RGB"
        self._store = _pixel_store(root, rule, int(gigabytes * 1e9))
        self._memory = _Memory(free_memory() // _SHARE)

    def get(self, name: str, version: Version) -> tuple[Image.Image, bytes] | None:
        """The picture whose path from the root is `name`, and its file's digest (see `Snapshot`).

        None if it is not here, or the file was of another version when it was opened.
        """
        key = _number(name)
        kept = self._memory.get(key, version) or (self._store and self._store.get(key, version))
        return (Image.frombytes(self._mode, kept.size, kept.pixels), kept.digest) if kept else None

    def digest(self, name: str, version: Version) -> bytes | None:
        """The digest alone, without a look at the pixels."""
        key = _number(name)
        if kept := self._memory.get(key, version):
            return kept.digest
        return self._store.digest(key, version) if self._store else None

    def put(self, name: str, version: Version, digest: bytes, scaled: Image.Image) -> None:
        """Keeps `scaled`, which is what `rule.open` made of a file of that version and digest."""
        if scaled.width * scaled.height > _SQUARES * self.preprocessing.resize**2 or scaled.mode != self._mode:
            return
        key, kept = _number(name), CachedPicture(version, digest, scaled.size, scaled.tobytes())
        if self._store is None or _is_fresh(version) or not self._store.put(key, kept):
            self._memory.put(key, kept)

    def save(self) -> None:
        """Makes sure that later runs find what is on the disk by now."""
        if self._store:
            self._store.save()

    def close(self) -> None:
        """Saves, and lets go of everything. May be called while other threads still get and put."""
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
    """Takes so many bytes of pictures."""

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


def _pixel_store(root: Path, rule: Preprocessing, limit: int) -> PixelStore | None:
    """The files of this dataset and rule; None if there is to be none, or it cannot be used."""
    decoders = PIL.__version__, features.version("libjpeg_turbo")
    parts = os.path.abspath(root), rule.resize, rule.interpolation, rule.channels, _RULE, *decoders  # noqa: PTH100
    key = hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
    try:
        return PixelStore(cache_folder("pictures"), key, rule.channels, limit) if limit else None
    except (OSError, NotImplementedError):
        return None


def _number(name: str) -> int:
    """64 bits for a path. Where two share them, the versions of their files tell them apart."""
    return int.from_bytes(hashlib.blake2b(os.fsencode(name), digest_size=8).digest(), "big")


def _is_fresh(version: Version) -> bool:
    """Whether the file changed just now, so that it could change again and look the same."""
    now = time.time_ns()
    return any(abs(now - moment) < _FRESH for moment in version[1:])
