"""A partly downloaded file: the bytes so far, and the server's description of the whole."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from resnet_gui.atomic_write import atomic_write
from resnet_gui.records import from_plain


@dataclass(frozen=True, slots=True)
class Remote:
    """A server's description of a file: `size` in bytes (0: unknown), whole SHA-256 and `validator` ("": unknown).

    The validator is a strong ETag or a date of change: a different one means a different file (RFC 9110, section 8.8).
    """

    size: int = 0
    sha256: str = ""
    validator: str = ""

    def contradicts(self, other: Remote) -> bool:
        """Whether the two cannot be the same file; values that are not stated contradict nothing."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return any(mine and theirs and mine != theirs for mine, theirs in pairs)


class PartialFile:
    """The first bytes of the file `path`, in `<path>.part`, and beside it the server's description of the whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.with_name(path.name + ".part")
        self._note = path.with_name(path.name + ".part.json")

    def size(self) -> int:
        """How many bytes are here."""
        try:
            return self.file.stat().st_size
        except OSError:
            return 0

    def remote(self) -> Remote | None:
        """The server's description of the file; None if there are no bytes, or the description cannot be read."""
        if not self.size():
            return None
        try:
            return from_plain(Remote, json.loads(self._note.read_text("ascii")))  # type: ignore[no-any-return]
        except (OSError, ValueError, TypeError):
            return None

    def begin(self, remote: Remote) -> None:
        """Starts again, without bytes, for the file described by `remote`. Raises `OSError`.

        The old bytes are deleted first, so that they are never found beside the description of another file.
        """
        self.file.open("wb").close()
        atomic_write(self._note, json.dumps(dataclasses.asdict(remote)).encode("ascii"))

    def forget(self) -> None:
        """Deletes the bytes and the description, so that a download starts from the beginning."""
        for path in (self.file, self._note):
            with contextlib.suppress(OSError):
                path.unlink()
