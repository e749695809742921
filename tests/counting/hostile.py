"""Opens files that try to run code, to crash, to hang or to eat memory, by everything that opens files of weights or models.

    python tests/counting/hostile.py [--trials N | --minutes M] [--first N]

A trial is one file: payloads in every protocol and container, bombs, tensors that reach too far, lying headers, models
wrong in every field, archives that lie, things that are no files, and mutations of real checkpoints (`hostile_files/`).
Each file is opened by one verb of the command line in a fork, some also by an engine, by the window or by a new process:
nothing may be run (a canary, and Python's audit hook), nothing may crash, hang or take more than 300 MB, and each refusal
is a sentence. What took longer than a second is listed at the end. Needs Linux.

The short form takes a share of each kind. A round, `--trials 1700`, is every file once, and takes ten minutes; in the
next round each file is opened by another verb, and the mutations are new. `--minutes` goes on from the tally.
"""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # before torch: threads that spin slow down whatever runs beside

import atexit
import collections
import functools
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import small_data
import tally
from hostile_files.catalog import Catalog
from hostile_files.engine import EngineReader
from hostile_files.hostile_file import HostileFile
from hostile_files.payloads import Canary
from hostile_files.readers import CommandLine
from hostile_files.verdict import NEVER, Opened
from hostile_files.window import WindowReader

SHORT = 100
"""Trials of the short form: a share of each kind."""
ENGINE_EVERY = 3
WINDOW_EVERY = 5
AFRESH_EVERY = 50
"""Of so many files one is opened by an engine, by the window, by a process of its own, too."""
_SLOW = 1.0
"""Seconds of the processor."""


class Attack:
    """A folder with the canary, a good dataset, and the readers, each started when it is first needed."""

    def __init__(self) -> None:
        self.work = Path(tempfile.mkdtemp(prefix="resnet-gui-hostile-"))
        atexit.register(shutil.rmtree, self.work, ignore_errors=True)
        self.canary = Canary(self.work)
        self.catalog = Catalog(self.canary)
        self.dataset = dataset(self.work / "pictures")
        self.slow: list[tuple[float, str]] = []
        self.large: list[tuple[float, str]] = []

    @functools.cached_property
    def command_line(self) -> CommandLine:
        (self.work / "command line").mkdir()
        good = self.work / "command line" / "good.pth"
        good.write_bytes(self.catalog.honest["zip"])
        return CommandLine(self.work / "command line", self.dataset, good)

    @functools.cached_property
    def engine(self) -> EngineReader:
        (self.work / "engine").mkdir()
        good = self.work / "engine" / "good.safetensors"
        good.write_bytes(self.catalog.honest["model"])
        engine = EngineReader(self.work / "engine", self.dataset, good)
        atexit.register(engine.close)
        return engine

    @functools.cached_property
    def window(self) -> WindowReader:
        (self.work / "window").mkdir()
        window = WindowReader(self.work / "window")
        atexit.register(window.close)
        return window

    def trial(self, number: int) -> collections.Counter[str]:
        """Opens one file by its readers."""
        file = self.catalog[number]
        counted: collections.Counter[str] = collections.Counter(files=1)
        for opened in self._openings(file, number):
            counted["opened"] += 1
            counted["refused"] += opened.status == 1
            self._note(file, opened)
            for what, why in self._faults(opened):
                counted[what] += 1
                print(f"{number} {file} [{opened.reader}] {what}: {why}", flush=True)
        return counted

    def _openings(self, file: HostileFile, number: int) -> Iterator[Opened]:
        verbs = self.command_line.verbs(file)
        verb = verbs[sum(divmod(number, len(self.catalog))) % len(verbs)]
        yield self.command_line.open(verb, self._made(file), file.meanwhile)
        if number % ENGINE_EVERY == 0:
            yield self.engine.open(self._made(file), file.meanwhile)
        if number % WINDOW_EVERY == 0:
            yield self.window.open(self._made(file))
        if number % AFRESH_EVERY == AFRESH_EVERY - 1:
            yield self.command_line.open_afresh(verb, self._made(file))

    def _made(self, file: HostileFile) -> Path:
        """The file, made anew: some are changed while they are read."""
        folder = self.work / "files"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        path = folder / f"file{file.suffix}"
        file.write(path)
        return path

    def _faults(self, opened: Opened) -> Iterator[tuple[str, str]]:
        yield from opened.faults()
        if not self.canary.is_alive():
            yield "executed", "the canary is dead"
            self.canary.restore()

    def _note(self, file: HostileFile, opened: Opened) -> None:
        what = f"{file} [{opened.reader}, status {opened.status}]"
        self.slow.append((opened.seconds, what))
        self.large.append((opened.megabytes, what))

    def worst(self) -> Iterator[str]:
        """What took longest and most, for a reader of the counts."""
        slow = sum(seconds > _SLOW for seconds, _ in self.slow)
        yield f"{slow} of {len(self.slow)} took more than {_SLOW:.0f} s of the processor; the longest:"
        yield from (f"  {seconds:6.2f} s   {what}" for seconds, what in sorted(self.slow, reverse=True)[:12])
        yield "the most memory beyond that for an empty file:"
        yield from (f"  {mega:6.0f} MB  {what}" for mega, what in sorted(self.large, reverse=True)[:8])


def dataset(root: Path) -> Path:
    """Pictures of four classes, called as the hostile models call theirs."""
    small_data.draw(root, 3)
    for number, name in enumerate(small_data.COLOURS):
        (root / name).rename(root / f"class {number}")
    return root


def main() -> int:
    """As the other programs that count, and then lists what was slow."""
    attack = Attack()
    status = tally.count("hostile", attack.trial, SHORT, NEVER)
    print("\n".join(attack.worst()), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
