"""Recognises files that hold no weights of PyTorch, so that the user is told what they are and what to do."""

from __future__ import annotations

import codecs
from collections.abc import Collection, Iterable
from pathlib import Path

from resnet_gui.messages import Problem
from resnet_gui.weights.refusals import OtherFormat

_CONVERT, _ALONE, _UNPACK = "advice_convert", "advice_weights_alone", "advice_unpack"

_STARTS: dict[bytes, tuple[str, str]] = {
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file, as Keras writes it", _CONVERT),
    b"GGUF": ("a GGUF file, as llama.cpp reads it", _CONVERT),
    b"\x93NUMPY": ("a numpy array (.npy)", _CONVERT),
    b"\x12\x01\x00\x00\x00\x00\x00\x00": ("a file of MXNet", _CONVERT),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"Rar!": ("a RAR archive", _UNPACK),
    b"\x1f\x8b": ("a gzip archive", _UNPACK),
    b"BZh": ("a bzip2 archive", _UNPACK),
    b"\xfd7zXZ\x00": ("an xz archive", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("a zstd archive", _UNPACK),
}
_OTHER_STARTS = {
    b"version https://git-lfs": "a Git LFS placeholder (run “git lfs pull” in its repository)",
    b"\x89PNG": "a picture (PNG)", b"\xff\xd8\xff": "a picture (JPEG)", b"GIF8": "a picture (GIF)",
    b"BM": "a picture (BMP)", b"II*\0": "a picture (TIFF)", b"MM\0*": "a picture (TIFF)", b"%PDF": "a PDF",
    b"SQLite format 3": "a database", b"\x7fELF": "a program", b"MZ": "a program", b"#!": "a script",
    b"PAR1": "a table (Parquet)",
}  # fmt: skip
_SUFFIXES: dict[str, tuple[str, str]] = {
    ".onnx": ("an ONNX file", _CONVERT),
    ".pb": ("a TensorFlow graph", _CONVERT),
    ".h5": ("an HDF5 file, as Keras writes it", _CONVERT),
    ".tflite": ("a TensorFlow Lite file", _CONVERT),
    ".mlmodel": ("a Core ML file", _CONVERT),
    ".caffemodel": ("a file of Caffe", _CONVERT),
    ".prototxt": ("a description of a network for Caffe", _CONVERT),
    ".pdmodel": ("a program of PaddlePaddle", _CONVERT),
    ".pdiparams": ("a file of PaddlePaddle", _CONVERT),
    ".params": ("a file of MXNet", _CONVERT),
    ".msgpack": ("a msgpack file, as Flax writes it", _CONVERT),
    ".engine": ("a TensorRT engine", _CONVERT),
    ".weights": ("a file of Darknet", _CONVERT),
    ".npz": ("a numpy archive (.npz)", _CONVERT),
    ".pbtxt": ("a TensorFlow graph", _CONVERT),
    ".meta": ("a part of a TensorFlow checkpoint", _CONVERT),
    ".index": ("the index of a TensorFlow checkpoint", _CONVERT),
}
_TEXTS = (".prototxt", ".pbtxt")
"""Those of them that are texts. A text with another of these names is something else."""

_LIBRARIES = {
    "sklearn": "scikit-learn", "joblib": "joblib", "xgboost": "XGBoost", "lightgbm": "LightGBM",
    "catboost": "CatBoost", "tensorflow": "TensorFlow", "keras": "Keras", "jax": "JAX", "flax": "Flax",
    "pandas": "pandas", "paddle": "PaddlePaddle", "fastai": "fastai",
}  # fmt: skip


def refuse_folder(path: Path) -> None:
    """Raises `Problem` for a folder, with what it is."""
    for name, what in (
        ("saved_model.pb", "a TensorFlow SavedModel"),
        ("variables", "a TensorFlow SavedModel"),
        ("checkpoint", "a TensorFlow checkpoint"),
        ("Manifest.json", "a Core ML package"),
        ("fingerprint.pb", "a TensorFlow SavedModel"),
    ):
        if (path / name).exists():
            raise OtherFormat(f"{what} (a folder)", _CONVERT)
    raise Problem("weights_not_weights", path=str(path), what="a folder")


def refuse_archive(names: Collection[str]) -> None:
    """Raises `OtherFormat` for a zip archive with these members that holds no weights of `torch.save`."""
    inner = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inner or any(name.startswith("code/") for name in inner):
        raise OtherFormat("a TorchScript program (torch.jit.save)", _ALONE)
    if any(
        name.endswith(("serialized_exported_program.json", "archive_format")) or "/models/" in f"/{name}"
        for name in names
    ):
        raise OtherFormat("a program of torch.export (.pt2)", _ALONE)


def refuse_foreign_archive(names: Collection[str]) -> None:
    """Raises `OtherFormat` for a zip archive with these members, none of which is the pickle of `torch.save`."""
    if any(name.endswith(".weights.h5") for name in names):
        raise OtherFormat("a Keras file (.keras)", _CONVERT)
    if names and all(name.endswith(".npy") for name in names):
        raise OtherFormat("a numpy archive (.npz)", _CONVERT)
    if any(name.endswith("saved_model.pb") for name in names):
        raise OtherFormat("a zip archive with a TensorFlow SavedModel", _CONVERT)
    if any(name.endswith((".mlmodel", "coremldata.bin")) for name in names):
        raise OtherFormat("a Core ML package", _CONVERT)
    if any(name.endswith((".pth", ".pt", ".ckpt", ".safetensors", ".bin", ".th")) for name in names):
        raise OtherFormat("a zip archive with files in it", _UNPACK)


def refuse_by_content(path: Path, start: bytes) -> None:
    """Raises `OtherFormat` or `Problem` for a file that begins with `start` and is in no form that is read."""
    for magic, (what, advice) in _STARTS.items():
        if start.startswith(magic):
            raise OtherFormat(what, advice)
    if start[4:8] == b"TFL3":
        raise OtherFormat("a TensorFlow Lite file", _CONVERT)
    if b"<net " in start and start.lstrip().startswith(b"<"):
        raise OtherFormat("an OpenVINO file", _CONVERT)
    if ".data-0" in path.name or (path.name == "checkpoint" and b"model_checkpoint_path" in start):
        raise OtherFormat("a part of a TensorFlow checkpoint", _CONVERT)
    if path.name == "saved_model.pb":
        raise OtherFormat("a TensorFlow SavedModel", _CONVERT)
    suffix, text = path.suffix.lower(), _is_text(start)
    if start and suffix in _SUFFIXES and text == (suffix in _TEXTS):
        raise OtherFormat(*_SUFFIXES[suffix])
    if start.startswith(b"\x08") and b"\x12" in start[2:4] and any(start[4:]):
        raise OtherFormat("an ONNX file or one of TensorFlow", _CONVERT)
    raise Problem("weights_not_weights", path=str(path), what=_kind_of_file(start, text))


def _is_text(start: bytes) -> bool:
    """Whether the first bytes of a file, which may end within a letter, are text."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return not any(ord(letter) < 32 and letter not in "\t\n\r\f" for letter in text)


def _kind_of_file(start: bytes, text: bool) -> str:
    """What a file that holds no weights is, by its first bytes."""
    if not start:
        return "empty (0 bytes)"
    if not any(start):
        return "full of zeros, perhaps a download that was not finished"
    known = next((what for magic, what in _OTHER_STARTS.items() if start.startswith(magic)), "")
    if known:
        return known
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "a picture (WebP)"
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page (perhaps the download needs a login)"
    if b'"weight_map"' in start:
        return "the list of the parts of weights that are in several files (choose the .safetensors or .bin files)"
    if start.lstrip()[:1] in (b"{", b"[") and text:
        return "a text in JSON, not the weights that it may describe"
    return "a text" if text else "of an unknown format"


def refuse_library(names: Iterable[str]) -> None:
    """Raises `OtherFormat` if a pickle that named `names` is one of another library's."""
    for name in names:
        library = _LIBRARIES.get(name.partition(".")[0])
        if library:
            raise OtherFormat(f"a pickle of {library}", _CONVERT)
