"""The blocks of ResNet v2: norm and ReLU come before each convolution, and nothing after the sum (He et al. 2016).

So whatever enters a stage can reach its end unchanged, and a thousand layers still train. Where a block changes the shape,
what goes around it has been through its first norm and ReLU too.
"""

from __future__ import annotations

from torch import Tensor, nn

from resnet_gui.nets.families.blocks import conv3x3
from resnet_gui.nets.families.shortcuts import MakeNorm, MakeShortcut, bare, conv1x1


class PreactBlock(nn.Module):
    """Two 3x3 convolutions of `width` channels (He et al. 2016, figure 4e); `out_channels` is `width`."""

    def __init__(
        self, in_channels: int, width: int, stride: int, dilation: int = 1, norm: MakeNorm = nn.BatchNorm2d,
        shortcut: MakeShortcut = bare,
    ) -> None:  # fmt: skip
        super().__init__()
        self.out_channels = width
        self.bn1 = norm(in_channels)
        self.conv1 = conv3x3(in_channels, width, stride, dilation)
        self.bn2 = norm(width)
        self.conv2 = conv3x3(width, width, dilation=dilation)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(in_channels, self.out_channels, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        active = self.relu(self.bn1(x))
        around = x if isinstance(self.downsample, nn.Identity) else self.downsample(active)
        out: Tensor = self.conv2(self.relu(self.bn2(self.conv1(active)))) + around
        return out

    def start_as_shortcut(self) -> None:
        """The branch ends in zeros until training finds something for it to add."""
        nn.init.zeros_(self.conv2.weight)


class PreactBottleneck(nn.Module):
    """1x1 down to `width` channels, 3x3 there, 1x1 up to `4 * width` (He et al. 2016); the stride is in the 3x3."""

    def __init__(
        self, in_channels: int, width: int, stride: int, dilation: int = 1, norm: MakeNorm = nn.BatchNorm2d
    ) -> None:
        super().__init__()
        self.out_channels = 4 * width
        self.bn1 = norm(in_channels)
        self.conv1 = conv1x1(in_channels, width)
        self.bn2 = norm(width)
        self.conv2 = conv3x3(width, width, stride, dilation)
        self.bn3 = norm(width)
        self.conv3 = conv1x1(width, self.out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = bare(in_channels, self.out_channels, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        active = self.relu(self.bn1(x))
        around = x if isinstance(self.downsample, nn.Identity) else self.downsample(active)
        narrow = self.conv2(self.relu(self.bn2(self.conv1(active))))
        out: Tensor = self.conv3(self.relu(self.bn3(narrow))) + around
        return out

    def start_as_shortcut(self) -> None:
        """The branch ends in zeros until training finds something for it to add."""
        nn.init.zeros_(self.conv3.weight)


class PreactBottleneckV1(PreactBottleneck):
    """The pre-activation bottleneck as first published: its stride is in the first 1x1."""

    def __init__(
        self, in_channels: int, width: int, stride: int, dilation: int = 1, norm: MakeNorm = nn.BatchNorm2d
    ) -> None:
        super().__init__(in_channels, width, stride, dilation, norm)
        self.conv1.stride, self.conv2.stride = self.conv2.stride, self.conv1.stride
