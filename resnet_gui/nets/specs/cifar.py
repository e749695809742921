"""The networks for CIFAR-sized pictures: residual (6n + 2 layers), pre-activation, wide and plain."""

from __future__ import annotations

from resnet_gui.nets.spec import Kind, NetworkSpec, Shortcut, Stage


def _stages(
    kind: Kind, count: int, first: Shortcut, later: Shortcut, channels: int = 16, width: int = 0
) -> tuple[Stage, ...]:
    blocks = (
        Stage(f"layer{i + 1}", kind, count, channels << i, width << i, 2 if i else 1, later if i else first)
        for i in range(3)
    )
    preact = kind in ("preact", "preact_bottleneck")
    stem = Stage("conv1" if preact else "conv1 bn1 relu", "stem", 1, 16)
    head = Stage("bn relu avgpool flatten linear" if preact else "avgpool flatten linear", "head", 1, 10)
    return (stem, *blocks, head)


def _resnet(
    depth: int, parameters: int, multiply_adds: int, description: str, lesson: str = "", note: str = ""
) -> NetworkSpec:
    return NetworkSpec(
        f"resnet{depth}", f"ResNet-{depth:,}", "ResNet, CIFAR form", "He et al. 2015", 2015, depth, parameters, multiply_adds, description,
        classes=10, default_size=32, smallest=8, stages=_stages("basic", (depth - 2) // 6, "identity", "padded"),
        lesson=lesson, note=note,
    )  # fmt: skip


def _resnet_b(depth: int, parameters: int, multiply_adds: int, description: str, lesson: str = "") -> NetworkSpec:
    return NetworkSpec(
        f"resnet{depth}_b", f"ResNet-{depth}, option B", "ResNet, CIFAR form", "He et al. 2015", 2015, depth, parameters, multiply_adds, description,
        classes=10, default_size=32, smallest=8, stages=_stages("basic", (depth - 2) // 6, "identity", "projection"), lesson=lesson,
    )  # fmt: skip


def _preact(
    depth: int, parameters: int, multiply_adds: int, description: str, stages: tuple[Stage, ...]
) -> NetworkSpec:
    return NetworkSpec(
        f"resnet{depth}_v2", f"ResNet-{depth:,} v2", "Pre-activation, CIFAR form", "He et al. 2016", 2016, depth,
        parameters, multiply_adds, description, classes=10, default_size=32, smallest=8, stages=stages,
    )  # fmt: skip


def _wide(
    depth: int, widen: int, parameters: int, multiply_adds: int, description: str, lesson: str = ""
) -> NetworkSpec:
    return NetworkSpec(
        f"wrn_{depth}_{widen}", f"WRN-{depth}-{widen}", "Wide ResNet, CIFAR form", "Zagoruyko and Komodakis 2016", 2016, depth,
        parameters, multiply_adds, description, classes=10, default_size=32, smallest=8,
        stages=_stages("preact", (depth - 4) // 6, "projection", "projection", 16 * widen),
        lesson=lesson, note=f"Its name counts the three projections as layers, and not the last: {depth - 2} lie one behind another.",
    )  # fmt: skip


def _plain(depth: int, parameters: int, multiply_adds: int, description: str, lesson: str = "") -> NetworkSpec:
    return NetworkSpec(
        f"plain{depth}", f"Plain-{depth}", "Plain, CIFAR form", "He et al. 2015", 2015, depth, parameters, multiply_adds, description,
        classes=10, default_size=32, smallest=8, stages=_stages("plain", (depth - 2) // 6, "none", "none"), lesson=lesson,
    )  # fmt: skip


NETWORKS: tuple[NetworkSpec, ...] = (
    _resnet(
        20, 269_722, 40_551_040,
        "Tiny, and made for pictures of 32 pixels: quick at an image size of 32, but at 224 slower than ResNet-18.",
        lesson="Three stages of n blocks with two layers each, the entrance and the last layer: 6n + 2. With n = 3 that is 20.",
    ),
    _resnet(32, 464_154, 68_862_592, "Five blocks in each stage: a small step up from ResNet-20."),
    _resnet(44, 658_586, 97_174_144, "Seven blocks in each stage."),
    _resnet(56, 853_018, 125_485_696, "Nine blocks in each stage: where a plain network would long have got worse, this one still gets better."),
    _resnet(110, 1_727_962, 252_887_680, "Eighteen blocks in each stage: the best of the paper's on CIFAR-10, with 6.43 % errors."),
    _resnet(
        1202, 19_421_274, 2_829_238_912,
        "A thousand layers that do train, down to 0.1 % errors on the pictures it learns from, but it learns them by heart.",
        note="Slow even at 32 pixels, and it takes much memory.",
    ),
    _resnet_b(
        20, 272_474, 40_813_184, "ResNet-20 with a projection where the shape changes: this is how many weights trained on CIFAR are shared.",
        lesson="The two projections have 2,752 parameters, of 32 and of 64 channels. The paper pads with zeros here, so that residual and plain "
        "networks have equally many.",
    ),
    _resnet_b(32, 466_906, 69_124_736, "ResNet-32 with a projection where the shape changes."),
    _resnet_b(44, 661_338, 97_436_288, "ResNet-44 with a projection where the shape changes."),
    _resnet_b(56, 855_770, 125_747_840, "ResNet-56 with a projection where the shape changes."),
    _preact(
        110, 1_727_962, 252_887_680, "ResNet-110 with norm and ReLU before each convolution.",
        _stages("preact", 18, "identity", "padded"),
    ),
    _preact(
        164, 1_703_258, 244_500_992, "164 layers in bottlenecks: as many parameters as ResNet-110, and fewer errors.",
        _stages("preact_bottleneck", 18, "projection", "projection", 64, 16),
    ),
    _preact(
        1001, 10_327_706, 1_487_849_984, "The proof of the paper: a thousand and one layers that are better than a hundred, not worse.",
        _stages("preact_bottleneck", 111, "projection", "projection", 64, 16),
    ),
    _wide(16, 4, 2_748_890, 392_612_352, "Few layers and four times the channels of ResNet-20: quick, and already good."),
    _wide(16, 8, 10_961_370, 1_548_145_664, "Sixteen layers, eight times as wide: better than a thousand thin ones, and trained many times faster."),
    _wide(28, 10, 36_479_194, 5_243_328_768, "The paper's best, and for years the measure of all things on CIFAR: at home on a graphics card."),
    _wide(40, 2, 2_243_546, 327_599_360, "Deeper and less wide, with few parameters."),
    _wide(
        40, 4, 8_949_210, 1_298_582_016, "As good as ResNet-1,001 v2 with fewer parameters, and eight times as fast.",
        lesson="Twice as wide is four times as many weights, since both sides of each convolution double: 2,243,546 in WRN-40-2, "
        "8,949,210 here. Depth grows only in proportion.",
    ),
    _plain(20, 269_722, 40_551_040, "ResNet-20 without its shortcuts: at twenty layers it trains nearly as well."),
    _plain(32, 464_154, 68_862_592, "ResNet-32 without its shortcuts: here a plain network begins to get worse with depth."),
    _plain(44, 658_586, 97_174_144, "ResNet-44 without its shortcuts."),
    _plain(
        56, 853_018, 125_485_696, "ResNet-56 without its shortcuts: train it beside Plain-20, and see that the deeper one learns less.",
        lesson="ResNet-56 has 853,018 parameters too, since its shortcuts have none: only the ways around the blocks are missing.",
    ),
    _plain(110, 1_727_962, 252_887_680, "ResNet-110 without its shortcuts: the paper leaves it out of its figure, for more than 60 % of its answers stay wrong."),
)  # fmt: skip
