"""A trained model as one file: weights, and in its header everything needed to use and to judge them."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from resnet_gui import __version__
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.messages import Problem, first_line, reason
from resnet_gui.nets.build import build
from resnet_gui.records import LATER, ModelInfo, TestScore, from_plain, to_plain
from resnet_gui.tensor_file import (
    GREY_RANGE_FORMAT,
    NewerFormat,
    read_description,
    read_tensor_file,
    safetensors_metadata,
    write_tensor_file,
)


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """The header of a model file. `classes` are in the order of the logits; accuracies are from 0 to 1.

    `validated` is false for weights saved before their first validation. `test_opened` counts how often the test
    pictures were used for a score; `val_leaked` of the validation pictures were training pictures as well.
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
    val_leaked: int = field(default=0, metadata=LATER)
    dataset_fingerprint: str = ""
    split_fingerprint: str = ""
    resnet_gui: str = __version__
    torch: str = torch.__version__
    python: str = platform.python_version()

    def description(self) -> dict[str, Any]:
        """The description to write, in the lowest format that holds it."""
        plain: dict[str, Any] = to_plain(self)
        return plain if self.preprocessing.grey_range is None else {"format": GREY_RANGE_FORMAT, **plain}

    def info(self, path: Path) -> ModelInfo:
        """The same for the window, which has no torch."""
        return ModelInfo(
            str(path), self.network, self.classes, self.preprocessing.image_size, self.epoch, self.validated,
            self.val_accuracy, self.test, self.test_opened,
        )  # fmt: skip


def save_model(path: Path, weights: dict[str, Tensor], metadata: ModelMetadata) -> None:
    """Writes `weights` (a network's state dict) and `metadata` to one safetensors file, whole or not at all.

    Raises `Problem` (`save_failed`); then the file holds a whole model, as a rule the one it held before.
    """
    try:
        write_tensor_file(path, safetensors.torch.save(unshared(weights), safetensors_metadata(metadata.description())))
    except OSError as error:
        raise Problem("save_failed", path=str(path), reason=reason(error)) from error


def unshared(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """`tensors` as safetensors needs them: on the CPU, and none sharing memory, as tied weights of some networks do."""
    seen: set[int] = set()
    separate = {}
    for name, tensor in tensors.items():
        on_cpu = tensor.detach().cpu().contiguous()
        address = on_cpu.untyped_storage().data_ptr()
        separate[name] = on_cpu.clone() if address in seen else on_cpu
        seen.add(address)
    return separate


def load_model(path: Path) -> tuple[nn.Module, ModelMetadata]:
    """The network in evaluation mode on the CPU, and its metadata.

    Raises `Problem`: `model_missing`, `model_unreadable`, `model_newer`, or `model_not_one` with the reason.
    """
    with _problems_of(path):
        description, data = read_tensor_file(path)
        metadata: ModelMetadata = from_plain(ModelMetadata, description)
        network = build(metadata.network, len(metadata.classes), metadata.preprocessing.channels)
        network.load_state_dict(safetensors.torch.load(data))
        return network.eval(), metadata


def read_metadata(path: Path) -> ModelMetadata:
    """The metadata alone, not verified. Raises as `load_model`."""
    with _problems_of(path):
        metadata: ModelMetadata = from_plain(ModelMetadata, read_description(path))
        return metadata


def preprocessing_in(path: Path) -> Preprocessing | None:
    """The preprocessing for the weights in `path` if it is a model of this program; None for any other weights."""
    try:
        return read_metadata(path).preprocessing
    except Problem as problem:
        if problem.message.code in ("model_missing", "model_unreadable", "model_newer"):
            raise
        return None


@contextlib.contextmanager
def _problems_of(path: Path) -> Iterator[None]:
    """Turns errors of reading a model file into a `Problem`."""
    try:
        yield
    except FileNotFoundError as error:
        raise Problem("model_missing", path=str(path)) from error
    except OSError as error:
        raise Problem("model_unreadable", path=str(path), reason=reason(error)) from error
    except NewerFormat as error:
        raise Problem("model_newer", path=str(path), format=error.args[0]) from error
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, MemoryError) as error:
        raise Problem("model_not_one", path=str(path), reason=first_line(error)) from error
