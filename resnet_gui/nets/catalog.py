"""Every network offered, as plain data: nothing here imports torch, so the window can read it."""

from __future__ import annotations

from dataclasses import dataclass

from resnet_gui.messages import Problem


@dataclass(frozen=True, slots=True)
class Network:
    """One network's card.

    `name` is what a person types, `title` what they read. `depth` counts the layers with weights as the paper does:
    convolutions and the classifier, but not the projections in shortcuts. `parameters` are all trainable numbers with
    1,000 classes; `multiply_adds` those of convolutions and classifier for one 224 x 224 picture. `smallest` is the
    side in pixels of the smallest picture offered: where it reaches the classifier, a single point is left of it in the
    ImageNet form, and 8 x 8 points in the CIFAR form, as in its paper.
    """

    name: str
    title: str
    family: str
    paper: str
    year: int
    depth: int
    parameters: int
    multiply_adds: int
    smallest: int
    story: str


def _resnet(depth: int, parameters: int, multiply_adds: int, story: str) -> Network:
    return Network(
        name=f"resnet{depth}",
        title=f"ResNet-{depth}",
        family="ResNet",
        paper="He et al. 2015",
        year=2015,
        depth=depth,
        parameters=parameters,
        multiply_adds=multiply_adds,
        smallest=32,
        story=story,
    )


_RESNET20 = Network(
    name="resnet20",
    title="ResNet-20 (small pictures)",
    family="ResNet, CIFAR form",
    paper="He et al. 2015",
    year=2015,
    depth=20,
    parameters=334_072,
    multiply_adds=1_987_033_600,
    smallest=32,
    story="Tiny, and made for pictures of 32 pixels: quick at an image size of 32, but at 224 slower than ResNet-18.",
)

NETWORKS: tuple[Network, ...] = (
    _resnet(
        18, 11_689_512, 1_814_073_344,
        "The smallest for photographs and a good first choice: quick to train, and hard to beat with a few hundred pictures.",
    ),
    _resnet(
        34, 21_797_672, 3_663_761_408,
        "Twice as deep with the same simple blocks: without their shortcuts it would train worse than 18 layers, with them it trains better.",
    ),
    _resnet(
        50, 25_557_032, 4_089_184_256,
        "The one most people mean by “a ResNet”: its blocks first narrow the channels, so that depth costs little.",
    ),
    _resnet(
        101, 44_549_160, 7_801_405_440,
        "The same blocks as ResNet-50, with 17 more of them in the third stage: for many pictures and a graphics card.",
    ),
    _resnet(
        152, 60_192_808, 11_513_626_624,
        "The deepest of the networks that won the ImageNet competition of 2015: slow, and it wants a great many pictures.",
    ),
    _RESNET20,
)  # fmt: skip
"""In the order in which they are offered; the first is chosen until a person chooses another."""


def find(name: str) -> Network:
    """The network called `name`, such as `resnet18`.

    Raises `Problem` (`network_unknown`), which lists the names there are.
    """
    for network in NETWORKS:
        if network.name == name:
            return network
    raise Problem("network_unknown", name=name, known=", ".join(network.name for network in NETWORKS))
