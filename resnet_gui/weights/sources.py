"""Where the bytes of stored tensors are: in a plain part of a file, in a part of a zip archive, or in memory."""

from __future__ import annotations

import os
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from resnet_gui.regular_file import open_regular
from resnet_gui.weights.refusals import CutShort, Damaged, Unsupported

_LOCAL_HEADER = 30
_SHORTEST_END = 22
_LONGEST_END = 2**16 + 2**10
_LONGEST_LIST = 2**22
"""Bytes: enough for the parts of 50,000 tensors."""
_USUALLY_INFLATED, _LARGE = 50, 2**25
"""What is made of one byte of weights of which nine in ten are zeros; and bytes of a part, below which it does not matter."""
_MOST_INFLATED = 1032
"""What DEFLATE can make of one byte at most."""


def open_again(path: Path, first: os.stat_result) -> BinaryIO:
    """Opens the file once more. Raises `Damaged` if it is not as it was when its contents were read."""
    file = open_regular(path)
    now = os.fstat(file.fileno())
    if (now.st_size, now.st_mtime_ns, now.st_ino) != (first.st_size, first.st_mtime_ns, first.st_ino):
        file.close()
        raise Damaged("it has changed while it was read")
    return file


@dataclass(slots=True)
class FileParts:
    """Storages that lie in the file as they are: the offset and the size in bytes of each."""

    path: Path
    first: os.stat_result
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)
    big_endian: bool = False

    def read(self, key: str, start: int, size: int) -> bytearray:
        """`size` bytes of the storage `key`, from `start`."""
        offset, available = self.parts[key]
        with open_again(self.path, self.first) as file:
            file.seek(offset + start)
            data = bytearray(file.read(size))
        if start + size > available or len(data) < size:
            raise CutShort("it ends before its weights do")
        return data


@dataclass(slots=True)
class MemoryParts:
    """Storages within bytes that a pickle held: the offset and the size of each."""

    data: bytes
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)
    big_endian: bool = False

    def read(self, key: str, start: int, size: int) -> bytearray:
        """`size` bytes of the storage `key`, from `start`."""
        offset = self.parts[key][0] + start
        return bytearray(memoryview(self.data)[offset : offset + size])


@dataclass(slots=True)
class ArchiveParts:
    """Storages that are members of a zip archive. One that several tensors share is kept until another is read."""

    path: Path
    first: os.stat_result
    parts: dict[str, zipfile.ZipInfo] = field(default_factory=dict)
    big_endian: bool = False
    _last: tuple[str, bytes] = ("", b"")

    def read(self, key: str, start: int, size: int) -> bytearray:
        """`size` bytes of the storage `key`, from `start`. Raises `Damaged` if its checksum is wrong."""
        kept, data = self._last
        if key != kept or not data:
            self._last = ("", b"")
            with open_again(self.path, self.first) as file:
                data = read_member(file, self.parts[key])
        if size < len(data):
            self._last = (key, data)
        return bytearray(memoryview(data)[start : start + size])


def members_of(file: BinaryIO) -> list[zipfile.ZipInfo]:
    """The members of a zip archive. Raises `CutShort` if their list is missing, `Unsupported` if it is very long."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _LONGEST_END, 0))
    end = file.read()
    last = end[end.rfind(b"PK\x05\x06") :]
    if not last.startswith(b"PK\x05\x06") or len(last) < _SHORTEST_END:
        raise CutShort("the list of its parts, which is at its end, is missing")
    length = int.from_bytes(last[12:16], "little")
    if length == 2**32 - 1:  # the true number stands in another record, before this one
        other = end[end.rfind(b"PK\x06\x06") :]
        length = int.from_bytes(other[40:48], "little")
    if length > _LONGEST_LIST:
        raise Unsupported("a zip archive of very many parts")
    with zipfile.ZipFile(file) as archive:
        return archive.infolist()


def refuse_odd_members(members: list[zipfile.ZipInfo], size: int) -> None:
    """Raises `Unsupported` or `Damaged` for members that cannot be as large as they say, in a file of `size` bytes."""
    for member in members:
        if member.flag_bits & 1:
            raise Unsupported("a zip archive with a password")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unsupported("a zip archive with a compression that PyTorch does not use")
        grown = (
            member.compress_size
            if member.compress_type == zipfile.ZIP_STORED
            else _MOST_INFLATED * member.compress_size
        )
        if member.file_size > grown or member.header_offset + member.compress_size > size:
            raise Damaged("it claims to hold more than there is in it")
        if member.file_size > max(_LARGE, _USUALLY_INFLATED * member.compress_size):
            raise Unsupported("a zip archive whose parts are compressed as no weights can be")


def read_member(file: BinaryIO, member: zipfile.ZipInfo) -> bytes:
    """The content of `member`, verified by its checksum if it has one (`set_crc32_options(False)` writes 0).

    Raises `Damaged` if it is not what the archive's directory says.
    """
    file.seek(member.header_offset)
    header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or not header.startswith(b"PK\x03\x04"):
        raise Damaged("a part of its archive is not where it should be")
    names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    file.seek(member.header_offset + _LOCAL_HEADER + names)
    data = file.read(member.compress_size)
    if member.compress_type == zipfile.ZIP_DEFLATED:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        data = inflate.decompress(data, member.file_size or 1)
    if len(data) != member.file_size:
        raise Damaged("a part of its archive is not as large as it should be")
    if member.CRC and zlib.crc32(data) != member.CRC:
        raise Damaged("a part of its archive does not match its checksum")
    return data
