"""Files as other people's trainers write them, made without those trainers."""

import argparse
import datetime
import enum
import io
import pickle
import struct
import tarfile
from collections import OrderedDict, defaultdict, deque
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy
import torch
from torch import Tensor, nn

from resnet_gui.weights.matching.named_tensors import tensors_in
from resnet_gui.weights.weight_file import read_contents


def weights_in(path: Path) -> dict[str, Tensor]:
    """Every tensor in a file of weights, by the path of names that leads to it."""
    return {".".join(found.path): found.tensor.read() for found in tensors_in(read_contents(path))}


class Mode(enum.Enum):
    FAST = "fast"


class Settings:
    def __init__(self) -> None:
        self.rate = 0.1
        self.steps = [1, 2]


class Attributes(dict[str, object]):
    """As Lightning keeps its hyperparameters."""


class Point(NamedTuple):
    x: int
    y: int


class small_net(nn.Module):  # noqa: N801 (as students spell it)
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.register_buffer("scratch", torch.ones(2), persistent=False)


def beside_the_weights() -> dict[str, object]:
    """What trainers leave beside the weights, one of each kind."""
    optimizer = torch.optim.AdamW(small_net().parameters())
    return {
        "namespace": argparse.Namespace(lr=0.1, out=PurePosixPath("runs")),
        "numpy number": numpy.float64(0.93),
        "numpy array": numpy.arange(6.0).reshape(2, 3),
        "numpy texts": numpy.array(["a", "bc"]),
        "numpy random state": numpy.random.default_rng(1),
        "date": datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC),
        "path": Path("runs"),
        "set": {1, 2},
        "frozen set": frozenset({"a"}),
        "device": torch.device("cuda:0"),
        "dtype": torch.bfloat16,
        "bytes": b"\x00\xff",
        "enum": Mode.FAST,
        "class": Settings,
        "object": Settings(),
        "named tuple": Point(1, 2),
        "dict of lists": defaultdict(list, {"a": [1]}),
        "queue": deque([1, 2], maxlen=3),
        "attributes": Attributes(lr=0.1),
        "slice": slice(1, 2),
        "huge number": 10**50,
        "odd keys": {(1, 2): 3, ((1, 2), 3): 4, Mode.FAST: 5, torch.float32: 6},
        "optimizer": optimizer,
        "schedule": torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10),
        "function": nn.functional.relu,
        "sparse": torch.eye(2).to_sparse(),
        "complex": torch.ones(1, dtype=torch.complex64),
    }


def write_tar(state: dict[str, Tensor], path: Path) -> None:
    """A file as PyTorch 0.1.9 wrote it: a tar archive."""
    kinds = {torch.float32: torch.FloatStorage, torch.int64: torch.LongStorage}
    storages, tensors, names = io.BytesIO(), io.BytesIO(), io.BytesIO()
    for part in (storages, tensors):
        pickle.dump(len(state), part, 2)
    for number, tensor in enumerate(state.values()):
        pickle.dump((1000 + number, "cpu", kinds[tensor.dtype]), storages, 2)
        storages.write(struct.pack("<q", tensor.numel()) + tensor.contiguous().numpy().tobytes())
        pickle.dump((2000 + number, 1000 + number, torch.FloatTensor), tensors, 2)
        tensors.write(struct.pack("<i4x", tensor.ndim) + struct.pack(f"<{tensor.ndim}q", *tensor.shape))
        tensors.write(struct.pack(f"<{tensor.ndim}q", *tensor.stride()) + struct.pack("<q", 0))
    pickle.dump([], storages, 2)
    pickler = _ByNumber(names, 2)
    pickler.dump(OrderedDict((name, _Numbered(2000 + number)) for number, name in enumerate(state)))
    parts = {"sys_info": pickle.dumps({}, 2), "pickle": names, "storages": storages, "tensors": tensors}
    with tarfile.open(path, "w:") as archive:
        for name, part in parts.items():
            content = part if isinstance(part, bytes) else part.getvalue()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


class _Numbered:
    def __init__(self, number: int) -> None:
        self.number = number


class _ByNumber(pickle.Pickler):
    def persistent_id(self, obj: Any) -> str | None:
        return str(obj.number) if isinstance(obj, _Numbered) else None
