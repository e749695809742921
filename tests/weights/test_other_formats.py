"""A file of another program is called by its name, and the sentence says what to do."""

import gzip
import io
import pickle
import struct
import tarfile
import types
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image
from torch import nn

from resnet_gui.messages import Problem
from resnet_gui.weights.weight_file import read_contents


def refusal(path: Path) -> tuple[str, str]:
    with pytest.raises(Problem) as caught:
        read_contents(path)
    return caught.value.message.code, str(caught.value).replace(str(path), "PATH")


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, b"x")
    return content.getvalue()


HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(200)
ONNX = b"\x08\x07\x12\x07pytorch\x1a\x051.9.0" + bytes(100)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("model.h5", HDF5, "an HDF5 file, as Keras writes it"),
        ("renamed.pth", HDF5, "an HDF5 file, as Keras writes it"),
        ("model.keras", zipped("metadata.json", "config.json", "model.weights.h5"), "a Keras file"),
        ("arrays.npz", zipped("a.npy", "b.npy"), "a numpy archive (.npz)"),
        ("array.npy", b"\x93NUMPY\x01\0" + bytes(100), "a numpy array (.npy)"),
        ("model.onnx", ONNX, "an ONNX file"),
        ("renamed.pth", ONNX, "an ONNX file or one of TensorFlow"),
        ("frozen.pb", b"\x0a\x1c\x0a\x05input\x12\x0bPlaceholder" + bytes(50), "a TensorFlow graph"),
        ("saved_model.pb", b"\x08\x01\x12\xe0\x01" + bytes(50), "a TensorFlow SavedModel"),
        ("graph.pbtxt", b"node {\n  name: 'x'\n}", "a TensorFlow graph"),
        ("checkpoint", b'model_checkpoint_path: "model"\n', "a part of a TensorFlow checkpoint"),
        ("model.ckpt-9.index", bytes(range(100)), "the index of a TensorFlow checkpoint"),
        ("model.ckpt-9.data-00000-of-00001", bytes(range(100)), "a part of a TensorFlow checkpoint"),
        ("model.tflite", b"\x1c\0\0\0TFL3" + bytes(60), "a TensorFlow Lite file"),
        ("model.mlmodel", b"\x08\x04\x12\x10\x0a\x05" + bytes(40), "a Core ML file"),
        ("model.gguf", b"GGUF\x03\0\0\0" + bytes(40), "a GGUF file"),
        ("model.xml", b'<?xml version="1.0"?>\n<net name="x" version="11">', "an OpenVINO file"),
        ("model.caffemodel", b"\x0a\x07AlexNet\xff" + bytes(30), "a file of Caffe"),
        ("model.params", struct.pack("<QQ", 0x112, 0) + bytes(40), "a file of MXNet"),
        ("model.pt2", zipped("m/archive_format", "m/models/model.json"), "a program of torch.export"),
        ("script.pt", zipped("m/data.pkl", "m/constants.pkl", "m/code/m.py"), "a TorchScript program"),
        ("weights.pth.gz", gzip.compress(b"x", mtime=0), "a gzip archive"),
        ("weights.7z", b"7z\xbc\xaf\x27\x1c" + bytes(30), "a 7z archive"),
        ("weights.rar", b"Rar!\x1a\x07\x01\0" + bytes(30), "a RAR archive"),
        ("weights.zip", zipped("a/resnet18.pth"), "a zip archive with files in it"),
    ],
)  # fmt: skip
def test_a_file_of_another_program_is_named(name: str, content: bytes, what: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    code, sentence = refusal(tmp_path / name)
    assert code == "weights_other_format"
    assert sentence.startswith(f"PATH is {what}")
    assert "torch.save(model.state_dict(), …)" in sentence or "Unpack it" in sentence
    assert "damaged" not in sentence


def picture(form: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (2, 2)).save(content, form)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (picture("PNG"), "a picture (PNG)"),
        (picture("JPEG"), "a picture (JPEG)"),
        (picture("WEBP"), "a picture (WebP)"),
        (b"\n<html><head>", "a web page"),
        (b'{"architectures": ["ResNet"]}', "a text in JSON"),
        (b'{"metadata": {}, "weight_map": {"a": "b"}}', "the list of the parts of weights"),
        ("name: Bär\n".encode(), "a text"),
        ("name".encode("utf-16"), "a text"),
        (b"cat\ndog\n.", "a text"),
        (bytes(1000), "full of zeros"),
        (zipped("word/document.xml"), "a zip archive of something else"),
        (zipped(), "a zip archive of something else"),
        (pickle.dumps({"loss": [1, 2]}), "without a single tensor"),
        (pickle.dumps({"when": {1, 2}}, 0), "a text"),
    ],
)
def test_what_holds_no_weights_at_all_is_described(content: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    code, sentence = refusal(path)
    assert code == "weights_not_weights"
    assert f"it is {what}" in sentence


@pytest.mark.parametrize(
    ("inside", "what"),
    [
        ("saved_model.pb", "a TensorFlow SavedModel (a folder)"),
        ("checkpoint", "a TensorFlow checkpoint (a folder)"),
        ("Manifest.json", "a Core ML package (a folder)"),
    ],
)
def test_a_folder_of_another_program_is_named(inside: str, what: str, tmp_path: Path) -> None:
    (tmp_path / inside).touch()
    assert what in refusal(tmp_path)[1]


def test_a_tar_archive_of_something_else_is_no_weights(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "pictures.tar", "w") as file:
        file.addfile(tarfile.TarInfo("cat/1.jpg"), io.BytesIO())
    assert "a tar archive of something else" in refusal(tmp_path / "pictures.tar")[1]


def test_a_program_of_torch_export_is_named(tmp_path: Path) -> None:
    path = tmp_path / "program.pt2"
    path.write_bytes(zipped("serialized_exported_program.json", "version"))
    assert "torch.export" in refusal(path)[1]


def test_a_pickle_of_another_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = types.ModuleType("sklearn.svm._classes")
    kind = type("SVC", (), {"__module__": library.__name__})
    library.SVC = kind  # type: ignore[attr-defined]
    for name in ("sklearn", "sklearn.svm", library.__name__):
        monkeypatch.setitem(__import__("sys").modules, name, library)
    model = kind()
    model.coef_ = numpy.ones(3)  # type: ignore[attr-defined]
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    code, sentence = refusal(tmp_path / "model.pkl")
    assert code == "weights_other_format"
    assert "a pickle of scikit-learn" in sentence


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_compression_that_is_not_read_is_no_damage(method: int, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("archive/data.pkl", pickle.dumps({}))
    code, sentence = refusal(path)
    assert code == "weights_unsupported"
    assert "compression" in sentence


def flip_password(data: bytearray) -> bytearray:
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    return data


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(flip_password, "weights_unsupported", id="a password"),
        pytest.param(lambda data: data[:-10], "weights_cut_short", id="the end of the list of parts"),
        pytest.param(lambda data: data[:300], "weights_cut_short", id="the list of parts"),
        pytest.param(lambda data: data + b"\0" * 9, "opens", id="something behind it"),
    ],
)
def test_an_archive_that_is_changed_is_called_what_it_is(
    change: Callable[[bytearray], bytes], code: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(nn.Linear(2, 2).state_dict(), path)
    path.write_bytes(change(bytearray(path.read_bytes())))
    if code == "opens":
        assert list(read_contents(path)) == ["weight", "bias"]
    else:
        assert refusal(path)[0] == code


def test_an_archive_of_very_many_parts_is_not_listed(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, 2**30, 4, 0)
    path.write_bytes(b"PK\x03\x04" + end)
    assert refusal(path)[0] == "weights_unsupported"


def entry(kind: str = "F32", shape: str = "[2]", begin: int = 0, end: int = 8) -> str:
    return f'{{"dtype":"{kind}","shape":{shape},"data_offsets":[{begin},{end}]}}'


@pytest.mark.parametrize(
    ("header", "size", "code"),
    [
        (f'{{"a":{entry()}}}', 7, "weights_cut_short"),
        (f'{{"a":{entry()}}}', 9, "weights_damaged"),
        (f'{{"a":{entry(begin=4, end=12)}}}', 12, "weights_damaged"),
        (f'{{"a":{entry()},"b":{entry()}}}', 8, "weights_damaged"),
        (f'{{"a":{entry(shape="[3]")}}}', 8, "weights_damaged"),
        (f'{{"a":{entry(shape="[-2]")}}}', 8, "weights_damaged"),
        (f'{{"a":{entry(shape="[true,2]")}}}', 8, "weights_damaged"),
        (f'{{"a":{entry(shape="[4294967296,4294967296,2]")}}}', 8, "weights_damaged"),
        (f'{{"a":{entry(begin=8, end=0)}}}', 8, "weights_damaged"),
        ('{"a":{"dtype":"F32"}}', 8, "weights_damaged"),
        ('{"a":' + "[" * 100_000 + "}", 8, "weights_damaged"),
        ("{}", 0, "weights_not_weights"),
        ('{"__metadata__":{"a":"b"}}', 0, "weights_not_weights"),
    ],
)
def test_a_safetensors_file_that_lies_is_refused(header: str, size: int, code: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(size))
    assert refusal(path)[0] == code


@pytest.mark.parametrize(("kind", "size"), [("F8_E4M3", 2), ("C64", 16), ("F4", 1), ("F99", 5)])
def test_odd_numbers_of_safetensors_are_refused_when_they_are_taken(kind: str, size: int, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    header = f'{{"odd":{entry(kind, end=size)},"a":{entry(begin=size, end=size + 8)}}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(size + 8))
    found = read_contents(path)
    assert found["a"].read().tolist() == [0, 0]
    with pytest.raises(Problem) as caught:
        found["odd"].read()
    assert caught.value.message.code == "weights_stored_as"


def test_a_folder_and_a_link_to_nowhere_are_told(tmp_path: Path) -> None:
    (tmp_path / "link.pth").symlink_to("nowhere")
    assert refusal(tmp_path / "link.pth")[0] == "weights_missing"
    assert refusal(tmp_path)[1].endswith("it is a folder.")
