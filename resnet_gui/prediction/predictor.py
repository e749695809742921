"""A model file and a picture become class probabilities."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from resnet_gui.config import MachineConfig
from resnet_gui.data.batch import stacked
from resnet_gui.data.image import Decoded
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import choose_device, short_precision, slow_precision
from resnet_gui.messages import Message, Problem, message
from resnet_gui.model_file import ModelMetadata, load_model
from resnet_gui.prediction.adaptive_precision import AdaptivePrecision
from resnet_gui.prediction.optimized_network import OptimizedNetwork, in_short_precision, optimize, unchanged
from resnet_gui.records import Prediction


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as the network sees it: `pixels` uint8 [channels, S, S]. Width and height are the upright file's."""

    path: str
    pixels: Tensor
    width: int
    height: int
    milliseconds: float
    notes: tuple[Message, ...] = ()


class Predictor:
    """A model that is loaded and warm. Raises `Problem` if the file is not a model, or the device or precision missing.

    `content` is that of the file `model`, if it has been loaded already.

    If the precision is "auto", 16 bits are used where `check` proves them good enough for this model and its pictures.
    `earlier` may hold the same network, such as that of an earlier epoch. If it was optimized for as many threads, this
    one computes like it and is ready sooner.
    """

    def __init__(
        self,
        model: Path,
        machine: MachineConfig,
        earlier: Predictor | None = None,
        content: tuple[nn.Module, ModelMetadata] | None = None,
    ) -> None:
        self.path = model
        device = choose_device(machine)
        network, self.metadata = content or load_model(model)
        self.kind = (
            self.metadata.network,
            self.metadata.preprocessing,
            device,
            torch.get_num_threads(),
            machine.precision,
        )
        compute = earlier.inference.compute if earlier and earlier.kind == self.kind else None
        if self.metadata.preprocessing.as_torchvision and machine.precision == "float32":
            exact = unchanged(network, self.metadata.preprocessing, device)
        else:
            exact = optimize(network, self.metadata.preprocessing, device, compute)
        automatic = machine.precision == "auto"
        self.inference: OptimizedNetwork = exact if automatic else _set(exact, machine.precision)
        self.note = slow_precision(self.inference.compute)
        self._adaptive = AdaptivePrecision(self.inference, short_precision(device) if automatic else None)

    def check(self) -> None:
        """May compute the batch predicted last in 16 bits, too, to learn whether they are good enough for what follows."""
        self._adaptive.check()

    def predict(self, path: Path, top: int = 5) -> Prediction:
        """The `top` most probable classes of the picture in `path`; an unreadable one comes with its `problem`."""
        return self.predict_batch([self.open(path)], top)[0]

    def open(self, path: Path) -> Picture | Prediction:
        """The picture in `path`, or a `Prediction` with the problem if it cannot be read. Any thread may call this."""
        began, preprocessing = time.perf_counter(), self.metadata.preprocessing
        try:
            decoded = preprocessing.decode(path)
        except Problem as problem:
            return Prediction(str(path), problem=problem.message)
        pixels = preprocessing.pixels(preprocessing.scaled(decoded.image))
        took, notes = _milliseconds_since(began), tuple(_notes(path, decoded, preprocessing))
        return Picture(str(path), pixels, decoded.width, decoded.height, took, notes)

    def predict_batch(self, opened: Sequence[Picture | Prediction], top: int = 5) -> list[Prediction]:
        """The `top` most probable classes of each picture, computed in one batch. A `Prediction` is passed on.

        The milliseconds are a picture's own, from the file to the probabilities: the time to open it, and its share of
        the batch.
        """
        pictures = [each for each in opened if isinstance(each, Picture)]
        predictions = iter(self._predictions(pictures, top) if pictures else ())
        return [next(predictions) if isinstance(each, Picture) else each for each in opened]

    def _predictions(self, pictures: list[Picture], top: int) -> Iterator[Prediction]:
        began = time.perf_counter()
        found, precisions = self._adaptive.probabilities(stacked([each.pixels for each in pictures]))
        ranked = found.sort(descending=True, stable=True)
        share = _milliseconds_since(began) / len(pictures)
        probabilities, order = (each[:, :top].tolist() for each in ranked)
        finite = found.isfinite().all(1).tolist()
        rows = zip(pictures, probabilities, order, precisions, finite, strict=True)
        for picture, highest, indices, precision, is_finite in rows:
            if not is_finite:
                problem = message("answer_not_finite", path=picture.path, precision=precision)
                yield Prediction(picture.path, problem=problem)
                continue
            labels = tuple(self.metadata.classes[index] for index in indices)
            took = picture.milliseconds + share
            yield Prediction(
                picture.path, labels, tuple(highest), picture.width, picture.height, took, notes=picture.notes,
                precision=precision,
            )  # fmt: skip


def _notes(path: Path, decoded: Decoded, preprocessing: Preprocessing) -> Iterator[Message]:
    """What the user should know of how the picture in `path` was read."""
    if decoded.first_of_many:
        yield message("first_frame", name=path.name)
    if decoded.clipped and preprocessing.grey_range:
        yield message("grey_clipped_here", count=decoded.clipped, **preprocessing.grey_range.limits)


def _set(exact: OptimizedNetwork, precision: str) -> OptimizedNetwork:
    """`exact` in the precision that the user has set. Raises `Problem` (`precision_missing`)."""
    if precision == exact.compute.precision:
        return exact
    try:
        return in_short_precision(exact, precision)
    except (RuntimeError, ValueError) as error:
        raise Problem("precision_missing", precision=precision) from error


def _milliseconds_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
