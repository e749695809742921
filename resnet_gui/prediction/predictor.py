"""A model file and pictures become class probabilities."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image

from resnet_gui.config import MachineConfig
from resnet_gui.data.folder import pictures_in
from resnet_gui.data.image import open_image
from resnet_gui.data.thumbnail import write_thumbnail
from resnet_gui.device import choose_device
from resnet_gui.events import Predicted, Prediction
from resnet_gui.messages import Problem, message
from resnet_gui.model import load_model
from resnet_gui.pace import Pace

PREVIEW_SIDE = 640
"""Pixels: the longest side of the small PNG by which the window shows a picture that it must not decode itself."""


class Predictor:
    """A model that is loaded and answers. Raises `Problem` where the file is not a model or the device is missing."""

    def __init__(self, model: Path, machine: MachineConfig) -> None:
        self.path = model
        self.device = choose_device(machine)
        network, self.card = load_model(model)
        self.network = network.to(self.device)

    def predict(self, path: Path, top: int, preview: bool) -> Prediction:
        """The `top` most probable classes of the picture in `path`; with `preview` also a small PNG of it.

        A picture that cannot be read comes back with its `problem`.
        """
        began = time.perf_counter()
        try:
            image = open_image(path)
        except Problem as problem:
            return Prediction(str(path), problem=problem.message)
        pixels = self.card.preprocessing.pixels(image).unsqueeze(0).to(self.device)
        with torch.inference_mode():
            logits = self.network(self.card.preprocessing.normalize(pixels))
        probabilities, classes = logits[0].float().softmax(0).sort(descending=True, stable=True)
        milliseconds = (time.perf_counter() - began) * 1000
        return Prediction(
            str(path),
            tuple(self.card.classes[index] for index in classes[:top].tolist()),
            tuple(probabilities[:top].tolist()),
            image.width,
            image.height,
            milliseconds,
            _preview(image, path) if preview else "",
        )


def _preview(image: Image.Image, path: Path) -> str:
    try:
        return str(write_thumbnail(image, path, PREVIEW_SIDE))
    except Problem:  # a cache without room takes the picture, not the answer
        return ""


def predict(
    predictor: Predictor, paths: Sequence[Path], stop: threading.Event, top: int = 5, previews: int = 0
) -> Iterator[Predicted]:
    """Answers for `paths`, files or folders, in batches at most 20 times a second. A folder without pictures is told.

    The first `previews` of them come with a small PNG.
    """
    waiting: list[Prediction] = []
    pace = Pace(0.05)
    for number, path in enumerate(_files(paths)):
        if stop.is_set():
            return
        answer = path if isinstance(path, Prediction) else predictor.predict(path, top, number < previews)
        waiting.append(answer)
        if pace.due():
            yield Predicted(str(predictor.path), tuple(waiting))
            waiting = []
    if waiting:
        yield Predicted(str(predictor.path), tuple(waiting))


def _files(paths: Sequence[Path]) -> Iterator[Path | Prediction]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        pictures = pictures_in(path)
        yield from pictures
        if not pictures:
            yield Prediction(str(path), problem=message("nothing_to_predict", path=str(path)))
