"""Our networks are as the catalogue describes them, and those that torchvision or timm has are the same there."""

import contextlib
import functools
from collections.abc import Iterator

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from resnet_gui.messages import Problem
from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import find
from resnet_gui.nets.families.blocks import BasicBlock, Bottleneck
from resnet_gui.nets.families.resnet import BUILDERS, DEEP, group_norm, layer_norm, resnet
from resnet_gui.nets.families.shortcuts import PaddedIdentity
from resnet_gui.nets.specs import residual, residual_variants

# torchvision.models.get_model_weights(name).DEFAULT.meta["num_params"]
PARAMETERS = {
    "resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032, "resnet101": 44_549_160, "resnet152": 60_192_808,
    "resnext50_32x4d": 25_028_904, "resnext101_32x8d": 88_791_336, "wide_resnet50_2": 68_883_240, "wide_resnet101_2": 126_886_696,
}  # fmt: skip
IN_TORCHVISION = list(PARAMETERS)
IN_TIMM = [
    "resnet18d", "resnet34d", "resnet50d", "resnet101d", "resnet152d", "resnet50c", "resnet50s", "resnet50_gn",
    "seresnet18", "seresnet34", "seresnet50", "seresnet101", "seresnet152", "seresnext50_32x4d",
]  # fmt: skip
PREACTIVATED = ["resnet18_v2", "resnet34_v2", "resnet50_v2", "resnet101_v2", "resnet152_v2"]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Small pictures are computed faster by one thread, and by far on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def empty(name: str, classes: int = 1000, **options: object) -> nn.Module:
    """Our network without numbers."""
    with torch.device("meta"):
        return BUILDERS[name](classes, **options).eval()


@contextlib.contextmanager
def without_numbers() -> Iterator[None]:
    """What is built has shapes and no numbers; to draw normal ones there, torch would load its compiler, and take seconds."""
    with torch.device("meta"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.init, "kaiming_normal_", lambda tensor, **_: tensor)
        patch.setattr(nn.init, "normal_", lambda tensor, **_: tensor)
        yield


def theirs(name: str, classes: int = 1000, **options: object) -> nn.Module:
    return getattr(torchvision.models, name)(weights=None, num_classes=classes, **options).eval()


def shuffle_norms(network: nn.Module) -> None:
    """Gives every norm statistics, scale and shift of its own: fresh ones would hide one norm swapped for another."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor, low, high in (
                (layer.running_mean, -0.1, 0.1), (layer.running_var, 0.5, 2.0), (layer.weight, 0.5, 1.0), (layer.bias, -0.1, 0.1),
            ):  # fmt: skip
                nn.init.uniform_(tensor, low, high)


def some_weights(network: nn.Module) -> dict[str, Tensor]:
    """Numbers for a network on the meta device, none of which hides a layer that is swapped for another.

    They are cut at random offsets out of one piece, since drawing a hundred million takes long.
    """
    chance, piece = torch.Generator().manual_seed(1), drawn()

    def numbers(name: str, tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point():
            return torch.zeros_like(tensor, device="cpu")
        start = int(torch.randint(len(piece) - tensor.numel(), (1,), generator=chance))
        cut = piece[start : start + tensor.numel()].view(tensor.shape)
        if tensor.dim() > 1:
            return cut * (2 / tensor[0].numel()) ** 0.5
        return cut.abs().clamp(0.5, 2) if name.endswith(("var", "weight")) else cut * 0.1

    return {name: numbers(name, tensor) for name, tensor in network.state_dict().items()}


@functools.cache
def drawn() -> Tensor:
    return torch.randn(10_000_000, generator=torch.Generator().manual_seed(2))


def pictures(side: int) -> tuple[Tensor, Tensor]:
    """Two noise pictures [2, 3, side, side] and their labels [2]."""
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 1])


def step(network: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """One step down the slope, sized so that a straight slope would lower the loss by 5 %; gives the loss before it.

    A fixed learning rate would not do: at its start a deep network's slope is thousands of times steeper.
    """
    loss = functional.cross_entropy(network(x), labels)
    loss.backward()
    steepness = sum(parameter.grad.square().sum() for parameter in network.parameters())
    torch.optim.SGD(network.parameters(), lr=0.05 * loss.item() / steepness.item()).step()
    return loss.detach()


def assert_equal(ours: nn.Module, reference: nn.Module, weights: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    """The same numbers under both's names give the same logits, which are not all one."""
    ours.load_state_dict(weights, strict=True, assign=True)
    reference.load_state_dict(theirs, strict=True, assign=True)
    x = pictures(64)[0][:1]
    with torch.inference_mode():
        logits, wanted = ours(x), reference(x)
    assert logits.std() > 0.1
    assert (logits - wanted).abs().max() <= 1e-5 * wanted.abs().max().clamp(min=1)


@pytest.mark.parametrize("name", IN_TORCHVISION)
def test_torchvisions_weights_give_torchvisions_logits(name: str):
    ours = empty(name)
    with without_numbers():
        reference = theirs(name)
    weights = some_weights(reference)
    assert_equal(ours, reference, weights, weights)


@pytest.mark.parametrize("name", IN_TIMM)
def test_timms_weights_give_timms_logits(name: str):
    ours = empty(name)
    with without_numbers():
        reference = timm.create_model(name).eval()
    weights = some_weights(reference)
    assert_equal(ours, reference, weights, weights)


@pytest.mark.parametrize("name", PREACTIVATED)
def test_timms_pre_activation_weights_give_timms_logits_under_our_names(name: str):
    ours = empty(name)
    with without_numbers():
        reference = timm.create_model(f"resnetv2_{name[6:-3]}").eval()
    weights = some_weights(reference)
    assert_equal(
        ours, reference, {our_name(key): value for key, value in weights.items()} | flat_head(weights), weights
    )


def our_name(key: str) -> str:
    """timm's name of a pre-activation layer in our words."""
    stage = {f"stages.{number}.blocks.": f"layer{number + 1}." for number in range(4)}
    for theirs, ours in {
        "stem.conv.": "conv1.",
        "downsample.conv": "downsample",
        "head.fc": "fc",
        "norm": "bn",
        **stage,
    }.items():
        key = key.replace(theirs, ours)
    return key


def flat_head(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """timm's last layer, a 1x1 convolution, as the linear layer that it is."""
    return {"fc.weight": weights["head.fc.weight"].flatten(1)}


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_seed_gives_the_weights_it_gives_in_torchvision(name: str):
    torch.manual_seed(5)
    ours = build(name, 10).state_dict()
    torch.manual_seed(5)
    reference = theirs(name, 10).state_dict()
    assert list(ours) == list(reference)
    assert all(torch.equal(ours[key], reference[key]) for key in reference)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_training_step_has_equal_gradients_weights_and_statistics(name: str):
    ours, reference = build(name, 10).train(), theirs(name, 10).train()
    shuffle_norms(reference)
    ours.load_state_dict(reference.state_dict())
    x, labels = pictures(64)

    assert torch.equal(step(ours, x, labels), step(reference, x, labels))
    for mine, other in zip(ours.parameters(), reference.parameters(), strict=True):
        assert torch.equal(mine.grad, other.grad)
    for mine, other in zip(ours.state_dict().values(), reference.state_dict().values(), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize("name", ["resnet18", "resnet18d", "seresnet18", "resnet18_v2", "plain18"])
def test_training_on_one_batch_lowers_the_loss(name: str):
    torch.manual_seed(0)
    network = build(name, 2).train()
    x, labels = pictures(64)
    before = step(network, x, labels)
    with torch.no_grad():
        assert functional.cross_entropy(network(x), labels) < before


@pytest.mark.parametrize("name", IN_TORCHVISION)
def test_parameters_are_as_many_as_published(name: str):
    assert counted(empty(name)) == PARAMETERS[name] == find(name).parameters


@pytest.mark.parametrize(("name", "classes", "published"), [
    ("resnext50_32x4d", 1000, 25.0),  # Xie et al. 2017, table 1
    ("resnet50_v1", 1000, 25.6),  # Zagoruyko & Komodakis 2016, table 8
    ("wide_resnet50_2", 1000, 68.9),  # the same
    ("seresnet50", 1000, 28.1),  # Hu et al. 2018, section 4: about 25.6 and 2.5 more
    ("resnet18_small", 10, 11.17),  # the count that CIFAR's tutorials print: 11,173,962
])  # fmt: skip
def test_parameters_are_the_millions_that_papers_state(name: str, classes: int, published: float):
    digits = len(f"{published}".partition(".")[2])
    assert round(counted(empty(name, classes)) / 1e6, digits) == published


def counted(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet50", "resnet50_v1", "resnet34_a", "resnet18d", "resnet18_v2", "resnet18_small"]
)
def test_the_smallest_picture_ends_as_one_point(name: str):
    smallest, features = find(name).smallest, empty(name, include_top=False)

    def points(side: int) -> tuple[int, ...]:
        return tuple(features(torch.empty(1, 3, side, side, device="meta")).shape[2:])

    assert points(smallest) == (1, 1)
    assert points(smallest + 1) == (2, 2)


@pytest.mark.parametrize(("name", "channels"), [
    ("resnet18", 512), ("resnet18_v2", 512), ("plain50", 2048),
])  # fmt: skip
def test_without_its_top_a_network_gives_features_that_the_top_would_take(name: str, channels: int):
    whole, features = empty(name, 10), empty(name, 10, include_top=False)
    whole.load_state_dict(some_weights(whole), assign=True)
    features.load_state_dict({key: value for key, value in whole.state_dict().items() if key[:3] != "fc."}, assign=True)
    x, _ = pictures(64)
    with torch.inference_mode():
        seen = features(x)
        assert seen.shape == (2, channels, 2, 2)
        assert torch.allclose(whole.fc(seen.mean((2, 3))), whole(x), atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", ["resnet18", "resnet50d", "resnet18_small", "resnet18_v2"])
def test_pictures_may_have_other_channels(name: str, channels: int):
    with torch.device("meta"):
        network = build(name, 10, channels).eval()
    assert network(torch.empty(2, channels, 64, 64, device="meta")).shape == (2, 10)


@pytest.mark.parametrize("dilated", [(False, False, True), (True, True, True)])
def test_dilation_for_stride_equals_torchvisions_and_keeps_the_resolution(dilated: tuple[bool, ...]):
    ours = empty("resnet50", 10, replace_stride_with_dilation=dilated)
    with without_numbers():
        reference = theirs("resnet50", 10, replace_stride_with_dilation=dilated)
    weights = some_weights(reference)
    assert_equal(ours, reference, weights, weights)

    features = empty("resnet50", include_top=False, replace_stride_with_dilation=dilated)
    assert features(torch.empty(1, 3, 64, 64, device="meta")).shape[2] == 2 * 2 ** sum(dilated)


def test_zero_init_starts_as_in_torchvision():
    torch.manual_seed(5)
    ours = BUILDERS["resnet50"](10, zero_init_residual=True).state_dict()
    torch.manual_seed(5)
    reference = theirs("resnet50", 10, zero_init_residual=True).state_dict()
    assert all(torch.equal(ours[key], reference[key]) for key in reference)


def test_zero_init_starts_every_block_as_its_shortcut():
    network = BUILDERS["resnet18_v2"](10, zero_init_residual=True).eval()
    x = torch.randn(1, 64, 4, 4)
    assert torch.equal(network.layer1(x), x)


@pytest.mark.parametrize(("norm", "groups"), [(group_norm, 32), (layer_norm, 1)])
@pytest.mark.parametrize("name", ["resnet18", "resnet50d", "resnet18_v2"])
def test_the_norm_can_be_chosen(name: str, norm: object, groups: int):
    network = BUILDERS[name](10, norm=norm)
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d | nn.GroupNorm)]
    assert {getattr(layer, "num_groups", None) for layer in norms} == {groups}


def test_with_group_norm_an_answer_does_not_depend_on_the_rest_of_a_batch():
    network = resnet(BasicBlock, (1, 1, 1, 1), 10, norm=group_norm).train()
    x, _ = pictures(64)
    with torch.no_grad():
        assert torch.allclose(network(x)[:1], network(x[:1]), atol=1e-4)


@pytest.mark.parametrize("depth", [10, 18, 34, 50, 101, 152])
def test_a_plain_network_is_the_residual_one_without_its_ways_around(depth: int):
    plain, around = (empty(f"{family}{depth}").state_dict() for family in ("plain", "resnet"))
    shapes = {key: value.shape for key, value in around.items() if "downsample" not in key}
    assert {key: value.shape for key, value in plain.items()} == shapes


def test_plain_34_has_as_many_parameters_as_resnet_34_with_free_shortcuts():
    assert counted(empty("plain34")) == counted(empty("resnet34_a")) == 21_623_848
    assert "21,623,848" in find("resnet34_a").lesson


def test_the_shortcut_options_differ_in_their_projections_alone():
    """A has none, B one wherever a stage begins with another shape, C one for each of the 16 blocks."""
    projections = {}
    for name in ("resnet34_a", "resnet34", "resnet34_c"):
        blocks = [layer for layer in empty(name).modules() if isinstance(layer, BasicBlock)]
        projections[name] = sum(isinstance(block.downsample, nn.Sequential) for block in blocks)
    assert projections == {"resnet34_a": 0, "resnet34": 3, "resnet34_c": 16}
    padded = [layer for layer in empty("resnet34_a").modules() if isinstance(layer, PaddedIdentity)]
    assert [(layer.before, layer.after) for layer in padded] == [(32, 32), (64, 64), (128, 128)]


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_the_stride_as_first_published_costs_less_and_has_the_same_weights(depth: int):
    published, current = (empty(name).state_dict() for name in (f"resnet{depth}_v1", f"resnet{depth}"))
    assert {key: value.shape for key, value in published.items()} == {
        key: value.shape for key, value in current.items()
    }
    assert find(f"resnet{depth}_v1").multiply_adds < find(f"resnet{depth}").multiply_adds


def test_a_network_of_ones_own_is_a_stem_stages_and_a_head():
    network = resnet(Bottleneck, DEEP[50][:2], classes=7, replace_stride_with_dilation=(True,))
    assert [name for name, _ in network.named_children()] == [
        "conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "avgpool", "flatten", "fc",
    ]  # fmt: skip
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 7)


def test_a_dilation_for_a_stage_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="zip"):
        resnet(BasicBlock, (1, 1), classes=7, replace_stride_with_dilation=(True, False))


def test_an_unknown_network_is_refused():
    with pytest.raises(Problem) as caught:
        build("resnet19", 10)
    assert caught.value.message.code == "network_misspelt"


def test_every_spec_has_a_builder_and_every_builder_a_spec():
    names = [network.name for network in (*residual.NETWORKS, *residual_variants.NETWORKS)]
    assert sorted(BUILDERS) == sorted(names)
