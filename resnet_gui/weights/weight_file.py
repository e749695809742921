"""Reads what a file of weights holds, from any trainer, and never runs anything in it.

`.pth` files are pickles: they are followed with stand-ins (see `pickle_reader.py`), and the tensors are made from the
bytes beside them (see `containers.py`), those that are taken and no others. Files are read, not memory-mapped: if a
mapped file is cut short, the process is killed.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tarfile
from pathlib import Path
from typing import Any, BinaryIO

from torch import Tensor

from resnet_gui.messages import Problem
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
from resnet_gui.weights.stored_tensor import Opaque, StoredTensor

_WRAPPERS = ("state_dict", "model", "model_state_dict", "net")
_DEPTH = 4
"""The largest depth of wrappers: a dict in a file may contain itself."""
PREFIXES = ("module.", "backbone.", "model.", "_orig_mod.")

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
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        refuse_folder(path)
    if not stat.S_ISREG(found.st_mode):
        raise Problem("weights_not_weights", path=str(path), what="not an ordinary file")
    with path.open("rb") as file:
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


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors in the file `path`, by name, on the CPU; floating-point ones of every precision become float32.

    Takes a state dict, or one inside `{"state_dict" | "model" | "model_state_dict" | "net": ...}`. Prefixes that
    wrappers put before all names (`module.`, `backbone.`, ...) are dropped, and values that are not tensors are ignored.
    Raises `Problem` (a code that begins with `weights_`).
    """
    found = _without_prefixes(_named_tensors(_unwrapped(read_contents(path)), path))
    return {name: tensor.read() for name, tensor in found.items()}


def _unwrapped(found: Any) -> Any:
    """The innermost dict under one of the `_WRAPPERS` keys, which training scripts use."""
    for _ in range(_DEPTH):
        found = found.state if isinstance(found, Opaque) else found
        inner = (
            [found[name] for name in _WRAPPERS if isinstance(found.get(name), dict | Opaque)]
            if isinstance(found, dict)
            else []
        )
        if not inner:
            break
        found = inner[0]
    return found.state if isinstance(found, Opaque) else found


def _named_tensors(found: Any, path: Path) -> dict[str, StoredTensor]:
    items = found.items() if isinstance(found, dict) else ()
    tensors = {
        name: tensor
        for name, tensor in items
        if isinstance(name, str) and name.isprintable() and isinstance(tensor, StoredTensor)
    }
    if not tensors:
        raise Problem("weights_not_weights", path=str(path), what="without a single named tensor")
    return tensors


def _without_prefixes(tensors: dict[str, StoredTensor]) -> dict[str, StoredTensor]:
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            return _without_prefixes({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})
    return tensors
