"""Pictures of a batch, as loaders give them: cropped already, or whole with the boxes that are to be cropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from resnet_gui.data.transforms import Box


class View(NamedTuple):
    """What the network sees of a picture: all of its uint8 `pixels` [C, H, W], or a box that is still to be cropped."""

    pixels: Tensor
    box: Box | None = None
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """`pixels` uint8 `[N, C, H, W]`; `labels` and `indices` (of the loader's samples), int64 `[N]`.

    In memory the channels come last, as in a picture file. Where squares of `side` pixels are still to be cropped on
    the device, `cuts` holds the sizes, boxes and mirror flags that `resample` takes.
    """

    pixels: Tensor
    labels: Tensor
    indices: Tensor
    cuts: tuple[Tensor, Tensor, Tensor] | None = None
    side: int = 0

    @classmethod
    def of(cls, views: Sequence[View], labels: Tensor, indices: Tensor, side: int) -> Batch:
        """A batch of `views`, which must all have a box or all have none."""
        if views[0].box is None:
            return cls(stacked([each.pixels for each in views]), labels, indices)
        sizes = torch.tensor([(each.pixels.shape[2], each.pixels.shape[1]) for each in views])
        boxes, mirrored = torch.tensor([each.box for each in views]), torch.tensor([each.mirrored for each in views])
        return cls(_padded([each.pixels for each in views]), labels, indices, (sizes, boxes, mirrored), side)

    def moved(self, move: Callable[[Tensor], Tensor]) -> Batch:
        """The same batch with `move` applied to all that is computed with; `indices` stay where they are."""
        cuts = self.cuts and (move(self.cuts[0]), move(self.cuts[1]), move(self.cuts[2]))
        return replace(self, pixels=move(self.pixels), labels=move(self.labels), cuts=cuts)


def stacked(pictures: Sequence[Tensor]) -> Tensor:
    """Pictures [C, H, W] of one size as [N, C, H, W], with channels last in memory, as decoding leaves them.

    Copying them in that order is ten times as fast as channel by channel.
    """
    return torch.stack([picture.permute(1, 2, 0) for picture in pictures]).permute(0, 3, 1, 2)


def _padded(pictures: Sequence[Tensor]) -> Tensor:
    """Pictures as [N, C, H, W] as large as the largest, each in the upper left corner; the rest is arbitrary."""
    channels, height, width = (max(picture.shape[axis] for picture in pictures) for axis in range(3))
    pixels = torch.empty(len(pictures), height, width, channels, dtype=torch.uint8)
    for slot, picture in zip(pixels, pictures, strict=True):
        slot[: picture.shape[1], : picture.shape[2]] = picture.permute(1, 2, 0)
    return pixels.permute(0, 3, 1, 2)
