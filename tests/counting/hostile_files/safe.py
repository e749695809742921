"""Safetensors files: those with a lying header, and models of this program with a lying description."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from hostile_files.hostile_file import HostileFile, of_bytes
from hostile_files.payloads import MARK

_ZEROS = "0" * 64
_CONTROL = "cat\x1b[2J\x1b[31m\r\n\u202egnp.exe\u2066\x07\x00<b>&amp;<img src=/etc/passwd>"
"""A class name as nobody wants to see it: colours, lines, right to left, a bell and HTML."""


@dataclass(frozen=True)
class State:
    """Honest weights: the shape and the bytes (float32) of each tensor, and the network whose they are."""

    network: str
    shapes: dict[str, tuple[int, ...]]
    values: dict[str, bytes]

    def renamed(self, change: Callable[[str], str]) -> State:
        """The same under other names."""
        shapes = {change(name): shape for name, shape in self.shapes.items()}
        return State(self.network, shapes, {change(name): data for name, data in self.values.items()})


def safetensors(header: object, data: bytes, length: int | None = None) -> bytes:
    """A file with this header, as JSON unless it is bytes, and with this claim about the header's length."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def header_of(state: State, metadata: Mapping[str, str] | None = None) -> tuple[dict[str, Any], bytes]:
    """An honest header, and the bytes that follow it."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    data = b""
    for name, shape in state.shapes.items():
        header[name] = {
            "dtype": "F32", "shape": list(shape), "data_offsets": [len(data), len(data) + len(state.values[name])],
        }  # fmt: skip
        data += state.values[name]
    return header, data


def lying_headers(state: State) -> Iterator[HostileFile]:
    """Weights whose header lies, each in one way."""
    for name, change in _LIES.items():
        yield of_bytes("safetensors", name, partial(_lying, state, change), ".safetensors")
    for name, raw in _RAW_HEADERS.items():
        yield of_bytes("safetensors", name, partial(_raw, raw), ".safetensors")


def _lying(state: State, change: Callable[[dict[str, Any], str], object]) -> bytes:
    header, data = header_of(state)
    change(header, next(iter(state.shapes)))
    return safetensors(header, data)


def _raw(raw: bytes | Callable[[], bytes]) -> bytes:
    return raw() if callable(raw) else raw


def _set(key: str, value: Any) -> Callable[[dict[str, Any], str], object]:
    return lambda header, name: header[name].update({key: value})


_LIES: dict[str, Callable[[dict[str, Any], str], object]] = {
    "an end before the beginning": _set("data_offsets", [100, 0]), "offsets beyond the file": _set("data_offsets", [0, 10**15]),
    "negative offsets": _set("data_offsets", [-100, 0]), "offsets of 2 to the 64": _set("data_offsets", [2**64, 2**64]),
    "one offset": _set("data_offsets", [0]), "offsets that are floats": _set("data_offsets", [0.0, 1800.5]),
    "offsets that are no numbers": _set("data_offsets", [math.nan, math.inf]), "no offsets": _set("data_offsets", None),
    "a shape of a trillion": _set("shape", [10**6, 10**6]), "a shape that overflows": _set("shape", [2**63, 2]),
    "a shape below zero": _set("shape", [-6, -3, 5, 5]), "a shape of floats": _set("shape", [6.5, 3, 5, 5]),
    "a shape of texts": _set("shape", ["6", "3", "5", "5"]), "a shape of 100,000 ones": _set("shape", [1] * 100_000),
    "a shape of nothing": _set("shape", None), "a shape in a shape": _set("shape", [[6, 3], [5, 5]]),
    "no shape": lambda header, name: header[name].pop("shape"), "a type that is none": _set("dtype", "F33"),
    "a type that is smaller": _set("dtype", "F16"), "a type that is larger": _set("dtype", "F64"), "complex": _set("dtype", "C64"),
    "eight bits": _set("dtype", "F8_E4M3"), "four bits": _set("dtype", "F4"), "a type that is a list": _set("dtype", []),
    "a type of a megabyte": _set("dtype", "F" * 1_000_000), "a type with colours": _set("dtype", _CONTROL),
    "all tensors in one place": lambda header, name: [each.update(data_offsets=[0, 1800]) for each in header.values()],
    "a tensor that is a number": lambda header, name: header.update({name: 5}), "a tensor that is a list": lambda header, name: header.update({name: []}),
    "metadata that is a list": lambda header, name: header.update(__metadata__=[1, 2]), "metadata of numbers": lambda header, name: header.update(__metadata__={"a": 1}),
    "a name of ten megabytes": lambda header, name: header.update({"n" * 10_000_000: header.pop(name)}),
    "an empty name": lambda header, name: header.update({"": header.pop(name)}),
    "a name that steers the terminal": lambda header, name: header.update({_CONTROL: header.pop(name)}),
    "a half surrogate": lambda header, name: header.update({"\ud800": header.pop(name)}),
    "a hundred thousand empty tensors": lambda header, name: header.update({f"e{number}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(100_000)}),
    "unknown keys": _set("execute", f"touch {MARK}"),
}  # fmt: skip

_ONE = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
_RAW_HEADERS: dict[str, bytes | Callable[[], bytes]] = {
    "a header of 2 to the 62 bytes": safetensors(_ONE, b"\0" * 4, 2**62), "a header longer than the file": safetensors(_ONE, b"\0" * 4, 200),
    "a header of 90 MB of spaces": lambda: safetensors(_ONE + b" " * 90_000_000, b"\0" * 4),
    "a header of 200 MB of spaces": lambda: safetensors(_ONE + b" " * 200_000_000, b"\0" * 4),
    "a header of 20 MB of names": lambda: safetensors(b"{" + b",".join(b'"%d":0' % number for number in range(2_000_000)) + b"}", b""),
    "a header of no length": safetensors(b"", b"", 0), "a header of one byte": safetensors(b"{", b""), "no header": b"\0" * 8,
    "brackets ten million deep": lambda: safetensors(b'{"w":' + b"[" * 10_000_000, b""),
    "dicts a hundred thousand deep": lambda: safetensors(b'{"w":' * 100_000 + b"0" + b"}" * 100_000, b""),
    "the same name twice": safetensors(_ONE[:-1] + b"," + _ONE[1:], b"\0" * 8), "the same key twice": safetensors(_ONE.replace(b'"shape":[1]', b'"shape":[10000000000],"shape":[1]'), b"\0" * 4),
    "a number of a million digits": lambda: safetensors(_ONE.replace(b"[1]", b"[" + b"9" * 1_000_000 + b"]"), b"\0" * 4),
    "a number of 4,000 digits": safetensors(_ONE.replace(b"[1]", b"[" + b"9" * 4_000 + b"]"), b"\0" * 4),
    "an exponent of a billion": safetensors(_ONE.replace(b"[1]", b"[1e999999999]"), b"\0" * 4), "a NaN": safetensors(_ONE.replace(b"[1]", b"[NaN]"), b"\0" * 4),
    "no text": safetensors(b'{"w":\xff\xfe}', b""), "a null byte": safetensors(b"{\0}", b""), "a list": safetensors([1], b""), "a text": safetensors("w", b""),
    "null": safetensors(b"{} null", b""), "nothing in it": safetensors({}, b""), "another thing behind it": safetensors(_ONE, b"\0" * 4) + b"PK\x03\x04" * 99,
    "weights that are no numbers": safetensors(_ONE, b"\xff\xff\xff\xff"), "an escape without an end": safetensors(b'{"\\u', b""), "a marker of byte order": safetensors(b"\xef\xbb\xbf" + _ONE, b"\0" * 4),
}  # fmt: skip


def description(state: State, classes: int = 4) -> dict[str, Any]:
    """An honest description of a model, as version 1 of this program writes it."""
    return {
        "format": 2, "network": state.network, "classes": [f"class {number}" for number in range(classes)],
        "preprocessing": {
            "image_size": 32, "resize": 37, "interpolation": "bilinear", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
        },
        "epoch": 1, "validated": True, "val_accuracy": 0.5, "val_loss": 1.0, "test": None, "test_opened": 0,
        "dataset_fingerprint": "", "split_fingerprint": "", "resnet_gui": "0.1.0", "torch": "2.6", "python": "3.11", "sha256": _ZEROS,
    }  # fmt: skip


def model(state: State, described: object) -> bytes:
    """A model file with this description, or what makes it, whose checksum is right."""
    described = described() if callable(described) else described
    text = described if isinstance(described, str) else json.dumps(described)
    return sealed(safetensors(*header_of(state, {"resnet_gui": text})))


def sealed(data: bytes) -> bytes:
    """`data` with its checksum, if it has a place for one."""
    mark = b'\\"sha256\\": \\"'
    place = data.find(mark + _ZEROS.encode())
    if place < 0:
        return data
    place += len(mark)
    return data[:place] + hashlib.sha256(data).hexdigest().encode() + data[place + len(_ZEROS) :]


def lying_models(state: State) -> Iterator[HostileFile]:
    """Models of this program, each with one field that lies; the checksum is always right."""
    good = description(state)
    for path, values in _FIELDS.items():
        for number, value in enumerate(values):
            yield _model(state, f"{path} {number}: {value!r:.40}", _changed(good, path, value))
    for name, make in _CLASSES.items():
        yield _model(state, name, lambda make=make: {**good, "classes": make()})
    yield from _lying_weights(state, good)
    for name, text in _TEXTS.items():
        yield _model(state, f"a description that is {name}", text)
    for network, count in _GIANTS.items():
        yield _model(
            state, f"the network {network} of {count:,} classes",
            lambda network=network, count=count: {**good, "network": network, "classes": [f"{n}" for n in range(count)]},
        )  # fmt: skip


_CLASSES: dict[str, Callable[[], list[str]]] = {
    "10,000 classes of 1,000 letters": lambda: ["k" * 1000 + f"{number}" for number in range(10_000)],
    "one class of 10 MB": lambda: ["k" * 10_000_000, "b", "c", "d"], "a million classes": lambda: [f"{number}" for number in range(1_000_000)],
}  # fmt: skip


def _model(state: State, name: str, described: object) -> HostileFile:
    return of_bytes("model", name, partial(model, state, described), ".safetensors", is_model=True)


def _changed(described: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(described)
    *above, last = path.split(".")
    target = changed
    for name in above:
        target = target[name]
    if value is _GONE:
        del target[last]
    else:
        target[last] = value
    return changed


_GONE = object()
_NO_NUMBERS = [math.nan, math.inf, -1, 1e308, "1", None, [], True, 2**70, _GONE]
_COUNTS = [0, -5, 100_000, 10**9, 2**70, 32.5, math.nan, "32", None, True, [], _GONE]
_SCORE = {"right": 1, "total": 2, "loss": 0.5, "classes": [], "opened": 1}
_FIELDS: dict[str, list[Any]] = {
    "network": ["", "resnet9000", "timm:vit_giant_patch14_clip_224", "timm/../../etc", _CONTROL, "n" * 1_000_000, 5, None, ["lenet5_cifar"], "torchvision:resnet18", "os:system", _GONE],
    "classes": [[], ["one"], ["a", "a", "a", "a"], ["", "b", "c", "d"], [_CONTROL, "b", "c", "d"], ["a", 1, None, True], "abcd", {"a": 1}, None, [["a"], "b", "c", "d"], ["\ud800", "b", "c", "d"], [" ", "\t", "\u200b", "\u202e"], ["../../x", "/etc/passwd", "=1+1", "@SUM(A1)"], ["a"] * 100_000, _GONE],
    "preprocessing.image_size": _COUNTS, "preprocessing.resize": [*_COUNTS, 8, 1],
    "preprocessing.interpolation": ["", "lanczos", "__class__", _CONTROL, 5, None, ["bilinear"], {"a": 1}, _GONE],
    "preprocessing.mean": [[math.nan] * 3, [math.inf] * 3, [1e308] * 3, [], [0.5], [0.5] * 2, [0.5] * 4, [0.5] * 100_000, ["0.5"] * 3, None, 0.5, [[0.5]] * 3],
    "preprocessing.std": [[0, 0, 0], [0.2, 0, 0.2], [-1, -1, -1], [1e-320] * 3, [math.nan] * 3, [math.inf] * 3, [0.2], [0.2] * 4, [], None, ["1"] * 3],
    "preprocessing.grey_range": [{"low": 5, "high": 5}, {"low": math.nan, "high": 1}, {"low": 9, "high": 1}, {"low": 0, "high": 1e308}, [], "0-1", {"low": "0", "high": "1"}],
    "preprocessing": [None, 5, [], {}, {"image_size": 32}, "x"],
    "val_accuracy": _NO_NUMBERS, "val_loss": _NO_NUMBERS[:6], "epoch": _COUNTS[:9], "test_opened": _COUNTS[:9], "val_leaked": _COUNTS[:7], "validated": [1, "yes", None, []],
    "test": [5, [], {}, {**_SCORE, "total": 0}, {**_SCORE, "right": 5}, {**_SCORE, "loss": math.nan}, {**_SCORE, "total": -1}, {**_SCORE, "classes": [{"name": _CONTROL, "right": 1, "total": 0}]}, {**_SCORE, "classes": [5]}, {**_SCORE, "leaked": 3}],
    "format": [0, -1, 3, 4, 10**9, 2**70, math.nan, math.inf, "2", None, [], True, _GONE], "sha256": ["", "0", None, 5, "f" * 64, _GONE, "\ud800"],
    "torch": [_CONTROL, None, 5, "t" * 1_000_000], "resnet_gui": [_CONTROL, [], 9.9],
}  # fmt: skip

_TEXTS = {
    "nothing": "", "no JSON": "hello", "a list": "[]", "a number": "5", "null": "null", "NaN": "NaN", "empty": "{}", "cut short": '{"format": 2, "network"',
    "a thousand deep": "[" * 1_000 + "]" * 1_000, "a million deep": '{"format":' + "[" * 1_000_000, "a number of 5,000 digits": '{"format": ' + "9" * 5_000 + "}",
    "only a format": '{"format": 2}', "of a later format": '{"format": 99, "sha256": "0"}', "a text in a text": json.dumps(json.dumps({"format": 2})),
}  # fmt: skip
_GIANTS = {
    "vgg19": 1000, "wide_resnet101_2": 4, "vgg16": 100_000, "resnet152": 4, "timm:vit_giant_patch14_clip_224": 4, "timm/vit_giant_patch14_clip_224.laion2b": 4,
    "alexnet": 1_000, "lenet5_cifar": 300_000,
}  # fmt: skip


def _lying_weights(state: State, good: dict[str, Any]) -> Iterator[HostileFile]:
    for name, number in {
        "not a number": math.nan,
        "infinite": math.inf,
        "minus infinite": -math.inf,
        "huge": 3e38,
        "tiny": 1e-45,
    }.items():
        for which in ("first", "last", "every"):
            yield _model(_filled(state, which, number), f"{which} weight {name}", good)
    renamed = {
        "other names": state.renamed(lambda name: f"x.{name}"), "names that steer the terminal": state.renamed(lambda name: name + _CONTROL),
        "no weights": State(state.network, {}, {}), "names of a megabyte": state.renamed(lambda name: name * 100_000),
    }  # fmt: skip
    for name, changed in renamed.items():
        yield _model(changed, name, good)
    reshaped = State(state.network, {name: (*shape[::-1],) for name, shape in state.shapes.items()}, state.values)
    yield _model(reshaped, "shapes turned about", good)


def _filled(state: State, which: str, number: float) -> State:
    names = list(state.values)
    chosen = {"first": names[:1], "last": names[-1:], "every": names}[which]
    values = {
        name: (struct.pack("<f", number) + data[4:] if which != "every" else struct.pack("<f", number) * (len(data) // 4)) if name in chosen else data
        for name, data in state.values.items()
    }  # fmt: skip
    return State(state.network, state.shapes, values)
