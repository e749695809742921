"""A network layer by layer: each layer's output shape, parameters and multiply-adds. No weights are allocated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from resnet_gui.events import NetworkSummary
from resnet_gui.messages import Problem, first_line
from resnet_gui.nets.catalog import find, require_size
from resnet_gui.nets.library_catalog import weights_of
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.nets.without_memory import build_without_memory
from resnet_gui.records import Layer


def summarise(name: str, classes: int, channels: int, image_size: int) -> NetworkSummary:
    """The network called `name` with a row for each call of a layer, in the order of execution.

    A row belongs to a module without submodules, or to one that computes or owns something itself (attention's matrix
    product, a bare `Parameter`). The picture is `channels` x `image_size` x `image_size`. The network is in evaluation
    mode, so modules that are called in training only, such as the auxiliary classifiers of GoogLeNet, come last with an
    empty shape. The sums are the network's number of parameters and half of the FLOPs of `torch.utils.flop_counter`: a
    multiplication and an addition are one multiply-add.

    Raises `Problem`: `size_not_taken`, `network_refuses_size`, and those of `build`.
    """
    spec = find(name)
    require_size(spec, image_size)
    network = build_without_memory(name, classes, channels).eval().requires_grad_(False)
    try:
        calls = _record_calls(network, torch.empty(1, channels, image_size, image_size, device="meta"))
    except Exception as error:  # a library's network may refuse a size in any way
        raise Problem("network_refuses_size", network=spec.title, size=image_size, reason=first_line(error)) from error
    layers = tuple(call.layer(_stage(spec, call.name)) for call in calls if call.has_a_row)
    return NetworkSummary(
        name,
        classes,
        channels,
        image_size,
        layers,
        parameters=sum(layer.parameters for layer in layers),
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        weights=weights_of(name),
    )


@dataclass(slots=True)
class _Call:
    """One call of a module, with what it owns and computes itself; its submodules have calls of their own."""

    name: str
    module: nn.Module | None
    parameters: int
    shape: tuple[int, ...] = ()
    multiply_adds: int = 0

    @property
    def has_a_row(self) -> bool:
        """Whether the call gets a row. Containers and `Identity` modules need to own or compute something."""
        passive = self.module is None or isinstance(self.module, nn.Identity) or any(self.module.children())
        return bool(self.parameters or self.multiply_adds or not passive)

    def layer(self, stage: str) -> Layer:
        kind = "Parameter" if self.module is None else _kind(self.module)
        return Layer(self.name or "(whole)", kind, self.shape, self.parameters, self.multiply_adds, stage)


def _record_calls(network: nn.Module, picture: torch.Tensor) -> list[_Call]:
    """Every call of a module of `network` for `picture`, then an entry for each module that is not called."""
    recorder = _Recorder(network)
    with recorder.counter:
        network(picture)
    recorder.add_uncalled()
    return recorder.calls


class _Recorder:
    """Records, by hooks on every module of `network`, each call and the multiply-adds that belong to it."""

    def __init__(self, network: nn.Module) -> None:
        self.calls: list[_Call] = []
        self.counter = FlopCounterMode(display=False)
        self._names = {module: name for name, module in network.named_modules()}
        self._seen: set[int] = set()
        self._under_way: list[_Call] = []
        self._charged = 0
        self._add_bare(network)
        for module in self._names:
            module.register_forward_pre_hook(self._enter)
            module.register_forward_hook(self._leave)

    def add_uncalled(self) -> None:
        """Adds modules that were not called, unless their parent computes with their parameters: then it gets these."""
        computing = {call.name: call for call in self.calls if call.multiply_adds}
        for module, name in self._names.items():
            if unseen := self._unseen(module.parameters(recurse=False)):
                if user := computing.get(name.rpartition(".")[0]):
                    user.parameters += unseen
                else:
                    self.calls.append(_Call(name, module, unseen))

    def _add_bare(self, network: nn.Module) -> None:
        """Adds parameters that no layer owns, such as the position embedding of a transformer."""
        for name, parameter in network.named_parameters(recurse=False):
            self.calls.append(_Call(name, None, self._unseen([parameter]), tuple(parameter.shape)))

    def _enter(self, module: nn.Module, arguments: object) -> None:
        self._charge()
        call = _Call(self._names[module], module, self._unseen(module.parameters(recurse=False)))
        self.calls.append(call)
        self._under_way.append(call)

    def _leave(self, module: nn.Module, arguments: object, output: object) -> None:
        self._charge()
        self._under_way.pop().shape = _shape(output)

    def _charge(self) -> None:
        """Adds the multiply-adds since a module was last entered or left to the innermost running call."""
        done = self.counter.get_total_flops() // 2
        if self._under_way:
            self._under_way[-1].multiply_adds += done - self._charged
        self._charged = done

    def _unseen(self, parameters: Iterable[nn.Parameter]) -> int:
        """The total size of those `parameters` that no row has counted yet."""
        new = [each for each in parameters if id(each) not in self._seen]
        self._seen.update(map(id, new))
        return sum(each.numel() for each in new)


def _shape(output: object) -> tuple[int, ...]:
    """The shape without the batch dimension of a tensor, or of the first tensor in a collection."""
    if isinstance(output, torch.Tensor):
        return tuple(output.shape[1:])
    inside = output.values() if isinstance(output, dict) else output if isinstance(output, tuple | list) else ()
    return next((shape for each in inside if (shape := _shape(each))), ())


def _kind(module: nn.Module) -> str:
    """The class with kernel, stride, groups and dilation: `Conv2d 3×3 /2, 32 groups`, `MaxPool2d 3×3 /2`, `Linear`."""
    words = type(module).__name__
    if not (window := _sides(module, "kernel_size")):
        return words
    words += " " + "×".join(map(str, window))
    if max(stride := _sides(module, "stride"), default=1) > 1:
        words += f" /{stride[0]}"
    if (groups := getattr(module, "groups", 1)) != 1:
        words += f", {groups} groups"
    if max(dilation := _sides(module, "dilation"), default=1) > 1:
        words += f", dilation {dilation[0]}"
    return words


def _sides(module: nn.Module, attribute: str) -> tuple[int, ...]:
    """`attribute` as one number per dimension; pooling layers store a single int for both."""
    value = getattr(module, attribute, ())
    return (value, value) if isinstance(value, int) else value if isinstance(value, tuple) else ()


def _stage(spec: NetworkSpec, layer: str) -> str:
    """The name of the stage of `spec` that contains `layer`; if there is none, the first part of the layer's name."""
    for stage in spec.stages:
        if any(layer == name or layer.startswith(f"{name}.") for name in stage.name.split()):
            return stage.name
    return layer.partition(".")[0]
