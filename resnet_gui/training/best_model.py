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

    A save that fails is told and tried again after the next epoch; the weights stay in memory until then.
    """

    def __init__(self, path: Path, card: ModelMetadata) -> None:
        self.path = path
        self.card = card
        self.weights: dict[str, Tensor] = {}
        self._saved = True
        self._in_file: ModelMetadata | None = None

    def restore(self, card: ModelMetadata, weights: dict[str, Tensor]) -> None:
        """Takes up the best model of a checkpoint. It is saved anew: the file may be older, or newer, or gone.

        What only the file knows stays: scores on the test pictures that the person asked for in between.
        """
        self.card, self.weights = card, weights
        with contextlib.suppress(Problem):
            self._in_file = read_metadata(self.path)
            opened = max(card.test_opened, self._in_file.test_opened)
            self.card = self._with_known_test(replace(card, test_opened=opened))
        self._saved = not weights

    def _with_known_test(self, card: ModelMetadata) -> ModelMetadata:
        """`card` with the score on the test pictures that the file has, if the file has the same model.

        It can be newer than the checkpoint: then the same epoch is computed again, and the test pictures stay closed.
        """
        known = self._in_file
        if known is None or not card.validated or (known.epoch, known.val_loss) != (card.epoch, card.val_loss):
            return card
        return replace(card, test=known.test)

    def offer(self, network: nn.Module, epoch: int, score: Score | None) -> bool:
        """Takes the weights of `network` if they are the best, and says whether. Without a score the newest are taken."""
        if score is not None and self.card.validated and not self._better(score):
            return False
        self.weights = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
        card = replace(
            self.card, epoch=epoch, validated=score is not None,
            val_accuracy=score.accuracy if score else None, val_loss=score.loss if score else None, test=None,
        )  # fmt: skip
        self.card = self._with_known_test(card)
        self._saved = False
        return True

    def _better(self, score: Score) -> bool:
        assert self.card.val_accuracy is not None
        assert self.card.val_loss is not None
        return (score.accuracy, -score.loss) > (self.card.val_accuracy, -self.card.val_loss)

    def with_test(self, test: TestScore) -> None:
        """Adds the score on the test pictures."""
        self.card = replace(self.card, test=test, test_opened=test.opened)
        self._saved = False

    def try_to_save(self) -> Iterator[BestSaved | Note]:
        """Saves what is not saved yet; a failure is a note, for the run can go on."""
        if self._saved:
            return
        try:
            self.save()
        except Problem as problem:
            yield Note(problem.message)
        else:
            yield BestSaved(str(self.path), self.card.epoch, self.card.val_accuracy, self.card.val_loss)

    def save(self) -> None:
        """Saves what is not saved yet. Raises `Problem` (`save_failed`)."""
        if not self._saved:
            save_model(self.path, self.weights, self.card)
            self._saved = True
