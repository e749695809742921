"""The weights a run starts from: random, or trained ones, whose preprocessing the run then uses."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from resnet_gui.config import RATE_FROM_RANDOM, RATE_FROM_TRAINED, StartConfig, TrainConfig
from resnet_gui.data.checks.survey import Survey
from resnet_gui.data.transforms import MIDDLE_SHARE, Preprocessing, preprocessing_for
from resnet_gui.events import Event, Note, WeightsLoaded
from resnet_gui.messages import Message, Problem, message
from resnet_gui.model_file import preprocessing_in
from resnet_gui.nets.catalog import find
from resnet_gui.nets.head import head_of
from resnet_gui.nets.library_catalog import weights_of
from resnet_gui.weights.transfer import load_weights
from resnet_gui.weights.weight_cache import fetch_verified


@dataclass(frozen=True, slots=True)
class InitialWeights:
    """`config` with every “auto” decided. `file` holds the weights (None: random); `origin` names their source."""

    config: TrainConfig
    preprocessing: Preprocessing
    file: Path | None = None
    origin: str = ""
    notes: tuple[Message, ...] = ()
    """What was decided that the user should know."""

    def load_into(self, network: nn.Module) -> Iterator[WeightsLoaded | Note]:
        """Loads the file's weights into `network`, a fresh one. The event lists what fitted, after the `notes`.

        Raises `Problem` if the file cannot be read or nothing in it fits.
        """
        yield from (Note(note) for note in self.notes)
        if self.file is None:
            return
        head = head_of(network, self.preprocessing.channels, self.preprocessing.image_size)
        part = self.config.start.start_part if self.config.start.start_from == "file" else ""
        transferred = load_weights(network, self.file, head, self.origin, part)
        yield transferred.event
        yield from (Note(note) for note in transferred.notes)


def find_initial_weights(
    config: TrainConfig, pictures: int, survey: Survey, stop: threading.Event
) -> Generator[Event, None, InitialWeights | None]:
    """Decides what `config` leaves open, and downloads weights if they are not cached. Returns None when stopped.

    `pictures` is the number of training pictures, `survey` what they have in common. Raises `Problem`. If `start_from`
    is "auto" and the weights cannot be had, that is a note and the run starts from random ones.
    """
    match config.start.start_from:
        case "random":
            return (yield from _random(config, survey))
        case "file" | "run":
            return _from_path(config, survey)
    weights, wanted = weights_of(config.network), config.start.start_from == "pretrained"
    if weights is None and wanted:
        raise Problem("no_pretrained", network=config.network)
    if weights is None:
        return (yield from _random(config, survey))
    try:
        file = yield from fetch_verified(weights, stop)
    except Problem as problem:
        if wanted:
            raise
        yield Note(problem.message)
        yield Note(message("from_scratch", count=pictures))
        return (yield from _random(config, survey))
    if file is None:
        return None
    return _started(config, survey, "pretrained", preprocessing_for(weights), file, weights.url)


def _random(config: TrainConfig, survey: Survey) -> Generator[Event, None, InitialWeights]:
    if config.start.train_part == "head":
        yield Note(message("head_on_random"))
    return _started(config, survey, "random")


def _from_path(config: TrainConfig, survey: Survey) -> InitialWeights:
    path = config.start.start_path
    if path is None:
        raise Problem("start_path_missing")
    if path.is_dir():  # a run folder
        path = path / "model.safetensors"
    preprocessing, shared = preprocessing_in(path), weights_of(config.network)
    if preprocessing is None and shared is not None:  # probably these weights, or weights fine-tuned from them
        preprocessing = preprocessing_for(shared)
    return _started(config, survey, config.start.start_from, preprocessing, path, str(path))


def _started(
    config: TrainConfig, survey: Survey, start_from: str, preprocessing: Preprocessing | None = None,
    file: Path | None = None, origin: str = "",
) -> InitialWeights:  # fmt: skip
    """The initial weights, with every setting decided. `preprocessing` is that of the weights' own training."""
    size = config.data.image_size
    known = config.data.middle_share or (preprocessing.middle_share if preprocessing else 0.0)
    notes = (message("pictures_whole", size=size),) if survey.small and not known else ()
    share = known or (1.0 if survey.small else MIDDLE_SHARE)
    at_size = (preprocessing.at(size) if preprocessing else Preprocessing.for_size(size)).with_middle_share(share)
    if survey.grey_range:  # else that of the weights' own training, if there is one
        at_size = replace(at_size, grey_range=survey.grey_range)
    at_size = replace(at_size, as_torchvision=False)  # a training learns from pictures as it prepares them
    channels = find(config.network).channels_for(config.data.colour)
    gently = file is not None and config.start.train_part == "everything"  # a head alone is still random
    learning_rate = config.training.learning_rate or (RATE_FROM_TRAINED if gently else RATE_FROM_RANDOM)
    decided = config.model_copy(
        update={
            "data": config.data.model_copy(
                update={"colour": "grey" if channels == 1 else "colour", "middle_share": share}
            ),
            "start": _decided(config.start, start_from),
            "training": config.training.model_copy(update={"learning_rate": learning_rate}),
        }
    )
    return InitialWeights(decided, at_size.with_channels(channels), file, origin, notes)


def _decided(start: StartConfig, start_from: str) -> StartConfig:
    statistics = start.norm_statistics
    if statistics == "auto":
        statistics = "frozen" if start.train_part == "head" else "learned"
    return start.model_copy(update={"start_from": start_from, "norm_statistics": statistics})
