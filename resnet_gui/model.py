"""A trained model as one file: weights, and in its header everything needed to use and to judge them."""

from __future__ import annotations

import dataclasses
import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from resnet_gui import __version__
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.events import ModelInfo, TestScore, from_plain
from resnet_gui.messages import Problem, reason
from resnet_gui.nets.build import build
from resnet_gui.safe_write import safe_write

FORMAT = 1
"""The header's version. A reader refuses a newer one, since it could not know what it leaves out."""

_HEADER = "resnet_gui"
_LONGEST_HEADER = 100_000_000  # bytes, as the format itself has it


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model file says of itself. `classes` are in the order of the logits; accuracies are from 0 to 1.

    `validated` is false for weights saved before their first validation. `test_opened` counts how often the test
    pictures were used for a score.
    """

    network: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    epoch: int
    validated: bool
    val_accuracy: float | None = None
    val_loss: float | None = None
    test: TestScore | None = None
    test_opened: int = 0
    dataset_fingerprint: str = ""
    split_fingerprint: str = ""
    resnet_gui: str = __version__
    torch: str = torch.__version__
    python: str = platform.python_version()

    def info(self, path: Path) -> ModelInfo:
        """The same for the window, which has no torch."""
        return ModelInfo(
            str(path), self.network, self.classes, self.preprocessing.image_size, self.epoch, self.validated,
            self.val_accuracy, self.test, self.test_opened,
        )  # fmt: skip


def save_model(path: Path, weights: dict[str, Tensor], card: ModelCard) -> None:
    """Writes `weights` (a network's state dict) and `card` to one safetensors file, whole or not at all.

    Raises `Problem` (`save_failed`); then the file holds what it held before.
    """
    header = {_HEADER: json.dumps({"format": FORMAT, **dataclasses.asdict(card)}, allow_nan=False)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    try:
        safe_write(path, safetensors.torch.save(tensors, metadata=header))
    except OSError as error:
        raise Problem("save_failed", path=str(path), reason=reason(error)) from error


def load_model(path: Path) -> tuple[nn.Module, ModelCard]:
    """The network in evaluation mode on the CPU, and its card.

    Raises `Problem`: `model_missing`, `model_unreadable`, `model_newer`, or `model_not_one` with what does not fit.
    """
    try:
        with path.open("rb") as file:
            card = _read_card(file, path)  # first, so that a foreign file of many gigabytes is not read for nothing
            file.seek(0)
            weights = safetensors.torch.load(file.read())
        network = build(card.network, len(card.classes))
        network.load_state_dict(weights)
    except FileNotFoundError as error:
        raise Problem("model_missing", path=str(path)) from error
    except OSError as error:
        raise Problem("model_unreadable", path=str(path), reason=reason(error)) from error
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, MemoryError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise Problem("model_not_one", path=str(path), reason=first_line or type(error).__name__) from error
    return network.eval(), card


def _read_card(file: BinaryIO, path: Path) -> ModelCard:
    """The header's card. A safetensors file begins with the length of its JSON header, 8 bytes, little end first."""
    length = int.from_bytes(file.read(8), "little")
    header = file.read(length) if length <= _LONGEST_HEADER else b""
    if not header or len(header) < length:
        raise ValueError("it is not a complete safetensors file")
    metadata = json.loads(header).get("__metadata__", {})
    if _HEADER not in metadata:
        raise ValueError("it holds weights, but not this program's description of them")
    found: dict[str, Any] = json.loads(metadata[_HEADER])
    if found["format"] > FORMAT:
        raise Problem("model_newer", path=str(path), format=found["format"])
    card: ModelCard = from_plain(ModelCard, found)
    return card
