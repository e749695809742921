"""Reads named tensors from a shared file of weights, and never runs anything in it.

`.pth` files are pickles: they are checked first (see `pickle_checker.py`), every size is compared with the bytes in the
file, and what has passed is read by `torch.load(weights_only=True)`. Files are read, not memory-mapped: if a mapped
file is cut short, the process is killed.
"""

from __future__ import annotations

import contextlib
import io
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import psutil
import safetensors.torch
import torch
from torch import Tensor

from resnet_gui.messages import Problem, reason
from resnet_gui.weights.pickle_checker import PROTOCOL, OtherProtocol, Storage, UnsafePickle, check_pickle

_WRAPPERS = ("state_dict", "model", "model_state_dict", "net")
_DEPTH = 4
"""The largest depth of wrappers: a dict in a file may contain itself."""
PREFIXES = ("module.", "backbone.", "model.", "_orig_mod.")


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors in the file `path`, by name, on the CPU; floating-point ones of every precision become float32.

    Reads safetensors files and those of `torch.save`, old and new, with any file name: a state dict, or one inside
    `{"state_dict" | "model" | "model_state_dict" | "net": ...}`. Prefixes that wrappers put before all names
    (`module.`, `backbone.`, ...) are dropped, and values that are not tensors are ignored.
    Raises `Problem` (a code that begins with `weights_`). Nothing of the file is run in any case.
    """
    with _problems_of(path):
        tensors = _without_prefixes(_named_tensors(_unwrapped(_load(path)), path))
        _refuse_if_larger_than_memory(path, sum(4 * tensor.numel() for tensor in tensors.values()))
        return {name: _as_float(tensor, name, path) for name, tensor in tensors.items()}


@contextlib.contextmanager
def _problems_of(path: Path) -> Iterator[None]:
    """Turns every exception from reading a file of weights into a `Problem`."""
    try:
        yield
    except Problem:
        raise
    except FileNotFoundError as error:
        raise Problem("weights_missing", path=str(path)) from error
    except OtherProtocol as error:
        raise Problem("weights_protocol", path=str(path), protocol=str(error), wanted=PROTOCOL) from error
    except UnsafePickle as error:
        raise Problem("weights_not_plain", path=str(path), what=_ascii(error)) from error
    except Exception as error:  # whatever a reader throws at a damaged file: KeyError, struct.error, SafetensorError, …
        if isinstance(error, OSError) and error.errno:
            raise Problem("weights_unreadable", path=str(path), reason=reason(error)) from error
        raise Problem("weights_damaged", path=str(path), reason=_ascii(error)) from error


def _ascii(error: Exception) -> str:
    """The first line of an error as ASCII, at most 100 characters, since it may contain text from an unknown file."""
    return ascii(str(error).strip().partition("\n")[0])[1:-1][:100] or type(error).__name__


def _load(path: Path) -> Any:
    """The file's content; its format is found from its first bytes."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "not an ordinary file"
        raise Problem("weights_not_weights", path=str(path), what=what)
    _refuse_if_larger_than_memory(path, 3 * found.st_size)  # the file, its checked copy, and the tensors
    with path.open("rb") as file:
        start = file.read(512)
        file.seek(0)
        if start.startswith(b"PK\x03\x04"):
            return _load_archive(file, path)
        if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < found.st_size:
            return safetensors.torch.load(file.read())
        if start.startswith(b"\x80"):
            return _load_stream(file.read(), path)
    raise Problem("weights_not_weights", path=str(path), what=_kind_of_file(start))


def _refuse_if_larger_than_memory(path: Path, needed: int) -> None:
    free = psutil.virtual_memory().available
    if needed > free:
        raise Problem("weights_too_large", path=str(path), needed=round(needed / 1e9, 1), free=round(free / 1e9, 1))


def _kind_of_file(start: bytes) -> str:
    """What a file that holds no weights is, by its first bytes."""
    if not start:
        return "empty (0 bytes)"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS placeholder (run “git lfs pull” in its repository)"
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page (perhaps the download needs a login)"
    return "a text" if start.isascii() and b"\0" not in start else "of an unknown format"


def _load_archive(file: BinaryIO, path: Path) -> Any:
    """The content of a zip archive, which `torch.save` writes since PyTorch 1.6.

    Two readers may interpret one archive differently. So torch reads a new archive, which is written here and contains
    only the checked parts.
    """
    with zipfile.ZipFile(file) as archive:
        records = {info.filename.partition("/")[2]: info for info in archive.infolist()}
        if "constants.pkl" in records or any(name.startswith("code/") for name in records):
            raise Problem("weights_program", path=str(path))
        if "data.pkl" not in records:
            raise Problem("weights_not_weights", path=str(path), what="a zip archive of something else")
        if sum(info.file_size for info in archive.infolist()) > file.seek(0, io.SEEK_END):
            raise ValueError("it claims to hold more than there is in it")
        pickle = archive.read(records["data.pkl"])
        parts = {"data.pkl": pickle, "version": b"3"}
        if "byteorder" in records:
            parts["byteorder"] = archive.read(records["byteorder"])
        for key, storage in _storages(io.BytesIO(pickle), path).items():
            parts[f"data/{key}"] = archive.read(records[f"data/{key}"])
            if len(parts[f"data/{key}"]) != storage.bytes:
                raise ValueError(f"part {key} is not as large as it should be")
    return _load_checked(_archive_of(parts))


def _archive_of(parts: dict[str, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        while parts:  # each part is freed as soon as it is written
            name = next(iter(parts))
            archive.writestr(f"archive/{name}", parts.pop(name))
    file.seek(0)
    return file


def _load_stream(data: bytes, path: Path) -> Any:
    """The content of a file from before PyTorch 1.6: five pickles, then for each storage the count and the items."""
    file = io.BytesIO(data)
    if check_pickle(file).made != torch.serialization.MAGIC_NUMBER:
        raise Problem("weights_not_weights", path=str(path), what="a pickle, but not one of torch.save")
    check_pickle(file)  # the version of the format
    check_pickle(file)  # the system that wrote it
    storages = _storages(file, path)
    if sorted(check_pickle(file).made) != sorted(storages):
        raise ValueError("the list of its parts is not complete")
    if sum(8 + storage.bytes for storage in storages.values()) > len(data) - file.tell():
        raise ValueError("it ends before its weights do")
    return _load_checked(io.BytesIO(data))


def _storages(file: io.BytesIO, path: Path) -> dict[str, Storage]:
    """The storages that the pickle refers to. Raises `Problem` if it holds a whole network, a common mistake."""
    try:
        return check_pickle(file).storages
    except UnsafePickle as error:
        if b"torch.nn.modules" in file.getvalue():
            raise Problem("weights_program", path=str(path)) from error
        raise


def _load_checked(file: io.BytesIO) -> Any:
    return torch.load(file, map_location="cpu", weights_only=True)


def _unwrapped(found: Any) -> Any:
    """The innermost dict under one of the `_WRAPPERS` keys, which training scripts use."""
    for _ in range(_DEPTH):
        inner = (
            [found[name] for name in _WRAPPERS if isinstance(found.get(name), dict)] if isinstance(found, dict) else []
        )
        if not inner:
            break
        found = inner[0]
    return found


def _named_tensors(found: Any, path: Path) -> dict[str, Tensor]:
    items = found.items() if isinstance(found, dict) else ()
    tensors = {
        name: tensor.detach()
        for name, tensor in items
        if isinstance(name, str) and name.isprintable() and isinstance(tensor, Tensor)
    }
    if not tensors:
        raise Problem("weights_not_weights", path=str(path), what="without a single named tensor")
    return tensors


def _without_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            return _without_prefixes({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})
    return tensors


def _as_float(tensor: Tensor, name: str, path: Path) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    tensor = tensor.float()
    if not tensor.isfinite().all():
        raise Problem("weights_not_finite", path=str(path), name=name)
    return tensor
