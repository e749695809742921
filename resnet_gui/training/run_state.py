"""The state of a run: exactly what a checkpoint holds."""

from __future__ import annotations

import hashlib
import math
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import PIL
import torch
from torch import Tensor, nn

from resnet_gui.config import TrainConfig
from resnet_gui.data.loader import Loader
from resnet_gui.data.snapshot import Snapshot
from resnet_gui.data.split import Splits, fingerprint
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute
from resnet_gui.events import EpochDone
from resnet_gui.messages import Problem
from resnet_gui.model_file import ModelMetadata
from resnet_gui.training.best_model import BestModel
from resnet_gui.training.loss import make_scaler
from resnet_gui.training.schedule import make_optimizer
from resnet_gui.training.trainable import learning

VERSIONS = (
    ("picture preparation", "2"),
    ("PyTorch", torch.__version__),
    ("Pillow", PIL.__version__),
    ("NumPy", numpy.__version__),
    ("Python", platform.python_version()),
    ("processor type", f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"),
)
"""What can change the last digits of a result. The first is this program's own: raise it whenever crops, decoding,
order or a step's arithmetic change."""


@dataclass
class RunState:
    """`epoch` (from 1) is the current one; `step` of its steps are done, with `seen` pictures in total.

    `loss_sum` and `right` are the epoch's running sums, scalars on the device; `seconds` is its time so far. After the
    last epoch, `epoch` is the number of epochs plus 1. `part_size` is the largest number of pictures that go through
    the network at once: the batch size, unless memory ran out. `accepted` is the fingerprint of pictures that were
    added to the dataset later and that the user has agreed to leave out. `learned_before` are the digests of pictures
    that its first weights were learned from; no checkpoint holds them, since the earlier run's does.
    """

    config: TrainConfig
    splits: Splits
    compute: Compute
    network: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    best: BestModel
    train: Loader
    val: Loader
    test: Loader
    loss_sum: Tensor
    right: Tensor
    part_size: int
    epoch: int = 1
    step: int = 0
    seen: int = 0
    seconds: float = 0.0
    history: list[EpochDone] = field(default_factory=list)
    accepted: str = ""
    learned_before: set[bytes] = field(default_factory=set)

    @classmethod
    def of(
        cls, config: TrainConfig, splits: Splits, compute: Compute, network: nn.Module,
        preprocessing: Preprocessing, run: Path, snapshots: tuple[Snapshot, Snapshot, Snapshot],
    ) -> RunState:  # fmt: skip
        """The initial state of a run in the folder `run`. `network` is already on the device of `compute`.

        `snapshots` are those of the train, val and test pictures.
        """
        device = compute.device
        train, val, test = (
            Loader(
                config.dataset, samples, preprocessing, config.training.batch_size, config.machine.loading_threads, snapshot, crop_on_device=device.type == "cuda",
            )
            for samples, snapshot in zip((splits.train, splits.val, splits.test), snapshots, strict=True)
        )  # fmt: skip
        train.root_entries = val.root_entries = test.root_entries = (
            train.root_entries | val.root_entries | test.root_entries
        )
        metadata = ModelMetadata(
            config.network, splits.classes, preprocessing, epoch=0, validated=False,
            dataset_fingerprint=_fingerprint((train, val, test)), split_fingerprint=fingerprint(splits),
        )  # fmt: skip
        return cls(
            config, splits, compute, network, make_optimizer(config.training, learning(network)), make_scaler(compute),
            BestModel(run / "model.safetensors", metadata), train, val, test,
            torch.zeros((), device=device), torch.zeros((), device=device), config.training.batch_size,
        )  # fmt: skip

    @property
    def loss(self) -> float:
        """The mean loss of the epoch so far. Raises `Problem` (`loss_not_finite`)."""
        loss = self.loss_sum.item() / self.seen
        if not math.isfinite(loss):
            raise Problem("loss_not_finite", epoch=self.epoch, step=self.step)
        return loss

    @property
    def accuracy(self) -> float:
        """The accuracy of the epoch so far, from 0 to 1."""
        return self.right.item() / self.seen

    def require_finite(self) -> None:
        """Raises `Problem` (`loss_not_finite`) if a weight or the loss is not finite."""
        # A sum is ten times as fast as a check of each value. If the sum overflows, each value is checked.
        weights = self.network.state_dict().values()
        finite = all(bool(weight.sum().isfinite() or weight.isfinite().all()) for weight in weights)
        if not finite or (self.seen and not math.isfinite(self.loss_sum.item())):
            raise Problem("loss_not_finite", epoch=self.epoch, step=self.step)

    def end_epoch(self, done: EpochDone) -> None:
        """Appends `done` to the history and moves on to the next epoch."""
        self.history.append(done)
        self.epoch, self.step, self.seen, self.seconds = self.epoch + 1, 0, 0, 0.0
        self.loss_sum.zero_()
        self.right.zero_()


def _fingerprint(loaders: Iterable[Loader]) -> str:
    """SHA-256 over the name and size of every picture: an added or removed picture changes it, and nearly any edit."""
    pictures: dict[str, int] = {}
    for loader in loaders:
        pictures |= {
            sample.path: size for sample, size in zip(loader.samples, loader.snapshot.size.tolist(), strict=True)
        }
    digest = hashlib.sha256()
    for path in sorted(pictures):
        digest.update(os.fsencode(f"{path}\0{pictures[path]}\n"))
    return digest.hexdigest()
