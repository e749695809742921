"""The blocks of residual networks, and the plain blocks that the papers compare them with.

A residual block is a plain block with a way around it, and so learns what to *add* to its input:
out = relu(branch(x) + shortcut(x)). If the best thing to do is nothing, the branch only has to become zero, which is why
many blocks can be stacked (He et al. 2015, section 3).

Every block is built from the channels that come in, its base width, its stride, its dilation and its norm, and has in
`out_channels` the number of channels it gives. Shapes: [N, in_channels, H, W] becomes [N, out_channels, H / stride,
W / stride], rounded up. Layers carry the names under which trained weights of these networks are shared.
"""

from __future__ import annotations

from torch import Tensor, nn

from resnet_gui.nets.families.shortcuts import MakeNorm, MakeShortcut, conv1x1, projected


def conv3x3(in_channels: int, out_channels: int, stride: int = 1, dilation: int = 1, groups: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps height and width, or divides them by `stride`. The norm after it brings the bias."""
    return nn.Conv2d(
        in_channels, out_channels, 3, stride=stride, padding=dilation, dilation=dilation, groups=groups, bias=False
    )


class PlainBlock(nn.Module):
    """Two 3x3 convolutions of `width` channels, one after the other; `out_channels` is `width`."""

    def __init__(
        self, in_channels: int, width: int, stride: int, dilation: int = 1, norm: MakeNorm = nn.BatchNorm2d
    ) -> None:
        super().__init__()
        self.out_channels = width
        self.conv1 = conv3x3(in_channels, width, stride, dilation)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width, dilation=dilation)
        self.bn2 = norm(width)
        self.relu = nn.ReLU(inplace=True)

    def branch(self, x: Tensor) -> Tensor:
        """All but the last ReLU: [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        x = self.relu(self.bn1(self.conv1(x)))
        out: Tensor = self.bn2(self.conv2(x))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        out: Tensor = self.relu(self.branch(x))
        return out


class BasicBlock(PlainBlock):
    """A plain block and a way around it (He et al. 2015, figure 5 left), made by one of the functions in `shortcuts`."""

    def __init__(
        self, in_channels: int, width: int, stride: int, dilation: int = 1, norm: MakeNorm = nn.BatchNorm2d,
        shortcut: MakeShortcut = projected,
    ) -> None:  # fmt: skip
        super().__init__(in_channels, width, stride, dilation, norm)
        self.downsample = shortcut(in_channels, self.out_channels, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        out: Tensor = self.relu(self.branch(x) + self.downsample(x))
        return out

    def start_as_shortcut(self) -> None:
        """The branch is multiplied by zero until training finds something for it to add (Goyal et al. 2017, section 5.1)."""
        nn.init.zeros_(self.bn2.get_parameter("weight"))


class PlainBottleneck(nn.Module):
    """1x1 down to fewer channels, 3x3 there, 1x1 up to `4 * width` channels.

    The 3x3 is in `groups` that do not see each other; each has `group_width` channels where `width` is 64, and more in
    the same proportion (Xie et al. 2017, figure 3c; with one wide group, Zagoruyko and Komodakis 2016). The stride is in the
    3x3 (known as v1.5).
    """

    def __init__(
        self, in_channels: int, width: int, stride: int, dilation: int = 1, norm: MakeNorm = nn.BatchNorm2d,
        groups: int = 1, group_width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        narrow = groups * (width * group_width // 64)
        self.out_channels = 4 * width
        self.conv1 = conv1x1(in_channels, narrow)
        self.bn1 = norm(narrow)
        self.conv2 = conv3x3(narrow, narrow, stride, dilation, groups)
        self.bn2 = norm(narrow)
        self.conv3 = conv1x1(narrow, self.out_channels)
        self.bn3 = norm(self.out_channels)
        self.relu = nn.ReLU(inplace=True)

    def branch(self, x: Tensor) -> Tensor:
        """All but the last ReLU: [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        out: Tensor = self.bn3(self.conv3(x))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        out: Tensor = self.relu(self.branch(x))
        return out


class Bottleneck(PlainBottleneck):
    """A plain bottleneck and a way around it (He et al. 2015, figure 5 right), made by one of the functions in `shortcuts`."""

    def __init__(
        self, in_channels: int, width: int, stride: int, dilation: int = 1, norm: MakeNorm = nn.BatchNorm2d,
        shortcut: MakeShortcut = projected, groups: int = 1, group_width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__(in_channels, width, stride, dilation, norm, groups, group_width)
        self.downsample = shortcut(in_channels, self.out_channels, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        out: Tensor = self.relu(self.branch(x) + self.downsample(x))
        return out

    def start_as_shortcut(self) -> None:
        """The branch is multiplied by zero until training finds something for it to add (Goyal et al. 2017, section 5.1)."""
        nn.init.zeros_(self.bn3.get_parameter("weight"))


class BottleneckV1(Bottleneck):
    """The bottleneck as first published: its stride is in the first 1x1, which so never sees three of four points."""

    def __init__(
        self, in_channels: int, width: int, stride: int, dilation: int = 1, norm: MakeNorm = nn.BatchNorm2d
    ) -> None:
        super().__init__(in_channels, width, stride, dilation, norm)
        self.conv1.stride, self.conv2.stride = self.conv2.stride, self.conv1.stride


class SqueezeExcitation(nn.Module):
    """Each channel is made louder or quieter, by what all channels are on average (Hu et al. 2018, section 3).

    A sixteenth of the channels decide, but no fewer than 8, as in the weights that are shared.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, max(channels // 16, 8), kernel_size=1)
        self.relu = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(max(channels // 16, 8), channels, kernel_size=1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, H, W] to the same shape."""
        mean = x.mean((2, 3), keepdim=True)
        loudness: Tensor = self.gate(self.fc2(self.relu(self.fc1(mean))))
        return x * loudness


class SEBasicBlock(BasicBlock):
    """A basic block whose branch ends in squeeze and excitation (Hu et al. 2018, figure 3)."""

    def __init__(
        self, in_channels: int, width: int, stride: int, dilation: int = 1, norm: MakeNorm = nn.BatchNorm2d
    ) -> None:
        super().__init__(in_channels, width, stride, dilation, norm)
        self.se = SqueezeExcitation(self.out_channels)

    def branch(self, x: Tensor) -> Tensor:
        """All but the last ReLU: [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        out: Tensor = self.se(super().branch(x))
        return out


class SEBottleneck(Bottleneck):
    """A bottleneck whose branch ends in squeeze and excitation (Hu et al. 2018, figure 3)."""

    def __init__(
        self, in_channels: int, width: int, stride: int, dilation: int = 1, norm: MakeNorm = nn.BatchNorm2d,
        groups: int = 1, group_width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__(in_channels, width, stride, dilation, norm, groups=groups, group_width=group_width)
        self.se = SqueezeExcitation(self.out_channels)

    def branch(self, x: Tensor) -> Tensor:
        """All but the last ReLU: [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        out: Tensor = self.se(super().branch(x))
        return out
