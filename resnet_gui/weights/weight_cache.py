"""Trained weights on this machine: downloaded once, kept in the user's cache, and hashed again before each use.

A file gets its name here only after its SHA-256 was found to be the one that its source states. The window calls only
`cached`, which is cheap: the modules for HTTP are imported by `fetch`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
import urllib.parse
from collections.abc import Generator, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from resnet_gui.atomic_write import atomic_write, make_folder, sync_names
from resnet_gui.events import Downloaded, Downloading, Event, Note
from resnet_gui.messages import Problem, message
from resnet_gui.output.advice import reason_and_advice
from resnet_gui.paths import weights_folder
from resnet_gui.records import Weights
from resnet_gui.weights.partial_file import PartialFile, Remote

WEIGHT_SUFFIXES = (".safetensors", ".pth", ".pt", ".th", ".ckpt", ".bin", ".pth.tar", ".pt.tar", ".pkl")
"""How files of weights are usually called. `read_contents` goes by their content, whatever their name."""
_LOOK_SECONDS = 0.25
"""How often `stop` is checked while another process has the file."""
_FEWEST_DIGITS = 8
"""Of a SHA-256: as many as torch.hub requires in a file's name. With fewer, a wrong file could pass by chance."""


def fetch(weights: Weights, stop: threading.Event) -> Iterator[Downloading | Downloaded]:
    """Downloads the file unless it is here, and yields `Downloaded` once it is verified.

    When `stop` is set, it ends within half a second; the bytes so far are kept, and the next call resumes from them.
    If another process fetches the same file, this one waits for it.
    Raises `Problem` (`download_…`); then there is no file with the final name.
    """
    path = verified(weights) or (yield from _alone(weights, stop))
    if path:
        yield Downloaded(weights.url, str(path))


def verified(weights: Weights) -> Path | None:
    """The file, if it is here and its SHA-256 is the right one. Reads all of it: about a second for 500 MB."""
    path = weights_path(weights)
    digits = _known_digits(weights)
    try:
        return path if digits and _sha256(path).startswith(digits) else None
    except OSError:
        return None


def cached(weights: Weights) -> bool:
    """Whether the file is here. It is not hashed, so it may have been damaged since it was verified."""
    return weights_path(weights).is_file() and bool(_known_digits(weights))


def forget(weights: Weights) -> None:
    """Deletes the bytes of a download that did not finish."""
    PartialFile(weights_path(weights)).forget()


def weights_path(weights: Weights) -> Path:
    """The path of the file in the user's cache, whether it is there or not. The user can put it there by hand."""
    return weights_folder() / file_name(weights)


def file_name(weights: Weights) -> str:
    """The file's name in the cache: a different one for each URL, and valid on every system.

    A name that contains the hash is kept, since it belongs to one content. Hugging Face gives all files the same name,
    so it gets the repository's name as a prefix and digits of the URL's hash as a suffix:
    `timm--resnet18.a1_in1k--model-0f1e2d3c.safetensors`.
    """
    *folders, name = urllib.parse.unquote(urllib.parse.urlsplit(weights.url).path).strip("/").split("/")
    digits = weights.sha256.lower()[:_FEWEST_DIGITS]
    if len(digits) == _FEWEST_DIGITS and digits in name.lower():
        return _plain(name)
    stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
    repository = folders[: folders.index("resolve")] if "resolve" in folders else []
    address = hashlib.sha256(weights.url.encode()).hexdigest()[:_FEWEST_DIGITS]
    return f"{_plain('--'.join([*repository, stem]))[:100]}-{address}{dot}{_plain(ending)}"


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")


def _known_digits(weights: Weights) -> str:
    """The first digits of the file's SHA-256, or all: those of `weights`, else those noted on download; else ""."""
    digits = weights.sha256.lower()
    if not digits:
        with contextlib.suppress(OSError, ValueError):
            digits = _hash_note(weights_path(weights)).read_text("ascii")
    return digits if re.fullmatch(rf"[0-9a-f]{{{_FEWEST_DIGITS},64}}", digits) else ""


def _hash_note(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _alone(weights: Weights, stop: threading.Event) -> Generator[Downloading, None, Path | None]:
    """Downloads while no other process does; None if `stop` was set before the end."""
    path = weights_path(weights)
    lock = FileLock(path.with_name(path.name + ".lock"), thread_local=False)
    try:
        make_folder(path.parent)
        yield from _wait_for(lock, weights, stop)
        if stop.is_set():
            return None
        return verified(weights) or (yield from _download(weights, path, stop))  # the other process may have brought it
    except (OSError, NotImplementedError) as error:
        if not isinstance(error, OSError):
            error = OSError(None, str(error))
        raise Problem("download_not_written", path=str(path), **reason_and_advice(error)) from error
    finally:
        lock.release()


def _wait_for(lock: FileLock, weights: Weights, stop: threading.Event) -> Iterator[Downloading]:
    """Waits for the lock, and reports the progress of the other process."""
    part = PartialFile(weights_path(weights))
    while not stop.is_set():
        try:
            lock.acquire(timeout=_LOOK_SECONDS)
        except Timeout:
            yield Downloading(weights.url, part.size(), 0, 0.0)
        else:
            return


def _download(weights: Weights, path: Path, stop: threading.Event) -> Generator[Downloading, None, Path | None]:
    from resnet_gui.weights.download import download

    path.unlink(missing_ok=True)  # it was not verified
    part = PartialFile(path)
    remote = yield from download(weights, part, stop)
    if remote:
        _settle(weights, part, remote)
    return path if remote else None


def _settle(weights: Weights, part: PartialFile, remote: Remote) -> None:
    """Renames the complete part to its final name if its hash is right; else deletes it, and raises `Problem`."""
    with part.file.open("ab") as file:
        os.fsync(file.fileno())
    found = _sha256(part.file)
    wanted = remote.sha256 or weights.sha256.lower()
    if not (found.startswith(wanted) and found.startswith(weights.sha256.lower())):
        part.forget()
        raise Problem("download_wrong_hash", url=weights.url, found=found[:16], wanted=wanted[:16])
    part.file.replace(part.path)
    sync_names(part.path.parent)
    part.forget()
    if not weights.sha256:
        atomic_write(_hash_note(part.path), found.encode("ascii"))


def fetch_verified(weights: Weights, stop: threading.Event) -> Generator[Event, None, Path | None]:
    """The path of the verified weights; None if stopped. A `Note` comes before a download begins."""
    announced = False
    for event in fetch(weights, stop):
        if isinstance(event, Downloaded):
            return Path(event.path)
        if isinstance(event, Downloading) and not announced:
            announced = True
            size = f"{weights.megabytes:.1f} MB" if weights.megabytes else "size not known"
            yield Note(message("downloads_weights", host=weights.host, size=size, licence=weights.licence))
        yield event
    return None
