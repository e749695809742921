"""How the pictures for weights of others are prepared: as the user says, else as it is known, else as is usual."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from resnet_gui.config import INTERPOLATIONS, LEAST_IMAGE_SIZE, LEAST_MIDDLE_SHARE, MOST_IMAGE_SIZE
from resnet_gui.data.transforms import MIDDLE_SHARE, Preprocessing
from resnet_gui.messages import Message, Problem, message

Known = Literal["model", "certain", "shared", "nothing"]
"""Which preprocessing is known: that of a model of this program; that of the very weights; that of weights which are
shared for the network, and which these may be made from; or none."""

_SMALL = 64
"""Pictures of up to so many pixels are whole data sets' (MNIST, CIFAR, Tiny ImageNet): their networks see all of them."""
_LEAST_STD = 0.001
_TOLD: dict[Known, str] = {
    "model": "prepared_model", "certain": "prepared_shared", "shared": "prepared_shared", "nothing": "prepared_nothing",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says of the preprocessing: as in `Preprocessing`, and 0 or empty where it is left open."""

    size: int = 0
    middle_share: float = 0.0
    interpolation: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def check(self) -> None:
        """Raises `Problem` (`setting_invalid`) for what no pictures can be prepared with."""
        if self.size and not LEAST_IMAGE_SIZE <= self.size <= MOST_IMAGE_SIZE:
            raise _invalid("Size", f"{self.size} is not from {LEAST_IMAGE_SIZE} to {MOST_IMAGE_SIZE} pixels")
        if self.middle_share and not LEAST_MIDDLE_SHARE <= self.middle_share <= 1:
            raise _invalid("Middle share", f"{self.middle_share:g} is not from {LEAST_MIDDLE_SHARE} to 1")
        if self.interpolation and self.interpolation not in INTERPOLATIONS:
            raise _invalid("Interpolation", f"“{self.interpolation}” is none of {', '.join(INTERPOLATIONS)}")
        for label, given, least in (("Mean", self.mean, 0.0), ("Std", self.std, _LEAST_STD)):
            if any(1 < each <= 255 for each in given) and all(least <= each <= 255 for each in given):
                divided = numbers(each / 255 for each in given)
                raise _invalid(
                    label, f"{numbers(given)} counts from 0 to 255, and here black is 0 and white is 1: {divided}"
                )
            if not all(least <= each <= 1 for each in given):
                raise _invalid(label, f"{numbers(given)} is not from {least:g} to 1, where 0 is black and 1 is white")
            if len(given) not in (0, 1, 3):
                raise _invalid(label, f"{len(given)} numbers, and it takes 3 for colour or 1 for grey")


def prepared(
    wishes: Wishes, channels: int, size: int, found: Preprocessing | None, known: Known
) -> tuple[Preprocessing, Message]:
    """The preprocessing for `channels`, and a sentence that tells it, with what was assumed.

    `found` is what is `known`, `size` in pixels is used where nothing else is. Raises `Problem` (`setting_invalid`).
    """
    size = wishes.size or (found.image_size if found else size)
    whole = size <= _SMALL and not (found and (known in ("model", "certain") or found.image_size == size))
    share = wishes.middle_share or (1.0 if whole else found.middle_share if found else MIDDLE_SHARE)
    base = found.at(size) if found else Preprocessing.for_size(size)
    base = base if share == base.middle_share else base.with_middle_share(share)
    base = base.with_channels(channels)
    made = replace(
        base,
        interpolation=wishes.interpolation or base.interpolation,
        mean=_of_channels("Mean", wishes.mean, channels) or base.mean,
        std=_of_channels("Std", wishes.std, channels) or base.std,
        as_torchvision=base.as_torchvision if known in ("model", "certain") else True,
    )
    return made, _told(wishes, made, known)


def numbers(values: Iterable[float]) -> str:
    """ "0.485, 0.456, 0.406" """
    return ", ".join(f"{value:.6g}" for value in values)


def _of_channels(label: str, given: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """`given` for each of the channels: one number is for all three of them."""
    if len(given) > channels:
        raise _invalid(label, f"{numbers(given)}: the pictures are grey, so it takes 1 number")
    return given * channels if len(given) == 1 else given


def _told(wishes: Wishes, made: Preprocessing, known: Known) -> Message:
    options = {
        "--size": wishes.size, "--middle-share": wishes.middle_share, "--interpolation": wishes.interpolation,
        "--mean": wishes.mean, "--std": wishes.std,
    }  # fmt: skip
    assumed = ", ".join(option for option, given in options.items() if not given)
    code = _TOLD[known] if assumed else "prepared_as_said"
    return message(
        code, colour="colour" if made.channels == 3 else "grey", size=made.image_size, share=f"{made.middle_share:.3g}", interpolation=made.interpolation,
        mean=numbers(made.mean), std=numbers(made.std), **({"options": assumed} if assumed else {}),
    )  # fmt: skip


def _invalid(setting: str, why: str) -> Problem:
    return Problem("setting_invalid", setting=setting, reason=why)
