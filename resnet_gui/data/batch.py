"""Pictures of a batch, as loaders give them: cut out already, or whole with what is to be cut out of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from resnet_gui.data.transforms import Box


class View(NamedTuple):
    """What is wanted of a picture: uint8 `pixels` [C, H, W], or of these a box, which is still to be cut out."""

    pixels: Tensor
    box: Box | None = None
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """`pixels` uint8 `[N, C, H, W]`, `labels` and places in the loader's samples, `indices`, int64 `[N]`.

    In memory the channels of a point lie side by side, as they do in a picture. Where squares of `side` pixels are
    still to be cut out, `cuts` say how: what `resample` takes as sizes, boxes and which are mirrored.
    """

    pixels: Tensor
    labels: Tensor
    indices: Tensor
    cuts: tuple[Tensor, Tensor, Tensor] | None = None
    side: int = 0

    @classmethod
    def of(cls, shown: Sequence[View], labels: Tensor, indices: Tensor, side: int) -> Batch:
        """All of `shown`, either with boxes or without."""
        if shown[0].box is None:
            return cls(stacked([each.pixels for each in shown]), labels, indices)
        sizes = torch.tensor([(each.pixels.shape[2], each.pixels.shape[1]) for each in shown])
        boxes, mirrored = torch.tensor([each.box for each in shown]), torch.tensor([each.mirrored for each in shown])
        return cls(_padded([each.pixels for each in shown]), labels, indices, (sizes, boxes, mirrored), side)

    def moved(self, move: Callable[[Tensor], Tensor]) -> Batch:
        """The same batch, what is computed with brought there by `move`."""
        cuts = self.cuts and (move(self.cuts[0]), move(self.cuts[1]), move(self.cuts[2]))
        return replace(self, pixels=move(self.pixels), labels=move(self.labels), cuts=cuts)


def stacked(pictures: Sequence[Tensor]) -> Tensor:
    """Pictures [C, H, W] of one size as [N, C, H, W], the channels of a point side by side, as they come from pictures:
    so they are copied ten times as fast as channel by channel.
    """
    return torch.stack([picture.permute(1, 2, 0) for picture in pictures]).permute(0, 3, 1, 2)


def _padded(pictures: Sequence[Tensor]) -> Tensor:
    """Each in the upper left corner of a place as large as the largest; what is around it is anything."""
    channels, height, width = (max(picture.shape[axis] for picture in pictures) for axis in range(3))
    pixels = torch.empty(len(pictures), height, width, channels, dtype=torch.uint8)
    for place, picture in zip(pixels, pictures, strict=True):
        place[: picture.shape[1], : picture.shape[2]] = picture.permute(1, 2, 0)
    return pixels.permute(0, 3, 1, 2)
