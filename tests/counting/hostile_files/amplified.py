"""Short pickles that make a lot of a little: what is large is made once, and then copied, walked or compared again and again."""

from __future__ import annotations

import struct
from collections.abc import Callable

from hostile_files.opcodes import Later, Name, call, encoded, storage, tensor

_MANY, _ITEMS = 60_000, 400_000


def _code(value: object) -> bytes:
    return encoded(value, 2)


def _again(large: bytes, once: bytes, each: bytes, count: int) -> Later:
    """A list: of what `large` makes (memo 1), of what `once` makes (memo 2), and of `each`, `count` times."""
    return Later(lambda: b"](" + large + b"q\x01" + once + b"q\x02" + each * count + b"e")


def _list() -> bytes:
    return b"](" + b"N" * _ITEMS + b"e"


def _dict() -> bytes:
    return b"}(" + b"".join(_code(f"k{number}") + b"N" for number in range(100_000)) + b"u"


def _text(size: int) -> bytes:
    return b"X" + struct.pack("<I", size) + b"t" * size


def amplified() -> dict[str, Later]:
    """Values, by name."""
    plain: dict[str, Callable[[], Later]] = {
        "a list that is copied two thousand times": lambda: _again(_list(), _code(Name("builtins", "list")), b"h\x02h\x01\x85R", 2000),
        "a deque that is copied two thousand times": lambda: _again(_list(), _code(Name("collections", "deque")), b"h\x02h\x01\x85R", 2000),
        "a set that is copied two thousand times": lambda: _again(_list(), _code(Name("builtins", "set")), b"h\x02h\x01\x85R", 2000),
        "a dict that is copied a thousand times": lambda: _again(_dict(), _code(Name("collections", "OrderedDict")), b"h\x02h\x01\x85R", 1000),
        "a dict of pairs that is made a thousand times": lambda: _again(b"](" + (_code(("a", None)) + b"2" * 100_000) + b"e", _code(Name("collections", "OrderedDict")), b"h\x02h\x01\x85R", 1000),
        "a text that is encoded a thousand times": lambda: _again(_text(10_000_000), _code(Name("_codecs", "encode")), b"h\x02h\x01X\6\0\0\0latin1\x86R", 1000),
        "a dict with a hundred thousand states": lambda: _again(_dict(), _code(call("collections:OrderedDict")), b"h\x02h\x01b0", 100_000),
        "stand-ins that share a large argument": lambda: _again(b"(" + b"N" * _ITEMS + b"t", _code(Name("argparse", "Namespace")), b"h\x02h\x01R", _MANY),
        "stand-ins that share a large state": lambda: _again(_dict(), _code(Name("argparse", "Namespace")), b"h\x02)\x81h\x01b", _MANY),
        "stand-ins that share a large list": lambda: _again(_list(), _code(Name("argparse", "Namespace")), b"h\x02)\x81h\x01b", _MANY),
        "a view by a key that takes for ever to hash": lambda: Later(
            lambda: _code(("storage", Name("torch", "FloatStorage"), "0", "cpu", 6))[:-1] + b"(" + _tuples() + b"K\0K\6ttQ"
        ),
        "a module by a name that takes for ever to print": _odd_names,
        "a tuple that takes for ever to print": lambda: Later(_tuples),
        "names to leave out that are many": _left_out,
        "modules that share their weights": _modules, "modules in modules": _nested_modules,
        "tensors without numbers that share a long shape": lambda: _again(
            b"(" + b"K\1" * _ITEMS + b"t", _code(Name("torch._utils", "_rebuild_meta_tensor_no_storage")) ,
            b"h\x02(" + _code(Name("torch", "float32")) + b"h\x01)\x89tR", 50_000,
        ),
        "arrays that share a large text": _arrays,
        "names made of one large text": lambda: Later(
            lambda: b"](" + _text(10_000_000) + b"q\x01" + b"".join(b"h\x01" + _code(f"N{number}") + b"\x93" for number in range(300)) + b"e"
        ),
        "a name of a hundred thousand dots": lambda: Later(lambda: b"c" + b"a." * 100_000 + b"b\nC\n"),
        "two hundred thousand numbers that have one hash": lambda: Later(
            lambda: b"}(" + b"".join(_code((2**61 - 1) * number) + b"N" for number in range(1, 200_000)) + b"u"
        ),
        "a hundred thousand pairs that have one hash": lambda: Later(
            lambda: b"}(" + b"".join(_code(((2**61 - 1) * number, 0)) + b"N" for number in range(1, 100_000)) + b"u"
        ),
        "floats and numbers that have one hash": lambda: Later(
            lambda: b"}(" + b"".join(b"G" + struct.pack(">d", 2.0 ** (61 * (number % 16)) * (number + 1)) + b"N" for number in range(200_000)) + b"u"
        ),
        "dicts that share what they hold, sixty deep": _laughing_dicts,
        "weights within weights, a thousand times": _within,
        "ten thousand parts that fit a little": _parts,
    }  # fmt: skip
    return {name: Later(lambda make=make: make().make()) for name, make in plain.items()}  # type: ignore[misc]


def _tuples() -> bytes:
    """A tuple in a tuple, each twice, sixty times."""
    return b")" + b"2\x86" * 60


def _odd_names() -> Later:
    weight = _code(tensor(storage("0", 6), (2, 3)))
    module = _module(b"}(" + _tuples() + weight + b"u", b"}")
    return Later(lambda: _code(Name("argparse", "Namespace")) + b")\x81" + module + b"b")


def _left_out() -> Later:
    one = _code(tensor(storage("0", 6), (2, 3)))
    weights = b"}(" + one + b"q\x050" + b"".join(_code(f"w{number}") + b"h\x05" for number in range(100_000)) + b"u"
    names = _code("_non_persistent_buffers_set") + _list()
    module = _module(weights, b"}")[:-1] + names + b"u"
    return Later(lambda: _code(Name("argparse", "Namespace")) + b")\x81" + module + b"b")


def _module(parameters: bytes, modules: bytes) -> bytes:
    keys = (_code("_parameters") + parameters, _code("_buffers") + b"}", _code("_modules") + modules)
    return b"}(" + b"".join(keys) + b"u"


def _modules() -> Later:
    one = _code(tensor(storage("0", 6), (2, 3)))
    weights = b"}(" + one + b"q\x050" + b"".join(_code(f"w{number}") + b"h\x05" for number in range(100_000)) + b"u"
    return _again(_module(weights, b"}"), _code(Name("argparse", "Namespace")), b"h\x02)\x81h\x01b", 2000)


def _nested_modules() -> Later:
    """Each module holds the one before under a long name, twice: names that grow, and double."""
    one = _code(tensor(storage("0", 6), (2, 3)))
    name, cls = _code("n" * 10_000), _code(Name("argparse", "Namespace"))
    inner = cls + b")\x81" + _module(b"}(" + _code("w") + one + b"u", b"}") + b"bq\x01"
    level = cls + b")\x81" + _module(b"}", b"}(" + name + b"h\x01" + _code("b") + b"h\x01u") + b"bq\x01"
    return Later(lambda: inner + b"0" + (level + b"0") * 40 + b"h\x01")


def _arrays() -> Later:
    dtype = _code(call("numpy:dtype", "u1", False, True))
    state = b"(K\1" + _code((10_000_000,)) + dtype + b"\x89" + _text(10_000_000) + b"t"
    array = _code(call("numpy.core.multiarray:_reconstruct", Name("numpy", "ndarray"), (0,), b"b"))
    return _again(state, b"N", array + b"h\x01b", 1000)


def _laughing_dicts() -> Later:
    one = b"}" + _code("w") + _code(tensor(storage("0", 6), (2, 3))) + b"sq\x01"
    level = b"0}(" + b"".join(_code(name) + b"h\x01" for name in ("a", "b", "c", "d")) + b"uq\x01"
    return Later(lambda: one + level * 60)


def _within() -> Later:
    inner = b"\x80\x02](" + b"N" * 1000 + b"e."
    data = b"B" + struct.pack("<I", len(inner)) + inner
    return _again(data, _code(Name("torch.storage", "_load_from_bytes")), b"h\x02h\x01\x85R", 10_000)


def _parts() -> Later:
    """Many parts, each with one weight of the network, so that which one is meant is not clear."""

    def make() -> bytes:
        weight = _code(tensor(storage("0", 6), (1, 1, 2, 3))) + b"q\x050"
        names = b"".join(
            _code(f"p{number}.{name}") + b"h\x05" for number in range(10_000) for name in ("conv1.weight", "fc1.weight")
        )
        return weight + b"}(" + names + b"u"

    return Later(make)
