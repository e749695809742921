"""Every honest file of weights gives its tensors; a dishonest one gives a sentence, and leaves no trace."""

import collections
import contextlib
import io
import os
import pickle
import random
import struct
import subprocess
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from resnet_gui.messages import Problem
from resnet_gui.weights.stored_tensor import Storage, tensor_in
from tests.helpers.checkpoints import weights_in

Write = Callable[[object, Path], None]


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), fc=nn.Linear(4, 2)))


STATE: dict[str, Tensor] = network().state_dict()


def archive(content: object, path: Path) -> None:
    torch.save(content, path)


def stream(content: object, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def safe(content: Any, path: Path) -> None:
    safetensors.torch.save_file(dict(content), path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pth"


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """What a program that was run would leave."""
    return tmp_path / "was-run"


def same(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> bool:
    return list(found) == list(wanted) and all(torch.equal(found[name], wanted[name]) for name in wanted)


def refusal(path: Path) -> tuple[str, str]:
    """The code and the sentence with which the file is refused."""
    with pytest.raises(Problem) as caught:
        weights_in(path)
    assert str(path) in str(caught.value)
    return caught.value.message.code, str(caught.value)


# Honest files.


@pytest.mark.parametrize("write", [archive, stream, safe])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".th", ".safetensors", ""])
def test_every_format_is_known_by_its_content(write: Write, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"weights{suffix}"
    write(STATE, path)
    found = weights_in(path)
    assert same({name: found[name] for name in STATE}, STATE)
    assert len(found) == len(STATE)  # safetensors has an order of its own


def test_what_a_whole_training_keeps_beside_the_weights_is_passed_over(path: Path) -> None:
    optimizer = {"state": {0: {"momentum_buffer": torch.ones(4)}}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]}
    schedule = {"milestones": collections.Counter([3, 3, 6]), "_last_lr": [0.1]}  # as MultiStepLR has it
    extra = {"optimizer": optimizer, "scheduler": schedule, "best_prec1": 92.6, "size": torch.Size([3, 32, 32])}
    archive({"epoch": 9, **extra, "state_dict": STATE}, path)
    found = weights_in(path)
    assert found.pop("optimizer.state.0.momentum_buffer").tolist() == [1, 1, 1, 1]
    assert same({name.removeprefix("state_dict."): tensor for name, tensor in found.items()}, STATE)


@pytest.mark.parametrize("write", [archive, stream, safe])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(write: Write, dtype: torch.dtype, path: Path) -> None:
    write({"fc.weight": torch.tensor([[0.5, -3.0]], dtype=dtype), "count": torch.tensor(3)}, path)
    found = weights_in(path)
    assert found["fc.weight"].dtype == torch.float32
    assert found["fc.weight"].tolist() == [[0.5, -3.0]]
    assert found["count"].dtype == torch.int64


@pytest.mark.parametrize("write", [archive, stream])
def test_tensors_may_share_their_numbers_and_lie_in_any_order(write: Write, path: Path) -> None:
    large = torch.arange(24.0).view(4, 6)
    views = {
        "all": large,
        "again": large,
        "part": large[1:3, 2:],
        "turned": large.T,
        "none": torch.empty(0, 3),
        "one": large[2, 2],
    }
    write(views, path)
    assert same(weights_in(path), views)


def test_weights_of_a_graphics_card_need_none(path: Path) -> None:
    archive(STATE, path)
    parts = parts_of(path)
    parts["data.pkl"] = parts["data.pkl"].replace(b"ctorch\nFloatStorage", b"ctorch.cuda\nFloatStorage")
    assert b"torch.cuda" in parts["data.pkl"]
    write_parts(path, parts)
    assert same(weights_in(path), STATE)


@pytest.mark.parametrize("write", [archive, stream])
def test_a_dict_as_python_2_wrote_it(write: Write, path: Path) -> None:
    write(Call(OrderedDict, [[name, tensor] for name, tensor in STATE.items()]), path)
    assert same(weights_in(path), STATE)


def test_a_file_is_read_where_its_name_is_odd(tmp_path: Path) -> None:
    path = tmp_path / "café {0}.pth"
    archive(STATE, path)
    assert same(weights_in(path), STATE)


# Programs.


class Call:
    """Pickled, it is a call of `function`."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


class Restored:
    """An object that does something when its state is put back."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __setstate__(self, state: dict[str, str]) -> None:
        Path(state["path"]).touch()


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name.partition("/")[2]: file.read(name) for name in file.namelist()}


def write_parts(path: Path, parts: dict[str, bytes], **options: int) -> None:
    with zipfile.ZipFile(path, "w", **options) as file:  # type: ignore[arg-type]
        for name, content in parts.items():
            file.writestr(f"archive/{name}", content)


def write_pickle(path: Path, program: bytes) -> None:
    """An archive as `torch.save` writes it, but for its pickle."""
    archive({"weight": torch.ones(2, 3)}, path)
    write_parts(path, parts_of(path) | {"data.pkl": program})


def write_raw(path: Path, program: bytes) -> None:
    path.write_bytes(program)


def write_late(path: Path, program: bytes) -> None:
    """The old format, with the program as its fourth pickle, behind three that are as they should be."""
    stream({}, path)
    file = io.BytesIO(path.read_bytes())
    for _ in range(3):
        pickle.load(file)
    path.write_bytes(path.read_bytes()[: file.tell()] + program)


WRITERS = [write_pickle, write_raw, write_late]


def touch(path: Path) -> str:
    return f"touch '{path}'"


@pytest.mark.parametrize("write", [archive, stream])
@pytest.mark.parametrize(
    ("program", "named"),
    [
        (lambda marker: Call(os.system, touch(marker)), f"{os.name}.system"),
        (lambda marker: Call(eval, f"__import__('pathlib').Path({str(marker)!r}).touch()"), "eval"),
        (lambda marker: Call(exec, f"open({str(marker)!r}, 'w').close()"), "exec"),
        (lambda marker: Call(subprocess.check_call, ["touch", str(marker)]), "check_call"),
        (lambda marker: Call(Path.touch, marker), "pathlib.Path.touch"),
    ],
)
def test_a_program_is_named_and_not_run(
    program: Callable[[Path], object], named: str, write: Write, path: Path, marker: Path
) -> None:
    write({"state_dict": STATE, "harmless": program(marker)}, path)
    code, sentence = refusal(path)
    assert code == "weights_not_plain"
    assert named in sentence
    assert not marker.exists()
    torch.load(path, weights_only=False)
    assert marker.exists()  # it would have been run


@pytest.mark.parametrize("write", [archive, stream])
@pytest.mark.parametrize("around", [lambda found: found, lambda found: OrderedDict(a=found)])
def test_an_object_with_code_of_its_own_is_not_made(
    around: Callable[[object], object], write: Write, path: Path, marker: Path
) -> None:
    write({**STATE, "other": around(Restored(str(marker)))}, path)
    assert same(weights_in(path), STATE)
    assert not marker.exists()
    torch.load(path, weights_only=False)
    assert marker.exists()  # it would have done something


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


@pytest.mark.parametrize("insert", WRITERS)
def test_a_name_out_of_strings_that_were_noted_earlier_is_seen(
    insert: Callable[[Path, bytes], None], path: Path, marker: Path
) -> None:
    """STACK_GLOBAL: its module and name lie on the stack, here fetched from the memo, in which they have lain for long."""
    program = (
        b"\x80\x04](" + short(os.name) + b"\x94" + short("system") + b"\x94" + short(touch(marker)) + b"\x94e"
        b"h\x00h\x01\x93\x94h\x02\x85R."
    )
    insert(path, program)
    code, sentence = refusal(path)
    assert (code, marker.exists()) == ("weights_not_plain", False)
    assert f"“{os.name}.system”" in sentence
    pickle.loads(program)
    assert marker.exists()


@pytest.mark.parametrize("insert", WRITERS)
@pytest.mark.parametrize(
    ("program", "named"),
    [
        (lambda text: f"\x80\x02(S'{text}'\nios\nsystem\n.".encode("latin-1"), "os.system"),
        (lambda text: b"\x80\x02(" + _unicode(text) + b"ios\nsystem\n.", "os.system"),
        (lambda text: b"\x80\x02(cos\nsystem\n" + _unicode(text) + b"o.", "os.system"),
        (lambda text: b"\x80\x02cos\nsystem\n" + _unicode(text) + b"\x85R.", "os.system"),
        (lambda text: b"\x80\x02}q\x00" + _unicode("a") + b"cos\nsystem\n" + _unicode(text) + b"\x85Rs.", "os.system"),
        (lambda text: b"\x80\x02cbuiltins\ngetattr\ncos\nsystem\n" + _unicode(text) + b"\x86R.", "os.system"),
    ],
)
def test_a_program_in_pickles_own_words_is_not_run(
    program: Callable[[str], bytes], named: str, insert: Callable[[Path, bytes], None], path: Path, marker: Path
) -> None:
    insert(path, program(touch(marker).replace("'", "")))
    code, sentence = refusal(path)
    assert (code, marker.exists()) == ("weights_not_plain", False)
    assert named in sentence


def _unicode(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


@pytest.mark.parametrize(
    ("instruction", "code"),
    [
        pytest.param(b"\x82\x01", "weights_not_plain", id="an extension code"),
        pytest.param(b"Pname\n", "weights_damaged", id="a persistent name"),
        pytest.param(b"R)\x81", "weights_damaged", id="a new object of no class"),
        pytest.param(b"\x97", "weights_unsupported", id="a buffer in another file"),
        pytest.param(b"\xff", "weights_damaged", id="no instruction"),
    ],
)
def test_an_instruction_that_weights_do_not_need_is_refused(instruction: bytes, code: str, path: Path) -> None:
    write_pickle(path, b"\x80\x02ccollections\nOrderedDict\n)" + instruction + b".")
    assert refusal(path)[0] == code


@pytest.mark.parametrize(
    ("content", "code", "named"),
    [
        (Call(torch.load, "/etc/hostname"), "weights_not_plain", "torch.serialization.load"),
        (Call(torch.storage._load_from_bytes, b"\x80"), "weights_cut_short", "ends"),
        (Call(torch._utils._rebuild_device_tensor_from_numpy, 1, 2, 3, 4), "weights_damaged", "from_numpy"),
        (Call(print, 1), "weights_not_plain", "__builtin__.print"),
    ],
)
def test_what_no_honest_file_calls_is_named(content: object, code: str, named: str, path: Path) -> None:
    archive({"weight": torch.ones(2), "other": content}, path)
    found, sentence = refusal(path)
    assert found == code
    assert named in sentence


NUMBERS = b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000X\3\0\0\0cpuK\6tQ"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"


@pytest.mark.parametrize(
    "tensor",
    [
        pytest.param(TENSOR + NUMBERS + b"K\1K\2K\3\x86K\3K\1\x86\x89}tR", id="begins too late"),
        pytest.param(TENSOR + NUMBERS + b"K\0K\2K\3\x86K\4K\1\x86\x89}tR", id="ends too late"),
        pytest.param(TENSOR + NUMBERS + b"K\0J\xff\xff\xff\x7fK\1\x86K\0K\1\x86\x89}tR", id="the same row again and again"),
        pytest.param(TENSOR + NUMBERS + b"K\0K\2K\3\x86J\xff\xff\xff\xffK\1\x86\x89}tR", id="backwards"),
        pytest.param(TENSOR + NUMBERS + b"K\0K\2\x85K\3K\1\x86\x89}tR", id="another number of strides"),
        pytest.param(TENSOR + NUMBERS + b"K\0K\2K\3\x86K\3K\1\x86\x89}K\1ctorch\nfloat32\nstR", id="hooks"),
        pytest.param(TENSOR + b"(K\1K\0K\2K\3\x86K\3K\1\x86\x89}tR", id="no storage"),
        pytest.param(TENSOR + b"\x85R", id="itself"),
        pytest.param(TENSOR + b")R", id="nothing"),
        pytest.param(TENSOR + NUMBERS.replace(b"K\6", b"K\7") + b"K\0K\7\x85K\1\x85\x89}tR", id="more than is there"),
        pytest.param(TENSOR + NUMBERS.replace(b"K\6", b"J\xff\xff\xff\xff") + b"K\0)))\x89}tR", id="fewer than none"),
        pytest.param(TENSOR + NUMBERS.replace(b"X\1\0\0\x000", b"X\1\0\0\x009") + b"K\0))\x89}tR", id="a part that is not there"),
        pytest.param(TENSOR + NUMBERS + b"K\0))\x89}tRK\0K\1s", id="written to"),
        pytest.param(b"ccollections\nOrderedDict\n)R}X\5\0\0\0itemsctorch\nfloat32\nsb", id="a method hidden"),
        pytest.param(b"h\7", id="nothing noted"),
        pytest.param(b"\x85\x86\x87", id="nothing there"),
        pytest.param(b"r\xff\xff\xff\xff", id="a note far away"),
    ],
)  # fmt: skip
def test_a_tensor_reaches_no_further_than_its_numbers(tensor: bytes, path: Path) -> None:
    """Each is the honest one below, with one thing wrong."""
    write_pickle(path, b"\x80\x02}X\6\0\0\0weight" + tensor + b"s.")
    assert refusal(path)[0] in ("weights_damaged", "weights_not_plain")


def test_a_tensor_written_by_hand_is_as_good_as_another(path: Path) -> None:
    write_pickle(path, b"\x80\x02}X\6\0\0\0weight" + TENSOR + NUMBERS + b"K\0K\2K\3\x86K\3K\1\x86\x89}tRs.")
    assert weights_in(path)["weight"].tolist() == [[1, 1, 1], [1, 1, 1]]


def test_a_form_lies_within_its_numbers_or_not() -> None:
    ten = Storage("torch.FloatStorage", dtype="float32", numel=10)
    for offset, shape, stride in [(0, (2, 5), (5, 1)), (9, (), ()), (0, (0, 5), (5, 1)), (2, (3, 9), (1, 0))]:
        assert tensor_in(ten, offset, shape, stride).shape == shape
    for offset, shape, stride in [(10, (), ()), (0, (2, 5), (6, 1)), (0, (2**25,), (0,)), (0, (-1,), (1,))]:
        with pytest.raises(ValueError, match="tensor"):
            tensor_in(ten, offset, shape, stride)


def test_the_archive_that_torch_reads_holds_only_what_was_looked_at(path: Path, marker: Path) -> None:
    """Of two parts with one name, readers do not agree which one counts."""
    evil = pickle.dumps(Call(os.system, touch(marker)), protocol=2)
    archive(STATE, path)
    parts = parts_of(path)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as file:
        warnings.simplefilter("ignore")
        for name, content in (("data.pkl", evil), *parts.items(), ("other.pkl", evil)):
            file.writestr(f"archive/{name}", content)
    assert same(weights_in(path), STATE)
    assert not marker.exists()


# What is no file of weights.


@pytest.mark.parametrize("write", [archive, stream])
def test_a_whole_network_gives_its_state_dict(write: Write, path: Path) -> None:
    write(nn.DataParallel(network()), path)
    assert same(weights_in(path), {f"module.{name}": tensor for name, tensor in STATE.items()})


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_torchscript_archive_is_a_whole_program(path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)
    code, sentence = refusal(path)
    assert code == "weights_other_format"
    assert "TorchScript" in sentence


@pytest.mark.parametrize("write", [archive, stream])
@pytest.mark.parametrize("protocol", [1, 3, 4, 5])
def test_every_protocol_is_read(protocol: int, write: Write, path: Path) -> None:
    torch.save(STATE, path, pickle_protocol=protocol, _use_new_zipfile_serialization=write is archive)
    assert same(weights_in(path), STATE)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty (0 bytes)"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
        (b"epoch,loss\n1,0.5\n", "a text"),
        (bytes(range(256)), "unknown format"),
        (pickle.dumps({"epoch": 3}, protocol=2), "without a single tensor"),
    ],
)
def test_what_a_file_is_instead_is_reported(content: bytes, what: str, path: Path) -> None:
    path.write_bytes(content)
    code, sentence = refusal(path)
    assert code == "weights_not_weights"
    assert what in sentence


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, {"net": {"weight": 1}}])
def test_a_file_without_tensors_is_none_of_weights(content: object, path: Path) -> None:
    archive(content, path)
    assert refusal(path)[0] == "weights_not_weights"


def test_what_cannot_be_opened_is_reported(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.pth")[0] == "weights_missing"
    assert "a folder" in refusal(tmp_path)[1]
    assert refusal(tmp_path / ("a" * 300))[0] == "weights_unreadable"
    with zipfile.ZipFile(tmp_path / "letter.docx", "w") as file:
        file.writestr("word/document.xml", "<x/>")
    assert "zip archive of something else" in refusal(tmp_path / "letter.docx")[1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    assert refusal(path)[0] == "weights_not_weights"


@pytest.mark.skipif(os.name != "posix", reason="elsewhere it is not the mode that forbids it")
def test_a_file_that_may_not_be_read_is_reported(path: Path) -> None:
    """As `nobody` where we are root, who may read everything."""
    archive(STATE, path)
    weights_in(path)  # imports all that it needs
    path.chmod(0)
    user = os.geteuid()
    with contextlib.suppress(PermissionError):  # a root who may not do this may not read everything either
        os.seteuid(user or 65534)
    try:
        code, sentence = refusal(path)
    finally:
        os.seteuid(user)
    assert code == "weights_unreadable"
    assert "Permission denied" in sentence


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("write", [archive, stream, safe])
def test_numbers_that_are_none_are_reported_with_their_name(value: float, write: Write, path: Path) -> None:
    write(STATE | {"fc.weight": torch.tensor([[0, value]])}, path)
    code, sentence = refusal(path)
    assert code == "weights_not_finite"
    assert "“fc.weight”" in sentence


def test_a_zip_bomb_is_not_unpacked(path: Path) -> None:
    archive({"weight": torch.zeros(2**22)}, path)
    write_parts(path, parts_of(path), compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**22
    assert weights_in(path)["weight"].shape == (2**22,)  # so much is true of it
    members = {name.encode(): zipfile.ZipFile(path).getinfo(name) for name in ["archive/data/0"]}
    size = struct.pack("<I", members[b"archive/data/0"].file_size)
    path.write_bytes(path.read_bytes().replace(size, struct.pack("<I", 2**31)))
    assert refusal(path)[0] == "weights_damaged"


def test_more_than_the_memory_is_not_read(path: Path) -> None:
    header = b'{"weight":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}' % (2**40, 2**42)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + 2**42)
    assert refusal(path)[0] == "weights_too_large"


@pytest.mark.parametrize("write", [archive, stream, safe])
def test_every_cut_is_reported(write: Write, path: Path) -> None:
    write({"weight": torch.ones(2, 2)}, path)
    whole = path.read_bytes()
    for length in random.Random(1).sample(range(1, len(whole)), 60):
        path.write_bytes(whole[:length])
        assert refusal(path)[0] in ("weights_cut_short", "weights_not_weights"), f"at {length}"
        assert length < 10 or "cut short" in refusal(path)[1]


@pytest.mark.parametrize("write", [archive, stream, safe])
def test_flipped_bits_give_tensors_or_a_sentence(write: Write, path: Path) -> None:
    """200 files with one to three flipped bits each, most of them in the structure, not in the numbers."""
    write({"conv": torch.ones(4, 3), "more": {"scale": torch.ones(2)}} if write is not safe else STATE, path)
    whole, chance = path.read_bytes(), random.Random(2)
    refused = 0
    for _ in range(200):
        flipped = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            flipped[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        try:
            assert all(isinstance(tensor, Tensor) for tensor in weights_in(path).values())
        except Problem:
            refused += 1
    assert refused > 20


def test_a_dict_that_holds_itself_is_no_weights_and_does_not_hang(tmp_path: Path) -> None:
    inside: dict[str, object] = {}
    inside["model"] = inside
    path = tmp_path / "round.pth"
    torch.save(inside, path)
    with pytest.raises(Problem) as caught:
        weights_in(path)
    assert caught.value.message.code in ("weights_not_weights", "weights_not_plain")
