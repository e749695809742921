"""One hostile file: what it is called, how it is made, and for what a user could take it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Writer = Callable[[Path], object]


@dataclass(frozen=True)
class HostileFile:
    """`write` makes it at a path. `suffix` is what a browser would have called it."""

    kind: str
    name: str
    write: Writer
    suffix: str = ".pth"
    meanwhile: Writer | None = None
    """What is done to the file while it is being read, again and again."""
    is_model: bool = False
    """Whether it claims to be a model of this program."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


def of_bytes(
    kind: str, name: str, data: bytes | Callable[[], bytes], suffix: str = ".pth", is_model: bool = False
) -> HostileFile:
    """A file that holds `data`, which may be made only when it is needed."""

    def write(path: Path) -> object:
        return path.write_bytes(data() if callable(data) else data)

    return HostileFile(kind, name, write, suffix, is_model=is_model)
