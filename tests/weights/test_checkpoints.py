"""Checkpoints of every trainer open, whatever lies beside the weights, and whichever container it is in."""

import io
import pickle
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn

from helpers.checkpoints import Attributes, beside_the_weights, small_net, write_tar
from resnet_gui.messages import Problem
from resnet_gui.weights.stored_tensor import Opaque, StoredTensor
from resnet_gui.weights.weight_file import read_contents

torch.manual_seed(1)
NETWORK = small_net()
STATE: dict[str, Tensor] = NETWORK.state_dict()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.ckpt"


def same(found: Any, wanted: dict[str, Tensor] = STATE) -> bool:
    return list(found) == list(wanted) and all(torch.equal(found[name].read(), wanted[name]) for name in wanted)


def saved(**options: Any) -> Callable[[object, Path], None]:
    return lambda content, path: torch.save(content, path, **options)


def pickled(protocol: int) -> Callable[[object, Path], None]:
    def write(content: object, path: Path) -> None:
        path.write_bytes(pickle.dumps(content, protocol))

    return write


STREAM = {"_use_new_zipfile_serialization": False}
CONTAINERS = [
    pytest.param(saved(), id="archive"),
    pytest.param(saved(pickle_protocol=4), id="archive, protocol 4"),
    pytest.param(saved(**STREAM), id="stream"),
    pytest.param(saved(**STREAM, pickle_protocol=1), id="stream, protocol 1"),
    pytest.param(pickled(0), id="pickle, protocol 0"),
    pytest.param(pickled(2), id="pickle, protocol 2"),
    pytest.param(pickled(5), id="pickle, protocol 5"),
]


@pytest.mark.parametrize("write", CONTAINERS)
def test_what_lies_beside_the_weights_does_not_matter(write: Callable[[object, Path], None], path: Path) -> None:
    beside = beside_the_weights()
    if write in [container.values[0] for container in (CONTAINERS[3], CONTAINERS[4])]:
        del beside["attributes"], beside["function"]
    write({"state_dict": STATE, **beside}, path)
    found = read_contents(path)
    assert same(found["state_dict"])
    assert list(found) == ["state_dict", *beside]
    assert found["namespace"].name == "argparse.Namespace"
    assert found["namespace"].state["lr"] == 0.1
    assert found["bytes"] == beside["bytes"]
    assert found["huge number"] == 10**50
    assert len(found["odd keys"]) == 4
    assert torch.equal(found["numpy array"].read(), torch.arange(6.0).view(2, 3))
    assert all(isinstance(found[name], Opaque) for name in ("device", "enum", "object", "slice", "optimizer", "set"))


@pytest.mark.parametrize("name", beside_the_weights())
def test_each_of_them_is_read_alone(name: str, path: Path) -> None:
    """A mistake in one of them must not hide behind another."""
    torch.save([STATE, beside_the_weights()[name]], path)
    assert same(read_contents(path)[0])


@pytest.mark.parametrize("write", CONTAINERS)
@pytest.mark.parametrize("wrap", [lambda network: network, nn.DataParallel, torch.optim.swa_utils.AveragedModel])
def test_a_whole_network_gives_the_state_dict_it_had(
    wrap: Callable[[nn.Module], nn.Module], write: Callable[[object, Path], None], path: Path
) -> None:
    write({"model": wrap(NETWORK), "epoch": 3}, path)
    found = read_contents(path)["model"]
    assert found.name.rpartition(".")[2] == type(wrap(NETWORK)).__name__
    state = wrap(NETWORK).state_dict()
    assert found.state.keys() == state.keys()
    assert all(torch.equal(found.state[name].read(), state[name]) for name in state)
    assert "scratch" not in found.state


def test_a_dict_of_a_class_of_its_own_is_looked_into(path: Path) -> None:
    torch.save(Attributes(weights=Attributes(STATE)), path)
    assert same(read_contents(path).state["weights"].state)


def test_a_tar_archive_of_the_first_versions_is_read(path: Path) -> None:
    write_tar(STATE, path)
    assert same(read_contents(path))
    path.write_bytes(path.read_bytes()[:2500])
    with pytest.raises(Problem, match="cut short"):
        read_contents(path)


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32, torch.uint64])
def test_the_newer_whole_numbers_are_read(dtype: torch.dtype, path: Path) -> None:
    torch.save({"weight": torch.ones(3, 2).to(dtype)}, path)
    tensor = read_contents(path)["weight"]
    assert (tensor.shape, tensor.read().dtype) == ((3, 2), dtype)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: torch.eye(3).to_sparse(), "a sparse tensor"),
        (lambda: torch.ones(2, dtype=torch.complex64), "complex64"),
        (lambda: torch.ones(2, dtype=torch.complex64).conj(), "complex64"),
        (lambda: torch.ones(2).to(torch.float8_e4m3fn), "float8_e4m3fn"),
        (lambda: torch.ones(2, device="meta"), "without numbers"),
        (lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), "a quantized tensor (qint8)"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_no_ordinary_tensor_is_refused_when_it_is_taken(
    make: Callable[[], Tensor], kind: str, path: Path
) -> None:
    tensor = make()
    torch.save({"odd.weight": tensor, "state_dict": STATE}, path)
    found = read_contents(path)
    assert same(found["state_dict"])
    assert found["odd.weight"].shape == tuple(tensor.shape)
    with pytest.raises(Problem) as caught:
        found["odd.weight"].read()
    assert caught.value.message.code == "weights_stored_as"
    assert kind in str(caught.value)
    assert "“odd.weight”" in str(caught.value)


class Marked(Tensor):
    pass


@pytest.mark.parametrize(
    "tensor",
    [
        torch.ones(3).as_subclass(Marked),
        nn.Parameter(torch.ones(3)),
        torch.ones(1).expand(3),
        torch.ones(2, 3).T[:, :1],
        torch.ones(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    ],
)
def test_a_tensor_of_another_kind_is_read_as_an_ordinary_one(tensor: Tensor, path: Path) -> None:
    torch.save({"weight": tensor}, path)
    found = read_contents(path)["weight"].read()
    assert type(found) is Tensor
    assert torch.equal(found, tensor.detach().as_subclass(Tensor))
    assert found.is_contiguous()


@pytest.mark.parametrize("form", ["<f4", ">f4", "<f8", "<f2", "<i8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("protocol", [2, 5])
def test_arrays_of_numpy_are_weights_too(form: str, order: Any, protocol: int, path: Path) -> None:
    array = numpy.arange(6, dtype=form).reshape(2, 3).copy(order)
    path.write_bytes(pickle.dumps({"weight": array}, protocol))
    assert read_contents(path)["weight"].read().tolist() == [[0, 1, 2], [3, 4, 5]]


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name.partition("/")[2]: file.read(name) for name in file.namelist()}


@pytest.mark.parametrize(
    ("change", "compression"),
    [
        pytest.param(lambda name: f"archive/{name}", zipfile.ZIP_DEFLATED, id="compressed"),
        pytest.param(lambda name: name, zipfile.ZIP_STORED, id="no folder"),
        pytest.param(lambda name: f"a/b c/{name}", zipfile.ZIP_STORED, id="folders"),
        pytest.param(lambda name: f"x/{name.replace('data/', 'tensors/')}", zipfile.ZIP_STORED, id="PyTorch 1.4"),
    ],
)  # fmt: skip
def test_older_and_odder_archives_are_read(change: Callable[[str], str], compression: int, path: Path) -> None:
    torch.save(STATE, path)
    parts = {name: part for name, part in parts_of(path).items() if name.startswith("data")}
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, part in parts.items():
            file.writestr(change(name), part)
    assert same(read_contents(path))


def test_the_other_byte_order_is_read(path: Path) -> None:
    torch.save({"weight": torch.arange(4.0)}, path)
    parts = parts_of(path)
    parts |= {"byteorder": b"big", "data/0": numpy.arange(4, dtype=">f4").tobytes()}
    with zipfile.ZipFile(path, "w") as file:
        for name, part in parts.items():
            file.writestr(f"archive/{name}", part)
    assert read_contents(path)["weight"].read().tolist() == [0, 1, 2, 3]


def test_an_archive_without_checksums_is_read(path: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(STATE, path)
    finally:
        torch.serialization.set_crc32_options(True)
    assert same(read_contents(path))


def test_a_flipped_bit_of_a_number_is_found_when_it_is_taken(path: Path) -> None:
    torch.save({"weight": torch.full((100,), 1.5)}, path)
    path.write_bytes(path.read_bytes().replace(b"\0\0\xc0\x3f", b"\0\1\xc0\x3f", 1))
    tensor = read_contents(path)["weight"]
    with pytest.raises(Problem, match="checksum"):
        tensor.read()


def test_the_same_numbers_are_known_as_the_same(path: Path) -> None:
    weight = torch.ones(4, 2)
    torch.save({"a": weight, "b": weight, "c": weight[:2], "d": torch.ones(4, 2)}, path)
    found = read_contents(path)
    assert found["a"] == found["b"]
    assert found["a"].key == found["b"].key
    assert found["a"] not in (found["c"], found["d"])


def test_a_file_that_changes_after_it_was_read_gives_no_wrong_numbers(path: Path) -> None:
    torch.save(STATE, path, _use_new_zipfile_serialization=False)
    tensor = read_contents(path)["conv.weight"]
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(Problem, match="changed"):
        tensor.read()


def test_weights_within_a_pickle_share_what_they_shared(path: Path) -> None:
    """`pickle.dump` writes each storage as a file of `torch.save` within the file."""
    weight = torch.arange(6.0).view(2, 3)
    path.write_bytes(pickle.dumps({"a": weight, "b": weight[1]}, 4))
    found = read_contents(path)
    assert found["a"].read().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["b"].read().tolist() == [3, 4, 5]


def test_python_2_wrote_its_texts_as_bytes(path: Path) -> None:
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(OrderedDict(café=torch.ones(1)), content, _use_new_zipfile_serialization=False)
    name = "café".encode()
    old = content.getvalue().replace(b"X\5\0\0\0" + name, b"U\5" + name)
    assert old != content.getvalue()
    path.write_bytes(old)
    assert list(read_contents(path)) == ["café"]


def test_stored_tensors_say_their_form_without_being_read(path: Path) -> None:
    torch.save({"half": torch.ones(2, 3, dtype=torch.float16)}, path)
    found = read_contents(path)["half"]
    assert isinstance(found, StoredTensor)
    assert (found.shape, found.dtype, found.name) == ((2, 3), "float16", "half")
    assert found.read().dtype == torch.float32


class _WithViews(pickle.Pickler):
    """Writes a storage as PyTorch before 0.4 did if it lay within another."""

    def persistent_id(self, obj: Any) -> Any:
        return ("storage", torch.FloatStorage, "7", "cpu", 6, ("8", *obj)) if isinstance(obj, slice_of) else None


class slice_of(tuple[int, int]):  # noqa: N801 (an offset and a length)
    pass


class _Made:
    def __init__(self, part: slice_of) -> None:
        self.part = part

    def __reduce__(self) -> Any:
        return torch._utils._rebuild_tensor_v2, (self.part, 1, (2,), (1,), False, OrderedDict())


@pytest.mark.parametrize(("part", "numbers"), [(slice_of((2, 3)), [3, 4]), (slice_of((2, 5)), None)])
def test_a_storage_within_another_is_read(part: slice_of, numbers: list[float] | None, path: Path) -> None:
    with path.open("wb") as file:
        for header in (torch.serialization.MAGIC_NUMBER, 1001, {}):
            pickle.dump(header, file, 2)
        _WithViews(file, 2).dump({"weight": _Made(part)})
        pickle.dump(["7"], file, 2)
        file.write((6).to_bytes(8, "little") + numpy.arange(6, dtype="<f4").tobytes())
    if numbers is None:
        with pytest.raises(Problem, match="reaches beyond"):
            read_contents(path)
    else:
        assert read_contents(path)["weight"].read().tolist() == numbers
