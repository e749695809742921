"""What a file is by its name or its first bytes: a picture that can be read, one that cannot, or none. Opens nothing.

The one home of these lists: listing folders, decoding and the window's file dialogs use them.
"""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec

from resnet_gui.data.samples import SUFFIXES

FIRST_BYTES = 132
"""As many as `kind_of` looks at: DICOM has its mark behind 128 others."""

READ = ("JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF", "PPM", "JPEG 2000")
"""The kinds that can always be read; see `kinds_read`."""

_OPTIONAL = {
    "AVIF": ("PIL._avif", (".avif", ".avifs")),
    "HEIC": ("pillow_heif", (".heic", ".heif", ".hif", ".heics", ".heifs")),
}
"""The kinds that can be read where a module is installed: the module, and their endings."""

_UNREAD = {
    "JPEG XL": "jxl", "JPEG XR": "jxr wdp hdp", "JPEG-LS": "jls", "Photoshop": "psd psb", "GIMP": "xcf", "Krita": "kra",
    "camera raw": "3fr arw cr2 cr3 crw dng erf iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f",
    "vector": "svg svgz eps ai wmf emf cdr", "icon": "ico cur icns", "DICOM": "dcm dicom ima", "NIfTI": "nii",
    "OpenEXR": "exr", "Radiance HDR": "hdr", "TGA": "tga", "DDS": "dds", "PCX": "pcx", "SGI": "sgi", "Sun raster": "ras",
    "QOI": "qoi", "FLIF": "flif", "BPG": "bpg", "DjVu": "djvu djv", "FITS": "fits fit fts", "slide": "svs ndpi mrxs czi",
}  # fmt: skip
_KIND_OF_ENDING = {ending: kind for kind, endings in _UNREAD.items() for ending in endings.split()}

_NO_PICTURES = (
    "txt csv tsv json jsonl geojson xml yaml yml toml md rst npy npz mat h5 hdf5 pt pth pkl pickle joblib onnx pb "
    "safetensors ckpt tfrecord lmdb mdb parquet arrow feather zip tar gz tgz bz2 xz 7z rar zst pdf html htm css js ts "
    "py pyc ipynb sh bat ps1 c cc cpp h hpp java r go rs db sqlite sqlite3 ini cfg conf log lock mp4 avi mov mkv webm m4v "
    "mpg mpeg wmv 3gp flv mp3 wav flac ogg m4a aac doc docx xls xlsx ppt pptx odt ods rtf tex bib exe dll so dylib iso dmg "
    "apk srt vtt xmp aae thm url lnk nfo sha256 sha1 md5 torrent"
)
"""Files that end so are never opened. A THM is a film's thumbnail, an XMP or AAE what was changed about a photograph."""

_NEVER_OPENED = frozenset(_NO_PICTURES.split())

_LEFT_OVER = re.compile(
    r"(~|_original|\.(bak\d*|old|orig|tmp|temp|part|partial|filepart|crdownload|opdownload|download|aria2|swp|!ut))$",
    re.I,
)
"""The endings of backups and of downloads that did not finish."""

_MARKS: tuple[tuple[str, bytes], ...] = (
    ("JPEG-LS", rb"\xff\xd8\xff\xf7"), ("JPEG", rb"\xff\xd8\xff"), ("PNG", rb"\x89PNG\r\n\x1a\n"), ("GIF", rb"GIF8[79]a"),
    ("WebP", rb"RIFF....WEBP"), ("BMP", rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0"),
    ("camera raw", rb"II\*\0.{4}CR|IIR[OS]|IIU\0|FUJIFILMCCD-RAW|FOVb|....ftypcrx "),
    ("TIFF", rb"II[*+]\0|MM\0[*+]"), ("PPM", rb"P[1-6]\s+(?:#|\d+\s)|P[fF]\n\d+ \d+\n"),
    ("JPEG 2000", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"), ("JPEG XL", rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"),
    ("JPEG XR", rb"II\xbc"), ("Photoshop", rb"8BPS\0"), ("GIMP", rb"gimp xcf "), ("DICOM", rb".{128}DICM"),
    ("vector", rb"%!PS-Adobe|\xc5\xd0\xd3\xc6|\xd7\xcd\xc6\x9a|(?:<\?xml[^>]*>)?\s*<svg\b|\x01\0\0\0.{36} EMF"),
    ("icon", rb"\0\0\x01\0[\x01-\x20]\0|icns"), ("DDS", rb"DDS \x7c"), ("OpenEXR", rb"\x76\x2f\x31\x01"),
    ("Radiance HDR", rb"#\?(?:RADIANCE|RGBE)\n"), ("QOI", rb"qoif"), ("FLIF", rb"FLIF"), ("BPG", rb"BPG\xfb"),
    ("DjVu", rb"AT&TFORM"), ("FITS", rb"SIMPLE  ="), ("Sun raster", rb"\x59\xa6\x6a\x95"),
)  # fmt: skip
_MARK = re.compile(b"|".join(rb"(?P<k%d>%s)" % (index, mark) for index, (_, mark) in enumerate(_MARKS)), re.DOTALL)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2"}


def kinds_read() -> tuple[str, ...]:
    """The kinds of picture that can be read here: those of `READ`, and those for which there is a library.

    No library is imported for that, since the window does without them.
    """
    return (*READ, *(kind for kind, (module, _) in _OPTIONAL.items() if _is_installed(module)))


def picture_suffixes() -> tuple[str, ...]:
    """A file is a picture that can be read here if its name, in lower case, ends in one of these."""
    read = kinds_read()
    return (*SUFFIXES, *(suffix for kind, (_, suffixes) in _OPTIONAL.items() if kind in read for suffix in suffixes))


def kind_of_name(name: str) -> str:
    """The kind of picture that a file says to be by its ending, if that is none of `picture_suffixes`; else ""."""
    suffix = f".{_ending(name)}"
    optional = (kind for kind, (_, suffixes) in _OPTIONAL.items() if suffix in suffixes)
    return _KIND_OF_ENDING.get(suffix[1:]) or next(optional, "")


def is_no_picture(name: str) -> bool:
    """Whether the ending of `name` says that there is no picture in it, so that it need not be opened."""
    return _ending(name) in _NEVER_OPENED


def before_left_over(name: str) -> str:
    """The name of the whole file of which `name` is a backup or an unfinished download; "" if it is neither."""
    found = _LEFT_OVER.search(name)
    return name[: found.start()] if found else ""


def kind_of(start: bytes) -> str:
    """The kind of picture that begins with `start`, the first `FIRST_BYTES` of a file; "" if it is none that is known."""
    if start[4:8] == b"ftyp" and start[8:12] != b"crx ":
        return _kind_of_brands(start)
    found = _MARK.match(start)
    return _MARKS[int(found.lastgroup[1:])][0] if found and found.lastgroup else ""


def install_command() -> str:
    """What a user types in a terminal so that HEIC pictures can be read."""
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    return f'{python} -m pip install "resnet-gui[heic]"'


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package that it belongs to
        return False


def _kind_of_brands(start: bytes) -> str:
    """The kind of a file that begins with a list of the formats that it keeps to, as AVIF, HEIC and films do."""
    length = min(int.from_bytes(start[:4], "big"), len(start))
    brands = {start[8:12], *(start[at : at + 4] for at in range(16, length, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIC" if brands & _HEIC_BRANDS else ""


def _ending(name: str) -> str:
    """ "jpg" of "a.b.JPG", "" of a name without a dot."""
    return name.rpartition(".")[2].lower() if "." in name else ""
