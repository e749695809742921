"""The engine with weights of the test's own, which it downloads from wherever the test says."""

import dataclasses
import json
import sys

from resnet_gui.events import Weights

_SCRIPT = """
import json, sys, types
from resnet_gui import serve
from resnet_gui.events import Weights, from_plain
weights = from_plain(Weights, json.loads(sys.argv[1]))
sys.modules["resnet_gui.nets.outside"] = types.SimpleNamespace(weights_of=lambda network: weights)
serve._warm = lambda: iter(())
serve.serve()
"""


def engine_command_with(weights: Weights) -> list[str]:
    """The command of a real engine for which every network has `weights`. It imports nothing beforehand."""
    return [sys.executable, "-P", "-c", _SCRIPT, json.dumps(dataclasses.asdict(weights))]
