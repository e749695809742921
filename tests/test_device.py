"""What computes, by its name. There need be no graphics card: what torch says of them is set."""

import os
from collections.abc import Iterator

import pytest
import torch

from resnet_gui.config import MachineConfig, make_config
from resnet_gui.device import Compute, choose_device, device_as_before, devices, short_precision, slow_precision
from resnet_gui.messages import Problem


@pytest.fixture(autouse=True)
def global_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leaves torch the threads and switches that it had."""
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", torch.backends.cudnn.benchmark)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    yield
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(precision)


@pytest.fixture
def current(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two graphics cards; here is which became the current one."""
    current: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: current.append(str(device)))
    return current


@pytest.mark.parametrize(
    ("name", "chosen", "made_current"),
    [
        ("cuda:1", "cuda:1", ["cuda:1"]), ("cuda:0", "cuda:0", ["cuda:0"]), ("cuda", "cuda", []), ("auto", "cuda", []),
        ("cpu", "cpu", []),
    ],
)  # fmt: skip
def test_each_card_can_be_named(current: list[str], name: str, chosen: str, made_current: list[str]) -> None:
    assert str(choose_device(MachineConfig(device=name))) == chosen
    assert current == made_current


def test_a_card_that_is_not_there_is_named_with_those_that_are(current: list[str]) -> None:
    assert devices() == ("cpu", "cuda:0", "cuda:1")
    for name in ("cuda:2", "cuda:10", "mps"):
        with pytest.raises(Problem, match=f"“{name}” is not available .* has: cpu, cuda:0, cuda:1. Choose one"):
            choose_device(MachineConfig(device=name))


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:1", "mps"])
def test_where_there_is_no_card_the_processor_is_advised(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Problem, match=f"“{name}” is not available on this machine. Choose “auto” or “cpu”"):
        choose_device(MachineConfig(device=name))
    assert device_as_before(MachineConfig(device=name)) == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:-1", "cuda: 1", "cuda:1a", "CUDA:1", "cuda:1,2", "cuda:٣", ""])
def test_what_names_no_device_is_a_sentence(name: str) -> None:
    with pytest.raises(Problem, match=r"“Device” is not valid: “.*” is none of auto, cpu, cuda, mps, and cuda:0"):
        make_config({"machine.device": name})


@pytest.mark.parametrize("native", [None, "bfloat16"])
def test_a_processor_says_which_precision_is_slow_on_it(native: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resnet_gui.device.short_precision", lambda _: native)
    cpu, card = torch.device("cpu"), torch.device("cuda:1")
    names = ("float32", "bfloat16", "float16")
    slow = [name for name in names if slow_precision(Compute(cpu, name))]
    assert slow == ["float16"] if native else ["bfloat16", "float16"]
    assert not any(slow_precision(Compute(card, name)) for name in names)


@pytest.mark.skipif("RESNET_GUI_TEST_SHORT_PRECISION" in os.environ, reason="they are those of another processor")
def test_the_16_bits_of_a_card_are_its_own(current: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The second card is new enough for bfloat16, the first is not."""
    entered: list[int] = []

    class Entered:
        def __init__(self, device: torch.device) -> None:
            self.index = device.index

        def __enter__(self) -> None:
            entered.append(self.index)

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(torch.cuda, "device", Entered)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: entered[-1] == 1)
    found = [short_precision(torch.device(f"cuda:{index}")) for index in (0, 1)]
    assert found == ["float16", "bfloat16"]
