"""What a run has come to, in a form that can be compared. Needs no torch."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from resnet_gui.events import EpochDone
from resnet_gui.runs.run_folder import checkpoints
from resnet_gui.tensor_file import read_tensor_file


@dataclass(frozen=True)
class Outcome:
    """SHA-256 of the model file and of the last weights, and the epochs' figures without their times."""

    model: str
    weights: str
    epochs: tuple[EpochDone, ...]

    @classmethod
    def of(cls, run: Path) -> Outcome:
        """Of a run that has a checkpoint and a model."""
        model = hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest()
        epochs = tuple(dataclasses.replace(done, seconds=0.0) for done in results(run))
        return cls(model, _weights(checkpoints(run)[0]), epochs)


def results(run: Path) -> list[EpochDone]:
    """results.csv, as the events that its rows were."""
    with (run / "results.csv").open(newline="") as file:
        return [EpochDone(**{name: _value(text) for name, text in row.items()}) for row in csv.DictReader(file)]


def _value(text: str) -> int | float | bool | None:
    return None if text == "" else json.loads(text.lower())


def _weights(checkpoint: Path) -> str:
    """Of the tensors `network.*`, found by safetensors' own format."""
    _, data = read_tensor_file(checkpoint)
    begin = 8 + int.from_bytes(data[:8], "little")
    tensors = {name: found for name, found in json.loads(data[8:begin]).items() if name.startswith("network.")}
    assert tensors
    digest = hashlib.sha256()
    for name in sorted(tensors):
        first, last = tensors[name]["data_offsets"]
        digest.update(data[begin + first : begin + last])
    return digest.hexdigest()
