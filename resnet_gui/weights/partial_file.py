"""A file on its way here: the bytes so far, and what the server said of the whole."""

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
    """What a server says of a file: its `size` in bytes (0: not said), its whole SHA-256 and a `validator` ("": not said).

    The validator is a strong ETag or a date of change: another one means another file (RFC 9110, section 8.8).
    """

    size: int = 0
    sha256: str = ""
    validator: str = ""

    def contradicts(self, other: Remote) -> bool:
        """Whether the two cannot be the same file; what is not said contradicts nothing."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return any(mine and theirs and mine != theirs for mine, theirs in pairs)


class PartialFile:
    """The beginning of the file that is to become `path`: `<path>.part`, and beside it what the server said."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.with_name(path.name + ".part")
        self._note = path.with_name(path.name + ".part.json")

    def size(self) -> int:
        """Bytes that are here; 0 if there are none."""
        try:
            return self.file.stat().st_size
        except OSError:
            return 0

    def remote(self) -> Remote | None:
        """What the server said when the bytes came; None if there are none, or nobody knows where they come from."""
        if not self.size():
            return None
        try:
            return from_plain(Remote, json.loads(self._note.read_text("ascii")))  # type: ignore[no-any-return]
        except (OSError, ValueError, TypeError):
            return None

    def begin(self, remote: Remote) -> None:
        """An empty beginning of a file that is `remote`. Raises `OSError`.

        The old bytes go first: they are never seen beside a note that is not theirs.
        """
        self.file.open("wb").close()
        atomic_write(self._note, json.dumps(dataclasses.asdict(remote)).encode("ascii"))

    def forget(self) -> None:
        """Deletes all of it, so that a download begins anew."""
        for path in (self.file, self._note):
            with contextlib.suppress(OSError):
                path.unlink()
