"""The best model so far: in memory, and in the run's model file as soon as the disk takes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from resnet_gui.evaluation.evaluate import Score
from resnet_gui.events import BestSaved, Note
from resnet_gui.messages import Problem
from resnet_gui.model_file import ModelMetadata, read_metadata, save_model
from resnet_gui.records import TestScore


class BestModel:
    """Keeps a copy of the weights that did best on the validation pictures: higher accuracy, then lower loss.

    If a save fails, the run reports it and tries again after the next epoch; the weights stay in memory until then.
    """

    def __init__(self, path: Path, metadata: ModelMetadata) -> None:
        self.path = path
        self.metadata = metadata
        self.weights: dict[str, Tensor] = {}
        self._saved = True
        self._in_file: ModelMetadata | None = None

    def restore(self, metadata: ModelMetadata, weights: dict[str, Tensor]) -> None:
        """Restores the best model of a checkpoint. It is saved again: the file may be older, newer or gone.

        Test scores that only the file holds are kept: the user may have requested one since the checkpoint.
        """
        self.metadata, self.weights = metadata, weights
        with contextlib.suppress(Problem):
            self._in_file = read_metadata(self.path)
            opened = max(metadata.test_opened, self._in_file.test_opened)
            self.metadata = self._with_known_test(replace(metadata, test_opened=opened))
        self._saved = not weights

    def _with_known_test(self, metadata: ModelMetadata) -> ModelMetadata:
        """`metadata` with the test score of the model file, if the file holds the same model.

        The file can be newer than the checkpoint. Then the run computes the same epoch again, and needs no new test.
        """
        known = self._in_file
        if (
            known is None
            or not metadata.validated
            or (known.epoch, known.val_loss) != (metadata.epoch, metadata.val_loss)
        ):
            return metadata
        return replace(metadata, test=known.test)

    def offer(self, network: nn.Module, epoch: int, score: Score | None) -> bool:
        """Keeps the weights of `network` if they are the best; returns whether. Without a score the newest are kept."""
        if score is not None and self.metadata.validated and not self._better(score):
            return False
        self.weights = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
        metadata = replace(
            self.metadata, epoch=epoch, validated=score is not None,
            val_accuracy=score.accuracy if score else None, val_loss=score.loss if score else None,
            val_leaked=score.leaked if score else 0, test=None,
        )  # fmt: skip
        self.metadata = self._with_known_test(metadata)
        self._saved = False
        return True

    def _better(self, score: Score) -> bool:
        assert self.metadata.val_accuracy is not None
        assert self.metadata.val_loss is not None
        return (score.accuracy, -score.loss) > (self.metadata.val_accuracy, -self.metadata.val_loss)

    def with_test(self, test: TestScore) -> None:
        """Adds the score on the test pictures."""
        self.metadata = replace(self.metadata, test=test, test_opened=test.opened)
        self._saved = False

    def try_to_save(self) -> Iterator[BestSaved | Note]:
        """Saves what is not saved yet. A failure becomes a note, because the run can go on."""
        if self._saved:
            return
        try:
            self.save()
        except Problem as problem:
            yield Note(problem.message)
        else:
            yield BestSaved(
                str(self.path),
                self.metadata.epoch,
                self.metadata.val_accuracy,
                self.metadata.val_loss,
                self.metadata.val_leaked,
            )

    def save(self) -> None:
        """Saves what is not saved yet. Raises `Problem` (`save_failed`)."""
        if not self._saved:
            save_model(self.path, self.weights, self.metadata)
            self._saved = True
