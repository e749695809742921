"""Learning rates and optimizers."""

import pytest
import torch

from resnet_gui.config import TrainingConfig
from resnet_gui.training.schedule import learning_rate, make_optimizer


def test_constant_stays() -> None:
    config = TrainingConfig(schedule="constant", learning_rate=0.3, epochs=10)
    assert {learning_rate(config, place) for place in (0, 2.5, 9.9)} == {0.3}


def test_step_falls_by_the_factor_every_few_epochs() -> None:
    config = TrainingConfig(schedule="step", learning_rate=0.1, step_epochs=30, step_factor=0.1, epochs=90)
    assert [learning_rate(config, epoch) for epoch in (0, 29.99, 30, 60)] == pytest.approx([0.1, 0.1, 0.01, 0.001])


def test_cosine_falls_from_the_full_rate_to_zero_as_torch_has_it() -> None:
    config = TrainingConfig(schedule="cosine", learning_rate=0.2, epochs=8)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.2)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
    for epoch in range(8):
        assert learning_rate(config, epoch) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    assert learning_rate(config, 8) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_each_optimizer_is_torchs_own_with_the_settings_asked_for(name: str) -> None:
    config = TrainingConfig(optimizer=name, learning_rate=0.01, weight_decay=0.3, momentum=0.7)
    optimizer = make_optimizer(config, [torch.nn.Parameter(torch.zeros(1))])
    assert type(optimizer).__name__.lower() == name
    group = optimizer.param_groups[0]
    assert (group["lr"], group["weight_decay"]) == (0.01, 0.3)
    assert group.get("momentum", 0.7) == 0.7
