"""Mutations of honest files that know the structure: a changed instruction, header or number, and all else as it was.

Each is a function of a seed: the same seed makes the same file.
"""

from __future__ import annotations

import io
import json
import pickletools
import struct
import zipfile
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from hostile_files.containers import CONTAINERS, zip_of
from hostile_files.hostile_file import HostileFile, of_bytes
from hostile_files.opcodes import call, encoded
from hostile_files.payloads import MARK, WAYS, Canary, by, calls
from hostile_files.safe import sealed

Instruction = tuple[str, Any, bytes]
"""Its name, its argument, and how it is written."""

_INTS = (0, 1, -1, 2, 255, 256, 2**31 - 1, -(2**31), 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 2**70)
_TEXTS = (
    "",
    "0",
    "1",
    "cpu",
    "cuda:0",
    "meta",
    "../0",
    "storage",
    "items",
    "\x1b[2J\u202e\n",
    "n" * 100_000,
    "\0",
    "__class__",
    "state_dict",
)
_NAMES = (
    "os system", "builtins eval", "builtins getattr", "torch FloatStorage", "torch DoubleStorage", "torch HalfStorage", "torch BoolStorage",
    "torch UntypedStorage", "torch QInt8Storage", "torch ComplexFloatStorage", "torch float8_e4m3fn", "torch Size", "torch device",
    "torch.storage _load_from_bytes", "torch._utils _rebuild_tensor", "torch._utils _rebuild_parameter", "torch._utils _rebuild_sparse_tensor",
    "torch._utils _rebuild_qtensor", "torch._tensor _rebuild_from_type_v2", "collections OrderedDict", "collections Counter",
    "collections defaultdict", "argparse Namespace", "numpy.core.multiarray scalar", "numpy dtype", "_codecs encode", "copyreg _reconstructor",
)  # fmt: skip
_PLAIN = (
    b"N",
    b"\x88",
    b")",
    b"]",
    b"}",
    b"K\0",
    b"h\0",
    b"0",
    b"2",
    b"(",
    b"t",
    b"\x85",
    b"\x86",
    b"R",
    b"b",
    b"s",
    b"u",
    b"e",
    b"a",
    b"Q",
    b".",
    b"\x81",
    b"o",
    b"1",
)
_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, 1.5, -0.0, 1e308, float("nan"), float("inf"), "", "F32", "F64", "BF16", "I64", "BOOL", "C64",
    "\x1b[2J\u202e", "n" * 10_000, [], [0], [0, 0], [2**62, 4], [-1, 5], {}, {"a": 1}, [[]], ["a"], "__metadata__",
)  # fmt: skip


def mutated(seed: int, honest: Mapping[str, bytes], canary: Canary) -> HostileFile:
    """One mutation of one of the honest files: "zip" and "stream" as torch writes them, "safetensors", "model"."""
    draw = Random(seed)
    name = draw.choice(sorted(honest))
    mutate: Callable[[bytes, Random, Canary], bytes]
    match name.partition(" ")[0]:
        case "zip":
            mutate = draw.choice((_in_pickle, _in_pickle, _in_pickle, _in_members, _in_directory))
        case "stream":
            mutate = draw.choice((_in_stream, _in_stream, _in_counts))
        case "model":
            mutate = draw.choice((_in_description, _in_description, _in_header))
        case _:
            mutate = draw.choice((_in_header, _in_header, _in_bytes))
    suffix = ".safetensors" if name in ("safetensors", "model") else ".pth"
    title = f"{seed} of {name}{mutate.__name__.replace('_', ' ')}"
    return of_bytes("mutation", title, lambda: mutate(honest[name], Random(f"{seed}"), canary), suffix, name == "model")


def _in_pickle(data: bytes, draw: Random, canary: Canary) -> bytes:
    """A zip archive with another program in it; now and then in another container."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    name = next(name for name in members if name.endswith("data.pkl"))
    pickle = with_changes(members[name], draw, canary)
    if draw.random() < 0.2:
        numbers = [members[key] for key in sorted(members) if "/data/" in key]
        return CONTAINERS[draw.choice(sorted(CONTAINERS))](pickle, numbers)
    return zip_of({**members, name: pickle})


def _in_stream(data: bytes, draw: Random, canary: Canary) -> bytes:
    """A stream, of which one of the five pickles is changed."""
    file, ends = io.BytesIO(data), [0]
    for _ in range(5):
        for _ in pickletools.genops(file):
            pass
        ends.append(file.tell())
    which = draw.choice((0, 2, 3, 3, 3, 4))
    changed = with_changes(data[ends[which] : ends[which + 1]], draw, canary)
    return data[: ends[which]] + changed + data[ends[which + 1] :]


def _in_counts(data: bytes, draw: Random, canary: Canary) -> bytes:
    """A stream whose storages have another count than before, or are cut, moved or doubled."""
    changed = bytearray(data)
    place = draw.randrange(len(data) // 8) * 8 if draw.random() < 0.3 else data.rindex(b".", 0, 20_000) + 1
    struct.pack_into("<q", changed, min(place, len(data) - 8), draw.choice(_INTS[:11]))
    return bytes(changed[: draw.choice((len(changed), len(changed), len(changed) - 100, len(changed) // 2))])


def with_changes(pickle: bytes, draw: Random, canary: Canary) -> bytes:
    """The program with one to four instructions changed."""
    program = _program(pickle)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 4))):
        place = draw.randrange(1, len(program))
        change = draw.choice((_argument, _argument, _argument, _swap, _drop, _double, _other, _payload, _moved))
        change(program, place, draw, canary)
    return b"".join(code for _, _, code in program)


def _program(pickle: bytes) -> list[Instruction]:
    found = list(pickletools.genops(pickle))
    ends = [place for _, _, place in found[1:]] + [len(pickle)]
    return [(op.name, argument, pickle[place:end]) for (op, argument, place), end in zip(found, ends, strict=True)]


def _argument(program: list[Instruction], place: int, draw: Random, canary: Canary) -> None:
    """Another argument for the next instruction that has one."""
    for index in [*range(place, len(program)), *range(place)]:
        name, argument, _ = program[index]
        if name == "GLOBAL":
            program[index] = name, argument, b"c" + draw.choice(_NAMES).replace(" ", "\n").encode() + b"\n"
        elif "GET" in name:
            program[index] = (
                name,
                argument,
                b"j" + struct.pack("<I", draw.choice((0, 1, 2, 3, argument + 1, max(0, argument - 1), 2**32 - 1))),
            )
        elif "PUT" in name:
            program[index] = name, argument, b"r" + struct.pack("<I", draw.choice((0, 1, 2, argument + 1, 2**32 - 1)))
        elif isinstance(argument, int) and name != "PROTO":
            program[index] = (
                name,
                argument,
                encoded(draw.choice((*_INTS, argument + 1, argument - 1, argument * 2, -argument)), 2),
            )
        elif isinstance(argument, str):
            program[index] = name, argument, encoded(draw.choice((*_TEXTS, argument + "x", argument[1:])), 2)
        else:
            continue
        return


def _swap(program: list[Instruction], place: int, draw: Random, canary: Canary) -> None:
    other = draw.randrange(1, len(program))
    program[place], program[other] = program[other], program[place]


def _drop(program: list[Instruction], place: int, draw: Random, canary: Canary) -> None:
    if len(program) > 2:
        del program[place]


def _double(program: list[Instruction], place: int, draw: Random, canary: Canary) -> None:
    program[place:place] = [program[place]] * draw.choice((1, 1, 2, 1000))


def _other(program: list[Instruction], place: int, draw: Random, canary: Canary) -> None:
    program[place] = "other", None, draw.choice(_PLAIN)


def _moved(program: list[Instruction], place: int, draw: Random, canary: Canary) -> None:
    """A piece of the program once more, elsewhere."""
    length = draw.randint(2, 30)
    other = draw.randrange(1, len(program))
    program[other:other] = program[place : place + length]


def _payload(program: list[Instruction], place: int, draw: Random, canary: Canary) -> None:
    """A call that must not run, before an instruction or in its place."""
    known = calls(canary)
    made = known[draw.choice(sorted(known))]
    code = by(draw.choice(WAYS), made, draw.choice((2, 2, 2, 4))).code
    program[place : place + draw.choice((0, 1))] = [("payload", None, code + draw.choice((b"", b"0")))]


def _in_members(data: bytes, draw: Random, canary: Canary) -> bytes:
    """A zip archive with members renamed, left out, doubled, cut, exchanged or added."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    for _ in range(draw.choice((1, 1, 2, 3))):
        index = draw.randrange(len(members))
        name, content = members[index]
        evil = b"\x80\x02" + encoded(call("builtins:eval", canary.code), 2) + b"."
        members[index : index + 1] = draw.choice(
            [
                [], [(name, content)] * 2, [(name, content[: draw.randrange(len(content) + 1)])], [(name + "x", content)],
                [(name.upper(), content)], [(name.partition("/")[2] or name, content)], [(name, evil)], [(name, evil), (name, content)],
                [(name, content), (name, evil)], [(name, content + content)], [(name, members[draw.randrange(len(members))][1])],
                [(f"../{name}", content)], [(name.replace("/", "\\"), content)], [("archive/code/a.py", content), (name, content)],
            ]
        )  # fmt: skip
        members = members or [("archive/data.pkl", evil)]
    return zip_of(members, draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def _in_directory(data: bytes, draw: Random, canary: Canary) -> bytes:
    """A zip archive with numbers of its headers changed."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 3))):
        record = draw.choice((b"PK\x03\x04", b"PK\x01\x02", b"PK\x01\x02", b"PK\x05\x06"))
        places = [place for place in range(len(data)) if data.startswith(record, place)]
        place, offset = draw.choice(places), draw.choice(range(4, 46 if record == b"PK\x01\x02" else 22, 2))
        form = draw.choice(("<H", "<I"))
        if place + offset + 4 <= len(changed):
            struct.pack_into(
                form,
                changed,
                place + offset,
                draw.choice((0, 1, 8, 99, 2**15, 2**16 - 1, len(data))) % 2**16 * (1 if form == "<H" else 65_537),
            )
    return bytes(changed)


def _split(data: bytes) -> tuple[Any, bytes]:
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def _joined(header: Any, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return sealed(struct.pack("<Q", len(text)) + text + data)


def _in_header(data: bytes, draw: Random, canary: Canary) -> bytes:
    """A safetensors file with values of its header exchanged."""
    header, rest = _split(data)
    for _ in range(draw.choice((1, 1, 2, 3))):
        _mutate_json(header, draw)
    return _joined(header, rest[: draw.choice((len(rest), len(rest), len(rest) - 4, len(rest) // 2))])


def _in_description(data: bytes, draw: Random, canary: Canary) -> bytes:
    """A model with values of its description exchanged, whose checksum is right."""
    header, rest = _split(data)
    described = json.loads(header["__metadata__"]["resnet_gui"])
    for _ in range(draw.choice((1, 1, 2, 3))):
        _mutate_json(described, draw)
    if isinstance(described, dict) and draw.random() < 0.9:
        described["sha256"] = "0" * 64
    header["__metadata__"]["resnet_gui"] = json.dumps(described)
    return _joined(header, rest)


def _mutate_json(node: Any, draw: Random) -> None:
    """Changes one value somewhere in `node`, a dict or a list."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    if not keys:
        return
    key = draw.choice(keys)
    if isinstance(node[key], dict | list) and node[key] and draw.random() < 0.8:
        _mutate_json(node[key], draw)
    elif draw.random() < 0.15:
        del node[key]
    elif draw.random() < 0.15 and isinstance(node, dict):
        node[draw.choice(("", f"{key} ", f"{key}".upper(), MARK, "\u202e"))] = node.pop(key)
    else:
        node[key] = draw.choice((*_VALUES, node[draw.choice(keys)]))


def _in_bytes(data: bytes, draw: Random, canary: Canary) -> bytes:
    """Some bits of the first kilobyte turned, or the length of the header."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 2, 5))):
        changed[draw.randrange(min(1024, len(changed)))] ^= 1 << draw.randrange(8)
    if draw.random() < 0.3:
        changed[:8] = struct.pack("<Q", draw.choice((0, 1, 7, len(data), len(data) - 9, 2**32, 2**63, 2**64 - 1)))
    return bytes(changed)
