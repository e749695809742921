"""The residual networks for ImageNet-sized pictures, as they are most used, as first published, and refined since."""

from __future__ import annotations

from resnet_gui.nets.spec import Kind, NetworkSpec, Shortcut, Stage
from resnet_gui.records import Weights

LARGE_STEM = Stage("conv1 bn1 relu maxpool", "stem", 1, 64, stride=4)
SMALL_STEM = Stage("conv1 bn1 relu", "stem", 1, 64)
HEAD = Stage("avgpool flatten fc", "head", 1, 1000)
SMALL_HEAD = Stage("avgpool flatten fc", "head", 1, 10)


def stages(
    kind: Kind, counts: tuple[int, ...], first: Shortcut, later: Shortcut, width: int = 0,
    stem: Stage = LARGE_STEM, head: Stage = HEAD,
) -> tuple[Stage, ...]:  # fmt: skip
    """Stem, four stages and head; the `first` stage's shortcut may differ from that of the `later` ones.

    Each stage has twice the channels of the one before, and twice its `width`, which only bottlenecks have.
    """
    channels = 256 if "bottleneck" in kind else 64
    blocks = (
        Stage(f"layer{i + 1}", kind, count, channels << i, width << i, 2 if i else 1, later if i else first)
        for i, count in enumerate(counts)
    )
    return (stem, *blocks, head)


def basic(counts: tuple[int, ...], stem: Stage = LARGE_STEM, head: Stage = HEAD) -> tuple[Stage, ...]:
    """Stages of basic blocks with projections where shapes change."""
    return stages("basic", counts, "identity", "projection", stem=stem, head=head)


def bottleneck(
    counts: tuple[int, ...], width: int = 64, stem: Stage = LARGE_STEM, head: Stage = HEAD
) -> tuple[Stage, ...]:
    """Stages of bottlenecks with projections where shapes change; the first narrows to `width` channels."""
    return stages("bottleneck", counts, "projection", "projection", width, stem, head)


def from_torchvision(file: str, mebibytes: float, top1: float, resize: int = 232) -> Weights:
    """Weights that torchvision shares; the digits in the name of its `file` begin the file's SHA-256."""
    sha256 = file.removesuffix(".pth").rpartition("-")[2]
    url = f"https://download.pytorch.org/models/{file}"
    return Weights(url, round(mebibytes * 1.048576, 1), "BSD-3-Clause", sha256=sha256, top1=top1, resize=resize)


def from_timm(name: str, megabytes: float, image_size: int = 224, resize: int = 256) -> Weights:
    """Weights that timm shares, under their full `name` (`resnet18d.ra2_in1k`)."""
    url = f"https://huggingface.co/timm/{name}/resolve/main/model.safetensors"
    return Weights(url, megabytes, "Apache-2.0", image_size=image_size, resize=resize, interpolation="bicubic")


_RESNET = (
    NetworkSpec(
        "resnet18", "ResNet-18", "ResNet", "He et al. 2015", 2015, 18, 11_689_512, 1_814_073_344,
        "The smallest for photographs and a good first choice: quick to train, and hard to beat with a few hundred pictures.",
        stages=basic((2, 2, 2, 2)),
        weights=from_torchvision("resnet18-f37072fd.pth", 44.661, 0.69758, resize=256),
    ),
    NetworkSpec(
        "resnet34", "ResNet-34", "ResNet", "He et al. 2015", 2015, 34, 21_797_672, 3_663_761_408,
        "Twice as deep with the same simple blocks: without their shortcuts it would train worse than 18 layers, with them it trains better.",
        stages=basic((3, 4, 6, 3)),
        weights=from_torchvision("resnet34-b627a593.pth", 83.275, 0.73314, resize=256),
    ),
    NetworkSpec(
        "resnet50", "ResNet-50", "ResNet", "He et al. 2015", 2015, 50, 25_557_032, 4_089_184_256,
        "The one most people mean by “a ResNet”: its blocks first narrow the channels, so that depth costs little.",
        stages=bottleneck((3, 4, 6, 3)),
        weights=from_torchvision("resnet50-11ad3fa6.pth", 97.79, 0.80858),
        lesson="Why narrow first? At 256 channels a basic block has 2 × (3 × 3 × 256 × 256) = 1,179,648 weights, "
        "a bottleneck 256 × 64 + 3 × 3 × 64 × 64 + 64 × 256 = 69,632: 16.94 times fewer.",
    ),
    NetworkSpec(
        "resnet101", "ResNet-101", "ResNet", "He et al. 2015", 2015, 101, 44_549_160, 7_801_405_440,
        "The same blocks as ResNet-50, with 17 more of them in the third stage: for many pictures and a graphics card.",
        stages=bottleneck((3, 4, 23, 3)),
        weights=from_torchvision("resnet101-cd907fc2.pth", 170.53, 0.81886),
    ),
    NetworkSpec(
        "resnet152", "ResNet-152", "ResNet", "He et al. 2015", 2015, 152, 60_192_808, 11_513_626_624,
        "The deepest of the networks that won the ImageNet competition of 2015: slow, and it wants a great many pictures.",
        stages=bottleneck((3, 8, 36, 3)),
        weights=from_torchvision("resnet152-f82ba261.pth", 230.474, 0.82284),
    ),
    NetworkSpec(
        "resnet10", "ResNet-10", "ResNet", "He et al. 2015", 2015, 10, 5_418_792, 889_229_312,
        "Half of ResNet-18, with one block in each stage: for a first try on a slow machine.",
        stages=basic((1, 1, 1, 1)),
        note="The paper has no network of this depth; it is the same recipe, shortened.",
    ),
)  # fmt: skip

_AS_PUBLISHED = (
    NetworkSpec(
        "resnet50_v1", "ResNet-50 v1", "ResNet, as in the paper", "He et al. 2015", 2015, 50, 25_557_032, 3_857_973_248,
        "ResNet-50 as first published: where a stage halves the picture, the first 1×1 convolution skips three of four points.",
        stages=bottleneck((3, 4, 6, 3)),
        lesson="Where the stride stands costs no parameter, but 231 million multiply-adds: today's ResNet-50 halves in the 3×3 "
        "convolution (4,089,184,256), the paper's in the 1×1 before it (3,857,973,248).",
    ),
    NetworkSpec(
        "resnet101_v1", "ResNet-101 v1", "ResNet, as in the paper", "He et al. 2015", 2015, 101, 44_549_160, 7_570_194_432,
        "ResNet-101 as first published, with the stride in the first 1×1 convolution of a block.",
        stages=bottleneck((3, 4, 23, 3)),
    ),
    NetworkSpec(
        "resnet152_v1", "ResNet-152 v1", "ResNet, as in the paper", "He et al. 2015", 2015, 152, 60_192_808, 11_282_415_616,
        "ResNet-152 as first published: the 11.3 billion multiply-adds that its paper tells of are these.",
        stages=bottleneck((3, 8, 36, 3)),
    ),
    NetworkSpec(
        "resnet34_a", "ResNet-34, option A", "ResNet, as in the paper", "He et al. 2015", 2015, 34, 21_623_848, 3_644_493_824,
        "ResNet-34 whose shortcuts learn nothing: where the channels double, the new ones are filled with zeros.",
        stages=stages("basic", (3, 4, 6, 3), "identity", "padded"),
        lesson="Its 21,623,848 parameters are those of Plain-34, to the last one: such shortcuts are free.",
    ),
    NetworkSpec(
        "resnet34_c", "ResNet-34, option C", "ResNet, as in the paper", "He et al. 2015", 2015, 34, 22_716_840, 3_830_747_136,
        "ResNet-34 with a projection in every shortcut: the paper found it a little better than option B, and not worth its price.",
        stages=stages("basic", (3, 4, 6, 3), "projection", "projection"),
        note="Every shortcut is a projection, also those after the first block of a stage.",
    ),
)  # fmt: skip

_REFINED = (
    NetworkSpec(
        "resnet18d", "ResNet-18-D", "ResNet, refined", "He et al. 2019", 2019, 20, 11_708_744, 2_053_713_920,
        "ResNet-18 with two small changes: three 3×3 convolutions at the entrance, and shortcuts that average before they skip.",
        stages=basic((2, 2, 2, 2)), weights=from_timm("resnet18d.ra2_in1k", 46.9),
    ),
    NetworkSpec(
        "resnet34d", "ResNet-34-D", "ResNet, refined", "He et al. 2019", 2019, 36, 21_816_904, 3_903_401_984,
        "ResNet-34 with a deeper entrance and shortcuts that average the points which they would otherwise skip.",
        stages=basic((3, 4, 6, 3)), weights=from_timm("resnet34d.ra2_in1k", 87.3),
    ),
    NetworkSpec(
        "resnet50d", "ResNet-50-D", "ResNet, refined", "He et al. 2019", 2019, 52, 25_576_264, 4_328_824_832,
        "The best of the paper's “bag of tricks” that lie in the network itself: nearly one per cent more for six per cent more work.",
        stages=bottleneck((3, 4, 6, 3)), weights=from_timm("resnet50d.ra2_in1k", 102.5),
    ),
    NetworkSpec(
        "resnet101d", "ResNet-101-D", "ResNet, refined", "He et al. 2019", 2019, 103, 44_568_392, 8_041_046_016,
        "ResNet-101 with the same two changes: a strong choice where pictures are many and a graphics card is there.",
        stages=bottleneck((3, 4, 23, 3)), weights=from_timm("resnet101d.ra2_in1k", 178.7, 256, 269),
    ),
    NetworkSpec(
        "resnet152d", "ResNet-152-D", "ResNet, refined", "He et al. 2019", 2019, 154, 60_212_040, 11_753_267_200,
        "ResNet-152 with the same two changes.",
        stages=bottleneck((3, 8, 36, 3)), weights=from_timm("resnet152d.ra2_in1k", 241.5, 256, 269),
    ),
    NetworkSpec(
        "resnet50c", "ResNet-50-C", "ResNet, refined", "He et al. 2019", 2019, 52, 25_576_264, 4_328_824_832,
        "ResNet-50 whose 7×7 convolution at the entrance is three of 3×3, with 32, 32 and 64 channels.",
        stages=bottleneck((3, 4, 6, 3)), weights=from_timm("resnet50c.gluon_in1k", 102.5),
    ),
    NetworkSpec(
        "resnet50s", "ResNet-50-S", "ResNet, refined", "Zhao et al. 2017", 2017, 52, 25_680_808, 5_444_337_664,
        "The same with twice the channels at the entrance (64, 64 and 128): first made to label every point of a street scene.",
        stages=bottleneck((3, 4, 6, 3), stem=Stage("conv1 bn1 relu maxpool", "stem", 1, 128, stride=4)),
        weights=from_timm("resnet50s.gluon_in1k", 102.9),
    ),
    NetworkSpec(
        "resnet50_gn", "ResNet-50 with group norm", "ResNet, refined", "Wu and He 2018", 2018, 50, 25_557_032, 4_089_184_256,
        "Normalises each picture by itself, so it learns the same however few pictures fit into a batch.",
        stages=bottleneck((3, 4, 6, 3)), weights=from_timm("resnet50_gn.a1h_in1k", 102.2, resize=238),
    ),
)  # fmt: skip

_SMALL_PICTURES = (
    NetworkSpec(
        "resnet18_small", "ResNet-18 for small pictures", "ResNet, small pictures", "He et al. 2015", 2015, 18, 11_173_962, 555_422_720,
        "ResNet-18 with an entrance that halves nothing: for pictures of about 32 pixels, of which the usual one would leave a single point.",
        classes=10, default_size=32, smallest=8, stages=basic((2, 2, 2, 2), SMALL_STEM, SMALL_HEAD),
    ),
    NetworkSpec(
        "resnet34_small", "ResNet-34 for small pictures", "ResNet, small pictures", "He et al. 2015", 2015, 34, 21_282_122, 1_159_402_496,
        "ResNet-34 with an entrance that halves nothing, for pictures of about 32 pixels.",
        classes=10, default_size=32, smallest=8, stages=basic((3, 4, 6, 3), SMALL_STEM, SMALL_HEAD),
    ),
    NetworkSpec(
        "resnet50_small", "ResNet-50 for small pictures", "ResNet, small pictures", "He et al. 2015", 2015, 50, 23_520_842, 1_297_829_888,
        "ResNet-50 with an entrance that halves nothing, for pictures of about 32 pixels.",
        classes=10, default_size=32, smallest=8, stages=bottleneck((3, 4, 6, 3), 64, SMALL_STEM, SMALL_HEAD),
    ),
)  # fmt: skip

NETWORKS: tuple[NetworkSpec, ...] = (*_RESNET, *_AS_PUBLISHED, *_REFINED, *_SMALL_PICTURES)
