"""The table of all networks: each is as its spec, its paper or its library states, and can learn."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from resnet_gui.messages import Problem
from resnet_gui.nets.build import build, main_and_auxiliary
from resnet_gui.nets.catalog import NETWORKS, require_size
from resnet_gui.nets.spec import NetworkSpec

TORCHVISION = "torchvision.models, meta['num_params'] of the weights"
TIMM = "timm, results/results-imagenet.csv, param_count"
HE_2015 = "He et al. 2015 (arXiv:1512.03385), table 6"
HE_2016 = "He et al. 2016 (arXiv:1603.05027), table 4"
WIDE = "Zagoruyko and Komodakis 2016 (arXiv:1605.07146), table 4"
VGG = "Simonyan and Zisserman 2014 (arXiv:1409.1556), table 2"

# A figure in millions is as exact as its source writes it; a whole number is exact.
FIGURES: dict[str, tuple[int | str, str]] = {
    "resnet18": (11_689_512, TORCHVISION),
    "resnet34": (21_797_672, TORCHVISION),
    "resnet50": (25_557_032, TORCHVISION),
    "resnet101": (44_549_160, TORCHVISION),
    "resnet152": (60_192_808, TORCHVISION),
    "resnet18d": ("11.71", TIMM),
    "resnet34d": ("21.82", TIMM),
    "resnet50d": ("25.58", TIMM),
    "resnet101d": ("44.57", TIMM),
    "resnet152d": ("60.21", TIMM),
    "resnet50c": ("25.58", TIMM),
    "resnet50s": ("25.68", TIMM),
    "resnet50_gn": ("25.56", TIMM),
    "resnet50_v1": (25_583_592 - 26_560, "Keras, ResNet50: trainable parameters, less the biases of its convolutions"),
    "resnext50_32x4d": (25_028_904, TORCHVISION),
    "resnext101_32x8d": (88_791_336, TORCHVISION),
    "wide_resnet50_2": (68_883_240, TORCHVISION),
    "wide_resnet101_2": (126_886_696, TORCHVISION),
    "seresnet34": ("21.96", TIMM),
    "seresnet50": ("28.09", TIMM),
    "seresnet101": ("49.33", TIMM),
    "seresnet152": ("66.82", TIMM),
    "seresnext50_32x4d": ("27.56", TIMM),
    "resnet50_v2": ("25.55", TIMM),
    "resnet101_v2": ("44.54", TIMM),
    "resnetv2_50": ("25.55", TIMM),
    "resnetv2_101": ("44.54", TIMM),
    "resnet18_small": (11_173_962, "kuangliu/pytorch-cifar, ResNet18 for 10 classes"),
    "resnet20": ("0.27", HE_2015),
    "resnet32": ("0.46", HE_2015),
    "resnet44": ("0.66", HE_2015),
    "resnet56": ("0.85", HE_2015),
    "resnet110": ("1.7", HE_2015),
    "resnet1202": ("19.4", HE_2015),
    "resnet110_v2": ("1.7", HE_2016),
    "resnet164_v2": ("1.7", HE_2016),
    "wrn_40_4": ("8.9", WIDE),
    "wrn_16_8": ("11.0", WIDE),
    "wrn_28_10": ("36.5", WIDE),
    "wrn_40_2": ("2.2", WIDE),
    "teaching_resnet18": (11_110_663, "the tutorial prints it, for 7 classes"),
    "teaching_resnet18_grey": (11_178_378, "the tutorial prints it"),
    "teaching_resnet_cifar": (15_826_314, "the tutorial prints it, for 10 classes"),
    "teaching_resnet_cifar_5": (15_823_749, "the tutorial prints it, for 5 classes"),
    "lenet5": (
        156 + 12 + 1_516 + 32 + 48_120 + 10_164 + 850,
        "LeCun et al. 1998, section II.B, C1 to F6, and 10 outputs",
    ),
    "alexnet_2012": (
        34_944 + 307_456 + 885_120 + 663_936 + 442_624 + 37_752_832 + 16_781_312 + 4_097_000,
        "Krizhevsky et al. 2012, figure 2, layer by layer",
    ),
    "alexnet": (61_100_840, TORCHVISION),
    "vgg_a": ("133", VGG),
    "vgg_a_lrn": ("133", VGG),
    "vgg_b": ("133", VGG),
    "vgg_c": ("134", VGG),
    "vgg_d": ("138", VGG),
    "vgg_e": ("144", VGG),
    "vgg_a_bn": (132_868_840, TORCHVISION),
    "vgg_b_bn": (133_053_736, TORCHVISION),
    "vgg_d_bn": (138_365_992, TORCHVISION),
    "vgg_e_bn": (143_678_248, TORCHVISION),
    "vgg13_small": (9_404_992 + 234_200, "the tutorial prints it: convolutions and head"),
    "vgg11": (132_863_336, TORCHVISION),
    "vgg13": (133_047_848, TORCHVISION),
    "vgg16": (138_357_544, TORCHVISION),
    "vgg19": (143_667_240, TORCHVISION),
    "vgg11_bn": (132_868_840, TORCHVISION),
    "vgg13_bn": (133_053_736, TORCHVISION),
    "vgg16_bn": (138_365_992, TORCHVISION),
    "vgg19_bn": (143_678_248, TORCHVISION),
    "fractalnet20": ("38.6", "Larsson et al. 2016 (arXiv:1605.07648), table 1"),
    "highway_cifar_19": ("2.3", "Srivastava et al. 2015 (arXiv:1507.06228), table 2"),
    "googlenet": (
        6_624_904 + sum(c * 128 + 2 * 128 for c in (512, 528)) + 2 * (2_049 * 1_024 + 1_025 * 1_000),
        TORCHVISION + ", and two auxiliary classifiers: 128 maps of 4x4 points (with norm), 1024 units, 1000 classes",
    ),
    "inception_v2": (
        10_173_112 + 2 * 64 - 9_952 + 1_025_000,
        "tensorflow/models, slim, inception_v2_test: without head, and for each of 9,952 channels of norms shift, mean and variance, "
        "but only a bias for the 64 of the first convolution",
    ),
    "inception_v3": (27_161_264, TORCHVISION),
    "inception_v4": ("42.68", TIMM),
    "inception_resnet_v2": ("55.84", TIMM),
    "inception_resnet_v1": (
        23_482_624 - (1_600_768 + 917_504 + 1_024) + 1_793_000,
        "timesler/facenet-pytorch, InceptionResnetV1: less its 21st block and bottleneck (1792 to 512, with norm), with 1000 classes",
    ),
    "xception": (22_855_952, "Chollet 2016 (arXiv:1610.02357), table 3"),
    "densenet121": (7_978_856, TORCHVISION),
    "densenet161": (28_681_000, TORCHVISION),
    "densenet169": (14_149_480, TORCHVISION),
    "densenet201": (20_013_928, TORCHVISION),
    "squeezenet1_0": (1_248_424, TORCHVISION),
    "squeezenet1_1": (1_235_496, TORCHVISION),
    "dpn68": ("12.61", TIMM),
    "dpn92": ("37.67", TIMM),
    "dpn98": ("61.57", TIMM),
    "dpn107": ("86.92", TIMM),
    "dpn131": ("79.25", TIMM),
    "senet154": ("115.09", TIMM),
}

# Where no source gives a figure, it follows from one that has: (the other network, what this one has more, why).
PROJECTIONS = {34: sum(a * b + 2 * b for a, b in ((64, 128), (128, 256), (256, 512)))}
DIFFERENCES: dict[str, tuple[str, int, str]] = {
    "plain18": ("resnet18", -PROJECTIONS[34], "no shortcuts, so no projections (1x1 convolution and norm)"),
    "plain34": ("resnet34", -PROJECTIONS[34], "no shortcuts, so no projections (1x1 convolution and norm)"),
    "resnet34_a": ("resnet34", -PROJECTIONS[34], "shortcuts A have no parameters"),
    **{
        f"resnet{depth}_b": (
            f"resnet{depth}",
            16 * 32 + 2 * 32 + 32 * 64 + 2 * 64,
            "two projections (1x1 convolution and norm)",
        )
        for depth in (20, 32, 44, 56)
    },
    "plain20": ("resnet20", 0, "the shortcuts of the CIFAR form have no parameters"),
    "plain56": ("resnet56", 0, "the shortcuts of the CIFAR form have no parameters"),
}

# Where the paper counts layers in another way than `Depth` does: (how many the longest way has more, why).
DEPTHS: dict[str, tuple[int, str]] = {
    **dict.fromkeys(
        ("wrn_16_4", "wrn_16_8", "wrn_28_10", "wrn_40_2", "wrn_40_4"),
        (1 - 3, "the three projections count, which lie beside, and the head does not"),
    ),
    **dict.fromkeys(("fractalnet20", "fractalnet40"), (5, "only 3x3 convolutions count")),
    **dict.fromkeys(("highway_mnist_10", "highway_mnist_50"), (1, "the head does not count")),
    "lenet5": (-2, "S2 and S4 count, as they can be trained"),
}

each_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)


class Depth(TorchDispatchMode):
    """Counts for each tensor the layers with weights on the longest way to it.

    A depthwise convolution and the 1x1 after it are one layer. Where two tensors are multiplied the smaller one is a
    gate, which weighs channels, and the way through the gate does not count.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers: dict[int, int] = {}
        self.alive: list[Tensor] = []  # an id belongs to one tensor as long as that lives

    def of(self, tensor: Tensor) -> int:
        return self.layers.get(id(tensor), 0)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        inputs = [*tensors(args)]
        if func.overloadpacket in (torch.ops.aten.mul, torch.ops.aten.mul_):
            largest = max((tensor.numel() for tensor in inputs), default=0)
            inputs = [tensor for tensor in inputs if tensor.numel() == largest]
        depth = max(map(self.of, inputs), default=0) + self.has_weights(func, args)
        for tensor in tensors((out,)):
            self.layers[id(tensor)] = depth
            self.alive.append(tensor)
        return out

    @staticmethod
    def has_weights(func: Any, args: Any) -> bool:
        if func.overloadpacket is torch.ops.aten.convolution:
            pixels, weight = args[:2]
            return pixels.shape[1] != args[8] or args[8] == 1 or weight.shape[-1] == 1
        return func.overloadpacket in (torch.ops.aten.addmm, torch.ops.aten.mm)


def tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    """The tensors among `values` and in the lists and tuples there."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors(value)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Small pictures are computed faster by one thread, and by far on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def bare(network: NetworkSpec) -> nn.Module:
    """The network as its spec has it, on the meta device: shapes without numbers."""
    with torch.device("meta"):
        return build(network.name, network.classes, network.channels)


def pictures(network: NetworkSpec, size: int, count: int = 2, channels: int = 0, device: str = "meta") -> Tensor:
    return torch.rand(count, channels or network.channels, size, size, device=device)


def millions(parameters: int, figure: str) -> str:
    """`parameters` in millions, with as many digits after the point as `figure` has."""
    return f"{parameters / 1e6:.{len(figure.partition('.')[2])}f}"


def work(network: NetworkSpec) -> float:
    """Multiply-adds for one picture of the smallest size, roughly."""
    return network.multiply_adds * (network.smallest / network.default_size) ** 2


FAMILIES = dict.fromkeys(network.family for network in NETWORKS)
CHEAPEST = [min((n for n in NETWORKS if n.family == family), key=work) for family in FAMILIES]
each_family = pytest.mark.parametrize("network", CHEAPEST, ids=lambda network: f"{network.family}: {network.name}")


def test_there_are_a_hundred_networks_of_different_names():
    assert len(NETWORKS) >= 100
    assert [name for name, count in Counter(network.name for network in NETWORKS).items() if count > 1] == []
    assert [title for title, count in Counter(network.title for network in NETWORKS).items() if count > 1] == []


@each_network
def test_parameters(network: NetworkSpec):
    assert network.parameters == sum(parameter.numel() for parameter in bare(network).parameters())


@pytest.mark.parametrize("name", FIGURES)
def test_parameters_are_those_that_paper_or_library_state(name: str):
    figure, source = FIGURES[name]
    parameters = next(network.parameters for network in NETWORKS if network.name == name)
    assert (millions(parameters, figure) if isinstance(figure, str) else parameters) == figure, source


@pytest.mark.parametrize("name", DIFFERENCES)
def test_parameters_follow_from_those_of_another(name: str):
    other, more, why = DIFFERENCES[name]
    parameters = {network.name: network.parameters for network in NETWORKS}
    assert parameters[name] == parameters[other] + more, why


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_a_figure_that_is_not_our_own(family: str):
    assert {n.name for n in NETWORKS if n.family == family} & {*FIGURES, *DIFFERENCES}


@each_network
def test_logits_multiply_adds_and_depth_at_the_usual_size(network: NetworkSpec):
    with torch.no_grad(), Depth() as depth, FlopCounterMode(display=False) as counter:
        logits = bare(network).eval()(pictures(network, network.default_size))
    assert logits.shape == (2, network.classes)
    assert (
        counter.get_total_flops() // 4 == network.multiply_adds
    )  # of two pictures, each a multiplication and an addition
    assert depth.of(logits) == network.depth + DEPTHS.get(network.name, (0, ""))[0]


@each_network
def test_logits_at_the_smallest_size_while_it_trains(network: NetworkSpec):
    """With numbers, but for the largest: there the shapes must do. Norms want more than a point, so this is the hard case."""
    if work(network) < 1e9 and network.parameters < 7e7:
        with torch.device("meta"):
            net = build(network.name, network.classes, network.channels)
        fill(net.to_empty(device="cpu"))
        x = pictures(network, network.smallest, device="cpu")
    else:
        net, x = bare(network), pictures(network, network.smallest)
    with torch.no_grad():
        logits, auxiliary = main_and_auxiliary(net.train()(x))
    assert {tuple(each.shape) for each in (logits, *auxiliary)} == {(2, network.classes)}
    assert bool(auxiliary) == bool(network.auxiliary)
    if not logits.is_meta:
        assert logits.isfinite().all()
        assert not torch.equal(logits[0], logits[1])


def fill(network: nn.Module) -> None:
    """Gives tensors without numbers some that keep what goes through at about its size: quicker than to start it properly."""
    pool = torch.randn(1 << 16, generator=torch.Generator().manual_seed(1))
    for name, tensor in network.state_dict().items():
        if tensor.dim() < 2:
            tensor.fill_(0.0 if name.endswith(("bias", "mean", "tracked")) else 0.5)
        else:
            noise = pool.repeat(-(-tensor.numel() // len(pool)))[: tensor.numel()]
            torch.mul(noise.view_as(tensor), tensor[0].numel() ** -0.5, out=tensor)


@each_network
def test_stages_hold_every_layer_once_and_state_its_channels(network: NetworkSpec):
    """Only auxiliary classifiers lie beside the stages."""
    assert network.stages
    found: dict[str, list[str]] = {}
    modules = dict(bare(network).named_modules())
    for stage in network.stages:
        for prefix in stage.name.split():
            assert prefix in modules, f"{stage.name}: there is no module {prefix}"
            for name in modules:
                if f"{name}.".startswith(f"{prefix}."):
                    found.setdefault(name, []).append(stage.name)
    assert {name: stages for name, stages in found.items() if len(stages) > 1} == {}
    weighted = {name for name, module in modules.items() if any(True for _ in module.parameters(recurse=False))}
    assert {name for name in weighted - found.keys() if not name.lower().startswith("aux")} == set()


@each_network
def test_a_size_that_its_spec_does_not_take_is_refused(network: NetworkSpec):
    require_size(network, network.smallest)
    require_size(network, network.default_size)
    for size in (network.smallest - 1, *([network.largest + 1] if network.largest else [])):
        with pytest.raises(Problem) as caught:
            require_size(network, size)
        assert caught.value.message.code == "size_not_taken"


def loss_of(network: nn.Module, x: Tensor, labels: Tensor, weight: float) -> Tensor:
    """The loss as it is learned from; layers that drop by chance drop the same each time."""
    torch.manual_seed(2)
    logits, auxiliary = main_and_auxiliary(network(x))
    return functional.cross_entropy(logits, labels) + weight * sum(
        functional.cross_entropy(a, labels) for a in auxiliary
    )


@each_family
def test_one_step_on_a_batch_of_two_classes_lowers_its_loss(network: NetworkSpec):
    """The step is sized so that a straight slope would lower the loss by 1 %: a fixed rate would not do for all."""
    torch.manual_seed(0)
    net = build(network.name, 2, network.channels).train()
    size = min(network.default_size, max(64, network.smallest))
    x, labels = torch.randn(4, network.channels, size, size), torch.tensor([0, 1, 1, 1])

    before = loss_of(net, x, labels, network.auxiliary)
    before.backward()
    assert next(net.parameters()).grad.abs().sum() > 0  # as far as the first layer
    steepness = sum(p.grad.square().sum().item() for p in net.parameters() if p.grad is not None)
    torch.optim.SGD(net.parameters(), lr=0.01 * before.item() / steepness).step()
    with torch.no_grad():
        assert loss_of(net, x, labels, network.auxiliary) < before


@each_family
def test_pictures_of_one_channel_and_of_four_go_through(network: NetworkSpec):
    for channels in (1, 4):
        with torch.device("meta"):
            net = build(network.name, 2, channels).eval()
        assert net(pictures(network, network.smallest, channels=channels)).shape == (2, 2)
