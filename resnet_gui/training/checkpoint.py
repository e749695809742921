"""A run's state as one file, from which the run resumes as if nothing had happened.

Tensors: `network.*`, `best.*` where they differ from these, `optimizer.<parameter>.*`, the epoch's sums, the split (its
CSV's bytes), and for each split the pictures left out and the snapshot of each. All else is in the header.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import errno
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from resnet_gui import __version__, config
from resnet_gui.atomic_write import make_folder
from resnet_gui.data.loader import Loader
from resnet_gui.data.moved_folder import moved_root
from resnet_gui.data.snapshot import Snapshot
from resnet_gui.data.split import as_csv, from_csv
from resnet_gui.device import Compute, device_as_before, out_of_memory_as_problem, slow_precision
from resnet_gui.events import CheckpointSaved, EpochDone, Note
from resnet_gui.messages import Message, Problem, first_line, message, reason
from resnet_gui.model_fields import check_model
from resnet_gui.model_file import ModelMetadata, require_tensors, unshared
from resnet_gui.nets.without_memory import build_without_memory
from resnet_gui.output.advice import reason_and_advice
from resnet_gui.records import LATER, from_plain, to_plain
from resnet_gui.regular_file import NotRegular
from resnet_gui.runs.run_folder import checkpoints
from resnet_gui.tensor_file import NewerFormat, TensorFile, open_tensor_file, safetensors_metadata, write_tensor_file
from resnet_gui.throttle import Throttle
from resnet_gui.training.run_state import VERSIONS, RunState
from resnet_gui.training.trainable import make_network

KEPT = 2
"""How many checkpoints stay: the newest, and the one before in case the newest is damaged."""


@dataclass(frozen=True, slots=True)
class CheckpointMetadata:
    """The header: `RunState` without its tensors, and the device, threads and versions that computed it."""

    kind: str
    config: dict[str, Any]
    epoch: int
    step: int
    seen: int
    seconds: float
    history: tuple[EpochDone, ...]
    best: ModelMetadata
    part_size: int
    accepted: str
    device: str
    threads: int
    versions: tuple[tuple[str, str], ...]
    resnet_gui: str = field(default="", metadata=LATER)

    def __post_init__(self) -> None:
        """Raises `ValueError` for what no run has. Files come from anywhere."""
        epochs = [done.epoch for done in self.history]
        whole = self.epoch == len(epochs) + 1 and epochs == [*range(1, len(epochs) + 1)]
        sums = (self.step, self.seen, self.seconds, self.threads - 1, self.part_size - 1)
        if self.kind != "checkpoint" or min(sums) < 0 or not whole:
            raise ValueError("its header does not tell of a run")


class Checkpointer:
    """Saves a run's state: every `checkpoint_minutes`, and whenever the caller requests it."""

    def __init__(self, state: RunState, run: Path) -> None:
        self._state = state
        self._folder = run / "checkpoints"
        self._throttle = Throttle(60 * state.config.machine.checkpoint_minutes)
        self._throttle.ready()
        found, current = checkpoints(run), self._path()
        self._good = found[found.index(current) :] if current in found else []
        """The newest first. Checkpoints newer than the one that a run was resumed from are damaged."""

    def save_if_due(self) -> Iterator[CheckpointSaved | Note]:
        """Saves within an epoch, if it is time."""
        if self._throttle.ready():
            yield from self.try_to_save()

    def try_to_save(self) -> Iterator[CheckpointSaved | Note]:
        """Saves. A failure becomes a note, because the run can go on. Raises `Problem` for weights not finite."""
        try:
            yield self._save()
        except OSError as error:
            yield Note(message("checkpoint_failed", path=str(self._folder), reason=reason(error)))

    def save(self, otherwise: str = "stop_not_saved") -> CheckpointSaved:
        """Saves. Raises `Problem`: `otherwise` if the disk refuses, `loss_not_finite` for weights not finite."""
        try:
            return self._save()
        except OSError as error:
            raise Problem(otherwise, path=str(self._folder), **reason_and_advice(error)) from error

    def _save(self) -> CheckpointSaved:
        state, path = self._state, self._path()
        state.require_finite()
        make_folder(self._folder)
        write_tensor_file(path, safetensors.torch.save(_tensors(state), safetensors_metadata(_description(state))))
        self._good = [path, *(each for each in self._good if each != path)][:KEPT]
        self._prune()
        return CheckpointSaved(state.epoch, state.step)

    def _path(self) -> Path:
        return self._folder / f"epoch-{self._state.epoch:05}-step-{self._state.step:06}.safetensors"

    def _prune(self) -> None:
        for path in set(checkpoints(self._folder.parent)) - set(self._good):
            with contextlib.suppress(OSError):
                path.unlink()


def _description(state: RunState) -> dict[str, Any]:
    """The header to write, in the lowest format that holds the best model's."""
    best = state.best.metadata.description()
    return {**{key: best[key] for key in best if key == "format"}, **to_plain(_metadata(state))}


def _metadata(state: RunState) -> CheckpointMetadata:
    return CheckpointMetadata(
        "checkpoint", config.as_plain(state.config), state.epoch, state.step, state.seen, state.seconds, tuple(state.history),
        state.best.metadata, state.part_size, state.accepted, str(state.compute.device), torch.get_num_threads(), VERSIONS,
        __version__,
    )  # fmt: skip


def _tensors(state: RunState) -> dict[str, Tensor]:
    tensors = {f"network.{name}": tensor for name, tensor in state.network.state_dict().items()}
    for name, tensor in state.best.weights.items():
        if not _same_bits(tensor, tensors[f"network.{name}"].cpu()):  # often the newest are the best
            tensors[f"best.{name}"] = tensor
    for parameter, moments in state.optimizer.state_dict()["state"].items():
        tensors |= {
            f"optimizer.{parameter}.{name}": value for name, value in moments.items() if isinstance(value, Tensor)
        }
    tensors |= {"loss_sum": state.loss_sum, "right": state.right}
    tensors |= {f"scaler.{name}": torch.tensor(value) for name, value in state.scaler.state_dict().items()}
    tensors["split"] = torch.frombuffer(bytearray(as_csv(state.splits)), dtype=torch.uint8)
    for name, loader in _loaders(state).items():
        tensors[f"{name}.skipped"] = torch.tensor(sorted(loader.skipped), dtype=torch.int64)
        for part in dataclasses.fields(Snapshot):
            tensors[f"{name}.{part.name}"] = torch.from_numpy(getattr(loader.snapshot, part.name))
    return unshared(tensors)


def _same_bits(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal to the bit: 0.0 and -0.0 differ here."""
    return torch.equal(one.reshape(-1).view(torch.uint8), other.reshape(-1).view(torch.uint8))


def _loaders(state: RunState) -> dict[str, Loader]:
    return {"train": state.train, "val": state.val, "test": state.test}


def restore(run: Path, moved_to: Path | None = None) -> tuple[RunState, list[Message]]:
    """The run's state at its newest checkpoint that can be read, and messages about it for the user.

    `moved_to` is the folder where its pictures are now.
    Raises `Problem`: `no_checkpoint`, `checkpoint_newer`, `checkpoint_unreadable`, `out_of_memory`, `dataset_not_there`.
    """
    notes: list[Message] = []
    for path in checkpoints(run):
        try:
            with open_tensor_file(path) as file:
                with file.unless_damaged():
                    metadata = _checked(file)
                data = file.read()
            with out_of_memory_as_problem(torch.device("cpu")):
                state = _restored(run, metadata, safetensors.torch.load(data), moved_to)
            return state, [*notes, *_differences(metadata, state.compute)]
        except NewerFormat as error:
            raise Problem("checkpoint_newer", path=str(path), **error.values) from error
        except OSError as error:
            if error.errno != errno.EIO and not isinstance(
                error, NotRegular
            ):  # locked or unreachable for a moment: an older checkpoint would lose steps
                raise Problem("checkpoint_unreadable", path=str(path), reason=reason(error)) from error
            notes.append(message("checkpoint_damaged", name=path.name, reason=reason(error)))
        except (
            SafetensorError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            ArithmeticError,
            RuntimeError,
        ) as error:
            notes.append(message("checkpoint_damaged", name=path.name, reason=first_line(error)))
    raise Problem("no_checkpoint", path=str(run))


def _checked(file: TensorFile) -> CheckpointMetadata:
    """The header, checked before anything is made of what it names. Raises `ValueError`, and `Problem` for its settings."""
    description = file.description
    metadata: CheckpointMetadata = from_plain(CheckpointMetadata, description)
    check_model(description["best"])
    settings, best = config.from_plain(copy.deepcopy(metadata.config)), metadata.best
    shadow = build_without_memory(settings.network, len(best.classes), best.preprocessing.channels)
    found = {name: entry for name, entry in file.tensors.items() if name.startswith("network.")}
    require_tensors(found, shadow, settings.network, "network.")
    return metadata


def _restored(run: Path, metadata: CheckpointMetadata, tensors: dict[str, Tensor], moved_to: Path | None) -> RunState:
    settings = config.from_plain(metadata.config)
    device = device_as_before(settings.machine)
    splits = from_csv(tensors["split"].numpy().tobytes())
    preprocessing = metadata.best.preprocessing
    compute = Compute.of(settings.machine, device)
    network = compute.to_device(make_network(settings, len(splits.classes), preprocessing.channels))
    network.load_state_dict(_within(tensors, "network."))
    counts = {"train": len(splits.train), "val": len(splits.val), "test": len(splits.test)}
    train, val, test = (_snapshot(tensors, name, count) for name, count in counts.items())
    snapshots = (train, val, test)
    if moved_to is not None:
        parts = (splits.train, splits.val, splits.test)
        root = moved_root(moved_to, itertools.chain(*parts))
        settings = settings.model_copy(update={"dataset": root})
        for snapshot, samples in zip(snapshots, parts, strict=True):
            snapshot.follow(root, samples)
    state = RunState.of(settings, splits, compute, network, preprocessing, run, snapshots)
    _restore_optimizer(state.optimizer, _within(tensors, "optimizer."))
    if scaler := _within(tensors, "scaler."):
        state.scaler.load_state_dict({name: value.item() for name, value in scaler.items()})
    newest = _within(tensors, "network.") if metadata.best.epoch else {}
    state.best.restore(metadata.best, newest | _within(tensors, "best."))
    for name, loader in _loaders(state).items():
        loader.skipped = set(tensors[f"{name}.skipped"].tolist())
        if not loader.skipped <= set(range(counts[name])):
            raise ValueError("it leaves out pictures that the run does not have")
    state.epoch, state.step, state.seen, state.seconds = metadata.epoch, metadata.step, metadata.seen, metadata.seconds
    state.loss_sum, state.right = (tensors[name].reshape(()).to(device) for name in ("loss_sum", "right"))
    state.history, state.part_size, state.accepted = list(metadata.history), metadata.part_size, metadata.accepted
    return state


def _within(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _snapshot(tensors: dict[str, Tensor], name: str, count: int) -> Snapshot:
    """That of the `count` pictures of a split. Raises `ValueError` if it is of others."""
    snapshot = Snapshot(*(tensors[f"{name}.{part.name}"].numpy() for part in dataclasses.fields(Snapshot)))
    if not snapshot.is_of(count):
        raise ValueError("what it knows of the pictures does not fit them")
    return snapshot


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        parameter, _, moment = name.partition(".")
        weight = weights[int(parameter)]
        if tensor.shape != weight.shape and tensor.numel() != 1:
            raise ValueError("its optimizer's state does not fit the network")
        if (
            tensor.shape == weight.shape
        ):  # same memory format as the weight: fused optimizers walk through both in parallel
            tensor = torch.empty_like(weight, device="cpu", requires_grad=False).copy_(tensor)
        state.setdefault(int(parameter), {})[moment] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _differences(metadata: CheckpointMetadata, compute: Compute) -> Iterator[Message]:
    """Why the rest of the run may be slow, or differ in the last digits from an uninterrupted run."""
    device = compute.device
    if note := slow_precision(compute):
        yield note
    if metadata.device != str(device):
        yield message("not_exact_device", before=metadata.device, now=str(device))
    if metadata.threads != torch.get_num_threads():
        yield message("not_exact_threads", before=metadata.threads, now=torch.get_num_threads())
    before = dict(metadata.versions)
    for name, now in VERSIONS:
        if before.get(name) != now:
            yield message("not_exact_version", name=name, before=before.get(name, "?"), now=now)
    if device.type != "cpu":
        yield message("not_exact_card")
