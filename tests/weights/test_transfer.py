"""Weights that fit are copied, others are reported; if none fit, the network is unchanged."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn

from resnet_gui.messages import Problem, message, sentence
from resnet_gui.nets.build import build
from resnet_gui.records import Mismatch
from resnet_gui.weights.stored_tensor import StoredTensor
from resnet_gui.weights.transfer import Transferred, load_weights, transfer

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
    assert load_weights(network, path, "linear", str(path)).event.misfits == ()
    assert differing(network, shared.state_dict()) == []


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


def saved(path: Path, contents: object) -> Path:
    torch.save(contents, path)
    return path


def trained(classes: int = 5, seed: int = 9) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return build("resnet20", classes).state_dict()


@pytest.mark.parametrize(
    "contents",
    [
        lambda state: {
            "state_dict": {f"model._orig_mod.{n}": t for n, t in state.items()} | {"criterion.weight": torch.ones(5)}
        },
        lambda state: {"n_averaged": torch.tensor(7)} | {f"module._orig_mod.{n}": t for n, t in state.items()},
        lambda state: {"epoch": 1, "weights": state},
        lambda state: {f"resnet.{n}": t for n, t in state.items()},
        lambda state: {"model": state, "epoch": 9, "args": Namespace(lr=0.1)},
        lambda state: {"params": trained(seed=1), "params_ema": state},
    ],
    ids=["compiled", "averaged", "under weights", "an attribute", "a namespace", "both kinds"],
)
def test_a_checkpoint_is_taken_whole_whatever_lies_around_it(
    contents: Callable[[dict[str, Tensor]], object], tmp_path: Path
) -> None:
    network, state = build("resnet20", 5), trained()
    event = load_weights(network, saved(tmp_path / "a.pth", contents(state)), "linear", "a.pth").event
    assert (event.taken, event.misfits) == (event.wanted, ())
    assert differing(network, state) == []


def test_a_tie_is_a_problem_that_the_part_solves(tmp_path: Path) -> None:
    one, two = trained(seed=1), trained(seed=2)
    path = saved(tmp_path / "two.pth", {"student": one, "teacher": two})
    network, fresh = build("resnet20", 5), copied(build("resnet20", 5))
    network.load_state_dict(fresh)
    with pytest.raises(Problem) as caught:
        load_weights(network, path, "linear", str(path))
    assert caught.value.message == message("weights_tie", path=str(path), parts="student, teacher")
    assert differing(network, fresh) == []
    load_weights(network, path, "linear", str(path), "teacher")
    assert differing(network, two) == []
    with pytest.raises(Problem, match=r"under “models”\. There are some under: student, teacher\."):
        load_weights(network, path, "linear", str(path), "models")


def test_tensors_that_are_not_taken_may_be_unusable(tmp_path: Path) -> None:
    state = trained()
    odd = {"mean": torch.tensor([float("nan")] * 3), "spectrum": torch.ones(2, dtype=torch.complex64)}
    path = saved(tmp_path / "a.pth", {"model": state | {"extra.weight": torch.full((2, 2), torch.inf)}, **odd})
    network = build("resnet20", 5)
    event = load_weights(network, path, "linear", "a.pth").event
    assert differing(network, state) == []
    assert event.misfits == (Mismatch("extra.weight", None, (2, 2)),)


def test_nothing_of_a_file_is_read_where_nothing_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(self: StoredTensor) -> Tensor:
        raise AssertionError("it was read")

    monkeypatch.setattr(StoredTensor, "read", read)
    path = saved(tmp_path / "a.pth", {"a.weight": torch.ones(4, 3, 3, 3), "model": {"linear.bias": torch.ones(5)}})
    with pytest.raises(Problem, match=r"Nothing in a\.pth fits"):
        load_weights(build("resnet20", 5), path, "linear", "a.pth")


def test_other_shapes_under_the_same_names_are_shown() -> None:
    found = {"conv.weight": torch.ones(8, 3, 5, 5), "conv.bias": torch.ones(8), "norm.weight": torch.ones(8), "norm.bias": torch.ones(8),
             "norm.running_mean": torch.ones(8), "norm.running_var": torch.ones(8), "aux.weight": torch.ones(3, 8)}  # fmt: skip
    with pytest.raises(Problem) as caught:
        taken_by(small(), found)
    assert caught.value.message.code == "weights_other_shapes"
    said = str(caught.value)
    assert "7 of its 10 tensors" in said
    assert "conv.weight has 4 × 3 × 3 × 3 in the network and 8 × 3 × 5 × 5 in the file; conv.bias has 4 in" in said
    assert "norm.weight has" in said
    assert "norm.bias" not in said


def test_another_network_of_the_catalogue_is_recognised() -> None:
    with torch.device("meta"):
        other = build("resnet32", 7).state_dict()
    with pytest.raises(Problem) as caught:
        transfer(small(), {"net": {f"module.{name}": tensor for name, tensor in other.items()}}, "fc", "weights.pth")
    assert caught.value.message.code == "weights_of_other"
    assert "weights of resnet32, by their names and shapes" in str(caught.value)


def test_whole_numbers_are_no_weights() -> None:
    found = {name: tensor.to(torch.int8) for name, tensor in weights().items()}
    with pytest.raises(Problem, match=r"“conv\.weight” in weights\.pth are stored as int8"):
        taken_by(small(), found)


def test_how_much_starts_from_random_weights_is_said_but_not_of_a_head() -> None:
    """As the 30 tensors of a stage that a smaller network lacks."""
    found = {name: tensor for name, tensor in trained(1000).items() if "layer3" not in name}
    adopted = transfer(build("resnet20", 5), found, "linear", "a.pth")
    assert adopted.notes[-1] == message("weights_mostly_random", share=31, missing=30, count=97)
    assert "31 % of the network (30 of its 97 tensors, beside its head)" in sentence(adopted.notes[-1])
    assert [note.code for note in transfer(build("resnet20", 5), trained(1000), "linear", "a.pth").notes] == [
        "head_replaced"
    ]


def test_a_file_without_auxiliary_heads_is_whole_enough() -> None:
    found = {name: tensor for name, tensor in weights().items() if not name.startswith("aux")}
    assert taken_by(small(), found).notes == ()


@pytest.mark.parametrize("key", ["grads", "exp_avg", "optimizer_state_dict"])
def test_gradients_alone_are_told_from_weights(key: str) -> None:
    with pytest.raises(Problem, match="without the weights themselves"):
        taken_by(small(), {key: weights(), "n_averaged": torch.tensor(3)})  # type: ignore[dict-item]


def test_of_a_larger_network_it_is_said_that_only_a_part_fits() -> None:
    """Every tensor of the smaller one is there, and the answers would still be nonsense."""
    torch.manual_seed(6)
    adopted = transfer(build("resnet20", 5), build("resnet32", 5).state_dict(), "linear", "a.pth")
    assert adopted.event.taken == adopted.event.wanted
    assert adopted.notes == (message("weights_of_larger", count=60, network="resnet32"),)
    rest = {"extra.weight": torch.ones(2, 2)}
    assert taken_by(small(), weights() | rest).notes == (message("weights_left_over", count=1, names="extra.weight"),)
    assert taken_by(small(), weights() | {"class_weights": torch.ones(3)}).notes == ()
