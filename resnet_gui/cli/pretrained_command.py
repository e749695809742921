"""The verb that makes a model of shared weights: `resnet-gui pretrained`."""

from __future__ import annotations

import argparse
from pathlib import Path

from resnet_gui.cli.event_printer import show_events
from resnet_gui.cli.interrupt import stop_on_interrupt
from resnet_gui.messages import Problem
from resnet_gui.output.output_file import check_output


def pretrained(arguments: list[str]) -> int:
    """`resnet-gui pretrained NAME`: writes a model file, and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="resnet-gui pretrained",
        description="Make a model of shared weights as they are: it knows the 1,000 classes of ImageNet, and answers without a training.",
    )
    parser.add_argument("network", metavar="NAME", help="a network that has shared weights, such as resnet18")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="its weights, where they are not to be downloaded")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the model file (default NAME.safetensors)")
    parser.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    options = parser.parse_args(arguments)
    out = options.out or Path(options.network.replace("/", "-") + ".safetensors")
    check_output(out)
    if options.weights and options.weights.exists() and out.exists() and out.samefile(options.weights):
        raise Problem("output_is_input", path=str(out))
    from resnet_gui.prediction.model_from_weights import make_model

    with stop_on_interrupt() as stop:
        return show_events(make_model(options.network, options.weights, out, stop), options.json, stop)
