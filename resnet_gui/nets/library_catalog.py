"""What torchvision and timm offer beside the catalogue: names of networks, and trained weights with their preparation."""

from __future__ import annotations

import re
from typing import Any

from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import NETWORKS, find
from resnet_gui.nets.libraries import timm_models, torchvision_models
from resnet_gui.records import Weights

_READABLE = (".safetensors", ".pth", ".pt", ".th")
_DATASETS = {
    1000: "ImageNet-1k",
    11821: "ImageNet-12k",
    21841: "ImageNet-21k",
    21842: "ImageNet-21k",
    21843: "ImageNet-21k",
}
"""By the number of classes. A set of another number is called by timm's own word for it."""

_HALVES = (0.5, 0.5, 0.5)


def names(source: str) -> tuple[str, ...]:
    """What `source` offers: "timm" all its names, "torchvision" those that the catalogue has not already."""
    if source == "torchvision":
        models = torchvision_models()
        curated = {card.library_name or card.name for card in NETWORKS if card.source != "timm"}
        return tuple(name for name in models.list_models(module=models) if name not in curated)
    timm = timm_models()
    return tuple(timm.list_models())


def weights_of(name: str) -> Weights | None:
    """The trained weights that the network called `name` can start from: its card's, or its library's first choice.

    None where nobody shares any. Raises `Problem` (`network_unknown`).
    """
    card = find(name)
    if card.is_curated:
        return card.weights
    return _of_torchvision(card.library_name) if card.source == "torchvision" else _of_timm(name, card.library_name)


def _of_torchvision(library_name: str) -> Weights | None:
    models = torchvision_models()
    if library_name not in models.list_models(module=models):
        return None
    shared = models.get_model_weights(library_name).DEFAULT
    prepare, facts = shared.transforms(), shared.meta
    # torchvision's networks bring these two's pictures from the usual mean and deviation to 0.5; `build` leaves that out.
    halves = library_name in ("googlenet", "inception_v3")
    return Weights(
        url=shared.url,
        megabytes=round(facts["_file_size"] * 1.048576, 1),
        licence=facts.get("license", "BSD-3-Clause"),
        sha256=_digits(shared.url),
        top1=round(facts["_metrics"]["ImageNet-1K"]["acc@1"] / 100, 5),
        image_size=prepare.crop_size[0],
        resize=prepare.resize_size[0],
        interpolation=_interpolation(prepare.interpolation.value),
        mean=_HALVES if halves else tuple(prepare.mean),
        std=_HALVES if halves else tuple(prepare.std),
    )


def _of_timm(name: str, library_name: str) -> Weights | None:
    timm = timm_models()
    shared = timm.get_pretrained_cfg(library_name) if timm.is_model(library_name) else None
    url = _address(shared)
    if shared is None or not url:
        return None
    image_size = shared.input_size[-1]
    return Weights(
        url=url,
        megabytes=_megabytes(name, shared.num_classes),
        licence=(shared.license or "not stated").replace("apache", "Apache"),
        trained_on=_DATASETS.get(shared.num_classes, shared.tag or ""),
        sha256=_digits(url),
        image_size=image_size,
        resize=round(image_size / shared.crop_pct),
        interpolation=_interpolation(shared.interpolation),
        mean=tuple(shared.mean),
        std=tuple(shared.std),
    )


def _address(shared: Any) -> str:
    """Where timm's weights are, "" where there are none that can be read without running code."""
    if shared is None:
        return ""
    if shared.hf_hub_id:
        return f"https://huggingface.co/{shared.hf_hub_id}/resolve/main/model.safetensors"
    url = shared.url or ""
    return url if url.endswith(_READABLE) else ""


def _megabytes(name: str, classes: int) -> float:
    """How large a file with all tensors of the network is, since timm does not say it; 0 where that is not known.

    A network that only gives features, so has no classes, is counted without its head.
    """
    import torch

    try:
        with torch.device("meta"):
            tensors = build(name, classes, 3).state_dict().values()
    except Exception:  # some cannot be built without memory, and to download them it is not needed
        return 0.0
    size: int = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    return round(size / 1e6, 1)


def _digits(url: str) -> str:
    """The first digits of the file's SHA-256, which stand in its name: `resnet18-f37072fd.pth`."""
    found = re.search(r"-([0-9a-f]{8,64})\.\w+$", url)
    return found[1] if found else ""


def _interpolation(name: str) -> str:
    """Pictures are scaled the bilinear or the bicubic way; the rarer ones that libraries know are nearer to the second."""
    return "bilinear" if name == "bilinear" else "bicubic"
