"""The events that a job emits. They hold only numbers, strings and tuples of these, so that they survive JSON.

Paths are `str`; JSON is written in ASCII, so that file names which are not UTF-8 are read back unchanged.
A figure that does not exist is `None`, never NaN.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from resnet_gui.messages import Message, Value, message
from resnet_gui.records import (
    LATER,
    GreyRange,
    Layer,
    Mismatch,
    ModelInfo,
    Prediction,
    TestScore,
    Thumbnail,
    Weights,
    from_plain,
    to_plain,
)

_MISFITS = 20
"""How many tensors that did not fit are reported at most: a network has hundreds."""

Phase = Literal["features", "train", "validate", "test", "check", "sample", "survey"]


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine has imported what it needs and computes on `device` with `threads` CPU threads.

    `devices` are all that this machine has: "cpu", "cuda:0", "cuda:1".
    """

    device: str
    threads: int
    torch: str
    devices: tuple[str, ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True, slots=True)
class Started:
    """A run begins. Counts are pictures as listed; `run` is the run's folder."""

    run: str
    network: str
    classes: tuple[str, ...]
    train: int
    val: int
    test: int
    epochs: int
    device: str
    threads: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """The run in the folder `run` resumes after `step` steps of `epoch`, and is to have `epochs` in all.

    Events from after that step do not count: the run's `events.jsonl` has been cut back to it.
    """

    run: str
    epochs: int
    epoch: int
    step: int
    device: str
    threads: int


@dataclass(frozen=True, slots=True)
class Planned:
    """How the run computes. `images_per_second` is the measured speed, None if nothing had to be tried.

    `memory` is the estimated memory use of the run in bytes, None if it is not known.
    """

    precision: str
    memory_format: str
    threads: int
    loading_threads: int
    batch_size: int
    images_per_second: float | None
    memory: int | None
    message: Message


@dataclass(frozen=True, slots=True)
class DatasetChanged:
    """The pictures are not those the run began with, so it was not resumed: the user decides.

    Paths are relative to the dataset folder. The pictures of added and removed classes are among `added`, `removed`.
    """

    run: str
    classes_added: tuple[str, ...]
    classes_removed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A checkpoint is on the disk: the run can be resumed after `step` steps of `epoch`."""

    epoch: int
    step: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The run is saved and waits for something to come back; `message` is the reason. Emitted every few seconds."""

    message: Message


@dataclass(frozen=True, slots=True)
class Note:
    """Something the user should know, which does not end the job."""

    message: Message


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture cannot be read and is left out. Emitted once for each picture and job."""

    path: str
    message: Message


@dataclass(frozen=True, slots=True)
class SkippedMany:
    """Pictures that a check found to be unreadable, in batches."""

    items: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """A job's progress: `step` of `steps` in this phase; loss and accuracy (0 to 1) are running means of the epoch."""

    phase: Phase
    step: int
    steps: int
    epoch: int = 0
    loss: float | None = None
    accuracy: float | None = None
    images_per_second: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class EpochDone:
    """One epoch's figures: mean losses, accuracies from 0 to 1. `best` if it is the best by validation so far.

    Emitted after its checkpoint has been written, or after a `Note` that it could not be written.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    learning_rate: float
    seconds: float
    best: bool


@dataclass(frozen=True, slots=True)
class BestSaved:
    """The model file now holds this epoch's weights. `val_leaked` validation pictures were training pictures as well."""

    model: str
    epoch: int
    val_accuracy: float | None
    val_loss: float | None
    val_leaked: int = field(default=0, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Stopped:
    """The run was stopped and saved, and can be resumed. `validated` is false if no epoch had been validated yet."""

    model: str
    epoch: int
    step: int
    validated: bool


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The command line was stopped before the result was whole, after `done` of `total` pictures if that is known."""

    message: Message
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The run came to its end. `test` is None when there are no test pictures."""

    model: str
    best_epoch: int
    val_accuracy: float | None
    test: TestScore | None


@dataclass(frozen=True, slots=True)
class TestScored:
    """The test split was scored at the user's request."""

    __test__ = False

    model: str
    test: TestScore


@dataclass(frozen=True, slots=True)
class FolderScored:
    """The model in the file `model` was scored on the pictures of `folder`, whose folders name their classes.

    `left_out` pictures lie in folders that name no class of the model; `absent` are its classes without pictures.
    The score is not a test score: nothing counts it, and its `opened` is 0.
    """

    model: str
    folder: str
    score: TestScore
    left_out: int
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The job ended with a problem, which `message` explains."""

    message: Message


@dataclass(frozen=True, slots=True)
class Checked:
    """Every picture of a dataset has been decoded once. `notes` are what was found about the readable ones."""

    readable: int
    skipped: int
    notes: tuple[Message, ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True, slots=True)
class GreyRangeFound:
    """What is black and white in a dataset's pictures of more than 8 bits, if it has any."""

    grey_range: GreyRange


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """Thumbnails that are ready, in batches."""

    items: tuple[Thumbnail, ...]


@dataclass(frozen=True, slots=True)
class SampleDrawn:
    """The sample dataset lies in `folder`; `settings`, by dotted key, are those that suit it."""

    folder: str
    settings: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions, in batches, of the model in the file `model`."""

    model: str
    items: tuple[Prediction, ...]


@dataclass(frozen=True, slots=True)
class NetworkSummary:
    """A network layer by layer, for one picture of `channels` x `image_size` x `image_size`.

    `parameters` and `multiply_adds` are the sums. `weights` are trained ones that it can start from, if there are any.
    """

    network: str
    classes: int
    channels: int
    image_size: int
    layers: tuple[Layer, ...]
    parameters: int
    multiply_adds: int
    weights: Weights | None = None


@dataclass(frozen=True, slots=True)
class NetworkNames:
    """What a library offers beside the catalogue; a name is chosen as `timm/<name>` or `torchvision/<name>`."""

    source: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Downloading:
    """`done` of `total` bytes of a file are here. `total` is 0 until the server has stated it."""

    url: str
    done: int
    total: int
    bytes_per_second: float


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The file is here, whole and verified."""

    url: str
    path: str


@dataclass(frozen=True, slots=True)
class WeightsLoaded:
    """The network starts from the weights of `origin` (a file or an address): `taken` of its `wanted` tensors fitted."""

    origin: str
    taken: int
    wanted: int
    misfits: tuple[Mismatch, ...]

    @property
    def messages(self) -> Iterator[Message]:
        """The same for the user: how many tensors were taken, and the first 20 that do not fit."""
        yield message("weights_taken", origin=self.origin, taken=self.taken, wanted=self.wanted)
        for misfit in self.misfits[:_MISFITS]:
            yield message(
                "weights_misfit", name=misfit.name, wanted=shape_text(misfit.wanted), found=shape_text(misfit.found)
            )
        if len(self.misfits) > _MISFITS:
            yield message("weights_misfits_more", count=len(self.misfits) - _MISFITS)


@dataclass(frozen=True, slots=True)
class JobEnded:
    """The last event of every job in an engine, however the job ended."""


Event = (
    Ready | Started | Resumed | Planned | DatasetChanged | CheckpointSaved | Waiting | Note | Skipped | SkippedMany | Progress | EpochDone
    | BestSaved | Stopped | Interrupted | Finished | TestScored | FolderScored | Failed | Checked | GreyRangeFound | Thumbnails | SampleDrawn
    | ModelInfo | Predicted | NetworkSummary | NetworkNames | Downloading | Downloaded | WeightsLoaded | JobEnded
)  # fmt: skip

_WRITTEN_AS = {"TestScored": "Tested", "NetworkSummary": "Summarised", "WeightsLoaded": "WeightsTaken"}
"""The tags of renamed classes, in files and on the command line: files that were written before stay readable."""


def _tag(kind: type) -> str:
    """The tag under which events of `kind` are written: the name of the class, or its first name."""
    return _WRITTEN_AS.get(kind.__name__, kind.__name__)


_KINDS: dict[str, type] = {_tag(kind): kind for kind in typing.get_args(Event)}


def to_json(event: Event, **extra: Any) -> str:
    """One line of JSON: `{"event": <tag>, <fields>}`, with `extra` keys in front.

    Raises `ValueError` for NaN or infinity, which JSON does not have.
    """
    return json.dumps({**extra, "event": _tag(type(event)), **to_plain(event)}, allow_nan=False)


def from_json(line: str) -> Event:
    """The event that `to_json` wrote; keys that the event does not have are ignored.

    Raises `ValueError` if the line is not an event.
    """
    try:
        found = json.loads(line)
        return typing.cast(Event, from_plain(_KINDS[found["event"]], found))
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not an event: {line[:80]!r}") from error


def shape_text(shape: tuple[int, ...] | None) -> str:
    """ "64 × 3 × 7 × 7", "one number", or "nothing" for None."""
    return "nothing" if shape is None else " × ".join(map(str, shape)) or "one number"
