"""The engine with weights of the test's own, which it downloads from the URL that the test gives."""

import dataclasses
import json
import sys

from resnet_gui.records import Weights

_SCRIPT = """
import json, sys, types
from resnet_gui.engine import job_runner, server
from resnet_gui.records import Weights, from_plain
weights = from_plain(Weights, json.loads(sys.argv[1]))
sys.modules["resnet_gui.nets.library_catalog"] = types.SimpleNamespace(weights_of=lambda network: weights)
job_runner._warm = lambda: iter(())
server.serve()
"""


def engine_command_with(weights: Weights) -> list[str]:
    """The command of a real engine for which every network has `weights`. It imports nothing beforehand."""
    return [sys.executable, "-P", "-c", _SCRIPT, json.dumps(dataclasses.asdict(weights))]
