"""The networks of torchvision and timm beside the catalogue: their names, and weights with their preprocessing."""

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
"""By the number of classes. For another number timm's own tag is used."""

_HALVES = (0.5, 0.5, 0.5)


def names(source: str) -> tuple[str, ...]:
    """The networks of `source`: all names of "timm", or those of "torchvision" that are not in the catalogue."""
    if source == "torchvision":
        models = torchvision_models()
        curated = {spec.library_name or spec.name for spec in NETWORKS if spec.source != "timm"}
        return tuple(name for name in models.list_models(module=models) if name not in curated)
    timm = timm_models()
    return tuple(timm.list_models())


def weights_of(name: str) -> Weights | None:
    """The trained weights that the network called `name` can start from: its spec's, or its library's default.

    None if there are none. Raises `Problem` (`network_unknown`).
    """
    spec = find(name)
    if spec.is_curated:
        return spec.weights
    return _of_torchvision(spec.library_name) if spec.source == "torchvision" else _of_timm(name, spec.library_name)


def _of_torchvision(library_name: str) -> Weights | None:
    models = torchvision_models()
    if library_name not in models.list_models(module=models):
        return None
    shared = models.get_model_weights(library_name).DEFAULT
    prepare, facts = shared.transforms(), shared.meta
    # These two convert pictures from ImageNet's mean and std to 0.5 themselves in torchvision; `build` turns that off.
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
    """The URL of timm's weights; "" if there are none that can be read without running code."""
    if shared is None:
        return ""
    if shared.hf_hub_id:
        return f"https://huggingface.co/{shared.hf_hub_id}/resolve/main/model.safetensors"
    url = shared.url or ""
    return url if url.endswith(_READABLE) else ""


def _megabytes(name: str, classes: int) -> float:
    """The size of a file with all tensors of the network, which timm does not state; 0 if it is not known.

    A network without classes, which only gives features, is counted without its head.
    """
    import torch

    try:
        with torch.device("meta"):
            tensors = build(name, classes, 3).state_dict().values()
    except Exception:  # some cannot be built on the meta device, and the size is not needed to download them
        return 0.0
    size: int = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    return round(size / 1e6, 1)


def _digits(url: str) -> str:
    """The first digits of the file's SHA-256, from its name: `resnet18-f37072fd.pth`."""
    found = re.search(r"-([0-9a-f]{8,64})\.\w+$", url)
    return found[1] if found else ""


def _interpolation(name: str) -> str:
    """Bilinear or bicubic; the libraries' other methods are nearer to bicubic."""
    return "bilinear" if name == "bilinear" else "bicubic"
