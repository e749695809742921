"""Archives that lie, and things in a folder that are no files."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from hostile_files.containers import parts, stream, tarred, zip_of, zipped
from hostile_files.hostile_file import HostileFile, of_bytes
from hostile_files.opcodes import call, pickled, storage, tensor
from hostile_files.payloads import Canary

_NUMBERS = struct.pack("<6f", *range(6))
_GOOD = pickled({"w": tensor(storage("0", 6), (2, 3))})
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def archives(canary: Canary) -> Iterator[HostileFile]:
    """Zip and tar archives, each with something wrong about it."""
    evil = pickled(call("builtins:eval", canary.code))
    for name, members in _member_lists(evil).items():
        yield of_bytes("zip", name, partial(zip_of, members))
    for name, make in {**_bombs(), **_patched()}.items():
        yield of_bytes("zip", name, make)
    for name, infos in _tar_members(str(canary.written)).items():
        yield of_bytes("tar", name, partial(_tar, infos))
    for name, make in _patched_tars().items():
        yield of_bytes("tar", name, make)


def _member_lists(evil: bytes) -> dict[str, list[tuple[str, bytes]]]:
    good = list(parts(_GOOD, [_NUMBERS]).items())
    return {
        "two pickles, the first evil": [("archive/data.pkl", evil), *good], "two pickles, the last evil": [*good, ("archive/data.pkl", evil)],
        "a pickle in another folder": [*good, ("evil/data.pkl", evil)], "a pickle by an absolute name": [("/archive/data.pkl", evil), *good],
        "names above the folder": [*good, ("archive/../../../evil", evil)], "only names above the folder": [("../data.pkl", evil), ("../data/0", _NUMBERS)],
        "a name with a null byte": [("archive/data.pkl\0.txt", evil), *good], "a name with backslashes": [("archive\\data.pkl", evil), *good],
        "a name in capitals": [("archive/DATA.PKL", evil), *good], "no folder": [("data.pkl", _GOOD), ("data/0", _NUMBERS)],
        "code": [*good, ("archive/code/__torch__.py", b"import os"), ("archive/constants.pkl", evil)], "only constants": [("archive/constants.pkl", evil)],
        "a member of a hundred thousand names": [*good, *((f"archive/data/{number}", b"") for number in range(1, 30_000))],
        "a name of 60 kB": [*good, ("archive/" + "n" * 60_000, b"")], "names that steer the terminal": [*good, ("archive/\x1b[2J\u202e\n", b"")],
        "two storages of one name": [*good, ("archive/data/0", b"\xff" * 24)], "a storage that is too short": [("archive/data.pkl", _GOOD), ("archive/data/0", b"1234")],
        "a storage that is too long": [("archive/data.pkl", _GOOD), ("archive/data/0", b"1" * 2400)], "no storage": [("archive/data.pkl", _GOOD)],
        "an order of bytes that is none": [*good, ("archive/byteorder", b"middle")], "the other order of bytes": [("archive/byteorder", b"big"), ("archive/data.pkl", _GOOD), ("archive/data/0", _NUMBERS)],
        "an order of bytes of a megabyte": [("archive/byteorder", b"l" * 1_000_000), ("archive/data.pkl", _GOOD), ("archive/data/0", _NUMBERS)],
        "an empty pickle": [("archive/data.pkl", b""), ("archive/data/0", _NUMBERS)], "folders called like members": [("archive/data.pkl/", b""), ("archive/data/0/", b"")],
        "an alignment of nonsense": [*good, ("archive/.format_version", b"99"), ("archive/.storage_alignment", b"-1")],
        "a model of Keras": [("metadata.json", b"{}"), ("config.json", b"{}"), ("model.weights.h5", b"\x89HDF\r\n\x1a\n")], "arrays of numpy": [("arr_0.npy", b"\x93NUMPY\x01\x00"), ("w.npy", evil)],
        "a program for .pt2": [("model/models/model.json", b"{}"), ("model/data/weights/weights.pt", evil), ("model/archive_format", b"pt2")],
    }  # fmt: skip


def _bombs() -> dict[str, Callable[[], bytes]]:
    """Small archives that would be large."""

    def zeros() -> bytes:
        return bytes(200_000_000)

    big = pickled({"w": tensor(storage("0", 50_000_000), (50_000_000,))})
    deflate = zipfile.ZIP_DEFLATED
    return {
        "a storage of 200 MB from 200 kB": lambda: zip_of(parts(big, [zeros()]), deflate),
        "a pickle of 200 MB from 200 kB": lambda: zip_of({"archive/data.pkl": b"\x80\x02" + b"N0" * 100_000_000 + b"N."}, deflate),
        "a pickle of 200 MB of text": lambda: zip_of({"archive/data.pkl": b"\x80\x02X" + struct.pack("<I", 200_000_000) + zeros() + b"."}, deflate),
        "a bomb beside the weights": lambda: zip_of({**parts(_GOOD, [_NUMBERS]), "archive/other": zeros()}, deflate),
        "a hundred members that are one": _overlapping,
        "bzip2": lambda: zip_of(parts(_GOOD, [bytes(10_000_000)]), zipfile.ZIP_BZIP2), "lzma": lambda: zip_of(parts(_GOOD, [bytes(10_000_000)]), zipfile.ZIP_LZMA),
    }  # fmt: skip


def _overlapping() -> bytes:
    """Many entries of the central directory for one and the same member, which is large."""
    data = zip_of({"archive/data.pkl": _GOOD, "archive/data/0": bytes(5_000_000)}, zipfile.ZIP_DEFLATED)
    directory, end = data.index(_CENTRAL), data.index(_END)
    last = data.rindex(_CENTRAL)
    entry = data[last:end]
    more = b"".join(entry.replace(b"data/0", b"data/%c" % (48 + number % 10)) for number in range(100))
    entries = data[directory:end] + more
    return data[:directory] + entries + _END + struct.pack("<HHHHIIH", 0, 0, 102, 102, len(entries), directory, 0)


def _patched() -> dict[str, Callable[[], bytes]]:
    """An honest archive with a few bytes changed: `struct`s of the zip format at their offsets."""

    def patched(record: bytes, offset: int, form: str, *values: int, last: bool = False) -> Callable[[], bytes]:
        def make() -> bytes:
            data = bytearray(zipped(_GOOD, [_NUMBERS]))
            start = data.rindex(record) if last else data.index(record)
            struct.pack_into(form, data, start + offset, *values)
            return bytes(data)

        return make

    huge = 2**32 - 2
    return {
        "an encrypted member": patched(_CENTRAL, 8, "<H", 1), "a member encrypted in its own header": patched(_LOCAL, 6, "<H", 1),
        "an unknown compression": patched(_CENTRAL, 10, "<H", 99), "a compression that is not there": patched(_CENTRAL, 10, "<H", 8),
        "a wrong checksum": patched(_CENTRAL, 16, "<I", 0), "a size of 4 GB": patched(_CENTRAL, 24, "<I", huge),
        "a stored size of 4 GB": patched(_CENTRAL, 20, "<II", huge, huge), "sizes of zip64 without zip64": patched(_CENTRAL, 20, "<II", 2**32 - 1, 2**32 - 1),
        "a member beyond the file": patched(_CENTRAL, 42, "<I", huge), "a member that is the directory": patched(_CENTRAL, 42, "<I", 600),
        "another name in the member's header": patched(_LOCAL, 30, "<8s", b"evilness"), "a comment beyond the file": patched(_END, 20, "<H", 60_000),  # type: ignore[arg-type]
        "more entries than there are": patched(_END, 8, "<HH", 60_000, 60_000), "fewer entries than there are": patched(_END, 8, "<HH", 1, 1),
        "a directory beyond the file": patched(_END, 16, "<I", huge), "a directory at the beginning": patched(_END, 16, "<I", 0),
        "a directory of 4 GB": patched(_END, 12, "<I", huge), "a symbolic link": patched(_CENTRAL, 38, "<I", 0o120777 << 16), "a version of 99": patched(_CENTRAL, 6, "<H", 990),
        "a zip64 that lies": _zip64, "on another disk": patched(_END, 4, "<HH", 5, 5), "a date that is none": patched(_CENTRAL, 12, "<HH", 0xFFFF, 0xFFFF),
        "an end without a beginning": lambda: _LOCAL + _END + bytes(18), "only the first bytes": lambda: _LOCAL, "only a beginning": lambda: _LOCAL + bytes(500),
    }  # fmt: skip


def _zip64() -> bytes:
    """An archive whose record of 64 bits says that it is larger than any disk."""
    data = zipped(_GOOD, [_NUMBERS])
    end = data.index(_END)
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 2**60, 2**60, 2**62, 2**62)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
    return (
        data[:end]
        + record
        + locator
        + _END
        + struct.pack("<HHHHIIH", 0, 0, 2**16 - 1, 2**16 - 1, 2**32 - 1, 2**32 - 1, 0)
    )


def _tar_members(target: str) -> dict[str, list[tarfile.TarInfo]]:
    def info(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
        member = tarfile.TarInfo(name)
        member.type, member.size, member.linkname = kind, size, link
        return member

    names = ("sys_info", "storages", "tensors", "pickle")
    return {
        "symbolic links": [info(name, tarfile.SYMTYPE, link="/etc/passwd") for name in names],
        "hard links": [info(name, tarfile.LNKTYPE, link="/etc/passwd") for name in names],
        "links to themselves": [info(name, tarfile.SYMTYPE, link=name) for name in names],
        "a link out, then a member through it": [info("d", tarfile.SYMTYPE, link=str(Path(target).parent)), info("d/written")],
        "devices": [info(name, tarfile.CHRTYPE) for name in names], "pipes": [info(name, tarfile.FIFOTYPE) for name in names],
        "folders": [info(name, tarfile.DIRTYPE) for name in names], "names above the folder": [info(f"../../{name}") for name in names],
        "absolute names": [info(target), *(info(f"/{name}") for name in names)], "empty members": [info(name) for name in names],
        "sparse members": [info(name, tarfile.GNUTYPE_SPARSE, 100) for name in names],
        "a hundred thousand members": [info(f"m{number}") for number in range(30_000)],
    }  # fmt: skip


def _patched_tars() -> dict[str, Callable[[], bytes]]:
    """Tar archives whose headers hold what no writer writes; their checksums are right."""

    def header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
        block = bytearray(512)
        block[: len(name)] = name
        block[100:156] = b"0000644\0" + b"0000000\0" * 2 + size.ljust(12, b"\0") + b"00000000000\0" + b" " * 8
        block[156:157] = kind
        block[257:265] = b"ustar\x0000"
        block[148:156] = b"%06o\0 " % sum(block)
        return bytes(block)

    def binary(number: int) -> bytes:
        return (b"\xff" if number < 0 else b"\x80") + number.to_bytes(11, "big", signed=True)

    def pax(text: bytes) -> bytes:
        padded = text + bytes(-len(text) % 512)
        return header(b"pax", b"%011o" % len(text), b"x") + padded + header(b"pickle", b"%011o" % 0) + bytes(1024)

    last = bytes(1024)
    return {
        "a size below zero": lambda: header(b"storages", binary(-1024)) + last, "a size of minus one block": lambda: header(b"a", binary(-512)) + header(b"pickle", binary(-512)) + last,
        "a size of 2 to the 80": lambda: header(b"pickle", binary(2**80)) + last, "a long name of 2 to the 60": lambda: header(b"long", binary(2**60), b"L") + last,
        "a long name of nothing": lambda: header(b"long", binary(0), b"L") * 2000 + last, "long names without an end": lambda: header(b"long", binary(512), b"L") * 20_000 + last,
        "half a megabyte of digits": lambda: pax(b"1" * 500_000), "digits and blanks": lambda: pax(b"1 " * 200_000), "a record of a length of nothing": lambda: pax(b"0 a=b\n" * 50_000),
        "records that are longer than they are": lambda: pax(b"99999999 a=b\n" * 50_000), "a sparse map of a million": lambda: pax(b"%d GNU.sparse.map=" % 4_000_030 + b"0,1," * 1_000_000 + b"\n"),
        "global records of a hundred thousand": lambda: (header(b"g", b"%011o" % 512, b"g") + (b"11 a=bcdef\n" * 46).ljust(512, b"\0")) * 5000 + last,
    }  # fmt: skip


def _tar(infos: list[tarfile.TarInfo]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for member in infos:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return file.getvalue()


def cut_and_padded(honest: Mapping[str, bytes]) -> Iterator[HostileFile]:
    """Each honest file, cut off at several places, and with something behind or before it."""
    for name, data in honest.items():
        suffix = ".safetensors" if name in ("safetensors", "model") else ".pth"
        form = partial(of_bytes, "cut", suffix=suffix, is_model=name == "model")
        for share in (0.0, 0.001, 0.01, 0.3, 0.9, 0.999):
            yield form(f"{name}, {share:.1%} of it", data[: int(len(data) * share)])
        for length in (1, 2, 8, 9, 63, 512):
            yield form(f"{name}, {length} bytes of it", data[:length])
        yield form(f"{name}, one byte missing", data[:-1])
        yield form(f"{name}, with a megabyte behind it", data + bytes(1_000_000))
        yield form(
            f"{name}, with zeros in the middle", data[: len(data) // 2] + bytes(4096) + data[len(data) // 2 + 4096 :]
        )
        yield form(f"{name}, twice", data + data)


def things(honest: Mapping[str, bytes]) -> Iterator[HostileFile]:
    """What lies in a folder and is no file of weights."""
    for name, write in _THINGS.items():
        for suffix in (".pth", ".safetensors"):
            yield HostileFile("thing", f"{name}{suffix}", write, suffix, is_model=suffix == ".safetensors")
    for name, data in honest.items():
        suffix, is_model = (".safetensors" if name in ("safetensors", "model") else ".pth"), name == "model"
        for how, change in (("grows", _grow), ("shrinks", _shrink), ("is exchanged", _exchange)):
            write_honest = partial(_write, data)
            yield HostileFile("changing", f"{name} that {how}", write_honest, suffix, partial(change, data), is_model)
    texts = {
        "a web page": b"<!DOCTYPE html><html><script>alert(1)</script>", "a text": b"hello, I am a text\n" * 50, "a placeholder": b"version https://git-lfs.github.com/spec/v1\n",
        "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(900), "ONNX": b"\x08\x07\x12\x07pytorch" + bytes(900), "numpy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'shape': (1,), }" + bytes(90),
        "GGUF": b"GGUF\x03\0\0\0" + bytes(900), "zeros": bytes(1000), "ones": b"\xff" * 1000, "gzip": b"\x1f\x8b\x08" + bytes(900), "7z": b"7z\xbc\xaf\x27\x1c" + bytes(900), "ELF": b"\x7fELF" + bytes(900),
        "an empty tar": bytes(10240), "an XML of laughs": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "b">]>' + b"&a;" * 500, "a script": b"#!/bin/sh\nrm -rf /\n",
    }  # fmt: skip
    for name, data in texts.items():
        yield of_bytes("another format", name, data)
        yield of_bytes("another format", f"{name}, as a model", data, ".safetensors", is_model=True)


def _write(data: bytes, path: Path) -> object:
    return path.write_bytes(data)


def _socket(path: Path) -> None:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listening:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path may have 108 bytes
        try:
            listening.bind(path.name)
        finally:
            os.chdir(here)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.write(_LOCAL if path.suffix == ".pth" else struct.pack("<Q", 90_000_000) + b"{")
        file.truncate(200_000_000_000)


def _sparse_header(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"\x80\x02" if path.suffix == ".pth" else struct.pack("<Q", 10**11) + b"{")
        file.truncate(200_000_000_000)


def _link_in_a_circle(path: Path) -> None:
    other = path.with_name(path.name + "-other")
    other.symlink_to(path)
    path.symlink_to(other)


_THINGS: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo, "a socket": _socket, "a folder": Path.mkdir, "an empty file": Path.touch,
    "a link to nothing": lambda path: path.symlink_to(path.with_name("nothing")), "a link to itself": lambda path: path.symlink_to(path),
    "links in a circle": _link_in_a_circle, "a link to endless zeros": lambda path: path.symlink_to("/dev/zero"),
    "a link to chance": lambda path: path.symlink_to("/dev/urandom"), "a link to the terminal": lambda path: path.symlink_to("/dev/tty"),
    "a link to the own input": lambda path: path.symlink_to("/proc/self/fd/0"), "a link to the memory": lambda path: path.symlink_to("/proc/self/mem"),
    "a link to a file of the kernel": lambda path: path.symlink_to("/proc/kmsg"), "a link to a full device": lambda path: path.symlink_to("/dev/full"),
    "nothing at all": lambda path: None, "a sparse file of 200 GB": _sparse, "a sparse file of 200 GB with a lie": _sparse_header,
}  # fmt: skip


def _grow(data: bytes, path: Path) -> None:
    with path.open("ab") as file:
        file.write(data[:10_000])


def _shrink(data: bytes, path: Path) -> None:
    size = path.stat().st_size
    os.truncate(path, size // 2 if size > 100 else 0)


def _exchange(data: bytes, path: Path) -> None:
    other = path.with_name(path.name + ".new")
    other.write_bytes(data[: len(data) // 3] if path.stat().st_size == len(data) else data)
    other.replace(path)


def honest_weights() -> dict[str, bytes]:
    """Small honest weights in each form that is a pickle."""
    return {"zip": zipped(_GOOD, [_NUMBERS]), "stream": stream(_GOOD, [_NUMBERS]), "tar": tarred(_GOOD, [_NUMBERS])}
