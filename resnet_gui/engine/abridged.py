"""Events as short as the window needs them.

A model may know 10,000 classes with names of 1,000 letters. Parsing 10 MB of JSON holds Python's lock for long enough
that a user notices it, in whatever thread it is done.
"""

from __future__ import annotations

from dataclasses import replace

from resnet_gui.events import Event, Predicted
from resnet_gui.names import WHOLE, elided
from resnet_gui.records import ModelInfo, Prediction

_CLASSES = 12
"""How many classes of a model the window names."""


def abridged(event: Event) -> Event:
    """`event` with a few class names of a bounded length, where it could hold very many, or very long ones."""
    match event:
        case ModelInfo():
            test = event.test and replace(event.test, classes=())
            return replace(event, classes=_short(event.classes[:_CLASSES]), test=test, class_count=event.known)
        case Predicted():
            return replace(event, items=tuple(map(_abridged, event.items)))
    return event


def _abridged(prediction: Prediction) -> Prediction:
    return replace(prediction, labels=_short(prediction.labels))


def _short(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(elided(name, WHOLE) for name in names)
