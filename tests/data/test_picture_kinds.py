"""What a file is by its name and by its first bytes, and the one list that all else is built from."""

from __future__ import annotations

import sys
import types

import pytest
from PIL import features

from resnet_gui.data.picture_kinds import (
    before_left_over,
    is_no_picture,
    kind_of,
    kind_of_name,
    kinds_read,
    picture_suffixes,
)

BEGINNINGS = {
    "JPEG": [b"\xff\xd8\xff\xe0\0\x10JFIF", b"\xff\xd8\xff\xdb"], "JPEG-LS": [b"\xff\xd8\xff\xf7\0"],
    "PNG": [b"\x89PNG\r\n\x1a\n\0"], "GIF": [b"GIF87a", b"GIF89a"], "WebP": [b"RIFF\x10\0\0\0WEBPVP8 "],
    "BMP": [b"BM\x99\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"], "TIFF": [b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0"],
    "PPM": [b"P6\n3 2 255\n", b"P1 # a comment", b"P5 16 16"], "JPEG 2000": [b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"],
    "AVIF": [b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", b"\0\0\0\x14ftypavis\0\0\0\0"],
    "HEIC": [b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heix", b"\0\0\0\x14ftyphevc\0\0\0\0"],
    "JPEG XL": [b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"], "Photoshop": [b"8BPS\0\1"], "DICOM": [bytes(128) + b"DICM"],
    "camera raw": [b"II*\0\x10\0\0\0CR\2\0", b"\0\0\0\x18ftypcrx \0\0\0\1crx ", b"FUJIFILMCCD-RAW 0201", b"IIRO\x08\0"],
    "vector": [b'<?xml version="1.0"?>\n<svg xmlns', b"<svg width", b"%!PS-Adobe-3.0 EPSF", b"\1\0\0\0" + bytes(36) + b" EMF"],
    "icon": [b"\0\0\1\0\1\0\x10\x10"], "OpenEXR": [b"\x76\x2f\x31\x01"], "GIMP": [b"gimp xcf v011"],
    "": [
        b"", b"hello", b"BMW builds cars, and this is a text", b"P6 is a road", b"RIFF\x10\0\0\0AVI LIST", bytes(132),
        b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", b"<?xml version='1.0'?><note>", b"%PDF-1.4", b"PK\3\4", b"#!/bin/sh",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "start"), [(kind, start) for kind, starts in BEGINNINGS.items() for start in starts])
def test_kind_by_first_bytes(kind, start):
    assert kind_of(start) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.CR2", "camera raw"), ("b.c.Dcm", "DICOM"), ("x.jxl", "JPEG XL"), ("x.svg", "vector"), ("x.heif", "HEIC"),
     ("x.jpg", ""), ("x.foo", ""), ("jxl", ""), ("x", "")],
)  # fmt: skip
def test_kind_by_name(name, kind):
    assert kind_of_name(name) == kind


def test_endings_of_what_is_never_opened_and_of_what_is_left_over():
    assert all(map(is_no_picture, ("a.txt", "labels.CSV", "model.pth.tar", "IMG_1.AAE", "film.mov", "Thumbs.db")))
    assert not any(map(is_no_picture, ("txt", "a.jpg_large", "a.image", "a.heic", "a")))
    left = {
        "a.jpg~": "a.jpg",
        "a.JPG.bak": "a.JPG",
        "a.jpg.crdownload": "a.jpg",
        "a.jpg_original": "a.jpg",
        "b.part": "b",
    }
    assert {name: before_left_over(name) for name in left} == left
    assert before_left_over("a.jpg.1") == before_left_over("partial.jpg") == ""


def test_avif_and_heic_are_read_where_their_library_is_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert ("AVIF" in kinds_read()) == (".avif" in picture_suffixes()) == features.check("avif")
    assert ".heic" not in picture_suffixes()
    package = types.ModuleType("pillow_heif")
    package.__spec__ = types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "pillow_heif", package)
    assert "HEIC" in kinds_read()
    assert {".heic", ".heif"} <= set(picture_suffixes())
    monkeypatch.setitem(sys.modules, "PIL._avif", None)
    assert ".avif" not in picture_suffixes()
