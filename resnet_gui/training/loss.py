"""The loss of a training step, used by the run and by the trials of `compute_plan.py`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from resnet_gui.device import Compute
from resnet_gui.nets.build import main_and_auxiliary


def batch_loss(output: Any, labels: Tensor, auxiliary_weight: float) -> tuple[Tensor, Tensor, Tensor]:
    """From a network's output for a batch: the objective to minimize, the mean loss, and the logits [N, classes].

    Both losses are float32 scalars. The objective adds the losses of auxiliary classifiers, times `auxiliary_weight`
    (Szegedy et al. 2015, §5).
    """
    logits, auxiliary = main_and_auxiliary(output)
    loss = functional.cross_entropy(logits.float(), labels)
    helping = [functional.cross_entropy(each.float(), labels) for each in auxiliary]
    return loss + auxiliary_weight * sum(helping), loss, logits


def make_scaler(compute: Compute) -> torch.amp.GradScaler:
    """Keeps gradients in the range of float16 (Micikevicius et al. 2018, §3.2); does nothing in other precisions.

    Torch's initial scale, 2**16, is too much for the large gradients of fresh weights: the first steps would be lost.
    """
    return torch.amp.GradScaler(compute.device.type, init_scale=2.0**10, enabled=compute.precision == "float16")
