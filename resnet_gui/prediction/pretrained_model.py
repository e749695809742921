"""Pretrained weights become a model file without training: it knows the 1,000 classes of ImageNet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from resnet_gui.data.transforms import preprocessing_for
from resnet_gui.events import Event, Note
from resnet_gui.messages import Problem
from resnet_gui.model_file import ModelMetadata, save_model
from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import find, require_size
from resnet_gui.nets.head import head_of
from resnet_gui.nets.libraries import torchvision_models
from resnet_gui.nets.library_catalog import weights_of
from resnet_gui.weights.transfer import load_weights
from resnet_gui.weights.weight_cache import fetch_verified


def make_model(name: str, file: Path | None, out: Path, stop: threading.Event) -> Iterator[Event]:
    """Writes the model file `out`: the network `name` with its pretrained weights, or those in `file`.

    Nothing is trained or validated here. Ends without a file when stopped. Raises `Problem`: there are no weights, they
    cannot be had, or they do not have all 1,000 classes.
    """
    weights = weights_of(name)
    if weights is None:
        raise Problem("no_pretrained", network=name)
    source = file or (yield from fetch_verified(weights, stop))
    if source is None:
        return
    require_size(find(name), weights.image_size)
    classes, preprocessing = imagenet_classes(), preprocessing_for(weights)
    network = build(name, len(classes), preprocessing.channels)
    head = head_of(network, preprocessing.channels, preprocessing.image_size)
    transferred = load_weights(network, source, head, str(source))
    if any(mismatch.wanted for mismatch in transferred.event.misfits):
        first = next(mismatch for mismatch in transferred.event.misfits if mismatch.wanted)
        raise Problem("weights_not_whole", origin=str(source), network=name, layer=first.name)
    yield transferred.event
    yield from (Note(note) for note in transferred.notes)
    metadata = ModelMetadata(name, classes, preprocessing, epoch=0, validated=False)
    save_model(out, network.state_dict(), metadata)
    yield metadata.info(out)


def imagenet_classes() -> tuple[str, ...]:
    """The names of the 1,000 classes of ImageNet's competition, in the order of the logits of weights trained on it."""
    return tuple(torchvision_models().ResNet18_Weights.IMAGENET1K_V1.meta["categories"])
