"""The Inception networks: two of torchvision, three of timm, and the two that no library has, written here."""

from __future__ import annotations

from dataclasses import replace

from resnet_gui.nets.spec import NetworkSpec, Stage
from resnet_gui.nets.specs.residual import from_timm, from_torchvision
from resnet_gui.records import Weights

_HALVES = (0.5, 0.5, 0.5)


def halved(weights: Weights) -> Weights:
    """Weights that know pictures whose channels go from -1 to 1, as Google's do."""
    return replace(weights, mean=_HALVES, std=_HALVES)


def features(*numbers: int) -> str:
    """The names of layers that are numbered inside of `features`."""
    return " ".join(f"features.{number}" for number in numbers)


NETWORKS: tuple[NetworkSpec, ...] = (
    NetworkSpec(
        "googlenet", "GoogLeNet (Inception v1)", "Inception", "Szegedy et al. 2014", 2014, 22, 13_004_888, 1_498_376_192,
        "It won the ImageNet competition of 2014 with a twelfth of AlexNet's weights, by looking through small and large windows at once.",
        source="torchvision", library_name="googlenet", auxiliary=0.3,
        stages=(
            Stage("conv1 maxpool1 conv2 conv3 maxpool2", "stem", 1, 192, stride=8),
            Stage("inception3a inception3b", "inception", 2, 480), Stage("maxpool3", "pool", 1, 480, stride=2),
            Stage("inception4a inception4b inception4c inception4d inception4e", "inception", 5, 832),
            Stage("maxpool4", "pool", 1, 832, stride=2), Stage("inception5a inception5b", "inception", 2, 1024),
            Stage("avgpool dropout fc", "head", 1, 1000),
        ),
        weights=halved(from_torchvision("googlenet-1378be20.pth", 49.731, 0.69778, resize=256)),
        lesson="A 5 × 5 convolution from 192 to 32 channels has 192 × 25 × 32 = 153,600 weights; narrowed to 16 channels first, "
        "192 × 16 + 16 × 25 × 32 = 15,872.",
        note="Half of its parameters are two auxiliary classifiers, which help it to learn and are not used afterwards; "
        "this version's 5 × 5 convolutions are 3 × 3.",
    ),
    NetworkSpec(
        "inception_v2", "Inception v2 (BN-Inception)", "Inception", "Ioffe and Szegedy 2015", 2015, 34,
        11_188_288, 1_934_857_216,
        "It brought batch norm into the world, and reached GoogLeNet's accuracy in a fourteenth of the steps.",
        stages=(
            Stage("conv1_depthwise conv1 maxpool1 conv2 conv3 maxpool2", "stem", 1, 192, stride=8),
            Stage("inception3a inception3b", "inception", 2, 320),
            Stage("inception3c inception4a inception4b inception4c inception4d", "inception", 5, 576, stride=2),
            Stage("inception4e inception5a inception5b", "inception", 3, 1024, stride=2),
            Stage("avgpool flatten dropout fc", "head", 1, 1000),
        ),
    ),
    NetworkSpec(
        "inception_v3", "Inception v3", "Inception", "Szegedy et al. 2015", 2015, 48, 27_161_264, 5_713_216_096,
        "Its windows are taken apart, 7 × 7 into 1 × 7 and 7 × 1: more to see for less work.",
        source="torchvision", library_name="inception_v3", default_size=299, smallest=299, auxiliary=0.4,
        stages=(
            Stage(
                "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 maxpool1 Conv2d_3b_1x1 Conv2d_4a_3x3 maxpool2", "stem", 1, 192,
                stride=8,
            ),
            Stage("Mixed_5b Mixed_5c Mixed_5d", "inception", 3, 288),
            Stage("Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e", "inception", 5, 768, stride=2),
            Stage("Mixed_7a Mixed_7b Mixed_7c", "inception", 3, 2048, stride=2),
            Stage("avgpool dropout fc", "head", 1, 1000),
        ),
        weights=replace(
            halved(from_torchvision("inception_v3_google-0cc3c7bd.pth", 103.903, 0.77294, resize=342)), image_size=299
        ),
        note="Its auxiliary classifier needs a map of 17 × 17 points, so pictures of 299 pixels are the smallest that it can learn from.",
    ),
    NetworkSpec(
        "inception_v4", "Inception v4", "Inception", "Szegedy et al. 2016", 2016, 76, 42_679_816, 12_253_974_624,
        "Inception as far as it went without shortcuts: the paper sets it beside Inception-ResNet v2, which learns quicker and ends alike.",
        source="timm", library_name="inception_v4", default_size=299, smallest=75,
        stages=(
            Stage(features(*range(6)), "stem", 1, 384, stride=8),
            Stage(features(*range(6, 10)), "inception", 4, 384),
            Stage(features(*range(10, 18)), "inception", 8, 1024, stride=2),
            Stage(features(*range(18, 22)), "inception", 4, 1536, stride=2),
            Stage("global_pool head_drop last_linear", "head", 1, 1000),
        ),
        weights=replace(halved(from_timm("inception_v4.tf_in1k", 171.0, 299, 342)), top1=0.80156),
    ),
    NetworkSpec(
        "inception_resnet_v1", "Inception-ResNet v1", "Inception", "Szegedy et al. 2016", 2016, 93,
        22_756_328, 6_206_361_696,
        "What if Inception's modules were residual: about as good as Inception v3 for the same work, and much quicker to train.",
        default_size=299, smallest=75,
        stages=(
            Stage("conv2d_1a conv2d_2a conv2d_2b maxpool_3a conv2d_3b conv2d_4a conv2d_4b", "stem", 1, 256, stride=8),
            Stage("repeat_1", "inception", 5, 256, shortcut="identity"),
            Stage("mixed_6a", "inception", 1, 896, stride=2),
            Stage("repeat_2", "inception", 10, 896, shortcut="identity"),
            Stage("mixed_7a", "inception", 1, 1792, stride=2),
            Stage("repeat_3", "inception", 5, 1792, shortcut="identity"),
            Stage("avgpool flatten dropout fc", "head", 1, 1000),
        ),
        note="A module's branches are scaled down before they are added: without that, wide residual Inceptions died in training.",
    ),
    NetworkSpec(
        "inception_resnet_v2", "Inception-ResNet v2", "Inception", "Szegedy et al. 2016", 2016, 176, 55_843_464, 13_155_794_016,
        "Inception's modules with shortcuts around them: as good as Inception v4, and much quicker to train.",
        source="timm", library_name="inception_resnet_v2", default_size=299, smallest=75,
        stages=(
            Stage("conv2d_1a conv2d_2a conv2d_2b maxpool_3a conv2d_3b conv2d_4a maxpool_5a", "stem", 1, 192, stride=8),
            Stage("mixed_5b", "inception", 1, 320), Stage("repeat", "inception", 10, 320, shortcut="identity"),
            Stage("mixed_6a", "inception", 1, 1088, stride=2), Stage("repeat_1", "inception", 20, 1088, shortcut="identity"),
            Stage("mixed_7a", "inception", 1, 2080, stride=2), Stage("repeat_2 block8", "inception", 10, 2080, shortcut="identity"),
            Stage("conv2d_7b", "conv", 1, 1536), Stage("global_pool head_drop classif", "head", 1, 1000),
        ),
        weights=replace(halved(from_timm("inception_resnet_v2.tf_in1k", 223.6, 299, 333)), top1=0.80462),
    ),
    NetworkSpec(
        "xception", "Xception", "Inception", "Chollet 2016", 2016, 37, 22_855_952, 8_357_403_496,
        "Inception taken to its end: every channel has a window of its own, and 1 × 1 convolutions do all the mixing.",
        source="timm", library_name="legacy_xception", default_size=299,
        stages=(
            Stage("conv1 bn1 act1 conv2 bn2 act2", "stem", 1, 64, stride=2),
            *(Stage(f"block{i}", "inception", 1, channels, 0, 2, "projection") for i, channels in ((1, 128), (2, 256), (3, 728))),
            Stage(" ".join(f"block{i}" for i in range(4, 12)), "inception", 8, 728, shortcut="identity"),
            Stage("block12", "inception", 1, 1024, 0, 2, "projection"),
            Stage("conv3 bn3 act3 conv4 bn4 act4", "conv", 2, 2048), Stage("global_pool fc", "head", 1, 1000),
        ),
        weights=Weights(
            "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-cadene/xception-43020ad28.pth", 91.6,
            "Apache-2.0", sha256="43020ad28", top1=0.7904, image_size=299, resize=333, interpolation="bicubic",
            mean=_HALVES, std=_HALVES,
        ),
    ),
)  # fmt: skip
