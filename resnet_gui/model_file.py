"""A trained model as one file: weights, and in its header everything needed to use and to judge them."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from resnet_gui import __version__
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.memory import free_memory
from resnet_gui.messages import Problem, Value, first_line, reason
from resnet_gui.model_fields import WrongField, check_model, needed_format
from resnet_gui.nets.catalog import find
from resnet_gui.nets.without_memory import build_to_be_filled, build_without_memory
from resnet_gui.records import LATER, ModelInfo, TestScore, from_plain, to_plain
from resnet_gui.tensor_file import (
    NewerFormat,
    TensorFile,
    open_tensor_file,
    read_description,
    safetensors_metadata,
    write_tensor_file,
)
from resnet_gui.tensor_header import TensorEntry

_TYPES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
"""The types that state dicts hold, as safetensors names them."""
_SHOWN = 3
"""How many tensors that are not the network's a sentence shows."""


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
        return {"format": needed_format(plain), **plain}

    def info(self, path: Path) -> ModelInfo:
        """The same for the window, which has no torch."""
        return ModelInfo(
            str(path), self.network, self.classes, self.preprocessing.image_size, self.epoch, self.validated,
            self.val_accuracy, self.test, self.test_opened,
        )  # fmt: skip


def save_model(path: Path, weights: dict[str, Tensor], metadata: ModelMetadata) -> None:
    """Writes `weights` (a network's state dict) and `metadata` to one safetensors file, whole or not at all.

    Raises `Problem` (`save_failed`), also for a description or numbers that `load_model` would refuse; then the file holds
    a whole model, as a rule the one it held before.
    """
    try:
        description = metadata.description()
        check_model(description)
        _require_finite(weights)
        write_tensor_file(path, safetensors.torch.save(unshared(weights), safetensors_metadata(description)))
    except OSError as error:
        raise Problem("save_failed", path=str(path), reason=reason(error)) from error
    except ValueError as error:
        raise Problem("save_failed", path=str(path), reason=str(error)) from error


def require_model(description: Mapping[str, Any], tensors: Mapping[str, TensorEntry]) -> nn.Module:
    """Checks a description and the shapes of `tensors` against each other. Takes no memory, whatever they name.

    Returns the network without memory. Raises `WrongField`, `WrongTensors`, and `Problem` as `nets.build.build`.
    """
    check_model(description)
    classes, channels = len(description["classes"]), len(description["preprocessing"].get("mean", (0, 0, 0)))
    network = description["network"]
    try:
        shadow = build_without_memory(network, classes, channels)
    except Problem as problem:
        if problem.message.code != "network_not_in_library":
            raise
        raise WrongField.of("network", network, "the name of a network that its library has") from problem
    require_tensors(tensors, shadow, network)
    return shadow


class WrongTensors(ValueError):
    """The tensors are not those of the network. `values` are for a sentence: `network`, `count` and `first`."""

    def __init__(self, network: str, differing: list[str]) -> None:
        first = "; ".join(differing[:_SHOWN])
        self.values: dict[str, Value] = {"network": network, "count": len(differing), "first": first}
        super().__init__(f"{len(differing)} tensors are not those of {network}: {first}")


def require_tensors(found: Mapping[str, TensorEntry], shadow: nn.Module, network: str, prefix: str = "") -> None:
    """Raises `WrongTensors` unless `found` are the tensors of the network `shadow`, by names, shapes and types.

    `prefix` is what stands before all names in the file.
    """
    wanted = {prefix + name: _entry(tensor) for name, tensor in shadow.state_dict().items()}
    names = [*wanted, *(name for name in found if name not in wanted)]
    differing = [name for name in names if wanted.get(name) != found.get(name)]
    if differing:
        shown = [_difference(name, wanted.get(name), found.get(name)) for name in differing[:_SHOWN]]
        raise WrongTensors(network, shown + differing[_SHOWN:])


def _entry(tensor: Tensor) -> TensorEntry:
    return TensorEntry(_TYPES.get(tensor.dtype, str(tensor.dtype)), tuple(tensor.shape))


def _difference(name: str, wanted: TensorEntry | None, found: TensorEntry | None) -> str:
    plain = ascii(name if len(name) <= 60 else name[:60] + "...")[1:-1]
    return f"{plain} should be {wanted or 'missing'} and is {found or 'missing'}"


def _require_finite(weights: Mapping[str, Tensor]) -> None:
    # A sum is ten times as fast as a check of each value. If the sum overflows, each value is checked.
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not (tensor.sum().isfinite() or tensor.isfinite().all()):
            raise NotFinite(name)


class NotFinite(ValueError):
    """The tensor called `name` holds numbers that are infinite or none at all."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"“{name}” holds numbers that are infinite or no numbers at all")


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

    Raises `Problem`: `model_missing`, `model_unreadable`, `model_newer`, `model_field`, `model_tensors`,
    `model_not_finite`, `model_too_large`, or `model_not_one` with the reason.
    """
    with _problems_of(path), open_tensor_file(path) as file:
        with file.unless_damaged():
            shadow = require_model(file.description, file.tensors)
        _require_memory(path, file)
        metadata: ModelMetadata = from_plain(ModelMetadata, file.description)
        tensors = safetensors.torch.load(file.read())
        _require_finite(tensors)
        network = build_to_be_filled(shadow, metadata.network, len(metadata.classes), metadata.preprocessing.channels)
        network.load_state_dict(tensors)
        network.eval()
        _require_answer(network, shadow.eval(), metadata)
        return network, metadata


def version_of(path: Path) -> tuple[str, int, int]:
    """What another file at `path`, or the same saved again, does not share. Raises `Problem` as `load_model`."""
    with _problems_of(path):
        status = path.stat()
        return str(path), status.st_mtime_ns, status.st_size


def _require_memory(path: Path, file: TensorFile) -> None:
    needed, free = 3 * file.size, free_memory()  # the file, its tensors, and the network
    if needed > free:
        raise Problem("model_too_large", path=str(path), needed=round(needed / 1e9, 1), free=round(free / 1e9, 1))


def _require_answer(network: nn.Module, shadow: nn.Module, metadata: ModelMetadata) -> None:
    """Sends a picture through a library's network: nothing else shows whether it takes the size and tells the classes.

    Through its `shadow`, which computes nothing, and through itself only if that fails: some cannot do without numbers.
    """
    if find(metadata.network).is_curated:
        return
    size, wanted = metadata.preprocessing.image_size, (1, len(metadata.classes))
    picture = torch.zeros(1, metadata.preprocessing.channels, size, size)
    with contextlib.suppress(Exception), torch.no_grad():
        if tuple(shadow(picture.to("meta")).shape) == wanted:
            return
    try:
        with torch.no_grad():
            logits = network(picture)
    except Exception as error:  # each network raises its own kind
        raise Problem("network_refuses_size", network=metadata.network, size=size, reason=first_line(error)) from error
    if tuple(getattr(logits, "shape", ())) != wanted:
        raise Problem("network_no_classifier", network=metadata.network)


def read_metadata(path: Path) -> ModelMetadata:
    """The metadata alone, not verified. Raises as `load_model`."""
    with _problems_of(path):
        description = read_description(path)
        check_model(description)
        metadata: ModelMetadata = from_plain(ModelMetadata, description)
        return metadata


def preprocessing_in(path: Path) -> Preprocessing | None:
    """The preprocessing for the weights in `path` if it is a model of this program; None for any other weights."""
    try:
        return read_metadata(path).preprocessing
    except Problem as problem:
        if problem.message.code == "model_not_one":
            return None
        raise


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
        raise Problem("model_newer", path=str(path), **error.values) from error
    except WrongField as error:
        raise Problem("model_field", path=str(path), **error.values) from error
    except WrongTensors as error:
        raise Problem("model_tensors", path=str(path), **error.values) from error
    except NotFinite as error:
        raise Problem("model_not_finite", path=str(path), name=error.name) from error
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, MemoryError) as error:
        raise Problem("model_not_one", path=str(path), reason=first_line(error)) from error
