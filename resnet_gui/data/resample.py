"""Crops and scales the pictures of a whole batch at once, on their device: on a GPU that is faster than CPU threads.

Each row and column of a result is a weighted sum of those of the picture. So cropping, scaling and mirroring are one
matrix product from the left and one from the right. The weights are those of Pillow's `resize` with a `box`: a filter
that widens with the scale, so that no pixel is skipped where a picture becomes smaller.
"""

from __future__ import annotations

import torch
from torch import Tensor


def resample(
    pixels: Tensor, sizes: Tensor, boxes: Tensor, mirrored: Tensor, side: int, interpolation: str
) -> Tensor:  # fmt: skip
    """`pixels` [N, C, H, W] uint8 to float32 [N, C, side, side], whole numbers from 0 to 255, on the same device.

    `sizes` [N, 2]: width and height of each picture, which lies in the upper left corner; the rest is ignored. `boxes`
    [N, 4]: left, top, right and bottom of the crop, in pixels, fractions allowed. `mirrored` [N]: bool, left to right.
    `interpolation` is "bilinear" or "bicubic". With TF32, a few values in a hundred are one level off.
    """
    left, top, right, bottom = boxes.unbind(1)
    height, width = pixels.shape[2:]
    rows = _weights(top, bottom, sizes[:, 1], height, side, interpolation)
    columns = _weights(left, right, sizes[:, 0], width, side, interpolation)
    columns = torch.where(mirrored.view(-1, 1, 1), columns.flip(1), columns)
    # Rounded after each direction, as Pillow does, whose pixels are bytes. It takes the cheaper direction first, which
    # shows only where the cubic filter overshoots and is cut off.
    across = (pixels.float() @ columns.transpose(1, 2).unsqueeze(1)).round().clamp(0, 255)
    return (rows.unsqueeze(1) @ across).round().clamp(0, 255)


def _weights(start: Tensor, end: Tensor, own: Tensor, length: int, side: int, interpolation: str) -> Tensor:
    """[N, side, length]: the share of each of `length` old pixels in each of `side` new ones, from `start` to `end`.

    Only the first `own` of the old pixels are the picture's.
    """
    scale = ((end - start) / side).view(-1, 1, 1)
    stretch = scale.clamp(min=1.0)
    reach = {"bilinear": 1.0, "bicubic": 2.0}[interpolation] * stretch
    new = torch.arange(side, device=start.device).view(1, -1, 1)
    old = torch.arange(length, device=start.device).view(1, 1, -1)
    centre = start.view(-1, 1, 1) + (new + 0.5) * scale
    reached = (old >= (centre - reach + 0.5).floor()) & (old < (centre + reach + 0.5).floor())
    distance = ((old + 0.5 - centre) / stretch).abs()
    weights = (_triangle if interpolation == "bilinear" else _cubic)(distance)
    weights = weights * (reached & (old < own.view(-1, 1, 1)))
    return weights / weights.sum(2, keepdim=True)


def _triangle(distance: Tensor) -> Tensor:
    return (1 - distance).clamp(min=0)


def _cubic(distance: Tensor) -> Tensor:
    """The cubic convolution of Keys (1981), eq. 4, with a = -1/2."""
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return torch.where(distance < 1, near, torch.where(distance < 2, far, torch.zeros_like(distance)))
