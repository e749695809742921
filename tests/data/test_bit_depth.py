"""Pictures with more than 8 bits a value: the range of a dataset, and what is shown in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.deep_pictures import RAMP, write_array, write_pgm, write_png, write_tiff
from resnet_gui.data.bit_depth import Extent, common_range
from resnet_gui.data.image import BACKGROUND, decode, read_deep, read_header
from resnet_gui.records import GreyRange

TWELVE_BITS = GreyRange(0.0, 4095.0)


def range_of(*paths: Path) -> GreyRange | None:
    """The range of a dataset of these pictures."""
    return common_range(Extent.of(picture) for path in paths if (picture := read_deep(path)))


def shown(path: Path, grey_range: GreyRange | None) -> list[int]:
    """The grey of each pixel, the three channels of which must agree."""
    channels = np.asarray(decode(path, 0, grey_range).image).reshape(-1, 3)
    assert (channels == channels[:, :1]).all()
    return channels[:, 0].tolist()


def big_endian(path: Path) -> Path:
    Image.frombytes("I;16B", (16, 16), RAMP.astype(">u2").tobytes()).save(path)
    return path


def compressed(path: Path) -> Path:
    Image.fromarray(RAMP).save(path, compression="tiff_lzw")
    return path


TWELVE: dict[str, Callable[[Path], Path]] = {
    "grey.png": lambda path: write_png(path, RAMP),
    "states-12-bits.png": lambda path: write_png(path, RAMP, significant=12),
    "grey-and-alpha.png": lambda path: write_png(path, np.dstack([RAMP, np.full_like(RAMP, 65535)])),
    "colour.png": lambda path: write_png(path, np.dstack([RAMP] * 3)),
    "colour-and-alpha.png": lambda path: write_png(path, np.dstack([RAMP] * 3 + [np.full_like(RAMP, 65535)])),
    "grey.tiff": lambda path: write_tiff(path, RAMP),
    "packed.tiff": lambda path: write_tiff(path, RAMP, bits=12),
    "white-is-zero.tiff": lambda path: write_tiff(path, 4095 - RAMP, white_is_zero=True),
    "big-endian.tiff": big_endian,
    "compressed.tiff": compressed,
    "32-bits.tiff": lambda path: write_array(path, RAMP.astype(np.int32)),
    "states-4095.pgm": lambda path: write_pgm(path, RAMP, 4095),
    "states-65535.pgm": lambda path: write_pgm(path, RAMP, 65535),
}


@pytest.mark.parametrize("name", TWELVE)
def test_twelve_bits_are_shown_whole_whatever_they_lie_in(tmp_path: Path, name: str) -> None:
    path = TWELVE[name](tmp_path / name)
    assert read_header(path).deep
    assert range_of(path) == TWELVE_BITS
    assert shown(path, TWELVE_BITS) == list(range(256))


@pytest.mark.parametrize(
    ("highest", "low", "high"),
    [(200, 0, 255), (256, 0, 1023), (1023, 0, 1023), (1024, 0, 4095), (5000, 0, 16383), (16384, 0, 65535)],
)
def test_the_smallest_usual_range_that_holds_all(tmp_path: Path, highest: int, low: int, high: int) -> None:
    dark, bright = np.full((4, 4), 7, np.uint16), np.full((4, 4), highest, np.uint16)
    paths = write_png(tmp_path / "a.png", dark), write_png(tmp_path / "b.png", bright)
    assert range_of(*paths) == GreyRange(low, high)


def test_what_a_file_states_counts_unless_its_values_show_otherwise(tmp_path: Path) -> None:
    dark = RAMP // 16
    assert range_of(write_png(tmp_path / "a.png", dark, significant=12)) == TWELVE_BITS
    assert range_of(write_tiff(tmp_path / "a.tiff", dark, bits=12)) == TWELVE_BITS
    assert range_of(write_pgm(tmp_path / "a.pgm", dark, 3000)) == GreyRange(0, 3000)
    scaled = write_png(tmp_path / "b.png", RAMP * 16 + RAMP // 256, significant=12)  # as the format has it
    assert range_of(scaled) == GreyRange(0, 65535)


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_negative_values_and_fractions_are_as_low_and_high_as_the_set(tmp_path: Path, kind: type) -> None:
    body = write_array(tmp_path / "a.tiff", np.array([[-1024, 0], [500, 1000]], kind))
    bone = write_array(tmp_path / "b.tiff", np.array([[0, 100], [200, 3071]], kind))
    assert range_of(body, bone) == GreyRange(-1024, 3071)
    assert shown(body, GreyRange(-1024, 3071)) == [0, 64, 95, 126]


def test_what_is_no_number_and_infinity_are_passed_over(tmp_path: Path) -> None:
    path = write_array(tmp_path / "a.tiff", np.array([[0.25, np.nan], [np.inf, 0.75], [-np.inf, 0.5]], np.float32))
    assert range_of(path) == GreyRange(0.25, 0.75)
    found = decode(path, 0, GreyRange(0.25, 0.75))
    assert np.asarray(found.image)[..., 0].ravel().tolist() == [0, 0, 255, 255, 0, 128]
    assert found.clipped == 0
    nothing = write_array(tmp_path / "b.tiff", np.full((2, 2), np.nan, np.float32))
    assert shown(nothing, range_of(nothing)) == [0] * 4


def test_one_pixel_beyond_changes_nothing_but_itself_and_is_counted(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    usual, span = write_array(tmp_path / "a.tiff", values), GreyRange(0, 1)
    values[0, 0] = 1.5
    odd = decode(write_array(tmp_path / "b.tiff", values), 0, span)
    assert odd.clipped == 1
    assert np.asarray(odd.image)[..., 0].ravel().tolist() == [255, *shown(usual, span)[1:]]
    twelve = write_png(tmp_path / "c.png", RAMP)
    assert decode(twelve, 0, GreyRange(16, 4000)).clipped == int(((RAMP < 16) | (RAMP > 4000)).sum())


def test_the_widest_of_a_mixed_set_and_8_bits_stay_as_they_are(tmp_path: Path) -> None:
    eight = tmp_path / "eight.png"
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(eight)
    signed = write_array(tmp_path / "a.tiff", np.array([[-5, 7]], np.int32))
    fraction = write_array(tmp_path / "b.tiff", np.array([[0.5, 9000.5]], np.float32))
    assert not read_header(eight).deep
    assert range_of(eight) is None
    assert range_of(eight, write_png(tmp_path / "c.png", RAMP), signed, fraction) == GreyRange(-5, 9000.5)
    assert shown(eight, TWELVE_BITS) == list(range(256))


def test_a_transparent_value_is_background_as_in_8_bits(tmp_path: Path) -> None:
    path = write_png(tmp_path / "a.png", RAMP, key=int(RAMP[0, 3]))
    assert decode(path, 0, TWELVE_BITS).image.getpixel((3, 0)) == BACKGROUND
    assert shown(path, TWELVE_BITS)[4:] == list(range(4, 256))
    alpha = np.where(np.arange(16) < 8, 0, 65535).astype(np.uint16) * np.ones((16, 1), np.uint16)
    half = write_png(tmp_path / "b.png", np.dstack([RAMP, alpha]))
    assert decode(half, 0, TWELVE_BITS).image.getpixel((7, 0)) == BACKGROUND
    assert decode(half, 0, TWELVE_BITS).image.getpixel((8, 0)) == (8, 8, 8)


def test_colours_of_16_bits_keep_their_lower_bytes(tmp_path: Path) -> None:
    red = np.zeros((2, 2, 3), np.uint16)
    red[..., 0], red[..., 1] = 4095, 1023
    files = [write_png(tmp_path / "a.png", red), write_tiff(tmp_path / "a.tiff", red)]
    for path in (*files, write_tiff(tmp_path / "b.tiff", red, compressed=True)):
        assert range_of(path) == TWELVE_BITS, path
        assert decode(path, 0, TWELVE_BITS).image.getpixel((1, 1)) == (255, 64, 0), path


def test_each_picture_is_stretched_only_if_that_is_chosen(tmp_path: Path) -> None:
    dark = write_png(tmp_path / "a.png", RAMP // 4 + 100)
    assert shown(dark, GreyRange(0, 0, stretch=True)) == shown(
        write_png(tmp_path / "b.png", RAMP // 4), GreyRange(0, 1023)
    )
    assert max(shown(dark, TWELVE_BITS)) == 70


@pytest.mark.parametrize("orientation", [3, 6])
def test_it_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(RAMP).save(tmp_path / "a.tiff", exif=exif)
    turn = Image.Transpose.ROTATE_180 if orientation == 3 else Image.Transpose.ROTATE_270
    upright = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).transpose(turn)
    assert np.array_equal(np.asarray(decode(tmp_path / "a.tiff", 0, TWELVE_BITS).image)[..., 0], np.asarray(upright))


def test_without_a_range_all_is_as_it_was_before_there_was_one(tmp_path: Path) -> None:
    brightest = {"grey.png": 16, "colour.png": 15, "packed.tiff": 16, "states-4095.pgm": 255, "grey-and-alpha.png": 15}
    for name, level in brightest.items():
        assert max(shown(TWELVE[name](tmp_path / name), None)) == level
