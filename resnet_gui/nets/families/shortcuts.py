"""The ways around a block: what it adds its branch to (He et al. 2015, section 3.3; He et al. 2019, figure 2).

Where a block keeps the shape, the best way around is the input itself. Where it does not, the input must be made to fit,
and each function here is one answer to how. Shapes: [N, in_channels, H, W] becomes [N, out_channels, H / stride,
W / stride], rounded up.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

MakeNorm = Callable[[int], nn.Module]
"""From a number of channels to a normalisation of them."""

MakeShortcut = Callable[[int, int, int, MakeNorm], nn.Module]
"""From incoming channels, outgoing channels, stride and norm to the way around a block."""


def conv1x1(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """A 1x1 convolution: each point's channels are mixed, its neighbours are not looked at."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)


def padded(in_channels: int, out_channels: int, stride: int, norm: MakeNorm) -> nn.Module:
    """Option A: the input itself, thinned out and padded with zeros where its shape would not fit."""
    return (
        nn.Identity() if _fits(in_channels, out_channels, stride) else PaddedIdentity(in_channels, out_channels, stride)
    )


def projected(in_channels: int, out_channels: int, stride: int, norm: MakeNorm) -> nn.Module:
    """Option B: the input itself, or a projection where its shape would not fit."""
    return (
        nn.Identity()
        if _fits(in_channels, out_channels, stride)
        else projection(in_channels, out_channels, stride, norm)
    )


def projection(in_channels: int, out_channels: int, stride: int, norm: MakeNorm) -> nn.Module:
    """Option C: a projection always. It is a 1x1 convolution and a norm."""
    return nn.Sequential(conv1x1(in_channels, out_channels, stride), norm(out_channels))


def averaged(in_channels: int, out_channels: int, stride: int, norm: MakeNorm) -> nn.Module:
    """As option B, but the projection sees the mean of the points that its stride would skip (ResNet-D, He et al. 2019)."""
    if _fits(in_channels, out_channels, stride):
        return nn.Identity()
    pool = nn.Identity() if stride == 1 else nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)
    return nn.Sequential(pool, conv1x1(in_channels, out_channels), norm(out_channels))


def bare(in_channels: int, out_channels: int, stride: int, norm: MakeNorm) -> nn.Module:
    """The input itself, or a convolution without a norm, which a pre-activation block does not need (He et al. 2016)."""
    return nn.Identity() if _fits(in_channels, out_channels, stride) else conv1x1(in_channels, out_channels, stride)


def _fits(in_channels: int, out_channels: int, stride: int) -> bool:
    return stride == 1 and in_channels == out_channels


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
