"""Weights that fit are copied, others are reported; if none fit, the network is unchanged."""

from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn

from resnet_gui.messages import Problem, message
from resnet_gui.nets.build import build
from resnet_gui.records import Mismatch
from resnet_gui.weights.transfer import Transferred, transfer
from resnet_gui.weights.weight_file import read_weights

COUNTER = "num_batches_tracked"


def small(classes: int = 3, channels: int = 3, seed: int = 0) -> nn.Sequential:
    """A convolution, a norm with averages that are no fresh one's, an auxiliary head and a head."""
    torch.manual_seed(seed)
    network = nn.Sequential()
    network.add_module("conv", nn.Conv2d(channels, 4, 3))
    network.add_module("norm", nn.BatchNorm2d(4))
    network.add_module("aux", nn.Linear(4, classes))
    network.add_module("fc", nn.Linear(4, classes))
    network.norm.running_mean.fill_(seed + 0.5)  # type: ignore[union-attr, operator]
    return network


def weights(classes: int = 3, channels: int = 3) -> dict[str, Tensor]:
    return small(classes, channels, seed=7).state_dict()


def taken_by(network: nn.Module, found: dict[str, Tensor]) -> Transferred:
    return transfer(network, found, "fc", "weights.pth")


def differing(network: nn.Module, found: dict[str, Tensor]) -> list[str]:
    state = network.state_dict()
    return [name for name in state if name not in found or not torch.equal(state[name], found[name])]


def copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def test_what_fits_is_taken_to_the_last_bit() -> None:
    network = small()
    adopted = taken_by(network, weights())
    assert differing(network, weights()) == []
    assert (adopted.event.origin, adopted.event.taken, adopted.event.wanted) == (
        "weights.pth",
        10,
        10,
    )  # all but the norm's counter
    assert adopted.event.misfits == ()
    assert adopted.notes == ()
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in network.parameters())


def test_what_does_not_fit_is_listed_with_both_shapes() -> None:
    found = weights()
    found["norm.bias"] = torch.ones(5)
    del found["conv.bias"]
    found["extra.weight"] = torch.ones(2, 2)
    network, fresh = small(), copied(small())
    event = taken_by(network, found).event
    assert event.misfits == (
        Mismatch("conv.bias", (4,), None), Mismatch("norm.bias", (4,), (5,)), Mismatch("extra.weight", None, (2, 2)),
    )  # fmt: skip
    assert event.taken == event.wanted - 2
    assert differing(network, found | {"conv.bias": fresh["conv.bias"], "norm.bias": fresh["norm.bias"]}) == []


def test_a_norms_counter_is_nothing_to_miss() -> None:
    found = {name: tensor for name, tensor in weights().items() if COUNTER not in name}
    event = taken_by(small(), found).event
    assert (event.taken, event.misfits) == (event.wanted, ())


def test_heads_for_other_classes_start_anew_auxiliary_ones_too() -> None:
    network, fresh = small(5), copied(small(5))
    adopted = taken_by(network, weights(1000))
    assert adopted.notes == (message("head_replaced", names="aux, fc", found=1000, wanted=5),)
    assert [misfit.name for misfit in adopted.event.misfits] == ["aux.weight", "aux.bias", "fc.weight", "fc.bias"]
    assert adopted.event.misfits[2] == Mismatch("fc.weight", (5, 4), (1000, 4))
    heads = {name: tensor for name, tensor in fresh.items() if name.startswith(("aux", "fc"))}
    assert differing(network, weights() | heads) == []


def test_a_head_with_other_features_is_no_question_of_classes() -> None:
    found = weights() | {"fc.weight": torch.ones(9, 8), "fc.bias": torch.ones(9)}
    adopted = taken_by(small(), found)
    assert adopted.notes == ()
    assert len(adopted.event.misfits) == 2


def test_weights_for_colours_answer_a_grey_picture_as_they_did() -> None:
    network = small(channels=1)
    adopted = taken_by(network, weights())
    assert adopted.notes == (message("channels_summed", names="conv"),)
    assert adopted.event.misfits == ()
    grey = torch.randn(2, 1, 8, 8)
    coloured = small()
    coloured.load_state_dict(weights())
    torch.testing.assert_close(network[0](grey), coloured[0](grey.expand(2, 3, 8, 8)))


def test_grey_weights_give_the_same_answer_for_three_equal_channels() -> None:
    network = small(channels=3)
    adopted = taken_by(network, weights(channels=1))
    assert adopted.notes == (message("channels_spread", names="conv"),)
    pictures = torch.randn(2, 1, 8, 8)
    grey = small(channels=1)
    grey.load_state_dict(weights(channels=1))
    torch.testing.assert_close(network[0](pictures.expand(2, 3, 8, 8)), grey[0](pictures))


def test_other_numbers_of_channels_do_not_fit() -> None:
    network, fresh = small(channels=4), copied(small(channels=4))
    adopted = taken_by(network, weights())
    assert adopted.event.misfits == (Mismatch("conv.weight", (4, 4, 3, 3), (4, 3, 3, 3)),)
    assert torch.equal(network.state_dict()["conv.weight"], fresh["conv.weight"])


@pytest.mark.parametrize(
    "found",
    [
        {"features.0.weight": torch.ones(4, 3, 3, 3), "features.1.weight": torch.ones(4)},
        {name: tensor for name, tensor in weights().items() if name.startswith("norm")},
        {"conv.weight": torch.ones(4, 3, 5, 5), "conv.bias": torch.ones(4)},
    ],
    ids=["other names", "norms alone", "other shapes"],
)
def test_where_nothing_fits_the_network_is_left_alone(found: dict[str, Tensor]) -> None:
    network, fresh = small(), copied(small())
    with pytest.raises(Problem) as caught:
        taken_by(network, found)
    assert caught.value.message.code == "weights_nothing_fits"
    for name in (next(iter(found)), "weights.pth", "conv.weight, conv.bias, norm.weight"):
        assert name in str(caught.value)
    assert differing(network, fresh) == []


def test_old_names_of_densenet_are_todays() -> None:
    """As torchvision's shared files of 2017 have them: `norm.1`, `conv.2` inside of a dense layer."""
    torch.manual_seed(1)
    source, target = (torchvision.models.DenseNet(4, (2, 2), 8, num_classes=3) for _ in range(2))
    old = {}
    for name, tensor in source.state_dict().items():
        for part in ("norm", "conv"):
            for number in "12":
                name = name.replace(f".{part}{number}.", f".{part}.{number}.") if "denselayer" in name else name
        if COUNTER not in name:
            old[name] = tensor
    assert "features.denseblock1.denselayer2.conv.2.weight" in old
    event = transfer(target, old, "classifier", "densenet.pth").event
    assert (event.taken, event.misfits) == (event.wanted, ())
    assert [name for name in differing(target, source.state_dict()) if COUNTER not in name] == []


def test_a_shared_cifar_checkpoint_fits_ours_strictly(tmp_path: Path) -> None:
    torch.manual_seed(3)
    shared = build("resnet20", 10)
    path = tmp_path / "resnet20.th"
    state = {f"module.{name}": tensor for name, tensor in shared.state_dict().items()}
    torch.save({"state_dict": state, "best_prec1": 92.6}, path)
    network = build("resnet20", 10)
    found = read_weights(path)
    assert transfer(network, found, "linear", str(path)).event.misfits == ()
    assert differing(network, shared.state_dict()) == []
    network.load_state_dict(found, strict=True)


def test_auxiliary_heads_from_imagenet_are_replaced_for_few_classes() -> None:
    options = {"aux_logits": True, "init_weights": False}
    with torch.device("meta"):
        big = torchvision.models.googlenet(num_classes=1000, **options)
        network = torchvision.models.googlenet(num_classes=5, **options)
    network.to_empty(device="cpu")
    found = {name: torch.zeros(tensor.shape) for name, tensor in big.state_dict().items()}
    adopted = transfer(network, found, "fc", "googlenet")
    assert adopted.notes == (message("head_replaced", names="aux1.fc2, aux2.fc2, fc", found=1000, wanted=5),)
    assert len(adopted.event.misfits) == 6


def test_a_backbone_beside_a_head_of_its_own_fits() -> None:
    """As scripts save them that put the two together themselves."""
    torch.manual_seed(4)
    theirs, ours = build("resnet20", 10), build("resnet20", 10)
    weights = {
        name if name.startswith("linear") else f"backbone.{name}": tensor
        for name, tensor in theirs.state_dict().items()
    }
    taken = transfer(ours, weights, "linear", "file").event
    assert (taken.taken, taken.misfits) == (taken.wanted, ())
    assert all(torch.equal(ours.state_dict()[name], tensor) for name, tensor in theirs.state_dict().items())
