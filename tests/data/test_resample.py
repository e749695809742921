"""The batch's matrices give what Pillow gives picture by picture."""

import random

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_gui.data.resample import resample

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def noise(width: int, height: int, seed: int) -> Image.Image:
    chance = np.random.default_rng(seed)
    return Image.fromarray(chance.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("side", [16, 40, 100])
def test_it_equals_pillow_for_boxes_of_any_shape_in_pictures_of_any_size(interpolation: str, side: int) -> None:
    draw = random.Random(side)
    pictures = [noise(draw.randint(20, 90), draw.randint(20, 70), seed) for seed in range(12)]
    boxes = [_box(draw, *picture.size) for picture in pictures]
    mirrored = [draw.random() < 0.5 for _ in pictures]
    batch = torch.randint(0, 256, (len(pictures), 3, 70, 90), dtype=torch.uint8)  # what is around a picture is anything
    for slot, picture in zip(batch, pictures, strict=True):
        slot[:, : picture.height, : picture.width] = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    sizes = torch.tensor([picture.size for picture in pictures])
    ours = resample(batch, sizes, torch.tensor(boxes), torch.tensor(mirrored), side, interpolation)
    assert ours.shape == (len(pictures), 3, side, side)
    for found, picture, box, turned in zip(ours, pictures, boxes, mirrored, strict=True):
        wanted = np.array(picture.resize((side, side), FILTERS[interpolation], box=box), np.float32)
        wanted = wanted[:, ::-1] if turned else wanted
        apart = np.abs(found.permute(1, 2, 0).numpy() - wanted)
        assert np.quantile(apart, 0.97) <= 1  # Pillow's weights are whole numbers
        if interpolation == "bilinear":  # the cubic filter overshoots, and is cut off after one direction or the other
            assert apart.max() <= 1


def _box(draw: random.Random, width: int, height: int) -> tuple[float, float, float, float]:
    left, top = draw.uniform(0, width / 2), draw.uniform(0, height / 2)
    return left, top, draw.uniform(left + 2, width), draw.uniform(top + 2, height)


def test_a_whole_box_of_its_own_size_is_the_picture_itself() -> None:
    pixels = torch.randint(0, 256, (2, 1, 24, 24), dtype=torch.uint8)
    boxes, sizes = torch.tensor([[0.0, 0.0, 24.0, 24.0]] * 2), torch.full((2, 2), 24)
    same = resample(pixels, sizes, boxes, torch.tensor([False, True]), 24, "bilinear")
    assert torch.equal(same[0], pixels[0].float())
    assert torch.equal(same[1], pixels[1].float().flip(2))
