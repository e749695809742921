"""Which files of weights are taken, by what rule, and what is said: `python tests/benchmarks/weight_spellings.py [--networks NAME ...]`

Each spelling is how some trainer keeps the weights of a network. It is written for each network in each container, and loaded
into a network with other random weights. A cell is “right” if that network then holds the very numbers of the file that are
wanted, and for a spelling that must be refused or asked about, if it is. The last part lists what was said of each spelling.
The exit status is 1 if a cell is wrong.
"""

from __future__ import annotations

import argparse
import collections
import copy
import datetime
import sys
import tempfile
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from timing import machine
from torch import Tensor, nn

from resnet_gui.messages import Problem, sentence
from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import find
from resnet_gui.nets.head import head_of
from resnet_gui.weights.transfer import load_weights

State = dict[str, Tensor]
NETWORKS = ("resnet20", "lenet5", "squeezenet1_1", "densenet121", "torchvision/shufflenet_v2_x0_5", "resnet18_small")
CLASSES = 5


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to keep weights. `write` gets the network, and its averaged weights; `right` says what must come of it."""

    name: str
    write: Callable[[nn.Module, State], Any]
    right: str = "raw"
    """"raw" or "averaged": these numbers are taken; else the code of the `Problem`."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="NAME")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of torch.save, for whole networks
    print(machine())
    tally: collections.Counter[str] = collections.Counter()
    said: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for spelling in SPELLINGS:
            for container, save in CONTAINERS.items():
                cells = [cell(spelling, save, name, Path(folder), said) for name in options.networks]
                tally.update(cells)
                print(f"{spelling.name:48}  {container:16}  {'  '.join(cells)}")
    print(f"\n{sum(tally.values()) - tally['-']} files: {dict(tally)}\n")
    for name, sentences in said.items():
        print(f"{name}\n    {sentences}")
    return 1 if tally["WRONG"] else 0


def cell(spelling: Spelling, save: Callable[[Any, Path], bool], name: str, folder: Path, said: dict[str, str]) -> str:
    """Writes and loads one file: “right”, “WRONG”, or “-” where the container cannot hold the spelling."""
    network, file = new_network(name, seed=1), folder / "weights"
    averaged = {key: value + 1 for key, value in new_network(name, seed=2).state_dict().items()}
    if not save(spelling.write(network, averaged), file):
        return "-"
    found, sentences = loaded(name, file)
    said.setdefault(spelling.name, f"[{name}] {sentences.replace(str(file), 'FILE')}")
    wanted = {"raw": network.state_dict(), "averaged": averaged}.get(spelling.right)
    if wanted is None:
        return "right" if found == spelling.right else "WRONG"
    return "right" if isinstance(found, dict) and all(alike(found[key], wanted[key]) for key in wanted) else "WRONG"


def new_network(name: str, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return build(name, CLASSES, find(name).channels_for("colour"))


def loaded(name: str, file: Path) -> tuple[State | str, str]:
    """The state of a network with the weights in `file`, or the code of the problem; and what was said."""
    network, spec = new_network(name, seed=3), find(name)
    head = head_of(network, spec.channels_for("colour"), spec.default_size)
    try:
        result = load_weights(network, file, head, str(file))
    except Problem as problem:
        return problem.message.code, str(problem)
    taken = f"{result.event.taken} of {result.event.wanted} tensors."
    return network.state_dict(), " ".join([taken, *map(sentence, result.notes)])


def alike(found: Tensor, wanted: Tensor) -> bool:
    return bool(torch.equal(found, wanted) or torch.equal(found, wanted.half().float()))


def prefixed(prefix: str, state: Mapping[str, Tensor]) -> State:
    return {prefix + name: tensor for name, tensor in state.items()}


def lightning(network: nn.Module, averaged: State) -> Any:
    state = network.state_dict()
    momenta = {number: {"exp_avg": tensor * 0, "step": 3} for number, tensor in enumerate(state.values())}
    return {
        "epoch": 3, "global_step": 900, "pytorch-lightning_version": "2.4.0",
        "state_dict": {**prefixed("model._orig_mod.", state), "criterion.weight": torch.ones(CLASSES)},
        "loops": {"fit_loop": {"state_dict": {}}}, "optimizer_states": [{"state": momenta}],
        "hyper_parameters": {"lr": 0.1, "path": Path("data"), "since": datetime.datetime(2026, 1, 1)},
    }  # fmt: skip


def beside(network: nn.Module, averaged: State) -> Any:
    """Weights with whatever else programs put beside them."""
    return {
        "net": network.state_dict(), "args": Namespace(lr=0.1, device=torch.device("cpu")), "best": np.float64(0.9),
        "when": datetime.datetime(2026, 1, 1), "folder": Path("runs"), "tags": {"a", "b"}, "raw": b"\x00\xff",
        "history": collections.defaultdict(list, {"loss": [np.float32(1.5)]}), "rng": np.arange(5), "dtype": torch.half,
        "moments": {name: torch.zeros_like(tensor) for name, tensor in network.named_parameters()},
    }  # fmt: skip


def apart(network: nn.Module, averaged: State) -> Any:
    """The body under one name, the head under another, as two attributes of a module."""
    state = network.state_dict()
    head = [*state][-1].rpartition(".")[0]
    return {("classifier." if name.startswith(head) else "encoder.") + name: tensor for name, tensor in state.items()}


def whole_average(network: nn.Module, averaged: State) -> Any:
    model = torch.optim.swa_utils.AveragedModel(network)
    model.module.load_state_dict(averaged)
    return {"model": network.state_dict(), "model_ema": model.state_dict(), "optimizer": {"state": {}}, "epoch": 3}


def first_changed(network: nn.Module, change: Callable[[Tensor], Tensor]) -> State:
    state = dict(network.state_dict())
    first = next(name for name in state if state[name].ndim > 1)
    return {**state, first: change(state[first])}


def other_copy(state: Mapping[str, Tensor]) -> State:
    return {name: tensor + 1 for name, tensor in state.items()}


SPELLINGS = (
    Spelling("state dict", lambda net, _: net.state_dict()),
    Spelling("whole network", lambda net, _: net),
    Spelling("{model: whole network, ema: None}", lambda net, _: {"model": copy.deepcopy(net).half(), "ema": None}),
    Spelling("module.* (DataParallel)", lambda net, _: prefixed("module.", net.state_dict())),
    Spelling("{state_dict, best_prec1} of module.*", lambda net, _: {"state_dict": prefixed("module.", net.state_dict()), "best_prec1": 91.7}),
    Spelling("Lightning, compiled, with all its states", lightning),
    Spelling("averaged and compiled, with n_averaged", lambda net, _: {"n_averaged": torch.tensor(7), **prefixed("module._orig_mod.", net.state_dict())}),
    Spelling("{epoch, weights}", lambda net, _: {"epoch": 1, "weights": net.state_dict()}),
    Spelling("{network}", lambda net, _: {"network": net.state_dict()}),
    Spelling("{params, params_ema}", lambda net, ema: {"params": net.state_dict(), "params_ema": ema}, "averaged"),
    Spelling("{state_dict, state_dict_ema, args} of timm", lambda net, ema: {"arch": "x", "args": Namespace(lr=1), "state_dict": net.state_dict(), "state_dict_ema": ema}, "averaged"),
    Spelling("{model, model_ema} of torchvision", whole_average, "averaged"),
    Spelling("ema.module.* beside model.*", lambda net, ema: {**prefixed("model.", net.state_dict()), **prefixed("ema.module.", ema)}, "averaged"),
    Spelling("{model, optimizer, lr_scheduler, args}", lambda net, _: {"model": net.state_dict(), "optimizer": torch.optim.AdamW(net.parameters()).state_dict(), "lr_scheduler": {"_step_count": 4}, "args": Namespace(device="cuda"), "epoch": 9}),
    Spelling("resnet.*", lambda net, _: prefixed("resnet.", net.state_dict())),
    Spelling("encoder.* and classifier.*", apart),
    Spelling("in a list, four dicts deep", lambda net, _: {"train": {"checkpoints": [{"net": {"weights": net.state_dict()}}]}}),
    Spelling("with numpy, dates, paths, sets, bytes beside", beside),
    Spelling("half precision", lambda net, _: copy.deepcopy(net).half().state_dict()),
    Spelling("two of equal fit: asked", lambda net, _: {"student": net.state_dict(), "teacher": other_copy(net.state_dict())}, "weights_tie"),
    Spelling("two that are the same tensors", lambda net, _: {"last": net.state_dict(), "best": net.state_dict()}),
    Spelling("complex numbers: refused", lambda net, _: first_changed(net, lambda each: each.to(torch.complex64)), "weights_stored_as"),
    Spelling("float8: refused", lambda net, _: first_changed(net, lambda each: each.to(torch.float8_e4m3fn)), "weights_stored_as"),
    Spelling("not finite: refused", lambda net, _: first_changed(net, lambda each: each / 0), "weights_not_finite"),
    Spelling("of another network: refused", lambda net, _: nn.Sequential(nn.Linear(3, 7), nn.Linear(7, 11)).state_dict(), "weights_nothing_fits"),
    Spelling("without tensors: refused", lambda net, _: {"epoch": 3, "accuracy": 0.5}, "weights_not_weights"),
)  # fmt: skip


def in_zip(content: Any, file: Path) -> bool:
    torch.save(content, file)
    return True


def in_zip_5(content: Any, file: Path) -> bool:
    torch.save(content, file, pickle_protocol=5)
    return True


def in_stream(content: Any, file: Path) -> bool:
    torch.save(content, file, _use_new_zipfile_serialization=False)
    return True


def in_safetensors(content: Any, file: Path) -> bool:
    """Only tensors, each under the path to it."""
    if isinstance(content, nn.Module):
        return False
    tensors = {".".join(path): tensor.clone() for path, tensor in walk(content)}
    if tensors:
        safetensors.torch.save_file(tensors, file)
    return bool(tensors)


def walk(content: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Tensor]]:
    if isinstance(content, Tensor):
        yield path, content
    items: Any = (
        content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    )
    for key, value in items:
        yield from walk(value, *path, str(key))


CONTAINERS: dict[str, Callable[[Any, Path], bool]] = {
    "zip, protocol 2": in_zip, "zip, protocol 5": in_zip_5, "stream": in_stream, "safetensors": in_safetensors,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
