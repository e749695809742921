"""Events as text for a terminal."""

from __future__ import annotations

import dataclasses
import errno
import json
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from resnet_gui.cli.interrupt import StopFlag
from resnet_gui.events import (
    BestSaved,
    Checked,
    CheckpointSaved,
    DatasetChanged,
    Downloaded,
    Downloading,
    EpochDone,
    Event,
    Failed,
    Finished,
    FolderScored,
    Interrupted,
    NetworkNames,
    NetworkSummary,
    Note,
    Planned,
    Predicted,
    Progress,
    Resumed,
    Skipped,
    SkippedMany,
    Started,
    Stopped,
    TestScored,
    Waiting,
    WeightsLoaded,
    to_json,
)
from resnet_gui.messages import Problem, message, sentence
from resnet_gui.nets.tables import layer_table
from resnet_gui.records import ModelInfo, Prediction, TestScore, leak_note

_RESULTS = (Finished, TestScored, ModelInfo, DatasetChanged)
"""The last events of jobs that have come to their end."""
_SIGPIPE_STATUS = 141
"""128 + SIGPIPE, as a shell shows it for other programs."""
_IN_FULL = 3
"""How many equal sentences are printed; the others are counted."""
_PHASE_ENDS = (EpochDone, Checked, Finished, Stopped, TestScored, Failed, Interrupted)
_NAMED = 5
"""How many names are printed at most, where there may be thousands."""


class EventPrinter:
    """Prints events to `stream`: as JSON lines, or as sentences with a progress line where it is a terminal."""

    def __init__(self, stream: TextIO, as_json: bool = False) -> None:
        self._stream = stream
        self._as_json = as_json
        self._epochs = 0
        self._progress_width = 0
        self._skipped: Counter[str] = Counter()
        self._last_skipped: dict[str, str] = {}

    def show(self, event: Event) -> None:
        """Prints one event."""
        if self._as_json and isinstance(event, Predicted):
            for item in event.items:
                self._print(json.dumps(dataclasses.asdict(item), allow_nan=False))
        elif self._as_json:
            self._print(to_json(event))
        elif isinstance(event, Progress):
            self._rewrite(_progress(event))
        elif isinstance(event, Downloading):
            self._rewrite(_downloading(event))
        elif isinstance(event, Skipped | SkippedMany):
            self._show_skipped(event.items if isinstance(event, SkippedMany) else (event,))
        elif text := self._event_text(event):
            if isinstance(event, _PHASE_ENDS):
                self.end()
            self._print(text)

    def end(self) -> None:
        """Prints how many skipped pictures were not named."""
        for code, text in self._last_skipped.items():
            left = self._skipped[code] - _IN_FULL
            more = message("skipped_more", count=f"{left:,}", last=text)
            self._print("Skipped: " + (text if left == 1 else sentence(more)))
        self._last_skipped.clear()
        self._skipped.clear()

    def _show_skipped(self, items: Sequence[Skipped]) -> None:
        """Names the first few for each reason, and counts the others."""
        for item in items:
            code, text = item.message.code, sentence(item.message)
            self._skipped[code] += 1
            if self._skipped[code] > _IN_FULL:
                self._last_skipped[code] = text
            else:
                self._print("Skipped: " + text)

    def _event_text(self, event: Event) -> str:
        match event:
            case Started():
                self._epochs = event.epochs
                return (
                    f"{event.network} on {len(event.classes)} classes: {event.train} training, {event.val} validation "
                    f"and {event.test} test pictures, on {event.device} with {event.threads} threads"
                )
            case Resumed():
                self._epochs = event.epochs
                return f"Resumed in epoch {event.epoch} of {event.epochs} after step {event.step}, on {event.device}"
            case DatasetChanged():
                return _changes(event)
            case Note() | Failed() | Waiting() | Planned() | Interrupted():
                return sentence(event.message)
            case EpochDone():
                return self._epoch(event)
            case Stopped():
                kept = "The best model so far" if event.validated else "The model, not validated yet,"
                run = shlex.quote(str(Path(event.model).parent))
                return (
                    f"Stopped in epoch {event.epoch} after step {event.step}. {kept} is in {event.model}\n"
                    f"Go on with: resnet-gui train --resume {run}"
                )
            case Finished():
                score = _score(event.test) if event.test else "There were no test pictures, so there is no test score."
                return f"{score}\nThe model of epoch {event.best_epoch} is in {event.model}"
            case TestScored():
                return f"{_score(event.test)}\nThe test pictures have been used for a score {event.test.opened} times."
            case FolderScored():
                return _folder_score(event)
            case Checked():
                counts = f"{event.readable} pictures can be read, {event.skipped} cannot."
                return "\n".join([counts, *map(sentence, event.notes)])
            case Predicted():
                return "\n".join(_prediction(item) for item in event.items)
            case NetworkSummary():
                return layer_table(event)
            case NetworkNames():
                return "\n".join(f"{event.source}/{name}" for name in event.names)
            case Downloaded():
                return f"Downloaded and verified: {event.path}"
            case WeightsLoaded():
                return "\n".join(sentence(each) for each in event.messages)
            case ModelInfo():
                question = f"resnet-gui predict {shlex.quote(event.path)} …"
                return f"{event.path} knows {len(event.classes):,} classes. Ask it with: {question}"
            case BestSaved() | CheckpointSaved() | _:
                return ""

    def _epoch(self, event: EpochDone) -> str:
        line = f"epoch {event.epoch}/{self._epochs}  train loss {event.train_loss:.3f}  accuracy {event.train_accuracy:.1%}"
        if event.val_loss is not None and event.val_accuracy is not None:
            line += f"  val loss {event.val_loss:.3f}  accuracy {event.val_accuracy:.1%}"
        return f"{line}  {event.seconds:.1f} s{'  best' if event.best else ''}"

    def _rewrite(self, line: str) -> None:
        """Replaces the progress line by `line`; only a terminal has one."""
        if not self._stream.isatty():
            return
        self._stream.write("\r" + line.ljust(self._progress_width))
        self._stream.flush()
        self._progress_width = len(line)

    def _print(self, text: str) -> None:
        if self._progress_width:
            self._stream.write("\r" + " " * self._progress_width + "\r")
            self._progress_width = 0
        self._stream.write(text + "\n")
        self._stream.flush()


def show_events(events: Iterable[Event], as_json: bool, stop: StopFlag) -> int:
    """Prints `events` to the standard output as they come, and returns the exit status. Raises what they raise."""
    printer = EventPrinter(sys.stdout, as_json)
    whole = reported = False
    try:
        for event in events:
            printer.show(event)
            whole = whole or isinstance(event, _RESULTS)
            reported = (
                reported
                or isinstance(event, Stopped)
                or (isinstance(event, Note) and event.message.code == "test_stopped")
            )
    except Problem as problem:
        if as_json:
            printer.show(Failed(problem.message))
        raise
    finally:
        printer.end()
    if whole or not stop.is_set():
        return 0
    if not reported:
        printer.show(Interrupted(message("stopped_early")))
    return stop.status


def lost_status(failure: OSError | None) -> int:
    """The exit status after a `failure` of the standard output: 141 if its reader has read enough, else 1."""
    if failure is None:
        return 0
    return _SIGPIPE_STATUS if failure.errno == errno.EPIPE else 1


def _progress(event: Progress) -> str:
    line = f"{event.phase} {event.step}/{event.steps}"
    if event.phase == "features":
        line = f"looking at the pictures, once for all epochs: {event.step} of {event.steps}"
    elif event.phase == "survey":
        line = f"looking at the sizes and kinds of the pictures: {event.step} of {event.steps}"
    if event.loss is not None:
        line += f"  loss {event.loss:.3f}"
    if event.images_per_second is not None and event.seconds_left is not None:
        line += f"  {event.images_per_second:.0f} images/s  {event.seconds_left:.0f} s left"
    return line


def _downloading(event: Downloading) -> str:
    whole = f" of {event.total / 1e6:.1f}" if event.total else ""
    speed = f"  {event.bytes_per_second / 1e6:.1f} MB/s" if event.bytes_per_second else ""
    return f"{event.url.partition('//')[2].partition('/')[0]}  {event.done / 1e6:.1f}{whole} MB{speed}"


def _score(test: TestScore) -> str:
    which = "test pictures" if test.leaked else "pictures it had never seen"
    line = f"Of {test.total} {which}, {test.right} were right ({test.percent} %)."
    return "\n".join([line, *_details(test)])


def _folder_score(event: FolderScored) -> str:
    score = event.score
    lines = [f"Of {score.total} pictures in {event.folder}, {score.right} were right ({score.percent} %)."]
    return "\n".join([*lines, *_details(score)])


def _details(test: TestScore) -> list[str]:
    """What must be known beside the score, and the score of each class that has pictures."""
    rows = [row for row in test.classes if row.total]
    width = max(len(row.name) for row in rows)
    notes = [sentence(leak_note(test))] if test.leaked else []
    return [*notes, *(f"  {row.name:{width}}  {row.right} of {row.total}" for row in rows)]


def _changes(event: DatasetChanged) -> str:
    """How the pictures changed: for each kind how many, and the first names."""
    kinds = {
        "new classes": event.classes_added, "classes without pictures": event.classes_removed,
        "pictures added": event.added, "pictures gone": event.removed, "pictures replaced": event.changed,
    }  # fmt: skip
    lines = ["The pictures are not those this run began with:"]
    for kind, names in kinds.items():
        if names:
            more = ", …" if len(names) > _NAMED else ""
            lines.append(f"  {len(names)} {kind}: {', '.join(names[:_NAMED])}{more}")
    return "\n".join(lines)


def _prediction(prediction: Prediction) -> str:
    if prediction.problem:
        return f"{prediction.path}\n  {sentence(prediction.problem)}"
    rows = zip(prediction.probabilities, prediction.labels, strict=True)
    answer = "".join(f"\n  {probability:6.1%}  {label}" for probability, label in rows)
    return prediction.path + answer + "".join(f"\n  {sentence(note)}" for note in prediction.notes)
