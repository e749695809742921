"""The blocks that residual networks are made of.

A block learns what to *add* to its input: out = relu(branch(x) + shortcut(x)). If the best thing to do is nothing,
the branch only has to become zero, which is why many blocks can be stacked (He et al. 2015, section 3).

Every block is built from the channels that come in, its base width and its stride, and says in `out_channels` how
many channels it gives. Shapes: [N, in_channels, H, W] becomes [N, out_channels, H / stride, W / stride], rounded up.
Layers carry the names under which trained weights of these networks are shared.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

MakeShortcut = Callable[[int, int, int], nn.Module]
"""From incoming channels, outgoing channels and stride to the way around a block."""


def conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps height and width, or divides them by `stride`. The norm after it brings the bias."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)


def conv1x1(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """A 1x1 convolution: each point's channels are mixed, its neighbours are not looked at."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)


def projected(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The way around a block: the input itself, or a projection where its shape would not fit (option B, section 3.3)."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(conv1x1(in_channels, out_channels, stride), nn.BatchNorm2d(out_channels))


def padded(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The way around a block: the input itself, thinned out and padded where its shape would not fit (option A, same place)."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return PaddedIdentity(in_channels, out_channels, stride)


class PaddedIdentity(nn.Module):
    """Every `stride`-th point of the input, between channels of zeros; nothing in it is learned.

    The paper leaves open where the zeros go. Here half come before the input's channels and half after, as in the
    weights that are shared: with another order they would load and answer nonsense.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.before = (out_channels - in_channels) // 2
        self.after = out_channels - in_channels - self.before

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.after))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions of `width` channels (He et al. 2015, figure 5 left); `out_channels` is `width`.

    `shortcut` makes the way around them: `projected` or `padded`.
    """

    def __init__(self, in_channels: int, width: int, stride: int, shortcut: MakeShortcut = projected) -> None:
        super().__init__()
        self.out_channels = width
        self.conv1 = conv3x3(in_channels, width, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(in_channels, self.out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        branch = self.relu(self.bn1(self.conv1(x)))
        branch = self.bn2(self.conv2(branch))
        out: Tensor = self.relu(branch + self.downsample(x))
        return out


class Bottleneck(nn.Module):
    """1x1 down to `width`, 3x3, 1x1 up to `4 * width` channels (He et al. 2015, figure 5 right).

    The stride is in the 3x3 convolution (known as v1.5); in the paper's first 1x1 it would skip three of four points.
    """

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.out_channels = 4 * width
        self.conv1 = conv1x1(in_channels, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv1x1(width, self.out_channels)
        self.bn3 = nn.BatchNorm2d(self.out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = projected(in_channels, self.out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        branch = self.relu(self.bn1(self.conv1(x)))
        branch = self.relu(self.bn2(self.conv2(branch)))
        branch = self.bn3(self.conv3(branch))
        out: Tensor = self.relu(branch + self.downsample(x))
        return out


Block = BasicBlock | Bottleneck
