"""The networks that torchvision and timm bring along, but for those of the Inception family."""

from __future__ import annotations

from dataclasses import replace

from resnet_gui.nets.spec import NetworkSpec, Stage
from resnet_gui.nets.specs.inception import features, halved
from resnet_gui.nets.specs.residual import from_timm, from_torchvision
from resnet_gui.records import Weights

_ALEXNET = NetworkSpec(
    "alexnet", "AlexNet, as of 2014", "AlexNet", "Krizhevsky 2014", 2014, 8, 61_100_840, 714_188_480,
    "The network of 2012 in one piece and with fewer filters, where the first was split over two graphics cards.",
    source="torchvision", library_name="alexnet", smallest=63,
    stages=(
        Stage(features(0, 1), "conv", 1, 64, stride=4), Stage("features.2", "pool", 1, 64, stride=2),
        Stage(features(3, 4), "conv", 1, 192), Stage("features.5", "pool", 1, 192, stride=2),
        Stage(features(6, 7), "conv", 1, 384), Stage(features(8, 9, 10, 11), "conv", 2, 256),
        Stage("features.12 avgpool", "pool", 1, 256, stride=2),
        Stage("classifier.0 classifier.1 classifier.2", "linear", 1, 4096),
        Stage("classifier.3 classifier.4 classifier.5", "linear", 1, 4096), Stage("classifier.6", "head", 1, 1000),
    ),
    weights=from_torchvision("alexnet-owt-7be5be79.pth", 233.087, 0.56522, resize=256),
)  # fmt: skip

_VGG_COUNTS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_VGG_CHANNELS = (64, 128, 256, 512, 512)


def _vgg_stages(depth: int, norm: bool) -> tuple[Stage, ...]:
    """Five times some convolutions and a pooling, then three linear layers; with norms, each convolution is three layers."""
    stages: list[Stage] = []
    index = 0
    for count, channels in zip(_VGG_COUNTS[depth], _VGG_CHANNELS, strict=True):
        end = index + count * (3 if norm else 2)
        pooling = f"features.{end} avgpool" if len(stages) == 8 else f"features.{end}"
        stages += [
            Stage(features(*range(index, end)), "conv", count, channels),
            Stage(pooling, "pool", 1, channels, stride=2),
        ]
        index = end + 1
    linear = (
        Stage("classifier.0 classifier.1 classifier.2", "linear", 1, 4096),
        Stage("classifier.3 classifier.4 classifier.5", "linear", 1, 4096),
        Stage("classifier.6", "head", 1, 1000),
    )
    return (*stages, *linear)


def _vgg(
    depth: int, parameters: int, multiply_adds: int, description: str, weights: Weights, norm: bool = False
) -> NetworkSpec:
    name, title = (f"vgg{depth}_bn", f"VGG-{depth} with batch norm") if norm else (f"vgg{depth}", f"VGG-{depth}")
    return NetworkSpec(
        name, title, "VGG, any size", "Simonyan and Zisserman 2014", 2014, depth, parameters, multiply_adds, description,
        source="torchvision", library_name=name, stages=_vgg_stages(depth, norm), weights=weights,
    )  # fmt: skip


_NORM = "VGG-{} with a batch norm after each convolution, so that it learns from random weights without care."

_VGG = (
    _vgg(
        11, 132_863_336, 7_609_090_048,
        "VGG A for pictures of any size: whatever comes out of the convolutions is pooled to the 7 × 7 points that the head expects.",
        from_torchvision("vgg11-8a719046.pth", 506.84, 0.6902, resize=256),
    ),
    _vgg(
        13, 133_047_848, 11_308_466_176, "VGG B for pictures of any size.",
        from_torchvision("vgg13-19584684.pth", 507.545, 0.69928, resize=256),
    ),
    _vgg(
        16, 138_357_544, 15_470_264_320, "VGG D for pictures of any size: the one that is meant when people say VGG.",
        from_torchvision("vgg16-397923af.pth", 527.796, 0.71592, resize=256),
    ),
    _vgg(
        19, 143_667_240, 19_632_062_464, "VGG E for pictures of any size: the deepest of them, and hardly better than 16 layers.",
        from_torchvision("vgg19-dcbb9e9d.pth", 548.051, 0.72376, resize=256),
    ),
    _vgg(
        11, 132_868_840, 7_609_090_048, _NORM.format(11),
        from_torchvision("vgg11_bn-6002323d.pth", 506.881, 0.7037, resize=256), norm=True,
    ),
    _vgg(
        13, 133_053_736, 11_308_466_176, _NORM.format(13),
        from_torchvision("vgg13_bn-abd245e5.pth", 507.59, 0.71586, resize=256), norm=True,
    ),
    _vgg(
        16, 138_365_992, 15_470_264_320, _NORM.format(16),
        from_torchvision("vgg16_bn-6c64b313.pth", 527.866, 0.7336, resize=256), norm=True,
    ),
    _vgg(
        19, 143_678_248, 19_632_062_464, _NORM.format(19),
        from_torchvision("vgg19_bn-c79401a0.pth", 548.143, 0.74218, resize=256), norm=True,
    ),
)  # fmt: skip


def _densenet(
    counts: tuple[int, ...], growth: int, parameters: int, multiply_adds: int, description: str, weights: Weights
) -> NetworkSpec:
    """A stem of twice the `growth` in channels; each layer of a block adds `growth`, each transition halves channels and map."""
    depth, channels, stages = 2 * sum(counts) + 5, 2 * growth, []
    for number, count in enumerate(counts, start=1):
        channels += count * growth
        stages.append(Stage(f"features.denseblock{number}", "dense", count, channels, width=4 * growth))
        if number < len(counts):
            channels //= 2
            stages.append(Stage(f"features.transition{number}", "transition", 1, channels, stride=2))
    stem = Stage("features.conv0 features.norm0 features.relu0 features.pool0", "stem", 1, 2 * growth, stride=4)
    return NetworkSpec(
        f"densenet{depth}", f"DenseNet-{depth}", "DenseNet", "Huang et al. 2016", 2016, depth, parameters, multiply_adds,
        description, source="torchvision", library_name=f"densenet{depth}",
        stages=(stem, *stages, Stage("features.norm5 classifier", "head", 1, 1000)), weights=weights,
    )  # fmt: skip


_DENSENET = (
    _densenet(
        (6, 12, 24, 16), 32, 7_978_856, 2_834_161_664,
        "Each layer sees what all layers before it in its block have found, laid side by side instead of added: few weights go a long way.",
        from_torchvision("densenet121-a639ec97.pth", 30.845, 0.74434, resize=256),
    ),
    _densenet(
        (6, 12, 32, 32), 32, 14_149_480, 3_359_843_328,
        "DenseNet-121 with 24 more layers in its last two blocks.",
        from_torchvision("densenet169-b2777c0a.pth", 54.708, 0.756, resize=256),
    ),
    _densenet(
        (6, 12, 48, 32), 32, 20_013_928, 4_291_365_888,
        "The deepest of the thin ones: as good as ResNet-101 with less than half of its weights.",
        from_torchvision("densenet201-c1103571.pth", 77.373, 0.76896, resize=256),
    ),
    _densenet(
        (6, 12, 36, 24), 48, 28_681_000, 7_727_907_072,
        "The wide one: each layer adds 48 channels instead of 32.",
        from_torchvision("densenet161-8d451a50.pth", 110.369, 0.77138, resize=256),
    ),
)  # fmt: skip

_SQUEEZENET = (
    NetworkSpec(
        "squeezenet1_0", "SqueezeNet 1.0", "SqueezeNet", "Iandola et al. 2016", 2016, 18, 1_248_424, 818_924_576,
        "As good as AlexNet with a fiftieth of its weights: channels are squeezed before each larger window.",
        source="torchvision", library_name="squeezenet1_0", smallest=21,
        stages=(
            Stage(features(0, 1), "conv", 1, 96, stride=2), Stage("features.2", "pool", 1, 96, stride=2),
            Stage(features(3, 4, 5), "fire", 3, 256, width=32), Stage("features.6", "pool", 1, 256, stride=2),
            Stage(features(7, 8, 9, 10), "fire", 4, 512, width=64), Stage("features.11", "pool", 1, 512, stride=2),
            Stage("features.12", "fire", 1, 512, width=64), Stage("classifier", "head", 1, 1000),
        ),
        weights=from_torchvision("squeezenet1_0-b66bff10.pth", 4.778, 0.58092, resize=256),
    ),
    NetworkSpec(
        "squeezenet1_1", "SqueezeNet 1.1", "SqueezeNet", "Iandola et al. 2016", 2016, 18, 1_235_496, 349_151_936,
        "SqueezeNet for less than half of the work, since it shrinks the picture earlier: made for small machines.",
        source="torchvision", library_name="squeezenet1_1", smallest=17,
        stages=(
            Stage(features(0, 1), "conv", 1, 64, stride=2), Stage("features.2", "pool", 1, 64, stride=2),
            Stage(features(3, 4), "fire", 2, 128, width=16), Stage("features.5", "pool", 1, 128, stride=2),
            Stage(features(6, 7), "fire", 2, 256, width=32), Stage("features.8", "pool", 1, 256, stride=2),
            Stage(features(9, 10, 11, 12), "fire", 4, 512, width=64), Stage("classifier", "head", 1, 1000),
        ),
        weights=from_torchvision("squeezenet1_1-b8a52dc0.pth", 4.729, 0.58178, resize=256),
    ),
)  # fmt: skip

_DPN_MEAN = (124 / 255, 117 / 255, 104 / 255)
_DPN_STD = (1 / (0.0167 * 255),) * 3


def _dpn(
    depth: int, counts: tuple[int, ...], stem: int, channels: tuple[int, ...], width: int, parameters: int,
    multiply_adds: int, description: str, weights: Weights,
) -> NetworkSpec:  # fmt: skip
    """`counts[i]` blocks end in `channels[i]` channels, residual and dense ones together."""
    stages = [
        Stage(
            " ".join(f"features.conv{i + 2}_{block + 1}" for block in range(counts[i])), "dual_path", counts[i],
            channels[i], width << i, 2 if i else 1, "projection",
        )
        for i in range(4)
    ]  # fmt: skip
    return NetworkSpec(
        f"dpn{depth}", f"DPN-{depth}", "Dual path", "Chen et al. 2017", 2017, depth, parameters, multiply_adds, description,
        source="timm", library_name=f"dpn{depth}",
        stages=(
            Stage("features.conv1_1 features.conv1_pool", "stem", 1, stem, stride=4), *stages,
            Stage("features.conv5_bn_ac global_pool classifier flatten", "head", 1, 1000),
        ),
        weights=replace(weights, mean=_DPN_MEAN, std=_DPN_STD),
    )  # fmt: skip


_DPN = (
    _dpn(
        68, (3, 4, 12, 3), 10, (144, 320, 704, 832), 128, 12_611_602, 2_326_163_456,
        "Two paths in one: a part of the channels is added to as in a ResNet, a part grows as in a DenseNet.",
        replace(from_timm("dpn68.mx_in1k", 50.7), top1=0.76346),
    ),
    _dpn(
        92, (3, 4, 20, 3), 64, (336, 704, 1552, 2688), 96, 37_668_392, 6_501_684_224,
        "The paper's main network: better than ResNeXt-101 32×4d for less work.",
        replace(from_timm("dpn92.mx_in1k", 151.2), top1=0.80038),
    ),
    _dpn(
        98, (3, 6, 20, 3), 96, (336, 768, 1728, 2688), 160, 61_570_728, 11_671_217_152,
        "Wider than DPN-92, for many pictures and a graphics card.",
        replace(from_timm("dpn98.mx_in1k", 246.9), top1=0.7967),
    ),
    _dpn(
        107, (4, 8, 20, 3), 128, (376, 1152, 2432, 2688), 200, 86_917_800, 18_298_764_288,
        "The widest of the family, and slow.",
        replace(from_timm("dpn107.mx_in1k", 348.5), top1=0.80168),
    ),
    _dpn(
        131, (4, 8, 28, 3), 128, (352, 832, 1984, 2688), 160, 79_254_504, 16_013_648_896,
        "The deepest of the family, of the kind that won the competition of 2017 for finding objects in pictures.",
        replace(from_timm("dpn131.mx_in1k", 317.9), top1=0.79814),
    ),
)  # fmt: skip

_SENET = (
    NetworkSpec(
        "senet154", "SENet-154", "SENet", "Hu et al. 2018", 2018, 154, 115_088_984, 20_688_363_520,
        "It won the last ImageNet competition, of 2017: each block weighs its channels by what the whole picture shows.",
        source="timm", library_name="legacy_senet154",
        stages=(
            Stage("layer0 pool0", "stem", 1, 128, stride=4),
            Stage("layer1", "bottleneck", 3, 256, 128, 1, "projection"),
            Stage("layer2", "bottleneck", 8, 512, 256, 2, "projection"),
            Stage("layer3", "bottleneck", 36, 1024, 512, 2, "projection"),
            Stage("layer4", "bottleneck", 3, 2048, 1024, 2, "projection"),
            Stage("global_pool last_linear", "head", 1, 1000),
        ),
        weights=Weights(
            "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights/legacy_senet154-e9eb9fe6.pth",
            461.3, "Apache-2.0", sha256="e9eb9fe6", top1=0.81308,
        ),
    ),
)  # fmt: skip


def _resnetv2(
    depth: int, third: int, parameters: int, multiply_adds: int, description: str, weights: Weights
) -> NetworkSpec:
    counts = (3, 4, third, 3)
    stages = (
        Stage(f"stages.{i}", "preact_bottleneck", count, 256 << i, 64 << i, 2 if i else 1, "projection")
        for i, count in enumerate(counts)
    )
    return NetworkSpec(
        f"resnetv2_{depth}", f"ResNet-{depth} v2, of timm", "Pre-activation ResNet", "He et al. 2016", 2016, depth,
        parameters, multiply_adds, description, source="timm", library_name=f"resnetv2_{depth}",
        stages=(Stage("stem", "stem", 1, 64, stride=4), *stages, Stage("norm head", "head", 1, 1000)),
        weights=halved(weights),
    )  # fmt: skip


_RESNETV2 = (
    _resnetv2(
        50, 6, 25_549_352, 4_089_184_256,
        "ResNet-50 v2 under the names of timm, which has trained weights for it.",
        from_timm("resnetv2_50.a1h_in1k", 102.4, 224, 236),
    ),
    _resnetv2(
        101, 23, 44_541_480, 7_801_405_440,
        "ResNet-101 v2 under the names of timm, which has trained weights for it.",
        from_timm("resnetv2_101.a1h_in1k", 178.6, 224, 236),
    ),
)  # fmt: skip

NETWORKS: tuple[NetworkSpec, ...] = (_ALEXNET, *_VGG, *_DENSENET, *_SQUEEZENET, *_DPN, *_SENET, *_RESNETV2)
