"""How the learning rate changes over a run."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from resnet_gui.config import TrainConfig, TrainingConfig
from resnet_gui.nets.catalog import find


def learning_rate(config: TrainingConfig, epochs_done: float) -> float:
    """The learning rate after `epochs_done` epochs (a fraction within an epoch): a function of the epoch alone.

    Step: times `step_factor` every `step_epochs` epochs (He et al. 2015, §3.4).
    Cosine: from the full rate to zero over the run (Loshchilov and Hutter 2017, eq. 5, without restarts).
    """
    rate = _rate(config)
    if config.schedule == "step":
        return rate * config.step_factor ** (int(epochs_done) // config.step_epochs)
    if config.schedule == "cosine":
        return rate * (1 + math.cos(math.pi * min(1.0, epochs_done / config.epochs))) / 2
    return rate


def _rate(config: TrainingConfig) -> float:
    assert config.learning_rate is not None, "decided before a run begins, see training/initial_weights.py"
    return config.learning_rate


def training_size(config: TrainConfig, epoch: int) -> int:
    """The side, in pixels, of the training pictures in `epoch` (from 1). With progressive sizes it grows.

    It begins at four sevenths of the full size (128 of 224), and is full for the last third of the epochs, so that the
    network ends with the size that it will predict on. A convolution's work grows with the area, so early epochs cost
    less (the idea is that of Karras et al. 2018; for classifiers Tan and Le 2021, §4). Steps are of 32 pixels, which
    strides divide evenly.
    """
    size = config.data.image_size
    growing = config.training.epochs * 2 // 3
    if not config.data.progressive_sizes or epoch > growing:
        return size
    smaller = size * (4 + 3 * (epoch - 1) / growing) / 7
    return min(size, max(find(config.network).smallest, 32 * round(smaller / 32)))


def make_optimizer(config: TrainingConfig, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019) or SGD with momentum.

    Fused, where the device can: one pass over the memory of each weight, and the same update.
    """
    rate, decay = _rate(config), config.weight_decay
    weights = list(weights)
    fused = all(weight.device.type in ("cpu", "cuda") for weight in weights)
    if config.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=rate, momentum=config.momentum, weight_decay=decay, fused=fused)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(weights, lr=rate, weight_decay=decay, fused=fused)
