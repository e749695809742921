"""A file of trained weights becomes a model file, without training."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from resnet_gui.data.readers.class_names import IMAGENET, check_names
from resnet_gui.data.transforms import Preprocessing, preprocessing_for
from resnet_gui.events import Event, Note, shape_text
from resnet_gui.messages import Problem, first_names
from resnet_gui.model_file import ModelMetadata, preprocessing_in, save_model
from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import find
from resnet_gui.nets.libraries import torchvision_models
from resnet_gui.nets.library_catalog import weights_of
from resnet_gui.nets.network_shapes import NetworkShapes, Shape, network_shapes
from resnet_gui.output.output_file import check_output
from resnet_gui.prediction.assumed_preprocessing import Known, Wishes, prepared
from resnet_gui.records import Mismatch
from resnet_gui.weights.transfer import Transferred, transfer
from resnet_gui.weights.weight_cache import fetch_verified
from resnet_gui.weights.weight_file import read_weights

_USUAL_SIZE = 224


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


def adopt(adoption: Adoption, stop: threading.Event) -> Iterator[Event]:
    """Writes the model file, and tells what was decided: `WeightsLoaded`, `Note`s, and last the `ModelInfo`.

    Nothing is trained or validated. Ends without a file when stopped. Raises `Problem`, and writes nothing, unless all
    tensors with which the network answers are in the file.
    """
    adoption.wishes.check()
    check_names(adoption.classes)
    find(adoption.network)
    _check_paths(adoption)
    weights = read_weights(adoption.weights)
    found, known = _known_preprocessing(adoption)
    yield from _made(adoption, weights, found, known, stop)


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
        _check_paths(adoption)
        yield from _made(adoption, read_weights(source), preprocessing_for(weights), None, stop)


def imagenet_classes() -> tuple[str, ...]:
    """The names of the 1,000 classes of ImageNet's competition, in the order of the logits of weights trained on it."""
    return tuple(torchvision_models().ResNet18_Weights.IMAGENET1K_V1.meta["categories"])


def _known_preprocessing(adoption: Adoption) -> tuple[Preprocessing | None, Known]:
    if own := preprocessing_in(adoption.weights):
        return own, "model"
    shared = weights_of(adoption.network)
    return (preprocessing_for(shared), "shared") if shared else (None, "nothing")


def _made(
    adoption: Adoption,
    weights: dict[str, Tensor],
    found: Preprocessing | None,
    known: Known | None,
    stop: threading.Event,
) -> Iterator[Event]:
    """As `adopt`. `found` is the preprocessing that is `known`; None: known for certain, so that it need not be told."""
    spec = find(adoption.network)
    usual = found.image_size if found else spec.default_size or _USUAL_SIZE
    shapes = network_shapes(adoption.network, adoption.size or usual)
    in_file = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    channels = _channels(shapes, in_file, adoption)
    classes = _classes(shapes, in_file, adoption)
    preprocessing, told = prepared(adoption.wishes, channels, usual, found, known or "shared")
    network = build(adoption.network, len(classes), channels)
    transferred = transfer(network, weights, shapes.head, str(adoption.weights))
    _require_all(shapes, transferred, adoption)
    yield transferred.event
    yield from map(Note, (*transferred.notes, *([told] if known else [])))
    _require_answer(network.eval(), preprocessing, adoption)
    if stop.is_set():
        return
    metadata = ModelMetadata(adoption.network, classes, preprocessing, epoch=0, validated=False)
    save_model(adoption.out, network.state_dict(), metadata)
    yield metadata.info(adoption.out)


def _check_paths(adoption: Adoption) -> None:
    check_output(adoption.out)
    if adoption.weights.exists() and adoption.out.exists() and adoption.out.samefile(adoption.weights):
        raise Problem("output_is_input", path=str(adoption.out))


def _channels(shapes: NetworkShapes, in_file: dict[str, Shape], adoption: Adoption) -> int:
    """The channels of the pictures: as the user says, else as the file's first convolution has them."""
    spec = find(adoption.network)
    first = next(((name, axis) for name, axis in shapes.channel_axes.items() if name in in_file), None)
    if first is None:
        return spec.channels_for(adoption.colour)
    name, axis = first
    shape = in_file[name]
    count = shape[axis] if axis < len(shape) else 0
    if count not in (1, 3):
        raise Problem("weights_channels", path=str(adoption.weights), name=name, found=shape_text(shape), count=count)
    return count if adoption.colour == "auto" else spec.channels_for(adoption.colour)


def _classes(shapes: NetworkShapes, in_file: dict[str, Shape], adoption: Adoption) -> tuple[str, ...]:
    """The names of the classes, as many as the head in the file has."""
    names = {name: axis for name, axis in shapes.class_axes.items() if name not in shapes.unused}
    head = next((name for name in names if name.startswith(f"{shapes.head}.") and name in in_file), None)
    if head is None:
        raise Problem("weights_no_head", path=str(adoption.weights), network=adoption.network, name=shapes.head)
    shape = in_file[head]
    outputs = shape[names[head]] if names[head] < len(shape) else 0
    classes = imagenet_classes() if adoption.classes == (IMAGENET,) else adoption.classes
    if not classes:
        raise Problem("classes_missing", path=str(adoption.weights), count=outputs, name=head)
    if len(classes) != outputs:
        raise Problem(
            "classes_count", path=str(adoption.weights), wanted=outputs, count=len(classes), names=first_names(classes),
            name=head, shape=shape_text(shape),
        )  # fmt: skip
    return classes


def _require_all(shapes: NetworkShapes, transferred: Transferred, adoption: Adoption) -> None:
    """Raises `Problem` (`weights_not_whole`) unless every tensor that the network answers with was in the file."""
    missing = [each for each in transferred.event.misfits if each.wanted and each.name not in shapes.unused]
    if missing:
        named = "; ".join(map(_misfit, missing[:3])) + ("; …" if len(missing) > 3 else "")
        raise Problem(
            "weights_not_whole", origin=str(adoption.weights), network=adoption.network, count=len(missing),
            total=transferred.event.wanted, names=named,
        )  # fmt: skip


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
