"""Reads what a file of weights holds, from any trainer, and never runs anything in it.

`.pth` files are pickles: they are followed with stand-ins (see `pickle_reader.py`), and the tensors are made from the
bytes beside them (see `containers.py`), those that are taken and no others. Files are read, not memory-mapped: if a
mapped file is cut short, the process is killed.
"""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from pathlib import Path
from typing import Any, BinaryIO

from resnet_gui.messages import Problem
from resnet_gui.regular_file import NotRegular, open_regular
from resnet_gui.weights.containers import (
    MAGIC_LINE,
    pickle_name,
    read_archive,
    read_stream,
    read_tar,
    saved_within,
    tar_members,
)
from resnet_gui.weights.other_formats import (
    refuse_archive,
    refuse_by_content,
    refuse_folder,
    refuse_foreign_archive,
    refuse_library,
)
from resnet_gui.weights.pickled_objects import Reading
from resnet_gui.weights.refusals import CutShort, UnsafePickle, problems_of, refuse_if_larger_than_memory
from resnet_gui.weights.safetensors_reader import read_safetensors
from resnet_gui.weights.sources import FileParts, members_of
from resnet_gui.weights.stored_tensor import Opaque

_START = 4096
_TEXT_PICKLES = b"(}]cl"
"""The first bytes of pickles in protocols 0 and 1, which begin with no sign of their own."""


_NO_PICKLE = (CutShort, ValueError, LookupError, AttributeError, TypeError)
"""What reading a text as a pickle raises."""


def read_contents(path: Path) -> Any:
    """What the file `path` holds: plain values, dicts, lists, tuples, `StoredTensor`, and `Opaque` for all else.

    Reads safetensors files and those of `torch.save`, old and new, with any file name. Contents may share parts, and
    hold themselves. A network that was saved as a whole is an `Opaque` with its state dict as `state`. Numbers are read
    when a tensor is taken. Raises `Problem` (a code that begins with `weights_`), also if there is no tensor in it.
    Nothing of the file is run in any case, nothing that it names is imported, and no object of it is made.
    """
    with problems_of(path):
        reading = Reading(path, saved_within)
        try:
            made = _read(path, reading)
        except UnsafePickle as error:
            refuse_library([str(error)])
            raise
        except Exception:
            refuse_library(name for name in reading.names if name.startswith("joblib."))  # bytes between its pickles
            raise
        if isinstance(made, Opaque):
            refuse_library([made.name])
        if reading.tensors == 0:
            refuse_library(reading.names)
            raise Problem("weights_not_weights", path=str(path), what=_what(made))
        return made


def _what(made: Any) -> str:
    return f"a saved {made.name}, without a single tensor" if isinstance(made, Opaque) else "without a single tensor"


def _read(path: Path, reading: Reading) -> Any:
    """The file's contents; its format is found from its first bytes."""
    if path.is_dir():
        refuse_folder(path)
    try:
        file = open_regular(path)
    except NotRegular as error:
        raise Problem("weights_not_weights", path=str(path), what="not an ordinary file") from error
    with file:
        found = os.fstat(file.fileno())
        reading.letters += 2 * found.st_size
        start = file.read(_START)
        file.seek(0)
        if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return _read_zip(file, path, reading)
        if start[4:9] == b"\0\0\0\0{":  # a length below 4 GB
            return read_safetensors(file, path, reading)
        if start[257:262] == b"ustar" or _is_old_tar(start):
            return _read_tar(file, path, reading)
        file.seek(0)
        if (start[:1] == b"\x80" and start[1:2] <= b"\x05") or start.startswith(MAGIC_LINE):
            refuse_if_larger_than_memory(path, 2 * found.st_size)
            return read_stream(file, FileParts(path, found), reading)
        if start and start[:1] in _TEXT_PICKLES and _last_byte(file) == b".":
            return _read_text_pickle(file, path, start, reading)
    return refuse_by_content(path, start)


def _is_old_tar(start: bytes) -> bool:
    """Whether this is the beginning of a tar archive from before there was a mark of its format."""
    try:
        return start[:1] in b"sptu" and bool(tarfile.TarInfo.frombuf(start[: tarfile.BLOCKSIZE], "utf-8", "replace"))
    except tarfile.TarError:
        return False


def _last_byte(file: BinaryIO) -> bytes:
    file.seek(-1, io.SEEK_END)
    last = file.read(1)
    file.seek(0)
    return last


def _read_text_pickle(file: BinaryIO, path: Path, start: bytes, reading: Reading) -> Any:
    with contextlib.suppress(*_NO_PICKLE):
        made = read_stream(file, FileParts(path, os.fstat(file.fileno())), reading)
        if reading.tensors:
            return made
    return refuse_by_content(path, start)


def _read_zip(file: BinaryIO, path: Path, reading: Reading) -> Any:
    members = members_of(file)
    names = [member.filename for member in members]
    refuse_archive(names)
    if not pickle_name(members):
        refuse_foreign_archive(names)
        raise Problem("weights_not_weights", path=str(path), what="a zip archive of something else")
    return read_archive(file, path, members, reading)


def _read_tar(file: BinaryIO, path: Path, reading: Reading) -> Any:
    members = tar_members(file)
    missing = {"storages", "tensors", "pickle"} - members.keys()
    if missing and "sys_info" in members:
        raise CutShort("it ends before its weights do")
    if missing:
        raise Problem("weights_not_weights", path=str(path), what="a tar archive of something else")
    return read_tar(file, path, members, reading)
