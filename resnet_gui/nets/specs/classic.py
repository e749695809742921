"""The classic networks before and beside the residual ones, written here."""

from __future__ import annotations

from resnet_gui.nets.spec import Kind, NetworkSpec, Stage
from resnet_gui.nets.specs.residual import from_torchvision
from resnet_gui.records import Weights


def _layers(text: str, kind: Kind, channels: int, stride: int = 1) -> Stage:
    return Stage(text, kind, 1, channels, stride=stride)


_LENET = (
    NetworkSpec(
        "lenet5", "LeNet-5", "LeNet", "LeCun et al. 1998", 1998, 7, 60_850, 326_520,
        "The network that read the digits on bank cheques, and the pattern of all that followed.",
        classes=10, channels=1, default_size=32, smallest=32, largest=32,
        stages=(
            _layers("c1 c1_squash", "conv", 6), _layers("s2 s2_squash", "pool", 6, 2),
            _layers("c3 c3_squash", "conv", 16), _layers("s4 s4_squash", "pool", 16, 2),
            _layers("c5 c5_squash", "conv", 120), _layers("flatten f6 f6_squash", "linear", 84), _layers("output", "head", 10),
        ),
        lesson="Each of C3's 16 maps looks at 3, 4 or all 6 of the maps before it, 60 in all: 60 × 25 + 16 = 1,516 parameters, "
        "where full connections would have 2,416.",
        note="The paper's output compares with drawn figures of the ten digits; here a linear layer learns the classes instead.",
    ),
    NetworkSpec(
        "lenet5_cifar", "LeNet for CIFAR-10", "LeNet", "a tutorial, after LeCun et al. 1998", 1998, 4, 40_010, 2_246_720,
        "What is called LeNet today, small enough to train in minutes on any machine.",
        classes=10, default_size=32, smallest=32, largest=32,
        stages=(
            _layers("conv1 relu1", "conv", 16), _layers("pool1", "pool", 16, 2),
            _layers("conv2 relu2", "conv", 32), _layers("pool2", "pool", 32, 2),
            _layers("flatten fc1 relu3", "linear", 32), _layers("fc2", "head", 10),
        ),
    ),
)  # fmt: skip

_ALEXNET = NetworkSpec(
    "alexnet_2012", "AlexNet, as of 2012", "AlexNet", "Krizhevsky et al. 2012", 2012, 8, 60_965_224, 724_406_816,
    "It won the ImageNet competition of 2012 by a wide margin, and with it began the age of deep networks.",
    default_size=227, smallest=227, largest=227,
    stages=(
        _layers("conv1 relu1 norm1", "conv", 96, 4), _layers("pool1", "pool", 96, 2),
        _layers("conv2 relu2 norm2", "conv", 256), _layers("pool2", "pool", 256, 2),
        _layers("conv3 relu3", "conv", 384), _layers("conv4 relu4", "conv", 384), _layers("conv5 relu5", "conv", 256),
        _layers("pool5", "pool", 256, 2), _layers("flatten drop6 fc6 relu6", "linear", 4096),
        _layers("drop7 fc7 relu7", "linear", 4096), _layers("fc8", "head", 1000),
    ),
    note="The paper says 224 pixels, but only 227 give the 55 × 55 points that it counts.",
)  # fmt: skip

_A, _B, _C = (1, 1, 2, 2, 2), (2, 2, 2, 2, 2), (2, 2, 3, 3, 3)
_E = (2, 2, 4, 4, 4)
_FILTERS = (64, 128, 256, 512, 512)


def _vgg_features(counts: tuple[int, ...], normed: tuple[bool, ...]) -> list[Stage]:
    """The stages of convolutions; `normed` says of each whether every convolution has a norm, so three layers, not two."""
    stages, index = [], 0
    for count, width, norm in zip(counts, _FILTERS, normed, strict=True):
        end = index + count * (3 if norm else 2)
        names = " ".join(f"features.{number}" for number in range(index, end))
        stages += [Stage(names, "conv", count, width), Stage(f"features.{end}", "pool", 1, width, stride=2)]
        index = end + 1
    return stages


def _vgg(
    letter: str, counts: tuple[int, ...], parameters: int, multiply_adds: int, description: str,
    norm: str = "", weights: Weights | None = None,
) -> NetworkSpec:  # fmt: skip
    normed = (norm == "bn",) * 5 if norm != "lrn" else (True, False, False, False, False)
    classifier = (
        _layers("flatten classifier.0 classifier.1 classifier.2", "linear", 4096),
        _layers("classifier.3 classifier.4 classifier.5", "linear", 4096), _layers("classifier.6", "head", 1000),
    )  # fmt: skip
    return NetworkSpec(
        f"vgg_{letter.lower()}" + (f"_{norm}" if norm else ""),
        f"VGG {letter}" + {"": "", "bn": " with batch norm", "lrn": "-LRN"}[norm],
        "VGG", "Simonyan and Zisserman 2014", 2014, sum(counts) + 3, parameters, multiply_adds, description,
        smallest=224, largest=224, stages=(*_vgg_features(counts, normed), *classifier), weights=weights,
    )  # fmt: skip


_NORM = "The same as VGG {} with a batch norm after each convolution, which came a year later: it learns faster and from any start."

_VGG = (
    _vgg(
        "A", _A, 132_863_336, 7_609_090_048,
        "The shallowest of the paper, 11 layers deep: shallow enough to learn from random weights, which then started the deeper ones.",
        weights=from_torchvision("vgg11-8a719046.pth", 506.84, 0.6902, resize=256),
    ),
    _vgg(
        "A", _A, 132_863_336, 7_609_090_048,
        "VGG A with AlexNet's norm after the first convolution: it did not help, so the deeper ones went without.",
        norm="lrn",
    ),
    _vgg(
        "B", _B, 133_047_848, 11_308_466_176,
        "Two small convolutions in each stage, 13 layers: they beat one large convolution that sees as much.",
        weights=from_torchvision("vgg13-19584684.pth", 507.545, 0.69928, resize=256),
    ),
    _vgg(
        "C", _C, 133_638_952, 11_770_888_192,
        "VGG D with the third convolution of a stage looking at one point only: better than B, worse than D, so neighbours matter.",
    ),
    _vgg(
        "D", _C, 138_357_544, 15_470_264_320,
        "Known as VGG-16, for years the network whose features everyone took: simple, large and slow.",
        weights=from_torchvision("vgg16-397923af.pth", 527.796, 0.71592, resize=256),
    ),
    _vgg(
        "E", _E, 143_667_240, 19_632_062_464,
        "Known as VGG-19, where going deeper by stacking layers stopped to pay: the question that residual networks answered.",
        weights=from_torchvision("vgg19-dcbb9e9d.pth", 548.051, 0.72376, resize=256),
    ),
    _vgg(
        "A", _A, 132_868_840, 7_609_090_048, _NORM.format("A"),
        norm="bn", weights=from_torchvision("vgg11_bn-6002323d.pth", 506.881, 0.7037, resize=256),
    ),
    _vgg(
        "B", _B, 133_053_736, 11_308_466_176, _NORM.format("B"),
        norm="bn", weights=from_torchvision("vgg13_bn-abd245e5.pth", 507.59, 0.71586, resize=256),
    ),
    _vgg("C", _C, 133_647_400, 11_770_888_192, _NORM.format("C"), norm="bn"),
    _vgg(
        "D", _C, 138_365_992, 15_470_264_320, _NORM.format("D"),
        norm="bn", weights=from_torchvision("vgg16_bn-6c64b313.pth", 527.866, 0.7336, resize=256),
    ),
    _vgg(
        "E", _E, 143_678_248, 19_632_062_464, _NORM.format("E"),
        norm="bn", weights=from_torchvision("vgg19_bn-c79401a0.pth", 548.143, 0.74218, resize=256),
    ),
    NetworkSpec(
        "vgg13_small", "VGG-13, small", "VGG", "a tutorial, after Simonyan and Zisserman 2014", 2014, 13,
        9_639_192, 228_495_488,
        "VGG B cut down for pictures of 32 pixels: of a network's weights nearly all were in its fully connected layers.",
        classes=100, default_size=32, smallest=32, largest=32,
        stages=(
            *_vgg_features(_B, (False,) * 5),
            _layers("flatten classifier.0 classifier.1 classifier.2", "linear", 300),
            _layers("classifier.3 classifier.4 classifier.5", "linear", 200), _layers("classifier.6", "head", 100),
        ),
    ),
)  # fmt: skip


def _highway_stages(number: int, width: int, count: int) -> tuple[Stage, Stage]:
    highways = " ".join(f"stage{number}.{index}" for index in range(2, count + 1))
    return (
        Stage(f"stage{number}.0 stage{number}.1", "conv", 1, width),
        Stage(highways, "highway", count - 1, width),
    )


def _highway_mnist(layers: int, parameters: int, multiply_adds: int, description: str) -> NetworkSpec:
    return NetworkSpec(
        f"highway_mnist_{layers}", f"Highway-{layers} for digits", "Highway", "Srivastava et al. 2015", 2015, layers,
        parameters, multiply_adds, description, classes=10, channels=1, default_size=28, smallest=28, largest=28,
        stages=(
            _layers("flatten first", "linear", 50), Stage("highway", "highway", layers - 1, 50), _layers("output", "head", 10),
        ),
    )  # fmt: skip


_HIGHWAY = (
    NetworkSpec(
        "highway_cifar_19", "Highway-19", "Highway", "Srivastava et al. 2015", 2015, 19, 2_342_406, 351_899_016,
        "The ancestor of the shortcut: each layer learns a gate that says how much of its input it lets pass unchanged.",
        classes=10, default_size=32,
        stages=(
            *_highway_stages(1, 32, 3),
            Stage("stage1.4 stage1.5", "conv", 1, 48), Stage("stage1.6", "highway", 1, 48), _layers("stage1.7", "pool", 48, 2),
            *_highway_stages(2, 80, 6), _layers("stage2.7", "pool", 80, 2),
            *_highway_stages(3, 128, 6), _layers("stage3.7", "pool", 128, 8),
            _layers("flatten fc1 relu", "linear", 500), _layers("fc2", "head", 10),
        ),
        note="The paper names its shape and its about 2.3 million parameters, not each layer: these are the layers that give them.",
    ),
    _highway_mnist(
        10, 85_660, 84_700,
        "Layers of 50 units for digits of 28 pixels, the smallest of those with which the paper measured how depth hurts.",
    ),
    _highway_mnist(
        50, 289_660, 284_700,
        "Fifty layers of 50 units: without their gates such a network hardly learns, with them it does.",
    ),
)  # fmt: skip


def _fractal(
    depth: int, parameters: int, multiply_adds: int, widths: tuple[int, ...], description: str, note: str
) -> NetworkSpec:
    stages = (Stage(f"blocks.{number}", "fractal", 1, width, stride=2) for number, width in enumerate(widths))
    return NetworkSpec(
        f"fractalnet{depth}", f"FractalNet-{depth}", "FractalNet", "Larsson et al. 2016", 2016, depth,
        parameters, multiply_adds, description, classes=10, default_size=32,
        stages=(*stages, _layers("avgpool fc", "head", 10)), note=note,
    )  # fmt: skip


_FRACTALNET = (
    _fractal(
        20, 38_649_034, 1_129_518_080, (64, 128, 256, 512, 512),
        "As deep as a residual network without any shortcut: short and long ways run beside each other, and training drops some at random.",
        "The depth is that of the longest way, counted as in the paper: its 3 × 3 convolutions.",
    ),
    _fractal(
        40, 5_173_050, 150_848_768, (16, 32, 64, 128, 128),
        "One column more than FractalNet-20, so twice as deep, and still trained from random weights without a shortcut.",
        "It has a quarter of the channels of FractalNet-20, so that it stays quick. The depth is that of the longest way, counted as "
        "in the paper: its 3 × 3 convolutions.",
    ),
)  # fmt: skip

NETWORKS: tuple[NetworkSpec, ...] = (*_LENET, _ALEXNET, *_VGG, *_HIGHWAY, *_FRACTALNET)
