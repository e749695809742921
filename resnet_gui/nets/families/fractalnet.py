"""FractalNet (Larsson, Maire, Shakhnarovich 2016, arXiv:1605.07648): very deep without any shortcut that only passes on.

One rule grows a block: lay two copies of it one after the other, and a single convolution beside them. A block of C
columns so has ways of 1, 2, 4 … 2^(C - 1) convolutions, and where ways meet, their mean goes on. In training, ways are
left out at random (drop-path), so that each of them learns to do without the others.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

LOCAL_DROP = 0.15
"""How often a way is left out where ways meet, for the half of the pictures that drop locally (section 4)."""


class FractalNet(nn.Module):
    """One block for each of `widths`, with as many channels, and a pooling after it: [N, channels, H, W] to logits [N, classes].

    A 1x1 convolution before a block brings the channels to its width: with it the paper's 38.6 million parameters come
    out, which the paper does not explain. Made for 32 x 32, of which five poolings leave one point; what a larger picture
    leaves is averaged. The dropout that the paper tries beside drop-path is left out. Freshly initialised from torch's
    global seed (Glorot, as the paper).
    """

    def __init__(self, columns: int, widths: tuple[int, ...], classes: int, channels: int) -> None:
        super().__init__()
        self.columns = columns
        self.blocks = nn.ModuleList()
        for width in widths:
            self.blocks.append(Block(columns, channels, width))
            channels = width
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, H, W] to logits [N, classes]; in training with some of the ways only."""
        allowed = self._allowed_columns(x) if self.training else None
        for block in self.blocks:
            x = block(x, allowed)
        out: Tensor = self.fc(self.avgpool(x).flatten(1))
        return out

    def _allowed_columns(self, x: Tensor) -> Tensor:
        """For each picture all columns [N, columns], or a single one that it takes through the whole network (section 3)."""
        one = functional.one_hot(torch.randint(self.columns, x.shape[:1], device=x.device), self.columns)
        everywhere = torch.rand(len(x), 1, device=x.device) < 0.5
        return one.bool() | ~everywhere


class Block(nn.Module):
    """A fractal of so many columns, whose ends are joined, between a change of channels and a pooling."""

    def __init__(self, columns: int, in_channels: int, width: int) -> None:
        super().__init__()
        self.widen = nn.Identity() if in_channels == width else Convolution(in_channels, width, 1)
        self.fractal = Fractal(columns, width)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor, allowed: Tensor | None) -> Tensor:
        """[N, in_channels, H, W] to [N, width, H / 2, W / 2]; `allowed` as for `join`."""
        out: Tensor = self.pool(join(self.fractal(self.widen(x), allowed), allowed))
        return out


class Fractal(nn.Module):
    """So many columns: a convolution, beside two fractals of one column less, one after the other."""

    def __init__(self, columns: int, width: int) -> None:
        super().__init__()
        self.conv = Convolution(width, width, 3)
        self.first = Fractal(columns - 1, width) if columns > 1 else None
        self.second = Fractal(columns - 1, width) if columns > 1 else None

    def forward(self, x: Tensor, allowed: Tensor | None) -> list[Tensor]:
        """[N, width, H, W] to the ends of all columns, the shortest first, each of that shape; `allowed` as for `join`."""
        ends = [self.conv(x)]
        if self.first is not None and self.second is not None:
            ends += self.second(join(self.first(x, allowed), allowed), allowed)
        return ends


class Convolution(nn.Sequential):
    """A convolution with norm and ReLU, which keeps height and width: [N, in_channels, H, W] to [N, width, H, W]."""

    def __init__(self, in_channels: int, width: int, size: int) -> None:
        super().__init__(
            OrderedDict(
                conv=nn.Conv2d(in_channels, width, size, padding=size // 2, bias=False),
                bn=nn.BatchNorm2d(width),
                relu=nn.ReLU(),
            )
        )


def join(ends: list[Tensor], allowed: Tensor | None) -> Tensor:
    """The mean of the ways that meet, each [N, C, H, W], the deepest last; in training of those that are not dropped.

    `allowed` [N, columns] marks the columns a picture may take; None: nothing is dropped. A picture that may take
    several drops each way here with the chance `LOCAL_DROP`, but never all.
    """
    together = torch.stack(ends, dim=1)
    if allowed is None:
        return together.mean(dim=1)
    kept = kept_ways(allowed[:, -len(ends) :])[..., None, None, None].to(together.dtype)
    return (together * kept).sum(dim=1) / kept.sum(dim=1)


def kept_ways(allowed: Tensor) -> Tensor:
    """Which of the meeting ways [N, ways] are kept: among the allowed ones, or all where none of the allowed is here.

    Where none is here, the picture's own column ends further down, and what is kept here never reaches it.
    """
    allowed = allowed | ~allowed.any(dim=1, keepdim=True)
    draws = torch.rand(allowed.shape, device=allowed.device).masked_fill(~allowed, -1.0)
    largest = draws == draws.amax(dim=1, keepdim=True)
    return (draws >= LOCAL_DROP) | largest


BUILDERS = {
    "fractalnet20": partial(FractalNet, 3, (64, 128, 256, 512, 512)),
    "fractalnet40": partial(FractalNet, 4, (16, 32, 64, 128, 128)),
}
