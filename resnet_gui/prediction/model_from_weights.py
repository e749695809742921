"""A file of trained weights becomes a model file, without training."""

from __future__ import annotations

import contextlib
import functools
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from resnet_gui.data.readers.class_names import IMAGENET, check_names
from resnet_gui.data.transforms import Preprocessing, preprocessing_for
from resnet_gui.events import Event, Note, shape_text
from resnet_gui.messages import Message, Problem, first_names, message
from resnet_gui.model_fields import LONGEST_NAME
from resnet_gui.model_file import ModelMetadata, preprocessing_in, read_metadata, save_model
from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import find
from resnet_gui.nets.libraries import torchvision_models
from resnet_gui.nets.library_catalog import weights_of
from resnet_gui.nets.network_shapes import Shape, network_shapes, training_only
from resnet_gui.nets.without_memory import build_without_memory
from resnet_gui.output.output_file import check_output
from resnet_gui.prediction.assumed_preprocessing import Known, Wishes, prepared
from resnet_gui.records import Mismatch
from resnet_gui.weights.matching.recognise import network_of
from resnet_gui.weights.names_in_weights import class_name_lists
from resnet_gui.weights.transfer import Transferred, chosen_for, transfer
from resnet_gui.weights.weight_cache import fetch_verified
from resnet_gui.weights.weight_file import read_contents

_USUAL_SIZE = 224
_COLOURS = ("auto", "colour", "grey")
_SHOWN = 3
_NOT_OF_UNUSED = ("weights_mostly_random", "head_replaced")
"""What is told of a start for a training, where the layers that are missing would be needed."""
_NOT_LEARNED = ("attn_mask", "_index")
"""Ends of names of what older versions of networks kept beside their weights, computed from the size alone."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """What is to be made: the model file `out`, of the file `weights` of the network called `network`.

    `classes` are in the order of the head's outputs, or `(IMAGENET,)`, or () to take the names that the file itself holds.
    `colour` is "auto", "colour" or "grey"; `part` names the part of the file to take, where it holds several that fit.
    The others are as in `Preprocessing`. What is 0 or empty is decided from what is known, and told.
    """

    weights: Path
    network: str
    classes: tuple[str, ...]
    out: Path
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    size: int = 0
    middle_share: float = 0.0
    interpolation: str = ""
    colour: str = "auto"
    part: str = ""

    @property
    def wishes(self) -> Wishes:
        """Those for the preprocessing."""
        return Wishes(self.size, self.middle_share, self.interpolation, self.mean, self.std)

    def check(self) -> None:
        """Raises `Problem` for what can be told before the file of weights is read."""
        self.wishes.check()
        if self.colour not in _COLOURS:
            raise Problem("setting_invalid", setting="Colour", reason=f"it is one of {', '.join(_COLOURS)}")
        check_names(self.classes)
        if long := next((number for number, name in enumerate(self.classes, 1) if len(name) > LONGEST_NAME), 0):
            raise Problem("class_name_long", number=long, most=f"{LONGEST_NAME:,}")
        find(self.network)
        check_output(self.out)
        if self.weights.exists() and self.out.exists() and self.out.samefile(self.weights):
            raise Problem("output_is_input", path=str(self.out))


def adopt(adoption: Adoption, stop: threading.Event) -> Iterator[Event]:
    """Writes the model file, and tells what was decided: `WeightsLoaded`, `Note`s, and last the `ModelInfo`.

    Nothing is trained or validated. Ends without a file when stopped. Raises `Problem`, and writes nothing, unless all
    tensors with which the network answers are in the file.
    """
    adoption.check()
    contents = read_contents(adoption.weights)
    found, known = _known_preprocessing(adoption)
    yield from _made(adoption, contents, found, known, stop)


def make_model(name: str, file: Path | None, out: Path, stop: threading.Event) -> Iterator[Event]:
    """Writes the model file `out`: the network `name` with its pretrained weights, or those in `file`.

    It knows the 1,000 classes of ImageNet. As `adopt`; raises `Problem` also if nobody shares weights, or if they cannot
    be had.
    """
    weights = weights_of(name)
    if file is None and weights is None:
        raise Problem("no_pretrained", network=name)
    source = file
    if weights and not file:
        source = yield from fetch_verified(weights, stop)
    if source is None:
        return
    adoption = Adoption(source, name, (IMAGENET,), out)
    if weights is None:
        yield from adopt(adoption, stop)
    else:
        adoption.check()
        yield from _made(adoption, read_contents(source), preprocessing_for(weights), "certain", stop)


def imagenet_classes() -> tuple[str, ...]:
    """The names of the 1,000 classes of ImageNet's competition, in the order of the logits of weights trained on it."""
    return tuple(torchvision_models().ResNet18_Weights.IMAGENET1K_V1.meta["categories"])


def _known_preprocessing(adoption: Adoption) -> tuple[Preprocessing | None, Known]:
    if own := preprocessing_in(adoption.weights):
        return own, "model"
    shared = weights_of(adoption.network)
    return (preprocessing_for(shared), "shared") if shared else (None, "nothing")


def _made(
    adoption: Adoption, contents: Any, found: Preprocessing | None, known: Known, stop: threading.Event
) -> Iterator[Event]:
    """As `adopt`. `found` is the preprocessing that is `known`."""
    usual = found.image_size if found else find(adoption.network).default_size or _USUAL_SIZE
    file = _File(adoption, contents, adoption.size or usual)
    channels = file.channels()
    classes, names_told = file.classes()
    preprocessing, told = prepared(adoption.wishes, channels, usual, found, known)
    network = build(adoption.network, len(classes), channels)
    transferred = file.load_into(network)
    yield transferred.event
    yield from map(Note, (*transferred.notes, *names_told, *([told] if known != "certain" else [])))
    _require_answer(network.eval(), preprocessing, adoption)
    if stop.is_set():
        return
    metadata = ModelMetadata(adoption.network, classes, preprocessing, epoch=0, validated=False)
    save_model(adoption.out, network.state_dict(), metadata)
    yield metadata.info(adoption.out)


class _File:
    """The weights to adopt, for pictures of `size` x `size` pixels. Every method raises `Problem` for what is amiss."""

    def __init__(self, adoption: Adoption, contents: Any, size: int) -> None:
        shapes = network_shapes(adoption.network, size)
        self._adoption, self._contents, self._shapes = adoption, contents, shapes
        self._origin = str(adoption.weights)
        chosen = chosen_for(contents, shapes.shapes, self._origin, adoption.part)
        self._unused = functools.cache(lambda: training_only(adoption.network, size))
        self._found = {name: tuple(tensor.shape) for name, tensor in chosen.tensors.items()}

    def channels(self) -> int:
        """The channels of the pictures: as the user says, else as the first layer in the file has them."""
        spec, axes = find(self._adoption.network), self._shapes.channel_axes
        name = next((name for name in axes if name in self._found), None)
        if name is None:
            return spec.channels_for(self._adoption.colour)
        shape, wanted, axis = self._found[name], self._shapes.shapes[name], axes[name]
        count = _along(shape, axis)
        alike = len(shape) == len(wanted) and shape == (*wanted[:axis], count, *wanted[axis + 1 :])
        if alike and count not in (1, 3):
            raise Problem("weights_channels", path=self._origin, name=name, found=shape_text(shape), count=count)
        return count if alike and self._adoption.colour == "auto" else spec.channels_for(self._adoption.colour)

    def classes(self) -> tuple[tuple[str, ...], tuple[Message, ...]]:
        """The names of the classes, as many as the head in the file has, and what must be told of them."""
        name = next((name for name in self._heads() if name in self._found), None)
        if name is None:
            raise self._without_head()
        shape, given = self._found[name], self._adoption.classes
        outputs = _along(shape, self._heads()[name])
        if outputs < 2:
            raise Problem("head_of_one", path=self._origin, name=name, shape=shape_text(shape))
        in_file = self._names_in_file(outputs)
        if not given and len(in_file) == 1:
            return in_file[0], (message("classes_in_file", count=outputs, names=first_names(in_file[0])),)
        if not given:
            raise Problem("classes_missing", path=self._origin, count=outputs, name=name)
        classes = imagenet_classes() if given == (IMAGENET,) else given
        if len(classes) != outputs:
            raise Problem(
                "classes_count", path=self._origin, wanted=outputs, count=len(classes), names=first_names(classes),
                name=name, shape=shape_text(shape),
            )  # fmt: skip
        others = [names for names in in_file if names != classes]
        return classes, tuple(message("classes_otherwise", names=first_names(names)) for names in others[:1])

    def _names_in_file(self, count: int) -> list[tuple[str, ...]]:
        with contextlib.suppress(Problem):  # it is no model of this program
            own = read_metadata(self._adoption.weights).classes
            return [own] if len(own) == count else []
        lists = class_name_lists(self._contents, count)
        return [names for names in lists if max(map(len, names)) <= LONGEST_NAME]

    def load_into(self, network: nn.Module) -> Transferred:
        """Loads the weights into `network`, all that it answers with."""
        transferred = transfer(network, self._contents, self._shapes.head, self._origin, self._adoption.part)
        missing, total = self._missing(transferred), transferred.event.wanted
        if missing:
            raise self._refused("weights_not_whole", [*map(_misfit, missing)], total=total)
        if more := self._without_place(transferred):
            raise self._of_larger(more)
        return self._without_unused(transferred)

    def _heads(self) -> dict[str, int]:
        """The tensors of the head that answers, with the axis of the classes."""
        axes = self._shapes.class_axes
        return {name: axis for name, axis in axes.items() if name.startswith(f"{self._shapes.head}.")}

    def _without_head(self) -> Problem:
        """The problem of a file in which there is no head. Raises `Problem` if there is more amiss."""
        network = build_without_memory(self._adoption.network, 2, self.channels())
        transferred = transfer(network, self._contents, self._shapes.head, self._origin, self._adoption.part)
        missing = self._missing(transferred)
        if more := self._without_place(transferred):  # perhaps the head is among it, under another name
            return self._of_larger(more)
        if all(each.name in self._shapes.class_axes for each in missing):
            name = self._shapes.head
            return Problem("weights_no_head", path=self._origin, network=self._adoption.network, name=name)
        return self._refused("weights_not_whole", [*map(_misfit, missing)], total=transferred.event.wanted)

    def _without_unused(self, transferred: Transferred) -> Transferred:
        """The same without the tensors that answer nothing: those of auxiliary classifiers may be missing."""
        event = transferred.event
        if all(each.wanted is None for each in event.misfits):
            return transferred
        misfits = tuple(each for each in event.misfits if each.name not in self._unused())
        left = len(event.misfits) - len(misfits)
        notes = tuple(note for note in transferred.notes if note.code not in _NOT_OF_UNUSED)
        return Transferred(replace(event, wanted=event.wanted - left, misfits=misfits), notes)

    def _missing(self, transferred: Transferred) -> list[Mismatch]:
        misfits = transferred.event.misfits
        return [each for each in misfits if each.wanted is not None and each.name not in self._unused()]

    def _without_place(self, transferred: Transferred) -> list[Mismatch]:
        """The tensors of the file that are the network's layers' or stand among them, and that it has no place for."""
        layers = {name.partition(".")[0] for name in self._shapes.shapes}
        misfits = (each for each in transferred.event.misfits if each.wanted is None and each.found is not None)
        return [
            each
            for each in misfits
            if each.name.partition(".")[0] in layers
            and math.prod(each.found or ()) > 1
            and not each.name.endswith(_NOT_LEARNED)
        ]

    def _of_larger(self, more: list[Mismatch]) -> Problem:
        return self._refused("weights_without_place", [f"{each.name}: {shape_text(each.found)}" for each in more])

    def _refused(self, code: str, shown: Sequence[str], **values: int) -> Problem:
        """The problem with the first tensors `shown`; or the network that the weights are of, if it can be recognised."""
        names = "; ".join(shown[:_SHOWN]) + ("; …" if len(shown) > _SHOWN else "")
        network, known = self._adoption.network, network_of(self._contents)
        if known and known != network:
            return Problem("weights_recognised", origin=self._origin, network=network, known=known, names=names)
        return Problem(code, origin=self._origin, network=network, count=len(shown), names=names, **values)


def _along(shape: Shape, axis: int) -> int:
    return shape[axis] if axis < len(shape) else 0


def _misfit(each: Mismatch) -> str:
    return f"{each.name}: wanted {shape_text(each.wanted)}, found {shape_text(each.found)}"


def _require_answer(network: nn.Module, preprocessing: Preprocessing, adoption: Adoption) -> None:
    """Raises `Problem` (`weights_no_answer`) if the network gives no numbers for a picture of noise."""
    side = preprocessing.image_size
    noise = torch.randint(0, 256, (1, preprocessing.channels, side, side), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits = network(preprocessing.normalize(noise.to(torch.uint8)))
    if not bool(logits.isfinite().all()):
        raise Problem("weights_no_answer", path=str(adoption.weights))
