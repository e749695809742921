"""Events as text for a terminal."""

from __future__ import annotations

import csv
import dataclasses
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

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
from resnet_gui.messages import Problem, reason, sentence
from resnet_gui.nets.tables import layer_table
from resnet_gui.records import ModelInfo, Prediction, TestScore

_NAMED = 5
"""How many names are printed at most, where there may be thousands."""


class EventPrinter:
    """Prints events to `stream`: as JSON lines, or as sentences with a progress line where it is a terminal."""

    def __init__(self, stream: TextIO, as_json: bool = False) -> None:
        self._stream = stream
        self._as_json = as_json
        self._epochs = 0
        self._progress_width = 0

    def show(self, event: Event) -> None:
        """Prints one event."""
        if self._as_json and isinstance(event, Predicted):
            for item in event.items:
                self._print(json.dumps(dataclasses.asdict(item)))
        elif self._as_json:
            self._print(to_json(event))
        elif isinstance(event, Progress):
            self._rewrite(_progress(event))
        elif isinstance(event, Downloading):
            self._rewrite(_downloading(event))
        elif text := self._event_text(event):
            self._print(text)

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
            case Note() | Failed() | Waiting() | Planned():
                return sentence(event.message)
            case Skipped():
                return "Skipped: " + sentence(event.message)
            case SkippedMany():
                return "\n".join("Skipped: " + sentence(item.message) for item in event.items)
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
            case Checked():
                return f"{event.readable} pictures can be read, {event.skipped} cannot."
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
    lines = [f"Of {test.total} pictures it had never seen, {test.right} were right ({test.percent} %)."]
    width = max(len(row.name) for row in test.classes)
    lines += [f"  {row.name:{width}}  {row.right} of {row.total}" for row in test.classes]
    return "\n".join(lines)


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
    answers = "".join(f"\n  {probability:6.1%}  {label}" for probability, label in rows)
    return prediction.path + answers + "".join(f"\n  {sentence(note)}" for note in prediction.notes)


def write_predictions(path: Path, predictions: Sequence[Prediction], top: int) -> None:
    """Writes a table with a row for each picture: path, problem, then `top` pairs of label and probability.

    Raises `Problem` (`cannot_write`).
    """
    header = [
        "path",
        "problem",
        *(f"{name}_{rank}" for rank in range(1, top + 1) for name in ("label", "probability")),
    ]
    try:
        with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            table = csv.writer(file)
            table.writerow(header)
            for prediction in predictions:
                pairs = zip(prediction.labels, prediction.probabilities, strict=True)
                problem = sentence(prediction.problem) if prediction.problem else ""
                table.writerow([prediction.path, problem, *(value for pair in pairs for value in pair)])
    except OSError as error:
        raise Problem("cannot_write", path=str(path), reason=reason(error)) from error
