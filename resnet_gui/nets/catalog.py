"""Every network offered, as plain data: nothing here imports torch, so the window can read it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from resnet_gui.messages import Problem
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.nets.specs import cifar, classic, inception, libraries, residual, residual_variants, tutorial

NETWORKS: tuple[NetworkSpec, ...] = (
    *residual.NETWORKS, *residual_variants.NETWORKS, *cifar.NETWORKS, *tutorial.NETWORKS, *classic.NETWORKS,
    *inception.NETWORKS, *libraries.NETWORKS,
)  # fmt: skip
"""In the order in which they are offered; the first is the default."""

_BY_NAME = {network.name: network for network in NETWORKS}


def find(name: str) -> NetworkSpec:
    """The spec of the network called `name`: of the catalogue (`resnet18`), or of a library (`timm/convnext_tiny`).

    The spec of a library's network holds little more than its name. Whether the library has that name is known only
    when the network is built. Raises `Problem`: `network_misspelt` with similar names, or `network_unknown`.
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    library, _, inside = name.partition("/")
    if inside and library == "timm":
        return NetworkSpec(name, inside, "timm", "", 0, 0, 0, 0, "", source="timm", library_name=inside, smallest=1)
    if inside and library == "torchvision":
        return NetworkSpec(
            name, inside, "torchvision", "", 0, 0, 0, 0, "", source="torchvision", library_name=inside, smallest=1
        )
    if near := difflib.get_close_matches(name[:100], _BY_NAME, n=5, cutoff=0.5):
        raise Problem("network_misspelt", name=name, known=", ".join(near))
    raise Problem("network_unknown", name=name)


def by_family(networks: Iterable[NetworkSpec]) -> dict[str, list[NetworkSpec]]:
    """The networks of each family, in the order in which the families first occur."""
    families: dict[str, list[NetworkSpec]] = {}
    for network in networks:
        families.setdefault(network.family, []).append(network)
    return families


def require_size(network: NetworkSpec, size: int) -> None:
    """Raises `Problem` (`size_not_taken`) unless pictures of `size` x `size` pixels can go through `network`."""
    if not network.takes(size):
        raise Problem("size_not_taken", network=network.title, size=size, sizes=network.sizes)
