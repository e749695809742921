"""The residual networks of tutorials, exactly as their authors print them, oddities and all.

Beside the paper's networks they show what a beginner changes without noticing: convolutions with a bias that the norm
after them takes away again, a stem without norm, a block object that is called twice and so shares its weights, a
projection without norm, a stride that the shortcut does not follow. They learn nonetheless.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from torch import Tensor, nn

Layers = dict[str, nn.Module]
MakeShortcut = Callable[[int, int, int], nn.Module]
"""From incoming channels, outgoing channels and stride to the way around a block."""


def teaching_resnet18(classes: int, channels: int) -> nn.Sequential:
    """Eight blocks, of which the first two are one object: [N, channels, H, W] to logits [N, classes]."""
    layers = bare_stem(channels) | {"layer1": Twice(Block(64, 64, 1, projected))}
    layers |= wider_stages(2, projected)
    return nn.Sequential(OrderedDict(layers | head(classes)))


def teaching_resnet10(classes: int, channels: int) -> nn.Sequential:
    """The little sister, with one block a stage: [N, channels, H, W] to logits [N, classes]."""
    layers = bare_stem(channels) | {"layer1": nn.Sequential(Block(64, 64, 1, projected))}
    layers |= wider_stages(1, projected)
    return nn.Sequential(OrderedDict(layers | head(classes)))


def teaching_resnet18_grey(classes: int, channels: int) -> nn.Sequential:
    """Two blocks a stage, and shortcuts that are 1x1 convolutions without norm: [N, channels, H, W] to logits [N, classes]."""
    layers = stem(nn.Conv2d(channels, 64, 7, 2, padding=3)) | {"maxpool": nn.MaxPool2d(3, 2, padding=1)}
    layers |= {"layer1": nn.Sequential(Block(64, 64, 1, bare), Block(64, 64, 1, bare))}
    layers |= wider_stages(2, bare)
    return nn.Sequential(OrderedDict(layers | head(classes)))


def teaching_resnet_cifar(classes: int, channels: int) -> nn.Sequential:
    """Stages whose last block widens and halves; the last one halves too: [N, channels, H, W] to logits [N, classes].

    Its very last block does not change its channels, so nothing projects its shortcut, which stays twice as large as
    the branch. Both are one point up to 26 pixels; from 27 to 50 the branch's one point is added to all of the
    shortcut's 2 x 2; above, torch raises RuntimeError.
    """
    return cifar_form(classes, channels, last_stride=2)


def teaching_resnet_cifar_5(classes: int, channels: int) -> nn.Sequential:
    """The same, but the last stage halves nothing, and every size fits: [N, channels, H, W] to logits [N, classes]."""
    return cifar_form(classes, channels, last_stride=1)


def cifar_form(classes: int, channels: int, last_stride: int) -> nn.Sequential:
    """A stem of stride 3, then four stages of two blocks: the first keeps its channels, the last widens and strides."""
    layers = stem(nn.Conv2d(channels, 64, 3, 3))
    for number, (narrow, wide) in enumerate(((64, 128), (128, 256), (256, 512), (512, 512)), start=1):
        last = Block(narrow, wide, last_stride if number == 4 else 2, projected)
        layers[f"layer{number}"] = nn.Sequential(Block(narrow, narrow, 1, projected), last)
    return nn.Sequential(OrderedDict(layers | head(classes)))


def bare_stem(channels: int) -> Layers:
    """The entrance without norm, pooled before the ReLU: [N, channels, H, W] to [N, 64, H / 4, W / 4]."""
    return {
        "conv1": nn.Conv2d(channels, 64, 7, 2, padding=3),
        "maxpool": nn.MaxPool2d(3, 2, padding=1),
        "relu": nn.ReLU(),
    }


def stem(convolution: nn.Conv2d) -> Layers:
    """An entrance: the convolution to 64 channels, norm and ReLU."""
    return {"conv1": convolution, "bn1": nn.BatchNorm2d(64), "relu": nn.ReLU()}


def wider_stages(blocks: int, shortcut: MakeShortcut) -> Layers:
    """The stages of 128, 256 and 512 channels, each with so many blocks; the first block halves and widens."""
    return {
        f"layer{number}": nn.Sequential(
            Block(width // 2, width, 2, shortcut), *(Block(width, width, 1, shortcut) for _ in range(blocks - 1))
        )
        for number, width in ((2, 128), (3, 256), (4, 512))
    }


def head(classes: int) -> Layers:
    """The classifier: [N, 512, h, w], averaged over all points, to logits [N, classes]."""
    return {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(512, classes)}


def projected(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """A 1x1 convolution and a norm where the channels change, and else the input as it is, whatever the stride."""
    if in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels))


def bare(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """A 1x1 convolution where the channels change, without the norm that the paper puts after it."""
    return nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1, stride)


class Block(nn.Module):
    """Two 3x3 convolutions with biases, each with its norm, beside a shortcut."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, shortcut: MakeShortcut) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.downsample = shortcut(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        branch = self.relu(self.bn1(self.conv1(x)))
        branch = self.bn2(self.conv2(branch))
        out: Tensor = self.relu(branch + self.downsample(x))
        return out


class Twice(nn.Module):
    """One block that the picture goes through twice: both times the same weights."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        out: Tensor = self.block(self.block(x))
        return out


BUILDERS = {
    "teaching_resnet18": teaching_resnet18,
    "teaching_resnet10": teaching_resnet10,
    "teaching_resnet18_grey": teaching_resnet18_grey,
    "teaching_resnet_cifar": teaching_resnet_cifar,
    "teaching_resnet_cifar_5": teaching_resnet_cifar_5,
}
