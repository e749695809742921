"""The residual networks' descendants for ImageNet-sized pictures, and the plain networks they are measured against."""

from __future__ import annotations

from resnet_gui.nets.spec import Kind, NetworkSpec, Stage
from resnet_gui.nets.specs.residual import HEAD, basic, bottleneck, from_timm, from_torchvision, stages


def _plain(kind: Kind, counts: tuple[int, ...], width: int = 0) -> tuple[Stage, ...]:
    return stages(kind, counts, "none", "none", width)


def _v2(counts: tuple[int, ...], bottlenecks: bool) -> tuple[Stage, ...]:
    stem = Stage("conv1 maxpool", "stem", 1, 64, stride=4)
    head = Stage(f"bn relu {HEAD.name}", "head", 1, HEAD.channels)
    if bottlenecks:
        return stages("preact_bottleneck", counts, "projection", "projection", 64, stem, head)
    return stages("preact", counts, "identity", "projection", 0, stem, head)


_RESNEXT = (
    NetworkSpec(
        "resnext50_32x4d", "ResNeXt-50 (32×4d)", "ResNeXt", "Xie et al. 2017", 2017, 50, 25_028_904, 4_230_479_872,
        "A ResNet-50 whose 3×3 convolutions work in 32 groups that do not see each other: more accurate at the same price.",
        stages=bottleneck((3, 4, 6, 3), 128),
        weights=from_torchvision("resnext50_32x4d-1a0047aa.pth", 95.833, 0.81198),
        lesson="At 256 channels its block has 256 × 128 + 3 × 3 × 4 × 128 + 128 × 256 = 70,144 weights, ResNet-50's 69,632: "
        "32 groups pay for a 3×3 convolution that is twice as wide.",
    ),
    NetworkSpec(
        "resnext101_32x8d", "ResNeXt-101 (32×8d)", "ResNeXt", "Xie et al. 2017", 2017, 101, 88_791_336, 16_414_015_488,
        "The same idea with 101 layers and 32 groups of twice the size: large and slow, for a graphics card only.",
        stages=bottleneck((3, 4, 23, 3), 256),
        weights=from_torchvision("resnext101_32x8d-110c445d.pth", 339.673, 0.82834),
    ),
)  # fmt: skip

_WIDE = (
    NetworkSpec(
        "wide_resnet50_2", "Wide ResNet-50-2", "Wide ResNet", "Zagoruyko and Komodakis 2016", 2016, 50, 68_883_240, 11_398_021_120,
        "ResNet-50 whose 3×3 convolutions are twice as wide, on the bet that width does what depth does, and computes faster.",
        stages=bottleneck((3, 4, 6, 3), 128),
        weights=from_torchvision("wide_resnet50_2-9ba9bcbe.pth", 263.124, 0.81602),
    ),
    NetworkSpec(
        "wide_resnet101_2", "Wide ResNet-101-2", "Wide ResNet", "Zagoruyko and Komodakis 2016", 2016, 101, 126_886_696, 22_753_050_624,
        "ResNet-101, twice as wide: the largest of the residual networks here, at half a gigabyte.",
        stages=bottleneck((3, 4, 23, 3), 128),
        weights=from_torchvision("wide_resnet101_2-d733dc28.pth", 484.747, 0.8251),
    ),
)  # fmt: skip

_SE_REMARK = "Where a block has 64 channels, the paper's sixteenth of them would be 4: here 8 decide, as in timm."

_SQUEEZE = (
    NetworkSpec(
        "seresnet18", "SE-ResNet-18", "SE-ResNet", "Hu et al. 2018", 2018, 18, 11_779_624, 1_814_161_408,
        "ResNet-18 whose blocks look at the whole picture once, to make each of their channels louder or quieter.",
        stages=basic((2, 2, 2, 2)), note=_SE_REMARK,
    ),
    NetworkSpec(
        "seresnet34", "SE-ResNet-34", "SE-ResNet", "Hu et al. 2018", 2018, 34, 21_960_416, 3_663_920_128,
        "ResNet-34 with squeeze and excitation in every block.",
        stages=basic((3, 4, 6, 3)), note=_SE_REMARK,
    ),
    NetworkSpec(
        "seresnet50", "SE-ResNet-50", "SE-ResNet", "Hu et al. 2018", 2018, 50, 28_088_024, 4_091_699_200,
        "ResNet-50 with squeeze and excitation, the idea that won the last ImageNet competition, in 2017.",
        stages=bottleneck((3, 4, 6, 3)), weights=from_timm("seresnet50.a1_in1k", 112.6, resize=236),
        lesson="To weigh 256 channels costs 256 × 16 + 16 and 16 × 256 + 256, which is 8,464 parameters; in all of the network "
        "2,530,992, a tenth more than ResNet-50, for hardly more work.",
    ),
    NetworkSpec(
        "seresnet101", "SE-ResNet-101", "SE-ResNet", "Hu et al. 2018", 2018, 101, 49_326_872, 7_806_148_608,
        "ResNet-101 with squeeze and excitation in every block.",
        stages=bottleneck((3, 4, 23, 3)),
    ),
    NetworkSpec(
        "seresnet152", "SE-ResNet-152", "SE-ResNet", "Hu et al. 2018", 2018, 152, 66_821_848, 11_520_204_800,
        "ResNet-152 with squeeze and excitation in every block.",
        stages=bottleneck((3, 8, 36, 3)),
    ),
    NetworkSpec(
        "seresnext50_32x4d", "SE-ResNeXt-50 (32×4d)", "SE-ResNet", "Hu et al. 2018", 2018, 50, 27_559_896, 4_232_994_816,
        "ResNeXt-50 with squeeze and excitation: two good ideas in one network of moderate size.",
        stages=bottleneck((3, 4, 6, 3), 128), weights=from_timm("seresnext50_32x4d.racm_in1k", 110.5),
    ),
)  # fmt: skip

_V2_REMARK = "The paper has no network of this depth; it is the same recipe, with blocks of two layers."

_PREACT = (
    NetworkSpec(
        "resnet18_v2", "ResNet-18 v2", "Pre-activation ResNet", "He et al. 2016", 2016, 18, 11_687_720, 1_814_073_344,
        "ResNet-18 with norm and ReLU before each convolution, so that nothing stands in the way of what goes around a block.",
        stages=_v2((2, 2, 2, 2), bottlenecks=False), note=_V2_REMARK,
    ),
    NetworkSpec(
        "resnet34_v2", "ResNet-34 v2", "Pre-activation ResNet", "He et al. 2016", 2016, 34, 21_795_880, 3_663_761_408,
        "ResNet-34 with norm and ReLU before each convolution.",
        stages=_v2((3, 4, 6, 3), bottlenecks=False), note=_V2_REMARK,
    ),
    NetworkSpec(
        "resnet50_v2", "ResNet-50 v2", "Pre-activation ResNet", "He et al. 2016", 2016, 50, 25_549_352, 4_089_184_256,
        "ResNet-50 with norm and ReLU before each convolution: at this depth about as good, and a little easier to train.",
        stages=_v2((3, 4, 6, 3), bottlenecks=True),
    ),
    NetworkSpec(
        "resnet101_v2", "ResNet-101 v2", "Pre-activation ResNet", "He et al. 2016", 2016, 101, 44_541_480, 7_801_405_440,
        "ResNet-101 with norm and ReLU before each convolution.",
        stages=_v2((3, 4, 23, 3), bottlenecks=True),
    ),
    NetworkSpec(
        "resnet152_v2", "ResNet-152 v2", "Pre-activation ResNet", "He et al. 2016", 2016, 152, 60_185_128, 11_513_626_624,
        "ResNet-152 with norm and ReLU before each convolution.",
        stages=_v2((3, 8, 36, 3), bottlenecks=True),
    ),
    NetworkSpec(
        "resnet200_v2", "ResNet-200 v2", "Pre-activation ResNet", "He et al. 2016", 2016, 200, 64_666_152, 15_007_481_856,
        "The depth at which the first kind of ResNet begins to overfit ImageNet, and this kind goes on getting better.",
        stages=_v2((3, 24, 36, 3), bottlenecks=True),
    ),
)  # fmt: skip

_PLAIN_REMARK = (
    "The paper has plain networks of 18 and 34 layers; this one is ResNet's of this depth, without shortcuts."
)

_PLAIN = (
    NetworkSpec(
        "plain10", "Plain-10", "Plain", "He et al. 2015", 2015, 10, 5_244_968, 869_961_728,
        "ResNet-10 without its shortcuts: at ten layers hardly a difference.",
        stages=_plain("plain", (1, 1, 1, 1)), note=_PLAIN_REMARK,
    ),
    NetworkSpec(
        "plain18", "Plain-18", "Plain", "He et al. 2015", 2015, 18, 11_515_688, 1_794_805_760,
        "ResNet-18 without its shortcuts: it trains nearly as well, for at 18 layers the trouble has only begun.",
        stages=_plain("plain", (2, 2, 2, 2)),
    ),
    NetworkSpec(
        "plain34", "Plain-34", "Plain", "He et al. 2015", 2015, 34, 21_623_848, 3_644_493_824,
        "ResNet-34 without its shortcuts: it trains worse than Plain-18, and that riddle is why residual networks exist.",
        stages=_plain("plain", (3, 4, 6, 3)),
        lesson="It could copy Plain-18 and let its other layers pass everything on, and so be no worse. It does not find the way: "
        "on ImageNet the paper counts 28.54 % errors with 34 plain layers, 27.94 % with 18, but with shortcuts 25.03 % and 27.88 %.",
    ),
    NetworkSpec(
        "plain50", "Plain-50", "Plain", "He et al. 2015", 2015, 50, 22_780_456, 3_729_522_688,
        "ResNet-50 without its shortcuts: 50 layers in a row, which are hard to train.",
        stages=_plain("plain_bottleneck", (3, 4, 6, 3), 64), note=_PLAIN_REMARK,
    ),
    NetworkSpec(
        "plain101", "Plain-101", "Plain", "He et al. 2015", 2015, 101, 41_772_584, 7_441_743_872,
        "ResNet-101 without its shortcuts: expect it to learn little.",
        stages=_plain("plain_bottleneck", (3, 4, 23, 3), 64), note=_PLAIN_REMARK,
    ),
    NetworkSpec(
        "plain152", "Plain-152", "Plain", "He et al. 2015", 2015, 152, 57_416_232, 11_153_965_056,
        "ResNet-152 without its shortcuts: expect it to learn next to nothing.",
        stages=_plain("plain_bottleneck", (3, 8, 36, 3), 64), note=_PLAIN_REMARK,
    ),
)  # fmt: skip

NETWORKS: tuple[NetworkSpec, ...] = (*_RESNEXT, *_WIDE, *_SQUEEZE, *_PREACT, *_PLAIN)
