"""The containers in which PyTorch writes a pickle and the bytes of its tensors: a zip archive, a stream, a tar archive.

Each reader gives the contents, in which tensors know where their bytes are. Sizes are compared with the file's, so that
what is cut short is known before anything is taken.
"""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from resnet_gui.weights.pickle_reader import read_pickle
from resnet_gui.weights.pickled_objects import Reading
from resnet_gui.weights.pickled_tensors import STORAGES
from resnet_gui.weights.refusals import CutShort, Damaged, Unsupported, refuse_if_larger_than_memory
from resnet_gui.weights.sources import ArchiveParts, FileParts, MemoryParts, read_member, refuse_odd_members
from resnet_gui.weights.stored_tensor import ITEM_SIZES, Global, Source, Storage, tensor_in

MAGIC = 0x1950A86A20F9469CFC6C
"""The first pickle of a stream."""
MAGIC_LINE = b"L%dL\n." % MAGIC
"""The same, as protocols 0 and 1 write it."""

_LARGEST_INFLATED_PICKLE = 2**26
_MOST_MEMBERS = 16
_PLAIN_MEMBERS = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)
_PARTS = ("data", "tensors")
"""The folders of storages, today and in PyTorch 1.4."""


class _Storages:
    """The storages that a pickle has named, by key."""

    def __init__(self, source: Source) -> None:
        self.found: dict[str, Storage] = {}
        self._source = source
        self._views: dict[Any, Storage] = {}

    def __call__(self, wanted: Any) -> Any:
        """The stand-in for a persistent id of `torch.save`. Raises `Damaged` if it is none."""
        match wanted:
            case ("storage", Global(kind), str(key), str(), int(numel), *view) if kind in STORAGES and len(view) < 2:
                root = self.found.setdefault(
                    key, Storage(kind, (), None, None, self._source, key, STORAGES[kind], numel)
                )
                if not 0 <= numel < 2**63 or (root.name, root.numel) != (kind, numel):
                    raise Damaged("a part is described in two ways")
                return self._views.setdefault(view[0], _part_of(root, view[0])) if any(view) else root
            case ("module", Global() as kind, *_):  # with the source code of the module, which is not read
                return kind
        raise Damaged("a part is no plain row of numbers")


def _part_of(root: Storage, view: Any) -> Storage:
    """A storage within another, as PyTorch before 0.4 had them. Raises `Damaged` if it does not lie within it."""
    match view:
        case (str() | int(), int(offset), int(numel)) if 0 <= offset <= offset + numel <= root.numel:
            start = root.start + offset * ITEM_SIZES[root.dtype]
            return Storage(root.name, (), None, None, root.source, root.key, root.dtype, numel, start)
    raise Damaged("a part reaches beyond another one")


def saved_within(data: bytes, reading: Reading) -> Any:
    """What `torch.save` wrote into bytes within a pickle. Raises as `read_stream`."""
    if reading.depth == 0:
        raise Unsupported("weights within weights, many times over")
    reading.depth -= 1
    reading.instructions = max(reading.instructions - 100, 0)  # many small ones take time, too
    made = read_stream(io.BytesIO(data), MemoryParts(data), reading)
    reading.depth += 1
    return made


def read_stream(file: BinaryIO, source: FileParts | MemoryParts, reading: Reading) -> Any:
    """The contents of a file from before PyTorch 1.6: five pickles, then for each storage the count and the items.

    Any other file of one pickle gives the contents of that. Raises as `read_pickle`.
    """
    first = read_pickle(file, reading)
    if first != MAGIC:
        return first
    read_pickle(file, reading)  # the version of the format
    read_pickle(file, reading)  # the system that wrote it; the bytes are always little-endian
    storages = _Storages(source)
    made = read_pickle(file, reading, storages)
    keys = read_pickle(file, reading)
    if (
        not isinstance(keys, list)
        or any(not isinstance(key, str) for key in keys)
        or sorted(keys) != sorted(storages.found)
    ):
        raise Damaged("the list of its parts is not complete")
    _locate(file, ((key, storages.found[key]) for key in keys), source)
    return made


def _locate(file: BinaryIO, storages: Iterable[tuple[str, Storage]], source: FileParts | MemoryParts) -> None:
    """Notes where each of the storages lies that follow here."""
    here = file.tell()
    end = file.seek(0, io.SEEK_END)
    for key, storage in storages:
        file.seek(here)
        count = file.read(8)
        if len(count) < 8 or here + 8 + storage.bytes > end:
            raise CutShort("it ends before its weights do")
        if int.from_bytes(count, "little") != storage.numel:
            raise Damaged(f"part {key} is not as large as it should be")
        source.parts[key] = (here + 8, storage.bytes)
        here += 8 + storage.bytes


def read_archive(file: BinaryIO, path: Path, members: list[zipfile.ZipInfo], reading: Reading) -> Any:
    """The contents of a zip archive, which `torch.save` writes since PyTorch 1.6.

    Raises `KeyError` if a part is missing, and as `read_pickle`.
    """
    found = os.fstat(file.fileno())
    refuse_odd_members(members, found.st_size)
    prefix = pickle_name(members).removesuffix("data.pkl")
    records = {member.filename.removeprefix(prefix): member for member in members if member.filename.startswith(prefix)}
    source = ArchiveParts(path, found)
    if "byteorder" in records:
        source.big_endian = read_member(file, records["byteorder"]) == b"big"
    description = records["data.pkl"]
    refuse_if_larger_than_memory(path, 3 * description.file_size)
    if description.compress_type != zipfile.ZIP_STORED and description.file_size > _LARGEST_INFLATED_PICKLE:
        raise Unsupported("an archive whose description of the weights is unusually large")
    storages = _Storages(source)
    made = read_pickle(io.BytesIO(read_member(file, description)), reading, storages)
    for key, storage in storages.found.items():
        record = next((records[f"{part}/{key}"] for part in _PARTS if f"{part}/{key}" in records), None)
        if record is None or record.file_size != storage.bytes:
            raise Damaged(f"part {key} is {'missing' if record is None else 'not as large as it should be'}")
        source.parts[key] = record
    return made


def pickle_name(members: Iterable[zipfile.ZipInfo]) -> str:
    """The name of the pickle in an archive of `torch.save`, the one in the fewest folders; empty if there is none."""
    names = [member.filename for member in members if member.filename.split("/")[-1] == "data.pkl"]
    return min(names, key=lambda name: name.count("/"), default="")


def tar_members(file: BinaryIO) -> dict[str, tarfile.TarInfo]:
    """The first members of a tar archive, by name, up to one that is no plain file: PyTorch wrote four.

    The extended headers of other archives are not read: `tarfile` takes hours for some. Raises `CutShort`.
    """
    found, size, here = {}, file.seek(0, io.SEEK_END), 0
    for _ in range(_MOST_MEMBERS):
        file.seek(here)
        if not any(block := file.read(tarfile.BLOCKSIZE)):
            break
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
        except tarfile.HeaderError as error:
            raise CutShort("it ends within its list of parts") from error
        if member.type not in _PLAIN_MEMBERS:
            break
        member.offset_data = here + tarfile.BLOCKSIZE
        here = member.offset_data + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        if not member.offset_data <= member.offset_data + member.size <= size:
            raise CutShort("it ends before its weights do")
        found[member.name] = member
    return found


def read_tar(file: BinaryIO, path: Path, members: Mapping[str, tarfile.TarInfo], reading: Reading) -> Any:
    """The contents of a tar archive, which PyTorch wrote before 0.1.10: storages, tensors, and then the pickle.

    Raises `KeyError` if a part is missing, and as `read_pickle`.
    """
    parts = [members[name] for name in ("storages", "tensors", "pickle")]
    if any(not part.isreg() or part.sparse for part in parts):
        raise Damaged("a part of its archive is no file")
    source = FileParts(path, os.fstat(file.fileno()))
    found: dict[Any, Any] = {}
    file.seek(members["storages"].offset_data)
    _read_tar_storages(file, source, reading, found)
    file.seek(members["tensors"].offset_data)
    _read_tar_tensors(file, reading, found)
    file.seek(members["pickle"].offset_data)
    return read_pickle(file, reading, lambda wanted: wanted[0] if isinstance(wanted, tuple) else found[int(wanted)])


def _read_tar_storages(file: BinaryIO, source: FileParts, reading: Reading, found: dict[Any, Any]) -> None:
    for _ in range(_number(read_pickle(file, reading))):
        match read_pickle(file, reading):
            case (int(key), _, Global(kind)) if kind in STORAGES:
                pass
            case _:
                raise Damaged("a part is no plain row of numbers")
        numel = int.from_bytes(file.read(8), "little")
        storage = Storage(kind, (), None, None, source, str(key), STORAGES[kind], numel)
        file.seek(-8, io.SEEK_CUR)
        _locate(file, [(str(key), storage)], source)
        file.seek(sum(source.parts[str(key)]))
        found[key] = storage
    for target, root, offset, numel in read_pickle(file, reading):
        found[_number(target)] = _part_of(found[_number(root)], (target, offset, numel))


def _read_tar_tensors(file: BinaryIO, reading: Reading, found: dict[Any, Any]) -> None:
    for _ in range(_number(read_pickle(file, reading))):
        key, storage, _ = read_pickle(file, reading)
        dimensions = _numbers(file, "<ii")[0]
        if not 0 <= dimensions <= 64:
            raise Damaged("a tensor has an odd form")
        shape, stride = _numbers(file, f"<{dimensions}q"), _numbers(file, f"<{dimensions}q")
        if not isinstance(found[_number(storage)], Storage):
            raise Damaged("a tensor has no numbers")
        tensor = tensor_in(found[storage], _numbers(file, "<q")[0], shape, stride)
        found[_number(key)] = reading.met(tensor)


def _numbers(file: BinaryIO, form: str) -> tuple[int, ...]:
    data = file.read(struct.calcsize(form))
    if len(data) < struct.calcsize(form):
        raise CutShort("it ends before its weights do")
    return struct.unpack(form, data)


def _number(made: Any) -> int:
    """`made`, if it is a whole number: of tuples can be made some that nobody could hash or compare in time."""
    if not isinstance(made, int):
        raise Damaged("the number of its parts is missing")
    return made
