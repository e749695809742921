"""All hostile files, by number: each kind in turn, and mutations that are new in every round."""

from __future__ import annotations

import argparse
import io
import itertools
import zipfile
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

from hostile_files.bombs import NUMBERS, bombs
from hostile_files.class_lists import class_lists
from hostile_files.containers import CONTAINERS, parts, stream, zip_of, zipped
from hostile_files.hostile_file import HostileFile, of_bytes
from hostile_files.mutations import mutated
from hostile_files.odd import archives, cut_and_padded, honest_weights, things
from hostile_files.opcodes import PROTOCOLS, Call, call, pickled, state_dict, storage, tensor
from hostile_files.payloads import WAYS, Canary, by, calls
from hostile_files.safe import State, description, header_of, lying_headers, lying_models, model, safetensors
from resnet_gui.nets.build import build

NETWORK = "lenet5_cifar"
"""The network that hostile weights are given to: one that is built in no time."""
MUTATIONS = 400
"""How many of a round are mutations."""


class Catalog:
    """The files, whose payloads would do something to `canary`."""

    def __init__(self, canary: Canary) -> None:
        self.canary = canary
        self.state = honest_state()
        self.honest = honest_files(self.state)

    def __getitem__(self, number: int) -> HostileFile:
        """Numbers beyond the round begin it again, with new mutations."""
        turn, place = divmod(number, len(self))
        file = self._round[place]
        return mutated(number, self.honest, self.canary) if turn and file.kind == "mutation" else file

    def __len__(self) -> int:
        """How many there are in a round."""
        return len(self._round)

    @cached_property
    def _round(self) -> list[HostileFile]:
        """One of each kind after the other, so that any number of trials has a share of all."""
        kinds: dict[str, list[HostileFile]] = {}
        for file in (*self._fixed(), *(mutated(seed, self.honest, self.canary) for seed in range(MUTATIONS))):
            kinds.setdefault(file.kind, []).append(file)
        for files in kinds.values():
            Random(0).shuffle(files)
        rows = itertools.zip_longest(*kinds.values())
        return [file for row in rows for file in row if file is not None]

    def _fixed(self) -> Iterator[HostileFile]:
        yield from self._payloads()
        yield from self._bombs()
        yield from archives(self.canary)
        yield from self._large_storages()
        yield from lying_headers(self.state)
        yield from lying_models(self.state)
        yield from class_lists()
        small = honest_weights()
        named = {name: self.honest[name] for name in ("safetensors", "model")}
        yield from cut_and_padded({**small, **named})
        yield from things({**self.honest})

    def _payloads(self) -> Iterator[HostileFile]:
        """Every call by some way, and every way in every protocol; the containers and what lies around it take turns."""
        known = calls(self.canary)
        pairs = [(name, way, protocol) for name in known for way, protocol in (("reduce", 2), (None, 4))]
        ways = itertools.cycle(WAYS)
        pairs = [(name, way or next(ways), protocol) for name, way, protocol in pairs]
        pairs += [("os:system", way, protocol) for way in WAYS for protocol in PROTOCOLS]
        turns = zip(pairs, itertools.cycle(CONTAINERS), itertools.cycle(range(7)))
        for (name, way, protocol), container, around in turns:
            made = partial(self._payload, known[name], way, protocol, container, around)
            kind = "call" if protocol in (2, 4) and name != "os:system" else "way"
            yield of_bytes(kind, f"{name} by {way}, protocol {protocol}, {container}, {around}", made)

    def _payload(self, made: Call, way: str, protocol: int, container: str, around: int) -> bytes:
        payload: Any = by(way, made, protocol)
        numbers, small = NUMBERS, {"w": tensor(storage("0", 6), (2, 3))}
        match around:
            case 0:
                value = payload
            case 1:
                value = {**small, "x": payload}
            case 2:
                value = {"state_dict": small, "args": [payload, (payload,), {"y": payload}]}
            case 3:
                value = call("collections:OrderedDict", [("x", payload), *small.items()])
            case 4:
                value = {"model": payload}
            case 5:
                value = [small, payload]
            case _:
                value = {"model": state_dict(self.state.shapes, self.state.values), "args": payload}
                numbers = list(self.state.values.values())
        return CONTAINERS[container](pickled(value, protocol), numbers)

    def _large_storages(self) -> Iterator[HostileFile]:
        """The right names and shapes, of numbers that take a thousand times as much memory as room on the disk."""

        def inflated(shared: bool) -> bytes:
            numel = 100_000_000
            tensors = {
                name: tensor(storage("0" if shared else f"{number % 2}", numel), shape)
                for number, (name, shape) in enumerate(self.state.shapes.items())
            }
            return zip_of(parts(pickled(tensors), [bytes(4 * numel)] * (1 if shared else 2)), zipfile.ZIP_DEFLATED)

        yield of_bytes("zip", "all weights in a storage of 400 MB from 400 kB", partial(inflated, True))
        yield of_bytes("zip", "weights in turns from two storages of 400 MB from 400 kB", partial(inflated, False))
        for repeated in (10**4, 2 * 10**7):
            wide = {
                name: tensor(storage("0", 6), (repeated, *shape[1:]), (0,) * len(shape))
                for name, shape in self.state.shapes.items()
            }
            yield of_bytes(
                "tensor", f"weights of one number, {repeated:,} times", partial(_in, "zipped", partial(pickled, wide))
            )

    def _bombs(self) -> Iterator[HostileFile]:
        """Each in the usual form, and in another one."""
        for kind, name, make in bombs(2):
            yield of_bytes(kind, name, partial(_in, "zipped", make))
        others = zip(*(bombs(protocol) for protocol in (4, 5, 3, 0)), strict=True)
        turns = zip(others, itertools.cycle(range(4)), itertools.cycle(list(CONTAINERS)[1:]))
        for protocols, turn, container in turns:
            kind, name, make = protocols[turn]
            yield of_bytes(kind, f"{name}, {container}", partial(_in, container, make))


def _in(container: str, make: Any) -> bytes:
    return CONTAINERS[container](make(), NUMBERS)


def honest_state() -> State:
    """Random weights of `NETWORK`, for four classes."""
    torch.manual_seed(0)
    tensors = build(NETWORK, 4, 3).state_dict()
    shapes = {name: tuple(each.shape) for name, each in tensors.items()}
    return State(NETWORK, shapes, {name: each.float().numpy().tobytes() for name, each in tensors.items()})


def honest_files(state: State) -> Mapping[str, bytes]:
    """What mutations begin with: the files that torch and this program write of `state`, and a trainer's checkpoint."""
    tensors = {
        name: torch.from_numpy(np.frombuffer(data, np.float32).copy()).reshape(state.shapes[name])
        for name, data in state.values.items()
    }
    checkpoint = {
        "state_dict": {f"module.{name}": each for name, each in tensors.items()}, "epoch": 3, "best": np.float64(0.5),
        "args": argparse.Namespace(lr=0.1, out=Path("runs")), "betas": (0.9, 0.999), "names": {"a", "b"},
    }  # fmt: skip
    numbers = list(state.values.values())
    plain, whole = _pickle_of(tensors), _pickle_of(checkpoint)
    return {
        "zip": zipped(plain, numbers), "zip checkpoint": zipped(whole, numbers), "stream": stream(plain, numbers),
        "stream checkpoint": stream(whole, numbers), "safetensors": safetensors(*header_of(state)),
        "model": model(state, description(state)),
    }  # fmt: skip


def _pickle_of(value: object) -> bytes:
    """What `torch.save` writes of `value` in its archives, where the keys of storages are their numbers."""
    file = io.BytesIO()
    torch.save(value, file)
    with zipfile.ZipFile(file) as archive:
        return next(archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))
