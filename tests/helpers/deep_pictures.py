"""Files with more than 8 bits a value, made by hand where Pillow cannot write them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Values = NDArray[Any]

RAMP = np.linspace(0, 4095, 256).astype(np.uint16).reshape(16, 16)
"""256 different values of 12 bits."""


def write_png(path: Path, values: Values, significant: int = 0, key: int | None = None) -> Path:
    """A PNG of 16 bits: `values` [H, W] or [H, W, 2 to 4], with the chunks sBIT and tRNS if given."""
    channels = 1 if values.ndim == 2 else values.shape[2]
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, (0, 4, 2, 6)[channels - 1], 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if significant:
        chunks.append((b"sBIT", bytes([significant] * channels)))
    if key is not None:
        chunks.append((b"tRNS", struct.pack(">H", key)))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d)) for name, d in chunks)
    )
    return path


def write_tiff(
    path: Path, values: Values, bits: int = 16, white_is_zero: bool = False, compressed: bool = False
) -> Path:
    """A TIFF, little end first, of `values` [H, W] or [H, W, 3] that take `bits` each: 16, or 12 for grey."""
    height, width, samples = (*values.shape, 1)[:3]
    order = np.arange(bits - 1, -1, -1)
    packed = np.packbits((values[..., None] >> order & 1).astype(np.uint8).reshape(height, -1), axis=1).tobytes()
    data = packed if bits < 16 else values.astype("<u2").tobytes()
    data = zlib.compress(data) if compressed else data
    sizes = struct.pack("<3H", bits, bits, bits)
    tags = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, samples, bits if samples == 1 else 8),
        (259, 3, 1, 8 if compressed else 1), (262, 3, 1, 2 if samples == 3 else int(not white_is_zero)),
        (273, 4, 1, 8 + len(sizes)), (277, 3, 1, samples), (278, 4, 1, height), (279, 4, 1, len(data)),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    where = struct.pack("<I", 8 + len(sizes) + len(data))
    path.write_bytes(b"II*\0" + where + sizes + data + struct.pack("<H", len(tags)) + entries + bytes(4))
    return path


def write_pgm(path: Path, values: Values, highest: int) -> Path:
    """A PGM that states its highest value."""
    path.write_bytes(b"P5 %d %d %d\n" % (values.shape[1], values.shape[0], highest) + values.astype(">u2").tobytes())
    return path


def write_array(path: Path, values: Values) -> Path:
    """What Pillow makes of an array: a TIFF of signed or unsigned numbers or fractions."""
    Image.fromarray(values).save(path)
    return path
