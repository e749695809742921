"""Opening a picture: whatever the file is, out comes an upright RGB picture or a sentence."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import types
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw, ImageFile

from resnet_gui.data.image import BACKGROUND, MAX_BYTES, decode, open_image
from resnet_gui.messages import Problem

# The warning filter that importing `image` sets; pytest puts its own "error" in front of it for each test.
pytestmark = pytest.mark.filterwarnings(r"ignore:::PIL\.")


def photograph(width: int = 60, height: int = 40) -> Image.Image:
    """A smooth picture, each corner of which has a colour of its own."""
    small = np.array([[(220, 30, 30), (30, 200, 30)], [(30, 30, 220), (200, 200, 40)]], np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR)


def saved(picture: Image.Image, path: Path, **options) -> Path:
    picture.save(path, **options)
    return path


def assert_alike(found: Image.Image, wanted: Image.Image, within: float = 4.0) -> None:
    assert (found.mode, found.size) == ("RGB", wanted.size)
    assert np.abs(np.asarray(found, float) - np.asarray(wanted.convert("RGB"), float)).mean() <= within


def png(path: Path, side: int, bits: int, rows: bytes) -> Path:
    """A hand-made PNG of `side` × `side` RGB pixels, as its header states; `rows` may be fewer."""
    header = struct.pack(">IIBBBBB", side, side, bits, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d)) for name, d in chunks)
    )
    return path


def problem(path: Path) -> str:
    with pytest.raises(Problem) as caught:
        open_image(path)
    assert str(path) in str(caught.value)
    return caught.value.message.code


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tiff", "ppm", "avif", "jp2", "j2k", "mpo"])
def test_every_format(tmp_path, suffix):
    decoded = decode(saved(photograph(), tmp_path / f"picture.{suffix}"))
    assert_alike(decoded.image, photograph())
    assert not decoded.first_of_many


def test_gif_and_the_content_rather_than_the_name_decides(tmp_path):
    assert_alike(open_image(saved(photograph(), tmp_path / "picture.gif")), photograph(), within=12)
    assert_alike(open_image(saved(photograph(), tmp_path / "really_a_png.jpg", format="PNG")), photograph())


RED = Image.new("RGB", (20, 20), "red")


def moving(path: Path) -> Path:
    """A file of three frames or pages, the first of which is red."""
    others = [Image.new("RGB", (20, 20), colour) for colour in ("blue", "green")]
    return saved(RED.copy(), path, save_all=True, append_images=others)


@pytest.mark.parametrize("suffix", ["gif", "webp", "tiff", "png", "avif", "mpo"])
def test_first_frame(tmp_path, suffix):
    decoded = decode(moving(tmp_path / f"moving.{suffix}"))
    assert_alike(decoded.image, RED)
    assert decoded.first_of_many


def test_what_a_phone_hides_behind_a_jpeg_is_no_further_frame(tmp_path):
    assert not decode(moving(tmp_path / "phone.mpo").rename(tmp_path / "phone.jpg")).first_of_many


@pytest.mark.parametrize("suffix", ["gif", "tiff"])
def test_a_damaged_second_frame_does_not_lose_the_first(tmp_path, suffix):
    path = moving(tmp_path / f"moving.{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 7 // 10])
    assert_alike(open_image(path), RED)


TURNED_BACK = {
    1: (), 2: (Image.Transpose.FLIP_LEFT_RIGHT,), 3: (Image.Transpose.ROTATE_180,), 4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,), 6: (Image.Transpose.ROTATE_90,), 7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_270,),
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "avif"])
@pytest.mark.parametrize("orientation", range(9))
def test_upright_by_exif(tmp_path, orientation, suffix):
    stored = photograph()
    for method in TURNED_BACK.get(orientation, ()):
        stored = stored.transpose(method)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(stored, tmp_path / f"camera.{suffix}", exif=exif)
    found = open_image(path)
    assert_alike(found, photograph())
    again = saved(found, tmp_path / "again.png")
    assert_alike(open_image(again), photograph())
    with Image.open(again) as copy:
        assert not copy.getexif()


@pytest.mark.parametrize(
    "block",
    [b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"],
)
def test_a_broken_exif_block_does_not_lose_the_picture(tmp_path, block):
    assert_alike(open_image(saved(photograph(), tmp_path / "odd.jpg", exif=block)), photograph())


def test_transparency_lies_over_the_background(tmp_path):
    half = photograph(20, 20).convert("RGBA")
    half.paste((255, 0, 0, 0), (0, 0, 10, 20))
    half.paste((0, 0, 255, 128), (10, 0, 20, 20))
    wanted = Image.new("RGB", (20, 20), BACKGROUND)
    wanted.paste((127, 127, 255), (10, 0, 20, 20))
    assert_alike(open_image(saved(half, tmp_path / "rgba.png")), wanted, within=1)
    assert_alike(open_image(saved(half, tmp_path / "rgba.webp", lossless=True)), wanted, within=1)
    assert_alike(open_image(saved(half, tmp_path / "rgba.jp2")), wanted, within=1)
    assert_alike(open_image(saved(half, tmp_path / "rgba.avif", quality=100)), wanted)
    grey = saved(half.convert("LA"), tmp_path / "la.png")
    assert open_image(grey).getpixel((2, 2)) == BACKGROUND


def test_transparent_palette_and_key_colour(tmp_path):
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.paste(0, (0, 0, 2, 4))
    key = saved(Image.new("RGB", (4, 4), (9, 9, 9)), tmp_path / "key.png", transparency=(9, 9, 9))
    for path in (
        saved(palette, tmp_path / "p.png", transparency=0),
        saved(palette, tmp_path / "p.gif", transparency=0),
    ):
        assert [open_image(path).getpixel((x, 0)) for x in (0, 3)] == [BACKGROUND, (200, 100, 50)]
    assert open_image(saved(palette, tmp_path / "t.png", transparency=b"\x00\xff")).getpixel((0, 0)) == BACKGROUND
    assert open_image(key).getpixel((0, 0)) == BACKGROUND


RAMP = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)


def ramp(path: Path) -> list[int]:
    """The grey of each pixel, the three channels of which must agree."""
    channels = np.asarray(open_image(path)).reshape(-1, 3)
    assert (channels == channels[:, :1]).all()
    return channels[:, 0].tolist()


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path):
    grey = Image.fromarray(RAMP)
    big_endian = Image.frombytes("I;16B", (16, 16), RAMP.astype(">u2").tobytes())
    pgm = tmp_path / "grey.pgm"
    pgm.write_bytes(b"P5 16 16 65535\n" + RAMP.astype(">u2").tobytes())
    for path in (
        saved(grey, tmp_path / "g.png"),
        saved(grey, tmp_path / "g.tiff"),
        saved(big_endian, tmp_path / "b.tiff"),
        saved(grey, tmp_path / "g.jp2"),
        pgm,
    ):
        assert ramp(path) == list(range(256)), path
    dark = saved(Image.fromarray(RAMP // 4), tmp_path / "dark.png")
    assert max(ramp(dark)) == 64


def test_sixteen_bit_colour(tmp_path):
    rows = (b"\0" + struct.pack(">3H", 65535, 257 * 100, 0) * 4) * 4
    assert open_image(png(tmp_path / "deep.png", 4, 16, rows)).getpixel((1, 1)) == (255, 100, 0)


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0, 1e6])
def test_fractions_and_long_integers_keep_their_range(tmp_path, top):
    values = np.linspace(0, top, 256).reshape(16, 16)
    assert ramp(saved(Image.fromarray(values.astype(np.float32)), tmp_path / "f.tiff")) == list(range(256))
    if top > 255:
        assert ramp(saved(Image.fromarray(values.astype(np.int32)), tmp_path / "i.tiff")) == list(range(256))


def test_negative_and_missing_values(tmp_path):
    values = np.array([[-1000.0, 0.0], [1000.0, np.nan]], np.float32)
    assert ramp(saved(Image.fromarray(values), tmp_path / "f.tiff")) == [0, 128, 255, 128]
    assert ramp(saved(Image.fromarray(np.full((2, 2), -5, np.int32)), tmp_path / "flat.tiff")) == [0] * 4


def test_cmyk_and_other_colours(tmp_path):
    # Pillow writes a CMYK JPEG inverted and marked by Adobe's header, as Photoshop does.
    assert_alike(open_image(saved(photograph().convert("CMYK"), tmp_path / "cmyk.jpg", quality=95)), photograph())
    assert_alike(open_image(saved(photograph().convert("CMYK"), tmp_path / "cmyk.tiff")), photograph())
    assert_alike(open_image(saved(photograph().convert("YCbCr"), tmp_path / "ycc.tiff")), photograph())
    profile = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    assert_alike(open_image(saved(ImageCms.applyTransform(photograph(), profile), tmp_path / "lab.tiff")), photograph())
    line = Image.new("1", (30, 30), 1)
    ImageDraw.Draw(line).line((0, 0, 29, 29))
    assert_alike(open_image(saved(line, tmp_path / "line.pbm", format="PPM")), line)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "gif", "tiff", "ppm", "avif", "jp2", "j2k", "mpo"])
def test_a_file_cut_short_is_never_half_a_picture(tmp_path, suffix):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    whole = saved(noise, tmp_path / f"whole.{suffix}").read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole[:9])
    assert problem(cut) in ("image_broken", "image_format")
    for share in (0.3, 0.6, 0.95):
        cut.write_bytes(whole[: int(len(whole) * share)])
        assert problem(cut) == "image_broken"


def test_what_is_no_picture(tmp_path):
    files = {"image_empty": b"", "image_format": b"<html>not found</html>", "image_lfs_pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n"}  # fmt: skip
    for code, content in files.items():
        path = tmp_path / f"{code}.jpg"
        path.write_bytes(content)
        assert problem(path) == code
    assert problem(tmp_path / "nowhere.jpg") == "image_missing"
    drawing = tmp_path / "drawing.jpg"
    drawing.write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    )  # Pillow would run Ghostscript
    assert problem(drawing) == "image_format"


HEIC = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"heic", 0, b"mif1", b"heic") + bytes(300)


@pytest.mark.parametrize("name", ["phone.HEIC", "renamed.jpg"])
def test_heic_without_its_package_says_what_to_type(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / name).write_bytes(HEIC)
    with pytest.raises(Problem, match=r"is a HEIC picture.*-m pip install .*\[heic\]") as caught:
        open_image(tmp_path / name)
    assert caught.value.message.code == "image_heic"


class Heif(ImageFile.ImageFile):
    """As pillow-heif's, though all that it can read is a size."""

    format = "HEIF"
    n_frames = 1

    def _open(self):
        self.fp.seek(24)
        self._size, self._mode = tuple(self.fp.read(2)), "RGB"
        self.tile = [("raw", (0, 0, *self._size), 26, ("RGB", 0, 1))]


def test_heic_with_its_package_is_opened_by_it(tmp_path, monkeypatch):
    """The package is as small as can be: the tests run without the real one."""
    package = types.ModuleType("pillow_heif")
    package.register_heif_opener = lambda **options: Image.register_open(
        "HEIF", Heif, lambda start: start[4:8] == b"ftyp"
    )
    monkeypatch.setitem(sys.modules, "pillow_heif", package)
    monkeypatch.setattr(Image, "OPEN", Image.OPEN.copy())
    monkeypatch.setattr(Image, "ID", Image.ID.copy())
    (tmp_path / "phone.heic").write_bytes(HEIC[:24] + bytes([4, 3]) + bytes([200, 100, 50]) * 12)
    (tmp_path / "cut.heic").write_bytes(HEIC[:24] + bytes([4, 3]) + bytes([200, 100, 50]) * 11)
    found = decode(tmp_path / "phone.heic", 2)
    assert (found.image.size, found.image.getpixel((3, 2))) == ((4, 3), (200, 100, 50))
    assert problem(tmp_path / "cut.heic") == "image_broken"


def test_what_is_no_ordinary_file(tmp_path):
    os.mkfifo(tmp_path / "fifo.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "gone.jpg").symlink_to("nothing.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.jpg"))
    assert problem(tmp_path / "fifo.jpg") == "image_not_regular"
    assert problem(tmp_path / "folder.jpg") == "image_not_regular"
    assert problem(tmp_path / "socket.jpg") == "image_not_regular"
    assert problem(Path("/dev/zero")) == "image_not_regular"
    assert problem(tmp_path / "loop.jpg") == "image_unreadable"
    assert problem(tmp_path / "gone.jpg") == "image_missing"


def test_too_large(tmp_path):
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert problem(tmp_path / "huge.jpg") == "image_too_large"


@pytest.mark.parametrize(("side", "millions"), [(13_350, 179), (30_000, 900)])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, side, millions):
    """A few hundred bytes that claim 178 (just beyond our limit, not Pillow's) or 900 million pixels."""
    with pytest.raises(Problem, match=rf"has {millions} million pixels, and at most 178 million"):
        open_image(png(tmp_path / "bomb.png", side, 8, bytes(1000)))


def grey_jpeg(path: Path, width: int, height: int, colours: int = 1, start: int = 0xC0, in_scan: int = 1) -> Path:
    """A hand-made JPEG of mid-grey. Each code of its Huffman tables is a 0, so its data are 2 zero bits for each block.

    `start` is 0xC0 or, where it is progressive and its one scan has no more than means, 0xC2.
    """
    ids = range(1, colours + 1)
    frame = struct.pack(">BHHB", 8, height, width, colours) + b"".join(bytes([each, 0x11, 0]) for each in ids)
    scan = bytes([in_scan, *(byte for each in ids[:in_scan] for byte in (each, 0)), 0, 0 if start == 0xC2 else 63, 0])
    table = bytes([1] + 15 * [0] + [0])
    segments = {0xDB: b"\0" + bytes(64 * [1]), start: frame, 0xC4: b"\0" + table + b"\x10" + table, 0xDA: scan}
    head = b"".join(struct.pack(">BBH", 0xFF, kind, 2 + len(data)) + data for kind, data in segments.items())
    blocks = -(-width // 8) * -(-height // 8) * in_scan
    path.write_bytes(b"\xff\xd8" + head + bytes(blocks // (8 if start == 0xC2 else 4) + 1) + b"\xff\xd9")
    return path


@pytest.mark.parametrize("start", [0xC0, 0xC2])
def test_a_jpeg_of_200_megapixels_is_decoded_reduced(tmp_path, start):
    path = grey_jpeg(tmp_path / "phone.jpg", 16_320, 12_240, start=start)
    small = decode(path, 512)
    assert (small.width, small.height, small.image.size) == (16_320, 12_240, (2040, 1530))
    assert small.image.getpixel((2039, 1529)) == (128, 128, 128)
    if start == 0xC0:
        whole = decode(path)  # as the check opens it
        assert (whole.width, whole.height, whole.image.size) == (16_320, 12_240, (8160, 6120))


def test_a_wide_jpeg_is_decoded_at_half_though_more_was_wanted(tmp_path):
    wide = decode(grey_jpeg(tmp_path / "panorama.jpg", 60_000, 3000), 2900)
    assert (wide.width, wide.image.size) == (60_000, (30_000, 1500))


@pytest.mark.parametrize(
    ("width", "height", "options", "limit"),
    [
        (20_480, 20_000, {}, 400), (65_500, 65_500, {}, 400), (15_000, 15_000, {"start": 0xC2}, 200),
        (15_000, 15_000, {"colours": 3}, 200), (20_480, 20_000, {"colours": 3, "in_scan": 3}, 400),
    ],
)  # fmt: skip
def test_a_jpeg_beyond_its_limit_is_refused_unopened(tmp_path, width, height, options, limit):
    """One of several scans has a lower limit: its coefficients fill the memory, however small it is decoded."""
    path = grey_jpeg(tmp_path / "huge.jpg", width, height, **options)
    path.write_bytes(path.read_bytes()[:1000])
    for short_side in (0, 512):
        with pytest.raises(Problem) as caught:
            decode(path, short_side)
        values = dict(caught.value.message.values)
        assert (caught.value.message.code, values["limit"]) == ("image_too_many_pixels", limit)
        assert values["pixels"] == -(-width * height // 1_000_000)


@pytest.mark.parametrize("suffix", ["gif", "webp", "tiff"])
def test_other_formats_beyond_the_limit_stay_refused(tmp_path, suffix):
    """A GIF of 10 x 10 with a frame of 225 million, a WebP and a TIFF of 192: they are not decoded reduced."""
    path = tmp_path / f"huge.{suffix}"
    frame = struct.pack("<HHHHB", 0, 0, 15_000, 15_000, 0)
    content = {
        "gif": b"GIF89a\x0a\0\x0a\0\x80\0\0" + bytes(6) + b"!\xf9\4\x08\0\0\0\0," + frame + b"\2\2\x44\1\0;",
        "webp": b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f" + (15_999 | 11_999 << 14).to_bytes(4, "little") + bytes(8),
        "tiff": b"II*\0\x08\0\0\0\5\0" + b"".join(
            struct.pack("<HHII", tag, 4, 1, value)
            for tag, value in ((256, 16_000), (257, 12_000), (258, 8), (262, 1), (273, 8))
        ) + bytes(4),
    }[suffix]  # fmt: skip
    path.write_bytes(content)
    assert problem(path) == "image_too_many_pixels"


def test_random_damage_gives_a_picture_or_a_sentence(tmp_path):
    chance = np.random.default_rng(1)
    path = tmp_path / "damaged"
    for suffix in ("jpg", "png", "webp", "bmp", "gif", "tiff", "ppm", "avif", "jp2"):
        whole = np.frombuffer(saved(photograph(), tmp_path / f"whole.{suffix}").read_bytes(), np.uint8)
        for _ in range(60):
            damaged = whole.copy()
            damaged[chance.integers(0, len(whole), 5)] = chance.integers(0, 256, 5)
            path.write_bytes(damaged.tobytes())
            with contextlib.suppress(Problem):
                assert open_image(path).mode == "RGB"


def test_no_file_stays_open_and_threads_do_not_disturb_each_other(tmp_path):
    good = saved(photograph(), tmp_path / "good.jpg", exif=b"Exif\0\0garbage")
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(good.read_bytes()[:-300])
    wanted = np.asarray(open_image(good))
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir())) if descriptors.is_dir() else None

    def look(index: int) -> bool:
        if index % 3:
            return bool((np.asarray(open_image(good)) == wanted).all())
        return problem(bad) == "image_broken"

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(look, range(300)))
    if before:
        assert len(list(descriptors.iterdir())) <= before


OPEN_TWO = """
import sys
from resnet_gui.data.image import *
print(open_image(Path(sys.argv[1])).size)
try:
    open_image(Path(sys.argv[2]))
except Problem as problem:
    print(problem)
"""


def damaged_tiffs(folder: Path) -> None:
    """TIFFs of each compression, cut short, with damage in their data, or in the directory of their tags."""
    chance = np.random.default_rng(3)
    noise = Image.fromarray(chance.integers(0, 255, (64, 64, 3), np.uint8))
    for name in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg", "group3", "group4", "zstd"):
        whole = saved(noise.convert("1") if "group" in name else noise, folder / f"{name}.tif", compression=name)
        data = np.frombuffer(whole.read_bytes(), np.uint8)
        directory = int(data[4:8].view("<u4")[0])
        for number, (low, high) in enumerate([(8, len(data)), (directory, min(len(data), directory + 200))] * 4):
            damaged = data.copy()
            damaged[chance.integers(low, high, 6)] = chance.integers(0, 256, 6)
            (folder / f"{name}_{number}.tif").write_bytes(damaged.tobytes())
        whole.write_bytes(data[: len(data) * 6 // 10].tobytes())


def test_libtiff_writes_nothing_to_the_terminal(tmp_path):
    """libtiff prints by itself, below Python, so that only another process shows it."""
    damaged_tiffs(tmp_path)
    script = """
import sys
from resnet_gui.data.image import *
for path in Path(sys.argv[1]).iterdir():
    try:
        print("whole", open_image(path).size)
    except Problem as problem:
        print(problem.message.code)
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.count("image_broken") > 10
    assert len(done.stdout.splitlines()) == 7 * 9


def test_no_warning_comes_out(tmp_path):
    """In a process of its own where every warning is an error, and no test runner changes what is filtered."""
    odd = saved(photograph(), tmp_path / "odd.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12")
    large = png(tmp_path / "large.png", 9500, 8, bytes(1000))  # Pillow warns of a bomb from 89 million pixels on
    command = [sys.executable, "-W", "error", "-c", OPEN_TWO, str(odd), str(large)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr == ""
    size, sentence = done.stdout.splitlines()
    assert size == "(60, 40)"
    assert "cut short: image file is truncated" in sentence


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_size_is_that_of_the_file_upright_however_it_was_decoded(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (801, 403), "red").save(path, exif=exif)
    whole, half = decode(path), decode(path, 200)
    sideways = orientation in (6, 8)
    assert (whole.width, whole.height) == (half.width, half.height) == ((403, 801) if sideways else (801, 403))
    assert whole.image.size == (whole.width, whole.height)
    assert half.image.size == ((202, 401) if sideways else (401, 202))


def test_a_picture_is_never_decoded_smaller_than_wanted(tmp_path: Path) -> None:
    for suffix in ("jpg", "png", "webp"):
        path = tmp_path / f"a.{suffix}"
        Image.new("RGB", (640, 480), "red").save(path)
        for wanted, short in ((481, 480), (241, 480), (240, 240), (61, 120), (1, 60)):
            assert min(decode(path, wanted).image.size) == (short if suffix == "jpg" else 480)
