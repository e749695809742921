"""What the network sees of a picture."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import v2

from resnet_gui.data.image import decode, open_image
from resnet_gui.data.transforms import Augmentation, Preprocessing


def gradient(width: int, height: int) -> Image.Image:
    """Red grows to the right, green downwards."""
    red = torch.linspace(0, 255, width).expand(height, width)
    green = torch.linspace(0, 255, height).view(-1, 1).expand(height, width)
    pixels = torch.stack([red, green, torch.full_like(red, 128)], dim=2).to(torch.uint8)
    return Image.fromarray(pixels.numpy())


@pytest.mark.parametrize("size", [(320, 240), (257, 400), (224, 224), (1000, 257)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_evaluation_is_the_usual_resize_and_centre_crop(size: tuple[int, int], interpolation: str) -> None:
    image = gradient(*size)
    ours = Preprocessing(224, 256, interpolation)
    kind = v2.InterpolationMode(interpolation)
    theirs = v2.Compose([v2.Resize(256, interpolation=kind), v2.CenterCrop(224), v2.PILToTensor()])(image)
    difference = (ours.pixels(ours.scaled(image)).int() - theirs.int()).abs()
    if min(size) >= 256:
        assert difference.max() == 0
    else:
        assert difference.max() <= 2  # theirs enlarges all of the picture first, ours only what it cuts out


@pytest.mark.parametrize("size", [(320, 240), (31, 17), (257, 400), (1600, 1100), (20, 300)])
@pytest.mark.parametrize(("interpolation", "mode"), [("bilinear", "RGB"), ("bicubic", "L")])
def test_what_is_prepared_as_torchvision_does_it_is_so_to_the_bit(
    size: tuple[int, int], interpolation: str, mode: str, tmp_path: Path
) -> None:
    mean, std = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)) if mode == "RGB" else ((0.1307,), (0.3081,))
    ours = Preprocessing(224, 256, interpolation, mean, std, as_torchvision=True)
    gradient(*size).save(tmp_path / "a.jpg")
    kind = v2.InterpolationMode(interpolation)
    theirs = transforms.Compose([
        transforms.Resize(256, kind), transforms.CenterCrop(224), transforms.ToTensor(), transforms.Normalize(mean, std),
    ])(Image.open(tmp_path / "a.jpg").convert(mode))  # fmt: skip
    assert torch.equal(ours.normalize(ours.pixels(ours.open(tmp_path / "a.jpg"))[None])[0], theirs)


def test_a_strip_is_never_enlarged_as_a_whole() -> None:
    strip = Image.new("RGB", (10_000, 2))
    assert Preprocessing(224, 256, as_torchvision=True).scaled(strip) is strip


def test_the_first_half_makes_pictures_smaller_never_larger() -> None:
    preprocessing = Preprocessing.for_size(224)
    assert preprocessing.scaled(gradient(1024, 768)).size == (341, 256)
    assert preprocessing.scaled(gradient(768, 1024)).size == (256, 341)
    assert preprocessing.scaled(gradient(40, 30)).size == (40, 30)
    assert preprocessing.scaled(gradient(3000, 2)).size == (3000, 2)
    assert preprocessing.with_channels(1).scaled(gradient(1024, 768)).mode == "L"


def test_a_large_photograph_is_decoded_smaller_and_looks_the_same(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    gradient(1600, 1200).save(path, quality=95)
    preprocessing = Preprocessing.for_size(112)
    reduced, whole = preprocessing.open(path), preprocessing.scaled(open_image(path))
    assert decode(path, 2 * preprocessing.resize).image.size == (400, 300)
    assert reduced.size == whole.size
    assert np.abs(np.asarray(reduced, int) - np.asarray(whole, int)).mean() < 1.5


def test_normalize_takes_out_mean_and_standard_deviation() -> None:
    preprocessing = Preprocessing.for_size(32)
    pixels = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    theirs = v2.Normalize(preprocessing.mean, preprocessing.std)(pixels.float() / 255)
    assert torch.allclose(preprocessing.normalize(pixels), theirs, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 4000), (4000, 1), (1, 1), (33, 31)])
def test_any_shape_of_picture_gives_the_same_shape_of_tensor(size: tuple[int, int]) -> None:
    preprocessing = Preprocessing.for_size(48)
    image = gradient(*size)
    assert preprocessing.pixels(image).shape == (3, 48, 48)
    assert Augmentation(preprocessing, True, True, 0, preprocessing.image_size).pixels(image, 1, 0).shape == (3, 48, 48)


def test_grey_is_one_channel_of_the_averages_and_back():
    preprocessing = Preprocessing.for_size(32)
    grey = preprocessing.with_channels(1)
    assert (grey.channels, preprocessing.channels) == (1, 3)
    assert grey.mean == pytest.approx((0.449,), abs=1e-3)
    assert grey.pixels(grey.scaled(Image.new("RGB", (40, 40), (255, 0, 0)))).unique().tolist() == [
        76
    ]  # the eye's share of red
    assert grey.normalize(torch.zeros(2, 1, 32, 32, dtype=torch.uint8)).shape == (2, 1, 32, 32)
    assert grey.with_channels(3).mean == pytest.approx((0.449,) * 3, abs=1e-3)
    assert Augmentation(grey, True, True, 0, 32).pixels(grey.scaled(gradient(64, 48)), 1, 0).shape == (1, 32, 32)


def test_another_size_keeps_the_proportions_of_the_weights():
    preprocessing = Preprocessing(224, 232, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert preprocessing.at(96) == Preprocessing(96, 99, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.mark.parametrize("size", [28, 32, 224])
def test_a_picture_of_the_networks_size_reaches_it_untouched_if_whole(tmp_path: Path, size: int) -> None:
    values = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    whole = Preprocessing.for_size(size, 1.0)
    pixels = whole.pixels(whole.open(tmp_path / "a.png"))
    assert np.array_equal(pixels.permute(1, 2, 0).numpy(), values)
    assert torch.equal(Augmentation(whole, False, False, 0, size).pixels(whole.open(tmp_path / "a.png"), 1, 0), pixels)


@pytest.mark.parametrize("size", [(20, 31), (31, 20), (640, 480), (1, 400)])
def test_whole_is_the_largest_square_of_a_picture(size: tuple[int, int]) -> None:
    whole = Preprocessing.for_size(32, 1.0)
    scaled = whole.scaled(gradient(*size))
    left, top, right, bottom = whole.middle(scaled)
    assert right - left == bottom - top == min(scaled.size)
    assert abs(left + right - scaled.width) <= 1
    assert abs(top + bottom - scaled.height) <= 1


@pytest.mark.parametrize("resize", [32, 36, 37, 40, 64])
def test_a_share_leads_back_to_the_size_it_was_computed_from(resize: int) -> None:
    preprocessing = Preprocessing(32, resize)
    assert preprocessing.with_middle_share(preprocessing.middle_share) == preprocessing
    larger = preprocessing.at(224)
    assert Preprocessing.for_size(224, preprocessing.middle_share) == larger


def test_augmentation_is_a_function_of_seed_epoch_and_index() -> None:
    image, preprocessing = gradient(64, 64), Preprocessing.for_size(32)
    one, other = (Augmentation(preprocessing, True, True, seed, 32) for seed in (1, 2))
    assert torch.equal(one.pixels(image, 1, 5), one.pixels(image, 1, 5))
    views = [one.pixels(image, 1, 5), one.pixels(image, 2, 5), one.pixels(image, 1, 6), other.pixels(image, 1, 5)]
    assert len({view.numpy().tobytes() for view in views}) == 4


def test_smaller_pictures_show_the_same_parts() -> None:
    preprocessing = Preprocessing.for_size(64)
    image = preprocessing.scaled(gradient(200, 160))
    for crop in (True, False):
        full = Augmentation(preprocessing, crop, True, 0, 64)
        small = Augmentation(preprocessing, crop, True, 0, 32).pixels(image, 3, 9)
        assert small.shape == (3, 32, 32)
        halved = torch.nn.functional.avg_pool2d(full.pixels(image, 3, 9).float(), 2)
        assert (halved - small).abs().mean() < 2


def test_crops_stay_inside_and_vary_in_size() -> None:
    image, preprocessing = gradient(200, 100), Preprocessing.for_size(32)
    augmentation = Augmentation(preprocessing, random_crop=True, flip=False, seed=0, image_size=32)
    widths = []
    for index in range(50):
        red = augmentation.pixels(image, 1, index)[0, 16]
        assert (red.diff() >= 0).all()  # never mirrored, never wrapped round
        widths.append(int(red[-1]) - int(red[0]))
    assert min(widths) < 130 < max(widths)


def test_flips_mirror_about_half_of_the_pictures() -> None:
    image, preprocessing = gradient(64, 64), Preprocessing.for_size(32)
    augmentation = Augmentation(preprocessing, random_crop=False, flip=True, seed=0, image_size=32)
    straight = preprocessing.pixels(image)
    views = [augmentation.pixels(image, 1, index) for index in range(100)]
    mirrored = sum(torch.equal(view, straight.flip(2)) for view in views)
    assert mirrored + sum(torch.equal(view, straight) for view in views) == 100
    assert 30 < mirrored < 70


def test_without_augmentation_training_sees_what_evaluation_sees() -> None:
    image, preprocessing = gradient(64, 64), Preprocessing.for_size(32)
    assert torch.equal(
        Augmentation(preprocessing, False, False, 0, 32).pixels(image, 3, 9), preprocessing.pixels(image)
    )
