"""The VGG networks are the paper's, take torchvision's weights, and slide over larger pictures."""

from collections.abc import Iterator
from itertools import product

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import get_model_weights, vgg11_bn
from torchvision.models.vgg import cfgs, make_layers

from resnet_gui.nets.families.vgg import BUILDERS, A, convolutions, dense_to_convolution, vgg13_small
from resnet_gui.nets.specs.classic import NETWORKS

SPECS = {spec.name: spec for spec in NETWORKS}
THEIRS = {f"vgg_{letter}": f"vgg{depth}" for letter, depth in zip("abde", (11, 13, 16, 19), strict=True)}
THEIRS |= {f"{ours}_bn": f"{theirs}_bn" for ours, theirs in THEIRS.items()}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def on_meta(name: str, classes: int = 1000, channels: int = 3) -> nn.Sequential:
    with torch.device("meta"):
        return BUILDERS[name](classes, channels)


def noise(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def made_up(network: nn.Module) -> dict[str, Tensor]:
    """Weights for a network on the meta device: as large as keeps numbers alive, and norms that all differ."""
    drawn = noise(
        (1_000_003,)
    )  # repeated, as 100 million take long to draw; a prime number, so that no two rows are equal
    state = {}
    for name, tensor in network.state_dict().items():
        count = tensor.numel()
        values = drawn.roll(len(state)).repeat(-(-count // len(drawn)))[:count].view(tensor.shape)
        state[name] = values * (2 / tensor[0].numel()) ** 0.5 if tensor.dim() > 1 else values.abs().clamp(0.5, 2)
    return state


def test_the_papers_counts_in_millions():
    """Table 2 of Simonyan and Zisserman 2014."""
    table = {"a": 133, "a_lrn": 133, "b": 133, "c": 134, "d": 138, "e": 144}
    for letter, millions in table.items():
        count = sum(parameter.numel() for parameter in on_meta(f"vgg_{letter}").parameters())
        assert round(count / 1e6) == millions
        assert count == SPECS[f"vgg_{letter}"].parameters


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("vgg_a", 132_863_336), ("vgg_b", 133_047_848), ("vgg_d", 138_357_544), ("vgg_e", 143_667_240)],
)
def test_the_exact_counts_are_torchvisions(name: str, parameters: int):
    assert SPECS[name].parameters == parameters
    assert get_model_weights(THEIRS[name]).DEFAULT.meta["num_params"] == parameters


def test_c_is_d_with_a_third_convolution_of_one_point():
    kernels = [layer.kernel_size[0] for layer in on_meta("vgg_c").features if isinstance(layer, nn.Conv2d)]
    assert kernels == [3, 3, 3, 3, 3, 3, 1, 3, 3, 1, 3, 3, 1]


def test_a_lrn_has_one_norm_and_nothing_to_learn_in_it():
    plain, normed = on_meta("vgg_a"), on_meta("vgg_a_lrn")
    assert [type(layer) for layer in normed.features[:4]] == [nn.Conv2d, nn.ReLU, nn.LocalResponseNorm, nn.MaxPool2d]
    assert len(normed.features) == len(plain.features) + 1
    counts = [sum(parameter.numel() for parameter in network.parameters()) for network in (plain, normed)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("ours", "theirs"), THEIRS.items())
def test_torchvisions_weights_have_our_names_and_shapes(ours: str, theirs: str):
    with torch.device("meta"):
        reference = getattr(torchvision.models, theirs)(weights=None).state_dict()
    state = on_meta(ours).state_dict()
    assert {name: tensor.shape for name, tensor in state.items()} == {
        name: tensor.shape for name, tensor in reference.items()
    }


@pytest.mark.parametrize(
    ("ours", "letter", "norm"), [(f"vgg_{a}{b}", a, bool(b)) for a, b in product("abde", ("", "_bn"))]
)
def test_with_torchvisions_weights_the_features_are_torchvisions(ours: str, letter: str, norm: bool):
    """At 64 pixels, and without the fully connected layers, which are the same for all: the next test has them."""
    mine = on_meta(ours).features.eval()
    with torch.device("meta"):
        reference = make_layers(cfgs[letter.upper()], batch_norm=norm).eval()
    weights = made_up(reference)
    mine.load_state_dict(weights, strict=True, assign=True)
    reference.load_state_dict(weights, strict=True, assign=True)
    x = noise((1, 3, 64, 64))
    with torch.inference_mode():
        torch.testing.assert_close(mine(x), reference(x), rtol=1e-5, atol=1e-5)


def test_vgg_has_torchvisions_logits_also_with_its_head_as_convolutions():
    ours = on_meta("vgg_a_bn").eval()
    with torch.device("meta"):
        reference = vgg11_bn(weights=None).eval()
    weights = made_up(reference)
    ours.load_state_dict(weights, strict=True, assign=True)
    reference.load_state_dict(weights, strict=True, assign=True)
    x = noise((1, 3, 224, 224))
    with torch.inference_mode():
        expected = reference(x)
        torch.testing.assert_close(ours(x), expected, rtol=1e-5, atol=1e-5)
        sliding = dense_to_convolution(ours)
        torch.testing.assert_close(sliding(x), expected, rtol=0, atol=1e-5 * expected.abs().max().item())
        assert sliding(noise((1, 3, 256, 224))).shape == (1, 1000)


@pytest.mark.parametrize("name", BUILDERS)
def test_as_convolutions_every_configuration_takes_larger_pictures(name: str):
    spec = SPECS[name]
    sliding = dense_to_convolution(on_meta(name, 7))
    with torch.device("meta"):
        for height, width in (
            (spec.default_size, spec.default_size),
            (spec.default_size + 32, spec.default_size + 100),
        ):
            assert sliding(torch.empty(2, 3, height, width)).shape == (2, 7)


def test_as_convolutions_the_scores_of_all_positions_are_averaged():
    torch.manual_seed(0)
    network = vgg13_small(10, 3).eval()
    x = noise((2, 3, 64, 96))
    with torch.inference_mode():
        features = network.features(x)
        assert features.shape == (2, 512, 2, 3)
        scores = [network.classifier(features[:, :, row, column]) for row, column in product(range(2), range(3))]
        torch.testing.assert_close(dense_to_convolution(network)(x), torch.stack(scores).mean(0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "side"), [("vgg_a", 192), ("vgg_a", 256), ("vgg13_small", 64)])
def test_as_they_are_they_take_one_size_only(name: str, side: int):
    assert not SPECS[name].takes(side)
    with torch.device("meta"), pytest.raises(RuntimeError):
        on_meta(name)(torch.empty(1, 3, side, side))


def test_the_small_one_has_the_tutorials_parameters():
    network = on_meta("vgg13_small", 100)
    assert sum(parameter.numel() for parameter in network.features.parameters()) == 9_404_992
    assert sum(parameter.numel() for parameter in network.classifier.parameters()) == 234_200
    assert [layer.in_features for layer in network.classifier if isinstance(layer, nn.Linear)] == [512, 300, 200]


@pytest.mark.parametrize(("ours", "theirs"), THEIRS.items())
def test_the_spec_has_torchvisions_weights(ours: str, theirs: str):
    source, weights = get_model_weights(theirs).IMAGENET1K_V1, SPECS[ours].weights
    prepare = source.transforms()
    assert weights is not None
    assert weights.url == source.url
    assert weights.url.endswith(f"-{weights.sha256}.pth")
    assert weights.megabytes == pytest.approx(source.meta["_file_size"] * 2**20 / 1e6, abs=0.1)
    assert weights.top1 == pytest.approx(source.meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100)
    assert (weights.image_size, weights.resize) == (prepare.crop_size[0], prepare.resize_size[0])
    assert (weights.mean, weights.std) == (tuple(prepare.mean), tuple(prepare.std))
    assert weights.interpolation == prepare.interpolation.value


def test_configurations_without_weights_in_torchvision_have_none():
    assert {name for name in BUILDERS if SPECS[name].weights} == set(THEIRS)


@pytest.mark.parametrize("norm", [False, True])
def test_a_training_step_lowers_the_loss(norm: bool):
    torch.manual_seed(0)
    features = convolutions(A, 3, norm)
    network = nn.Sequential(*features, nn.Flatten(), nn.Linear(512, 2)) if norm else vgg13_small(2, 3)
    x, labels = noise((4, 3, 32, 32)), torch.tensor([0, 1, 0, 1])
    before = functional.cross_entropy(network(x), labels)
    before.backward()
    steepness = sum(parameter.grad.square().sum() for parameter in network.parameters())
    torch.optim.SGD(network.parameters(), lr=0.05 * before.item() / steepness.item()).step()
    with torch.no_grad():
        assert functional.cross_entropy(network(x), labels) < before
