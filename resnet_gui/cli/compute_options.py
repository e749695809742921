"""The options that say what computes, and how exactly: of every verb that computes with a model."""

from __future__ import annotations

import argparse

from resnet_gui.config import DEVICE_TEXT, is_device, settings


def add_compute_options(parser: argparse.ArgumentParser, automatic: str) -> None:
    """Adds --device and --precision, by default "auto". `automatic`: what that means for the precision."""
    precision = next(setting for setting in settings() if setting.key == "machine.precision")
    parser.add_argument(
        "--device", type=device, metavar="NAME", default="auto", help=f"what computes: {DEVICE_TEXT} (default auto)"
    )
    parser.add_argument(
        "--precision", choices=precision.choices, default="auto",
        help=f"how exactly is computed (default auto: {automatic})",
    )  # fmt: skip


def device(name: str) -> str:
    """`name`, if it is that of a device. For `argparse`, whose error it raises otherwise."""
    if not is_device(name):
        raise argparse.ArgumentTypeError(f"“{name}” is none of {DEVICE_TEXT}")
    return name
