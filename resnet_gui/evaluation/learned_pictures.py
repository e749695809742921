"""Which pictures of a score are not unseen: a run learned from files with the same content."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Sequence, Set
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from resnet_gui.config import StartConfig, read_config
from resnet_gui.data.checks.duplicates import equal_files
from resnet_gui.data.loader import Loader
from resnet_gui.data.samples import Sample
from resnet_gui.data.snapshot import Snapshot
from resnet_gui.messages import Problem
from resnet_gui.runs.run_folder import checkpoints
from resnet_gui.tensor_file import read_tensor_file

_EARLIER_RUNS = 20
"""How many runs back are looked at: runs could name one another in a circle."""


def among(scored: Loader, learned: Set[bytes]) -> set[int]:
    """The indices of pictures of `scored` whose content is, by its digest, among what a model has `learned` from.

    A picture that has not been read, or could not be, is not among them.
    """
    return {index for index, digest in scored.digests().items() if digest in learned}


def learned_by(run: Path) -> set[bytes]:
    """The digests of the pictures that the run in the folder `run` has learned from, by its newest checkpoint.

    Empty if there is none that can be read.
    """
    if (tensors := _newest_checkpoint(run)) is None:
        return set()
    skipped = set(tensors["train.skipped"].tolist())
    digests = enumerate(bytes(row) for row in tensors["train.digest"].tolist())
    return {digest for index, digest in digests if any(digest) and index not in skipped}


def learned_before(start: StartConfig) -> set[bytes]:
    """The digests of the pictures that the weights of an earlier run had been learned from, from which a run starts.

    Also of those from which that one started. Empty where nothing is known of them.
    """
    learned: set[bytes] = set()
    for _ in range(_EARLIER_RUNS):
        if start.start_from not in ("file", "run") or start.start_path is None:
            break
        run = start.start_path if start.start_from == "run" else start.start_path.parent
        try:
            start = read_config(run / "config.toml").start
        except Problem:
            break
        learned |= learned_by(run)
    return learned


def test_snapshot(run: Path, samples: Sequence[Sample], moved_to: Path) -> Snapshot | None:
    """The test pictures `samples` of the run in the folder `run`, as it knew them, which are now in `moved_to`.

    None if no checkpoint can be read.
    """
    tensors = _newest_checkpoint(run)
    names = [f"test.{part.name}" for part in dataclasses.fields(Snapshot)]
    if tensors is None or not all(name in tensors for name in names):
        return None
    snapshot = Snapshot(*(tensors[name].numpy() for name in names))
    if not snapshot.is_of(len(samples)):
        return None
    snapshot.follow(moved_to, samples)
    return snapshot


def _newest_checkpoint(run: Path) -> dict[str, Tensor] | None:
    for path in checkpoints(run):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, SafetensorError):
            _, data = read_tensor_file(path)
            tensors = safetensors.torch.load(data)
            if tensors["train.skipped"].dim() == 1 and tensors["train.digest"].dim() == 2:
                return tensors
    return None


def equal_to(scored: Loader, train: Sequence[Sample], stop: threading.Event) -> set[int]:
    """The indices of readable pictures of `scored` whose files are now equal to those of `train`, in the same folder."""
    learned = {sample.path for sample in train}
    groups = equal_files(scored.root, [*learned, *(sample.path for sample in scored.samples)], stop.is_set) or ()
    equal = {path for group in groups if learned.intersection(group) for path in group}
    return {
        index for index, sample in enumerate(scored.samples) if sample.path in equal and index not in scored.skipped
    }
