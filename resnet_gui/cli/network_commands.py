"""The verbs that list and summarise networks: `resnet-gui networks` and `resnet-gui summary`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from resnet_gui.cli.event_printer import EventPrinter
from resnet_gui.events import NetworkNames, NetworkSummary, to_json
from resnet_gui.nets.catalog import NETWORKS, find, require_size
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.nets.tables import comparison, facts, layer_table, layers_csv, network_table

_WRITTEN_AS = {"default_size": "usual", "description": "story", "note": "remark"}
"""Keys of `networks --json` whose fields have been renamed."""


def networks(arguments: list[str]) -> int:
    """`resnet-gui networks`: lists them, and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="resnet-gui networks",
        description="List the networks that can be trained. Parameters are with as many classes as the paper has, "
        "multiply-adds for one picture of the usual size.",
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--family", metavar="F", help="only families whose name contains this, such as ResNet or VGG")
    only.add_argument("--library", choices=("torchvision", "timm"), help="the further names that a library brings")
    parser.add_argument("--json", action="store_true", help="print every network as a line of JSON")
    options = parser.parse_args(arguments)
    if options.library:
        from resnet_gui.nets.library_catalog import names

        EventPrinter(sys.stdout, options.json).show(NetworkNames(options.library, names(options.library)))
        return 0
    specs = [spec for spec in NETWORKS if (options.family or "").lower() in spec.family.lower()]
    if not specs:
        families = ", ".join(dict.fromkeys(spec.family for spec in NETWORKS))
        parser.error(f"no family is called {options.family}; there are: {families}")
    print("\n".join(_line(spec) for spec in specs) if options.json else network_table(specs))
    return 0


def _line(spec: NetworkSpec) -> str:
    """A line of JSON, whose keys stay what they were when their fields had other names."""
    return json.dumps(
        {_WRITTEN_AS.get(key, key): value for key, value in dataclasses.asdict(spec).items()}, allow_nan=False
    )


def _summary_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="resnet-gui summary",
        description="Open a network layer by layer: what each layer puts out, its parameters and multiply-adds. "
        "Two names are compared.",
    )
    add = parser.add_argument
    add("networks", nargs="+", metavar="NAME", help="one network, such as resnet18, or two")
    add("--size", type=int, metavar="N", help="side of the picture in pixels (default: the network's usual)")
    add("--classes", type=int, metavar="N", help="how many classes (default: as many as the paper has)")
    add("--channels", type=int, choices=(1, 3), help="1 for grey pictures, 3 for colour (default: the network's)")
    add("--stages", action="store_true", help="print only the sums of each stage")
    output_format = parser.add_mutually_exclusive_group()
    output_format.add_argument("--json", action="store_true", help="print every network as a line of JSON")
    output_format.add_argument("--csv", action="store_true", help="print every layer as a row of CSV")
    options = parser.parse_args(arguments)
    for name, least in (("size", 1), ("classes", 2)):
        if (given := getattr(options, name)) is not None and given < least:
            parser.error(f"--{name} must be at least {least}")
    if len(options.networks) > 2:
        parser.error("name one network, or two to compare")
    return options


def summary(arguments: list[str]) -> int:
    """`resnet-gui summary NAME`: opens one network or compares two, and returns the exit status."""
    options = _summary_options(arguments)
    specs = [find(name) for name in options.networks]
    for spec in specs:
        require_size(spec, options.size or spec.default_size)  # before the libraries are loaded, which takes seconds
    tables = [_opened(spec, options) for spec in specs]
    if options.csv:
        print(layers_csv(tables), end="")
        return 0
    if options.json:
        print("\n".join(map(to_json, tables)))
        return 0
    for spec, table in zip(specs, tables, strict=True):
        print(facts(spec, table.weights), layer_table(table, options.stages), sep="\n\n", end="\n\n")
    if len(tables) == 2:
        print(comparison(*tables))
    return 0


def _opened(spec: NetworkSpec, options: argparse.Namespace) -> NetworkSummary:
    """The network's layers. The picture size of a library's network is known only from its weights."""
    from resnet_gui.nets.library_catalog import weights_of
    from resnet_gui.nets.summary import summarise

    weights = None if spec.is_curated else weights_of(spec.name)
    size = options.size or (weights.image_size if weights else spec.default_size)
    return summarise(spec.name, options.classes or spec.classes, options.channels or spec.channels, size)
