"""The networks of tutorials, exactly as their authors print them."""

from __future__ import annotations

from resnet_gui.nets.spec import NetworkSpec, Stage

_SHARED = "The first two blocks are one block that is gone through twice: its weights are counted once and learn from both passes."


def _wider(blocks: int) -> tuple[Stage, ...]:
    return tuple(
        Stage(f"layer{number}", "basic", blocks, width, stride=2, shortcut="projection")
        for number, width in ((2, 128), (3, 256), (4, 512))
    )


def _stages(stem: str, blocks: int, classes: int) -> tuple[Stage, ...]:
    return (
        Stage(stem, "stem", 1, 64, stride=4),
        Stage("layer1", "basic", blocks, 64, shortcut="identity"),
        *_wider(blocks),
        Stage("avgpool flatten fc", "head", 1, classes),
    )


def _cifar_stages(classes: int, last_stride: int) -> tuple[Stage, ...]:
    stages = [Stage("conv1 bn1 relu", "stem", 1, 64, stride=3)]
    for number, width in enumerate((64, 128, 256), start=1):
        stages.append(Stage(f"layer{number}.0", "basic", 1, width, shortcut="identity"))
        stages.append(Stage(f"layer{number}.1", "basic", 1, 2 * width, stride=2, shortcut="projection"))
    stages.append(Stage("layer4.0", "basic", 1, 512, shortcut="identity"))
    stages.append(Stage("layer4.1", "basic", 1, 512, stride=last_stride, shortcut="identity"))
    return (*stages, Stage("avgpool flatten fc", "head", 1, classes))


# The layers of the last two would take three pixels; eight is the smallest picture that the program offers.
NETWORKS: tuple[NetworkSpec, ...] = (
    NetworkSpec(
        "teaching_resnet18", "Tutorial ResNet-18", "Teaching", "a tutorial, after He et al. 2015", 2015, 18,
        11_110_663, 1_813_564_928,
        "ResNet-18 as beginners often write it, with a bias in every convolution and no norm in the stem: it learns all the same.",
        classes=7, stages=_stages("conv1 maxpool relu", 2, 7), note=_SHARED,
    ),
    NetworkSpec(
        "teaching_resnet10", "Tutorial ResNet-10", "Teaching", "a tutorial, after He et al. 2015", 2015, 10,
        4_912_135, 888_720_896,
        "The little sister of the tutorial's ResNet-18, with one block in each stage: about half the work for a first try.",
        classes=7, stages=_stages("conv1 maxpool relu", 1, 7),
    ),
    NetworkSpec(
        "teaching_resnet18_grey", "Tutorial ResNet-18, grey", "Teaching", "a tutorial, after He et al. 2015", 2015, 18,
        11_178_378, 1_734_890_496,
        "A ResNet-18 for grey pictures, whose shortcuts change the number of channels without the norm that the paper puts there.",
        classes=10, channels=1, stages=_stages("conv1 bn1 relu maxpool", 2, 10),
    ),
    NetworkSpec(
        "teaching_resnet_cifar", "Tutorial ResNet for CIFAR-10", "Teaching", "a tutorial, after He et al. 2015", 2015, 18,
        15_826_314, 77_805_312,
        "A ResNet for tiny pictures whose stages widen in their last block instead of their first.",
        classes=10, default_size=32, smallest=8, largest=50, stages=_cifar_stages(10, 2),
        note="Its last block halves the picture, but its shortcut does not. Up to 26 pixels both are one point; from 27 to 50 "
        "the branch's one point is added to each of the shortcut's 2 × 2, which torch allows; above 50 they no longer fit.",
    ),
    NetworkSpec(
        "teaching_resnet_cifar_5", "Tutorial ResNet for 5 classes", "Teaching", "a tutorial, after He et al. 2015", 2015, 18,
        15_823_749, 91_958_528,
        "The tutorial's CIFAR network with its last stage mended: nothing is halved there, so every image size fits.",
        classes=5, default_size=32, smallest=8, stages=_cifar_stages(5, 1),
    ),
)  # fmt: skip
