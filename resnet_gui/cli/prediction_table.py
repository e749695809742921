"""Predictions as a table for a spreadsheet: `resnet-gui predict --csv`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from resnet_gui.data.samples import SUFFIXES
from resnet_gui.messages import Message, Problem, message, sentence
from resnet_gui.names import plain
from resnet_gui.output.output_file import Output, check_output, open_output
from resnet_gui.output.spreadsheet import BOM, SpreadsheetWriter
from resnet_gui.records import Prediction

STANDARD_OUTPUT = Path("-")
"""As the name of a table: it is printed."""


def check_table(path: Path, inputs: Sequence[Path]) -> None:
    """Raises `Problem` if the table `path` cannot be written, or is a picture or one of the `inputs` itself."""
    if path == STANDARD_OUTPUT:
        return
    check_output(path)
    if path.exists() and (
        path.suffix.lower() in SUFFIXES or any(each.exists() and path.samefile(each) for each in inputs)
    ):
        raise Problem("output_is_input", path=str(path))


class PredictionTable:
    """A row for each picture: path, problem, then `top` pairs of label and probability. Without a `path` it is none.

    It holds names as they are, except on a terminal, which could take a name for a command.
    It gets its name at the end of the block. Raises `Problem` (`cannot_write`).
    """

    def __init__(self, path: Path | None, top: int) -> None:
        self.is_file = path is not None and path != STANDARD_OUTPUT
        self._path = path
        self._is_terminal = False
        self._top = top
        self._output: Output | None = None
        self._writer: SpreadsheetWriter | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> PredictionTable:
        if self.is_file and self._path:
            self._output = self._stack.enter_context(open_output(self._path))
            self._output.file.write("" if self._output.is_stream else BOM)
            self._is_terminal = self._output.file.isatty()
            self._writer = SpreadsheetWriter(self._output.file)
        elif self._path:
            self._is_terminal = sys.stdout.isatty()
            self._writer = SpreadsheetWriter(sys.stdout)
        pairs = (f"{name}_{rank}" for rank in range(1, self._top + 1) for name in ("label", "probability"))
        self._write(["path", "problem", *pairs])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Writes a row for each."""
        for prediction in predictions:
            pairs = zip(prediction.labels, prediction.probabilities, strict=True)
            problem = sentence(prediction.problem) if prediction.problem else ""
            self._write([prediction.path, problem, *(value for pair in pairs for value in pair)])

    def stop(self, done: int, total: int) -> Message:
        """Marks the table as unfinished, in its last row. Returns what the user should know."""
        counts = {"done": f"{done:,}", "total": f"{total:,}"}
        stopped = message("stopped_after", **counts)
        self._write([sentence(stopped), "stopped"])
        if self._output is None:
            return stopped
        self._output.keep_unfinished()
        return message("stopped_table", **counts, path=str(self._output.path))

    def discard(self) -> None:
        """Leaves nothing behind."""
        if self._output:
            self._output.discard()

    def _write(self, cells: Iterable[object]) -> None:
        if self._writer and self._is_terminal:
            cells = [plain(cell, "") if isinstance(cell, str) else cell for cell in cells]
        if self._writer:
            self._writer.write(cells)
