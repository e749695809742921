"""The pixels of a dataset's pictures in one file of the user's cache, where the next run finds them again.

`<key>.pixels` holds one picture after the other. `<key>.index` lists whose they are. It is written atomically, after
the pixels are on the disk. So a kill or a power cut loses what was added since the last save, and nothing else.

The file is read, not memory-mapped. If a mapped file is cut short, or its drive fails, the process is killed, and
Windows lets nobody shorten or delete it. Reading 260 kB that the system has in memory takes 30 µs; cropping them takes
1,000 µs.
"""

from __future__ import annotations

import contextlib
import os
import threading
import zlib
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from resnet_gui.data.cache.eviction import make_room
from resnet_gui.data.cache.pixel_index import ROW_BYTES, PixelIndex, Row
from resnet_gui.data.snapshot import Version
from resnet_gui.tensor_file import write_tensor_file
from resnet_gui.throttle import Throttle

_STEPS = 100
"""Room is requested in so many steps: each looks at the disk and at all stores in the folder."""
_SECONDS = 120
"""How often the index is written while pictures are added."""


class CachedPicture(NamedTuple):
    """A picture as it is stored: its `pixels` row by row; `size` is width and height.

    It was made from a file of this `version`, whose content has this `digest`; see `Snapshot`.
    """

    version: Version
    digest: bytes
    size: tuple[int, int]
    pixels: bytes


class PixelStore:
    """The files `<key>.*` in `folder`, locked for this process; any of its threads may use them.

    All stores in the folder together take `limit` bytes at most. Whatever happens to the files, a picture is returned
    as it was put in, or not at all. Raises `OSError` or `NotImplementedError` if they cannot be used, for example
    because another process uses them.
    """

    def __init__(self, folder: Path, key: str, channels: int, limit: int) -> None:
        self._path, self._index_path = folder / f"{key}.pixels", folder / f"{key}.index"
        self._channels, self._limit = channels, limit
        self._looking, self._adding, self._saving = threading.Lock(), threading.Lock(), threading.Lock()
        self._full = self._changed = False
        self._pace = Throttle(_SECONDS)
        self._pace.ready()
        with contextlib.ExitStack() as opened:
            opened.enter_context(FileLock(folder / f"{key}.lock", timeout=0, thread_local=False))
            # Appending mode: bytes go to the real end of the file, never behind a gap of zeros.
            self._writer = opened.enter_context(self._path.open("ab", buffering=0))
            self._reader = opened.enter_context(self._path.open("rb", buffering=0))
            self._open()
            self._files = opened.pop_all()

    def _open(self) -> None:
        for part in self._path.parent.glob(f".{self._index_path.name}.*.part"):  # of a save that was killed
            part.unlink()
        self._index = PixelIndex.read(self._index_path, self._channels, self._path.stat().st_size)
        end = self._index.end(self._channels)
        if end > self._limit:
            self._index.clear()
            end = 0
        self._writer.truncate(end)  # the rest belongs to no row
        os.utime(self._path)  # so that `make_room` sees that it is in use
        make_room(self._path, self._limit, 0)  # the limit may have been lowered
        self._room = 0

    def get(self, name: int, version: Version) -> CachedPicture | None:
        """The picture, if it is stored from this version of its file and undamaged."""
        with self._looking:
            row = self._index.find(name)
            if row is None or row.version != version:
                return None
            pixels = self._read(row.offset, row.width * row.height * self._channels)
        if pixels and zlib.crc32(pixels) == row.checksum:
            return CachedPicture(version, row.digest, (row.width, row.height), pixels)
        with self._looking:
            self._index.forget(name)
        return None

    def digest(self, name: int, version: Version) -> bytes | None:
        """The digest of the file's content, if the picture is stored from this version of it."""
        with self._looking:
            row = self._index.find(name)
        return row.digest if row and row.version == version else None

    def _read(self, offset: int, count: int) -> bytes:
        """Reads `count` bytes at `offset`; empty if they cannot all be read."""
        try:
            self._reader.seek(offset)
            pixels = self._reader.read(count) or b""
        except OSError:
            return b""
        return pixels if len(pixels) == count else b""

    def put(self, name: int, kept: CachedPicture) -> bool:
        """Stores the picture, and returns whether there was room."""
        with self._adding:
            if self._has(name, kept):
                return True
            if not self._has_room(len(kept.pixels)) or (offset := self._append(kept.pixels)) is None:
                return False
            row = Row(name, *kept.version, kept.digest, *kept.size, offset, zlib.crc32(kept.pixels))
            with self._looking:
                self._index.set(row)
            self._changed = True
        if self._pace.ready():
            self.save()
        return True

    def _has(self, name: int, kept: CachedPicture) -> bool:
        """Whether the pixels are stored already, from an older version of the file; then the row gets the new one."""
        with self._looking:
            row = self._index.find(name)
            if row is None or (row.digest, row.width, row.height) != (kept.digest, *kept.size):
                return False
            size, modified, touched = kept.version
            self._index.set(row._replace(file_size=size, modified=modified, touched=touched))
            self._changed = True
        return True

    def _has_room(self, count: int) -> bool:
        count += ROW_BYTES
        if self._room < count and not self._full:
            limit = self._limit - self._index.packed_bytes
            try:
                self._room = make_room(self._path, limit, max(count, limit // _STEPS))
            except OSError:
                self._room = 0
            self._full = self._room < count
        self._room -= count
        return not self._full

    def _append(self, pixels: bytes) -> int | None:
        """The offset of the written pixels; None if the disk did not take them, and then nothing more is written."""
        try:
            if self._writer.write(pixels) == len(pixels):
                return self._writer.tell() - len(pixels)
        except OSError:
            pass
        self._full = True
        return None

    def save(self) -> None:
        """Writes the index, for later runs. A failing disk is no error.

        Other threads may get and put meanwhile, since flushing gigabytes to the disk takes a while.
        """
        with self._saving:
            with self._adding, self._looking:
                if not self._changed:
                    return
                packed, self._changed = self._index.packed(), False
            try:
                os.fsync(self._writer.fileno())  # what the index names must be on the disk before it
                write_tensor_file(self._index_path, packed)
            except OSError:
                self._changed = True

    def close(self) -> None:
        """Saves, and closes the files. After that no picture is found, and none is stored."""
        self.save()
        with self._saving, self._adding, self._looking:
            self._full, self._changed = True, False
            self._index.clear()
            self._files.close()
