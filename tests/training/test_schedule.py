"""Learning rates and optimizers."""

import pytest
import torch

from resnet_gui.config import TrainConfig, TrainingConfig, make_config
from resnet_gui.training.schedule import learning_rate, make_optimizer, training_size


def test_constant_stays() -> None:
    config = TrainingConfig(schedule="constant", learning_rate=0.3, epochs=10)
    assert {learning_rate(config, epochs) for epochs in (0, 2.5, 9.9)} == {0.3}


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


def progressive(**values: object) -> TrainConfig:
    return make_config(
        {"data.progressive_sizes": True, **{key.replace("__", "."): each for key, each in values.items()}}
    )


def test_sizes_grow_to_the_full_one_and_stay_there_for_the_last_third() -> None:
    config = progressive(training__epochs=12)
    sizes = [training_size(config, epoch) for epoch in range(1, 13)]
    assert sizes[0] == 128
    assert sizes == sorted(sizes)
    assert set(sizes[8:]) == {224}
    assert sum(size**2 for size in sizes) / (12 * 224**2) < 1 / 1.3, "which is what it is for"


@pytest.mark.parametrize(
    ("network", "size"), [("alexnet", 224), ("resnet18", 32), ("resnet20", 33), ("inception_v3", 299)]
)
def test_sizes_are_ones_that_the_network_takes(network: str, size: int) -> None:
    from resnet_gui.nets.catalog import find

    config = progressive(network=network, data__image_size=size, training__epochs=7)
    sizes = [training_size(config, epoch) for epoch in range(1, 8)]
    assert all(find(network).takes(each) for each in sizes)
    assert max(sizes) == sizes[-1] == size


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_short_runs_end_with_the_full_size(epochs: int) -> None:
    assert training_size(progressive(training__epochs=epochs), epochs) == 224


def test_sizes_do_not_change_unless_asked() -> None:
    assert {training_size(make_config({}), epoch) for epoch in range(1, 13)} == {224}
