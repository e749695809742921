"""A network opened layer by layer: what each layer puts out, holds and computes. No weights are allocated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from resnet_gui.events import NetworkSummary
from resnet_gui.messages import Problem, first_line
from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import find, require_size
from resnet_gui.nets.library_catalog import weights_of
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.records import Layer


def summarise(name: str, classes: int, channels: int, image_size: int) -> NetworkSummary:
    """The network called `name` with a row for each call of a layer, in the order in which a picture meets them.

    A row belongs to a module without parts, or to one with parts that computes or owns something itself (attention's
    product of matrices, a bare `Parameter`). The picture is `channels` x `image_size` x `image_size`; the network
    answers as it does for predictions, so what is called in training only, as the auxiliary classifiers of GoogLeNet,
    comes last with an empty shape. The sums are the network's number of parameters and half of what
    `torch.utils.flop_counter` counts: a multiplication and an addition are one multiply-add.

    Raises `Problem`: `size_not_taken`, `network_refuses_size`, and those of `build`.
    """
    card = find(name)
    require_size(card, image_size)
    network = _without_memory(name, classes, channels).eval().requires_grad_(False)
    try:
        calls = _follow(network, torch.empty(1, channels, image_size, image_size, device="meta"))
    except Exception as error:  # a library's network may refuse a size in any way
        raise Problem("network_refuses_size", network=card.title, size=image_size, reason=first_line(error)) from error
    layers = tuple(call.layer(_stage(card, call.name)) for call in calls if call.says_something)
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


def _without_memory(name: str, classes: int, channels: int) -> nn.Module:
    """The network on the meta device, where tensors have a shape and no values."""
    try:
        with torch.device("meta"):
            return build(name, classes, channels)
    except Problem:
        raise
    except Exception:  # some compute their widths with tensors, whose values are needed: torchvision's RegNets
        with _EmptyWeights():
            return build(name, classes, channels).to("meta")


class _EmptyWeights(TorchFunctionMode):
    """Puts on the meta device what is made by `torch.empty`, as the weights of layers are, and nothing else."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        return func(*args, **{**(kwargs or {}), **({"device": "meta"} if func is torch.empty else {})})


@dataclass(slots=True)
class _Call:
    """One call of a module, with what it owns and computes itself; its parts have calls of their own."""

    name: str
    module: nn.Module | None
    parameters: int
    shape: tuple[int, ...] = ()
    multiply_adds: int = 0

    @property
    def says_something(self) -> bool:
        """Whether it is worth a row: modules with parts, and those that only stand in for one, mostly do nothing."""
        passive = self.module is None or isinstance(self.module, nn.Identity) or any(self.module.children())
        return bool(self.parameters or self.multiply_adds or not passive)

    def layer(self, stage: str) -> Layer:
        kind = "Parameter" if self.module is None else _kind(self.module)
        return Layer(self.name or "(whole)", kind, self.shape, self.parameters, self.multiply_adds, stage)


def _follow(network: nn.Module, picture: torch.Tensor) -> list[_Call]:
    """Every call of a module while `picture` goes through `network`, then those of its modules that are not called."""
    recorder = _Recorder(network)
    with recorder.counter:
        network(picture)
    recorder.add_uncalled()
    return recorder.calls


class _Recorder:
    """Hooks on every module of `network` write down what is called, and to whom each multiply-add belongs."""

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
        """What was not called: its parameters go to the module it is part of where that computes with them itself."""
        computing = {call.name: call for call in self.calls if call.multiply_adds}
        for module, name in self._names.items():
            if unseen := self._unseen(module.parameters(recurse=False)):
                if user := computing.get(name.rpartition(".")[0]):
                    user.parameters += unseen
                else:
                    self.calls.append(_Call(name, module, unseen))

    def _add_bare(self, network: nn.Module) -> None:
        """What no layer owns, such as the position embedding of a transformer."""
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
        """What was computed since a module was last entered or left belongs to the one under way."""
        done = self.counter.get_total_flops() // 2
        if self._under_way:
            self._under_way[-1].multiply_adds += done - self._charged
        self._charged = done

    def _unseen(self, parameters: Iterable[nn.Parameter]) -> int:
        """The numbers in those of `parameters` that no row has yet."""
        new = [each for each in parameters if id(each) not in self._seen]
        self._seen.update(map(id, new))
        return sum(each.numel() for each in new)


def _shape(output: object) -> tuple[int, ...]:
    """The shape without the batch of a tensor, or of the first of several."""
    if isinstance(output, torch.Tensor):
        return tuple(output.shape[1:])
    inside = output.values() if isinstance(output, dict) else output if isinstance(output, tuple | list) else ()
    return next((shape for each in inside if (shape := _shape(each))), ())


def _kind(module: nn.Module) -> str:
    """The class and what papers write beside it: `Conv2d 3×3 /2, 32 groups`, `MaxPool2d 3×3 /2`, `Linear`."""
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
    """`attribute` as a number for each side; pooling writes one for both."""
    value = getattr(module, attribute, ())
    return (value, value) if isinstance(value, int) else value if isinstance(value, tuple) else ()


def _stage(card: NetworkSpec, layer: str) -> str:
    """The stage on the card that `layer` belongs to; where the card has none, the first part of its name."""
    for stage in card.stages:
        if any(layer == name or layer.startswith(f"{name}.") for name in stage.name.split()):
            return stage.name
    return layer.partition(".")[0]
