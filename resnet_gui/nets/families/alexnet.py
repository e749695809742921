"""AlexNet as it was published (Krizhevsky, Sutskever, Hinton 2012, "ImageNet classification with deep convolutional neural networks").

It was trained on two graphics cards of 3 GB. Each held half of the channels, and they exchanged data only at the third
convolution and in the fully connected layers; the others look at their own half, which is why they have two groups.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

STARTS_AT_ONE = ("conv2", "conv4", "conv5", "fc6", "fc7")
"""Layers whose biases start at 1, so that their ReLUs see positive numbers at first (section 5)."""


def alexnet_2012(classes: int, channels: int) -> nn.Sequential:
    """Five convolutions and three fully connected layers: [N, channels, 227, 227] to logits [N, classes].

    The paper says 224, but its 55 x 55 points come from 227. Freshly initialised from torch's global seed.
    """
    network = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 96, 11, stride=4), relu1=nn.ReLU(), norm1=brightness_norm(), pool1=nn.MaxPool2d(3, 2),
            conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2), relu2=nn.ReLU(), norm2=brightness_norm(), pool2=nn.MaxPool2d(3, 2),
            conv3=nn.Conv2d(256, 384, 3, padding=1), relu3=nn.ReLU(),
            conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2), relu4=nn.ReLU(),
            conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2), relu5=nn.ReLU(), pool5=nn.MaxPool2d(3, 2),
            flatten=nn.Flatten(),
            drop6=nn.Dropout(0.5), fc6=nn.Linear(256 * 6 * 6, 4096), relu6=nn.ReLU(),
            drop7=nn.Dropout(0.5), fc7=nn.Linear(4096, 4096), relu7=nn.ReLU(),
            fc8=nn.Linear(4096, classes),
        )
    )  # fmt: skip
    initialise(network)
    return network


def brightness_norm() -> nn.LocalResponseNorm:
    """Each number divided by (2 + 0.0001 * the sum of its square and those of 4 neighbouring channels) ^ 0.75 (section 3.3)."""
    # torch multiplies alpha with the mean of the five squares, the paper with their sum.
    return nn.LocalResponseNorm(size=5, alpha=5 * 1e-4, beta=0.75, k=2.0)


def initialise(network: nn.Module) -> None:
    """Weights normal with standard deviation 0.01, biases 0, or 1 in the layers `STARTS_AT_ONE` (section 5)."""
    for name, parameter in network.named_parameters():
        layer, _, part = name.partition(".")
        if part == "weight":
            nn.init.normal_(parameter, std=0.01)
        else:
            nn.init.constant_(parameter, 1.0 if layer in STARTS_AT_ONE else 0.0)


BUILDERS = {"alexnet_2012": alexnet_2012}
