"""The forms in which a pickle travels with its storages: those of `torch.save`, old and new, and what lies about them."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence

from hostile_files.opcodes import pickled

MAGIC = 0x1950A86A20F9469CFC6C
_SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}

Container = Callable[[bytes, Sequence[bytes]], bytes]


def parts(pickle: bytes, storages: Sequence[bytes]) -> dict[str, bytes]:
    """The members of a zip archive, by name."""
    data = {f"archive/data/{key}": numbers for key, numbers in enumerate(storages)}
    return {"archive/data.pkl": pickle, "archive/byteorder": b"little", **data, "archive/version": b"3\n"}


def zip_of(members: Mapping[str, bytes] | Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive with these members, of which some may have one name."""
    file = io.BytesIO()
    pairs = members.items() if isinstance(members, Mapping) else members
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, data in pairs:
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data, method)
    return file.getvalue()


def zipped(pickle: bytes, storages: Sequence[bytes]) -> bytes:
    """As `torch.save` writes since 1.6."""
    return zip_of(parts(pickle, storages))


def deflated(pickle: bytes, storages: Sequence[bytes]) -> bytes:
    """The same, zipped once more by someone."""
    return zip_of(parts(pickle, storages), zipfile.ZIP_DEFLATED)


def stream(pickle: bytes, storages: Sequence[bytes]) -> bytes:
    """As `torch.save` wrote before 1.6."""
    keys = [f"{key}" for key in range(len(storages))]
    head = b"".join(pickled(value) for value in (MAGIC, 1001, _SYSTEM))
    rows = b"".join(struct.pack("<q", len(numbers) // 4) + numbers for numbers in storages)
    return head + pickle + pickled(keys) + rows


def first_in_stream(pickle: bytes, storages: Sequence[bytes]) -> bytes:
    """The pickle where the magic number should be."""
    return pickle + stream(pickled({}), storages)


def last_in_stream(pickle: bytes, storages: Sequence[bytes]) -> bytes:
    """The pickle in place of the list of keys."""
    head = b"".join(pickled(value) for value in (MAGIC, 1001, _SYSTEM, {}))
    return head + pickle + b"".join(storages)


def bare(pickle: bytes, storages: Sequence[bytes]) -> bytes:
    """The pickle alone, as `pickle.dump` writes it."""
    return pickle + b"".join(storages)


def twice(pickle: bytes, storages: Sequence[bytes]) -> bytes:
    """The pickle behind another one."""
    return pickled({"w": 1}) + pickle + b"".join(storages)


def tarred(pickle: bytes, storages: Sequence[bytes]) -> bytes:
    """As torch wrote before 0.1.10: members for the system, the storages, the tensors and the object."""
    rows = b"".join(pickled((f"{key}", "cpu", "FloatStorage")) for key in range(len(storages)))
    numbers = b"".join(struct.pack("<q", len(each) // 4) + each for each in storages)
    members = {
        "sys_info": pickled(_SYSTEM), "storages": pickled(len(storages)) + rows + numbers,
        "tensors": pickled(0), "pickle": pickle,
    }  # fmt: skip
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def zipped_tail(pickle: bytes, storages: Sequence[bytes]) -> bytes:
    """An archive behind other bytes, as a self-extracting program has it."""
    return b"#!/bin/sh\nexit\n" + zipped(pickle, storages)


def gzipped(pickle: bytes, storages: Sequence[bytes]) -> bytes:
    """The stream, compressed."""
    return gzip.compress(stream(pickle, storages), mtime=0)


CONTAINERS: dict[str, Container] = {
    each.__name__: each
    for each in (
        zipped, stream, bare, tarred, first_in_stream, deflated, last_in_stream, twice, zipped_tail, gzipped,
    )
}  # fmt: skip
