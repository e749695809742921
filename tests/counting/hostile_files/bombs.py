"""Pickles that run nothing, and are yet made to crash, to hang or to take all memory; and tensors that reach too far."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import partial

from hostile_files.amplified import amplified
from hostile_files.opcodes import Call, Later, Name, Persistent, Raw, call, encoded, pickled, storage, tensor

MANY = 1_000_000
_FORM = (2, 3)
_NUMBERS = struct.pack("<6f", *range(6))


def bombs(protocol: int) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """Kind, name and pickle of each."""
    good = tensor(storage("0", 6), _FORM)
    for name, value in _values(protocol).items():
        yield "bomb", name, partial(pickled, {"w": good, "x": value}, protocol)
    for name, value in amplified().items():
        yield "amplified", name, partial(pickled, {"w": good, "x": value}, protocol)
    for name, program in _programs().items():
        yield "broken machine", name, partial(_program, program, protocol)
    for name, wrong in _tensors().items():
        yield "tensor", name, partial(pickled, {"w": wrong}, protocol)


def _program(program: bytes | Callable[[], bytes], protocol: int) -> bytes:
    return b"\x80" + bytes([max(2, protocol)]) + (program() if callable(program) else program)


def _values(protocol: int) -> dict[str, Later]:
    """Values that grow when they are made, printed, hashed, compared, copied or walked."""

    def repeated(piece: bytes, before: bytes = b"", after: bytes = b"") -> Later:
        return Later(lambda: before + piece * MANY + after)

    opaque = encoded(call("argparse:Namespace"), 2)
    thing = encoded(Call(Name("argparse", "Namespace"), ()), 2)
    levels = b"".join(
        b"(" + b"h" + bytes([level]) + b"h" + bytes([level]) + b"t" + b"q" + bytes([level + 1]) for level in range(200)
    )
    doubled = b"".join(b"2\x86" for _ in range(64))
    size = 100_000_000 if protocol == 2 else 5_000_000
    return {
        "a million tuples, one in another": repeated(b"\x85", b")"),
        "a million lists, one in another": repeated(b"]", b"", b"a" * (MANY - 1)),
        "a million dicts, one in another": Later(lambda: b"}" + b"K\0}" * (MANY // 4) + b"s" * (MANY // 4)),
        "a million stand-ins": repeated(opaque, b"](", b"e"),
        "a million stand-ins in a row": repeated(thing + b"0", b"N0", b"N"),
        "a million states of one stand-in": repeated(b"}b", thing),
        "a chain of a hundred thousand calls": Later(lambda: thing + b")R" * (MANY // 10)),
        "a chain of stand-ins in stand-ins": Later(lambda: thing * (MANY // 20) + b"b" * (MANY // 20 - 1)),
        "a million names": Later(lambda: b"](" + b"".join(b"cx%d\ny\n" % number for number in range(MANY // 4)) + b"e"),
        "a billion laughs of tuples": Later(lambda: b")q\0" + levels[: 200 * 8]),
        "two to the power of 64 tuples": Later(lambda: b")" + doubled),
        "a list in itself": Later(lambda: b"]q\x01h\x01a"),
        "a dict in itself": Later(lambda: b"}q\x01X\1\0\0\0ah\x01s"),
        "a stand-in whose state is itself": Later(lambda: thing + b"q\x01h\x01b"),
        "a tuple of a list that holds the tuple": Later(lambda: b"]q\x01\x85q\x02h\x01h\x02a0"),
        "an attribute dict in itself": Later(lambda: thing + b"q\x01}X\5\0\0\0modelh\x01sb"),
        "wrappers without an end": Later(lambda: b"}q\x01X\n\0\0\0state_dicth\x01sX\5\0\0\0modelh\x01s"),
        "a hundred thousand wrappers": Later(lambda: b"}X\5\0\0\0model" * (MANY // 10) + b"N" + b"s" * (MANY // 10)),
        "ten thousand dicts of tensors": Later(lambda: b"}(" + b"".join(b"K\0J" + struct.pack("<i", n) + b"0}X\1\0\0\0wNs" for n in range(10_000)) + b"u"),
        "a number of a hundred megabytes": Later(lambda: b"\x8b" + struct.pack("<i", size) + b"\x7f" * size),
        "a number of a million digits": Later(lambda: b"L" + b"9" * MANY + b"L\n"),
        "a number of a million digits, short form": Later(lambda: b"I" + b"9" * MANY + b"\n"),
        "a float of a million digits": Later(lambda: b"F" + b"9" * MANY + b"\n"),
        "numbers as keys that have one hash": Later(lambda: b"}(" + b"".join(encoded((2**61 - 1) * number, 2) + b"N" for number in range(1, 20_000)) + b"u"),
        "floats that are no numbers as keys": Later(lambda: b"}(" + b"G\x7f\xf8\0\0\0\0\0\0N" * (MANY // 4) + b"u"),
        "a text of ten megabytes with escapes": Later(lambda: b"V" + b"\\u0041" * (MANY * 2) + b"\n"),
        "half of a surrogate pair": Later(lambda: b"X\3\0\0\0\xed\xa0\x80"),
        "a name of a megabyte": Later(lambda: b"c" + b"a" * MANY + b"\n" + b"b" * MANY + b"\n"),
        "a name with a newline and colours": Later(lambda: b"X\6\0\0\0\x1b[31ma" + b"X\5\0\0\0b\r\n\x07c" + b"\x93"),
        "an empty name": Later(lambda: b"c\n\n"),
        "a name of dots": Later(lambda: b"c..\n..\n"),
    }  # fmt: skip


def _programs() -> dict[str, bytes | Callable[[], bytes]]:
    """Programs that no pickler would write."""
    return {
        "a memo that was never put": b"h\xff.", "a memo far away": b"N" + b"r\xff\xff\xff\xff" + b"j\xff\xff\xff\xff.",
        "a memo of two billion": b"Np2000000000\ng2000000000\n.", "a negative memo": b"Np-1\ng-1\n.",
        "nothing on the stack": b"\x85\x86\x87.", "a stop at once": b".", "no stop": b"N", "nothing": b"",
        "a mark too few": b"NNt.", "a mark too many": b"(((N.", "an end of items without a mark": b"]Ne.",
        "an odd number of items": b"}(K\1u.", "a key that is a list": b"}]Ns.", "a key that is a dict": b"}}Ns.",
        "a pop too many": b"000.", "a mark that is taken as a value": b"(.", "two values": b"NN.",
        "a text of 2 to the 40 bytes": b"\x8d" + struct.pack("<Q", 2**40) + b"x.",
        "bytes of 2 to the 63": b"\x8e" + struct.pack("<Q", 2**63 - 1) + b"x.",
        "a bytearray of 2 to the 45": b"\x96" + struct.pack("<Q", 2**45) + b"x.",
        "a text of 4 GB": b"X\xff\xff\xff\xffx.", "a text of a negative length": b"T" + struct.pack("<i", -5) + b"x.",
        "a long of a negative length": b"\x8b" + struct.pack("<i", -5) + b".",
        "a frame that is too long": b"\x95" + struct.pack("<Q", 2**62) + b"N.",
        "a frame that is too short": b"\x95" + struct.pack("<Q", 1) + b"X\1\0\0\0aN.",
        "a million frames": lambda: (b"\x95" + struct.pack("<Q", 9)) * 200_000 + b"N.",
        "protocol 255": b"\x80\xffN.", "a protocol in the middle": b"}\x80\x05X\1\0\0\0wNs\x80\x00.",
        "an instruction that is none": b"\xff\xfe.", "an extension": b"\x82\x01.", "an extension of 2": b"\x83\xff\xff.",
        "an extension of 4": b"\x84\xff\xff\xff\x7f.", "an extension of 0": b"\x84\0\0\0\0.",
        "a buffer": b"\x97.", "a buffer that is only read": b"\x97\x98.", "a name made of numbers": b"K\1K\2\x93.",
        "a name made of a tensor": b"N)\x93.", "a float of no number": b"Fnan\n.", "a float of words": b"Fhello\n.",
        "an int of words": b"Ihello\n.", "a string without quotes": b"Shello\n.", "a string with an escape": b"S'\\x'\n.",
        "a state on a number": b"K\1}b.", "a state on nothing": b"}b.", "a call of a number": b"K\1)R.",
        "a call with a number": b"cos\nsystem\nK\1R.", "a call with a list": b"cos\nsystem\n]R.",
        "items put into a tuple": b")K\1K\2s.", "items put into a text": b"X\1\0\0\0aK\1K\2s.",
        "items appended to a dict": b"}K\1a.", "items added to a list": b"](K\1\x90.", "a frozen set of lists": b"(]\x91.",
        "a set of itself": b"\x8f\x94(h\0\x90.", "a set of a million numbers that have one hash": lambda: b"\x8f(" + b"".join(encoded((2**61 - 1) * number, 2) for number in range(1, 20_000)) + b"\x90.",
        "a persistent id of text": b"Pstorage\n.", "a persistent id of nothing": b"P\n.", "a persistent id of a list": b"]Q.",
        "ten megabytes of stops": lambda: b"N" + b"." * 10_000_000, "ten megabytes of nothing": lambda: b"N0" * 5_000_000 + b"N.",
        "ten megabytes of marks": lambda: b"(" * 10_000_000 + b"N.", "ten megabytes of memos": lambda: b"N" + b"\x94" * 10_000_000 + b".",
        "ten megabytes of doubles": lambda: b"N" + b"2" * 10_000_000 + b".",
    }  # fmt: skip


def _tensors() -> dict[str, object]:
    """Tensors, each with something wrong. The storage "0" holds six numbers of four bytes."""
    real = storage("0", 6)
    return {
        "begins too late": tensor(real, _FORM, None, 1), "begins before the start": tensor(real, _FORM, None, -1),
        "ends too late": tensor(real, _FORM, (4, 1)), "backwards": tensor(real, _FORM, (-3, -1), 5),
        "a trillion items of one number": tensor(real, (10**6, 10**6), (0, 0)),
        "2 to the 63 items": tensor(real, (2**63,), (0,)), "items whose number overflows": tensor(real, (2**32, 2**32), (1, 1)),
        "sizes that overflow to six": tensor(real, (2**63, 2, 3), (0, 3, 1)),
        "no items, huge sizes": tensor(real, (0, 2**62), (2**62, 1)), "an offset of 2 to the 70": tensor(real, (0,), (1,), 2**70),
        "a thousand dimensions": tensor(real, (1,) * 1000, (1,) * 1000), "a hundred thousand dimensions": tensor(real, (1,) * 100_000, (1,) * 100_000),
        "more strides than sizes": tensor(real, _FORM, (3, 1, 1)), "fewer strides than sizes": tensor(real, _FORM, (3,)),
        "a size that is a text": tensor(real, ("2", 3), (3, 1)), "a size that is a float": tensor(real, (2.0, 3), (3, 1)),
        "a size that is true": tensor(real, (True, True), (1, 1)), "a size that is no number": tensor(real, (None, 3), (3, 1)),
        "a stride that is a float": tensor(real, _FORM, (3.0, 1.0)), "sizes that are a list": call("torch._utils:_rebuild_tensor_v2", real, 0, [2, 3], [3, 1], False, call("collections:OrderedDict")),
        "a storage of minus six": tensor(storage("0", -6), _FORM), "a storage of a trillion": tensor(storage("0", 10**12), _FORM),
        "a storage of 2 to the 62 doubles": tensor(storage("0", 2**62, "DoubleStorage"), _FORM),
        "a storage whose size is a text": tensor(storage("0", "6"), _FORM), "a storage whose size is a float": tensor(storage("0", 6.0), _FORM),
        "a storage that is not there": tensor(storage("9", 6), _FORM), "a storage above the folder": tensor(storage("../data.pkl", 6), _FORM),
        "a storage of the disk": tensor(storage("/etc/passwd", 6), _FORM), "a storage with a null byte": tensor(storage("0\0", 6), _FORM),
        "a storage on another machine": tensor(storage("0", 6, "FloatStorage", "cuda:99999"), _FORM),
        "a storage on a device of nonsense": tensor(storage("0", 6, "FloatStorage", "\x1b[31m\n"), _FORM),
        "a storage whose device is a dict": tensor(storage("0", 6, "FloatStorage", {"a": 1}), _FORM),
        "a storage of two types": [tensor(storage("0", 6), _FORM), tensor(storage("0", 3, "DoubleStorage"), (3,))],
        "a storage of two sizes": [tensor(storage("0", 6), _FORM), tensor(storage("0", 4), (4,))],
        "a storage of quarter bytes": tensor(storage("0", 6, "QUInt2x4Storage"), _FORM), "a storage of bits": tensor(storage("0", 6, "BoolStorage"), _FORM),
        "a storage of no type": tensor(storage("0", 24, "UntypedStorage"), _FORM), "a storage of pictures": tensor(storage("0", 6, "PictureStorage"), _FORM),
        "complex numbers": tensor(storage("0", 3, "ComplexFloatStorage"), (3,)), "a view of a storage": tensor(Persistent(("storage", Name("torch", "FloatStorage"), "0", "cpu", 6, ("1", 0, 10**9))), _FORM),
        "a persistent id of another kind": tensor(Persistent(("module", Name("os", "system"), "0", "touch")), _FORM),
        "a persistent id that is a tensor": Persistent(tensor(real, _FORM)), "a storage by itself": real,
        "hooks": tensor(real, _FORM, None, 0, True, {"hook": Name("os", "system")}), "marks": tensor(real, _FORM, None, 0, False, {}, {"conj": True, "neg": True}),
        "a tensor of a tensor": tensor(tensor(real, _FORM), _FORM), "a tensor of nothing": tensor(None, _FORM),
        "a tensor of itself": Raw(b"ctorch._utils\n_rebuild_tensor_v2\nq\x07h\x07K\0)))R"),
        "a sparse tensor": call("torch._utils:_rebuild_sparse_tensor", Name("torch", "sparse_coo"), (tensor(storage("0", 6), (1, 6)), tensor(real, (6,)), (10**12,), False)),
        "a tensor on no device": call("torch._utils:_rebuild_meta_tensor_no_storage", Name("torch", "float32"), (10**6, 10**6), (10**6, 1), False),
        "a quantised tensor": call("torch._utils:_rebuild_qtensor", real, 0, _FORM, (3, 1), (Name("torch", "per_tensor_affine"), 1.0, 0), False, {}),
        "a tensor of numpy": call("torch._utils:_rebuild_device_tensor_from_numpy", call("numpy.core.multiarray:_reconstruct", Name("numpy", "ndarray"), (10**12,), b"b"), Name("torch", "float32"), "cpu", False),
        "a chain of parameters": call("torch._utils:_rebuild_parameter", call("torch._utils:_rebuild_parameter", tensor(real, _FORM), False, {}), False, {}),
        "a state on a tensor": Raw(encoded(tensor(real, _FORM), 2) + encoded({"requires_grad": True, "data": None, "shape": (10**9,)}, 2) + b"b"),
        "items put into a tensor": Raw(encoded(tensor(real, _FORM), 2) + b"K\0K\1s"),
        "a tensor as a key": Raw(b"}" + encoded(tensor(real, _FORM), 2) + b"Ns"),
        "a tensor's name of ten megabytes": Later(lambda: b"}" + encoded("n" * 10_000_000, 2) + encoded(tensor(real, _FORM), 2) + b"s"),
        "a hundred thousand tensors of one storage": Later(lambda: b"}(" + b"".join(encoded(f"w{number}", 2) + (encoded(tensor(real, _FORM), 2) + b"q\x01" if not number else b"h\x01") for number in range(100_000)) + b"u"),
        "twenty thousand whole tensors": Later(lambda: b"}(" + b"".join(encoded(f"w{number}", 2) + encoded(tensor(real, _FORM), 2) for number in range(20_000)) + b"u"),
        "names that only look different": Raw(b"}(" + b"".join(encoded(name, 2) + encoded(tensor(real, _FORM), 2) for name in ("conv1.weight\u202e", "conv1.weight\n", "\x1b[2Jconv1.weight", "conv1.weight\0")) + b"u"),
        "prefixes a hundred thousand deep": Later(lambda: b"}" + encoded("module." * 100_000 + "conv1.weight", 2) + encoded(tensor(real, _FORM), 2) + b"s"),
    }  # fmt: skip


NUMBERS = [_NUMBERS]
"""The storages of the tensors."""
