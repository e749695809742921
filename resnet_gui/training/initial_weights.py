"""What a run starts from: random weights or trained ones, which also say how pictures are prepared for them."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from resnet_gui.config import RATE_FROM_RANDOM, RATE_FROM_TRAINED, StartConfig, TrainConfig
from resnet_gui.data.transforms import Preprocessing, preprocessing_for
from resnet_gui.events import Event, Note, WeightsLoaded
from resnet_gui.messages import Problem, message
from resnet_gui.model_file import preprocessing_in
from resnet_gui.nets.catalog import find
from resnet_gui.nets.head import head_of
from resnet_gui.nets.library_catalog import weights_of
from resnet_gui.weights.transfer import transfer
from resnet_gui.weights.weight_cache import fetch_verified
from resnet_gui.weights.weight_file import read_weights


@dataclass(frozen=True, slots=True)
class InitialWeights:
    """`config` with every “auto” decided; `file` holds the weights, None for random ones, which come from `origin`."""

    config: TrainConfig
    preprocessing: Preprocessing
    file: Path | None = None
    origin: str = ""

    def load_into(self, network: nn.Module) -> Iterator[WeightsLoaded | Note]:
        """Puts the file's weights into `network`, a fresh one, and tells what fitted.

        Raises `Problem` if the file cannot be read or nothing in it fits.
        """
        if self.file is None:
            return
        head = head_of(network, self.preprocessing.channels, self.preprocessing.image_size)
        adopted = transfer(network, read_weights(self.file), head, self.origin)
        yield adopted.event
        yield from (Note(note) for note in adopted.notes)


def find_initial_weights(
    config: TrainConfig, pictures: int, stop: threading.Event
) -> Generator[Event, None, InitialWeights | None]:
    """Decides what `config` leaves open, and downloads weights that are wanted and not here. None when stopped.

    `pictures` is how many there are to learn from. Raises `Problem`; but where pretrained weights were not asked for
    by name, not to get them is a note.
    """
    match config.start.start_from:
        case "random":
            return (yield from _random(config))
        case "file" | "run":
            return _from_path(config)
    weights, wanted = weights_of(config.network), config.start.start_from == "pretrained"
    if weights is None and wanted:
        raise Problem("no_pretrained", network=config.network)
    if weights is None:
        return (yield from _random(config))
    try:
        file = yield from fetch_verified(weights, stop)
    except Problem as problem:
        if wanted:
            raise
        yield Note(problem.message)
        yield Note(message("from_scratch", count=pictures))
        return (yield from _random(config))
    if file is None:
        return None
    return _started(config, "pretrained", preprocessing_for(weights), file, weights.url)


def _random(config: TrainConfig) -> Generator[Event, None, InitialWeights]:
    if config.start.train_part == "head":
        yield Note(message("head_on_random"))
    return _started(config, "random")


def _from_path(config: TrainConfig) -> InitialWeights:
    path = config.start.start_path
    if path is None:
        raise Problem("start_path_missing")
    if path.is_dir():  # of a run
        path = path / "model.safetensors"
    taught, shared = preprocessing_in(path), weights_of(config.network)
    if taught is None and shared is not None:  # most likely these weights, or some that were made from them
        taught = preprocessing_for(shared)
    return _started(config, config.start.start_from, taught, path, str(path))


def _started(
    config: TrainConfig, start_from: str, taught: Preprocessing | None = None, file: Path | None = None, origin: str = ""
) -> InitialWeights:  # fmt: skip
    """The start with every setting decided: `taught` is how the pictures were prepared that the weights have learned from."""
    size = config.data.image_size
    preprocessing = taught.at(size) if taught else Preprocessing.for_size(size)
    channels = find(config.network).channels_for(config.data.colour)
    gently = file is not None and config.start.train_part == "everything"  # a head alone knows nothing yet
    learning_rate = config.training.learning_rate or (RATE_FROM_TRAINED if gently else RATE_FROM_RANDOM)
    decided = config.model_copy(
        update={
            "data": config.data.model_copy(update={"colour": "grey" if channels == 1 else "colour"}),
            "start": _decided(config.start, start_from),
            "training": config.training.model_copy(update={"learning_rate": learning_rate}),
        }
    )
    return InitialWeights(decided, preprocessing.with_channels(channels), file, origin)


def _decided(start: StartConfig, start_from: str) -> StartConfig:
    statistics = start.norm_statistics
    if statistics == "auto":
        statistics = "frozen" if start.train_part == "head" else "learned"
    return start.model_copy(update={"start_from": start_from, "norm_statistics": statistics})
