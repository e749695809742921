"""Features come in the batches in which their pictures would."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from resnet_gui.data.batch import Batch
from resnet_gui.data.feature_loader import FeatureLoader
from resnet_gui.data.loader import Loader
from resnet_gui.data.samples import Sample
from resnet_gui.data.transforms import Augmentation, Preprocessing

PREPROCESSING = Preprocessing.for_size(32)
AUGMENTATION = Augmentation(PREPROCESSING, random_crop=True, flip=True, seed=3, image_size=32)
COUNT = 13


@pytest.fixture
def pictures(tmp_path: Path) -> Loader:
    for index in range(COUNT):
        Image.new("RGB", (40, 40)).save(tmp_path / f"{index}.png")
    samples = [Sample(f"{index}.png", index % 3) for index in range(COUNT)]
    return Loader(tmp_path, samples, PREPROCESSING, batch_size=4, threads=1)


def filled(pictures: Loader, views: int = 1) -> FeatureLoader:
    """The features of a picture are its index and its view."""
    loader = FeatureLoader(pictures, torch.full((views, COUNT, 2), -1.0))
    for view in range(views):
        for batch in pictures.evaluate():
            if isinstance(batch, Batch):
                loader.put(view, batch.indices, torch.stack([batch.indices, torch.full_like(batch.indices, view)], 1))
    return loader


def shown(loader: FeatureLoader, epoch: int, done: int = 0) -> Tensor:
    return torch.cat([batch.pixels for batch in loader.train(AUGMENTATION, epoch, done)])


def indices(batches: object) -> list[list[int]]:
    return [batch.indices.tolist() for batch in batches if isinstance(batch, Batch)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("skipped", [set(), {2, 7}, {0, 3, 5, 11}, set(range(3, COUNT)), set(range(COUNT))])
def test_an_epoch_has_the_order_and_the_batches_of_the_pictures(pictures: Loader, skipped: set[int]) -> None:
    loader = filled(pictures)
    pictures.skipped |= skipped
    for epoch in (1, 2):
        wanted = indices(pictures.train(AUGMENTATION, epoch))
        assert indices(loader.train(AUGMENTATION, epoch)) == wanted
        for done in (4, 8, 12):
            assert indices(loader.train(AUGMENTATION, epoch, done)) == indices(
                pictures.train(AUGMENTATION, epoch, done)
            )
    assert indices(loader.evaluate()) == indices(pictures.evaluate())
    assert loader.readable == pictures.readable == COUNT - len(skipped)
    assert loader.readable_classes == pictures.readable_classes


def test_each_picture_comes_with_its_own_features_and_label(pictures: Loader) -> None:
    loader = filled(pictures)
    for batches in (loader.train(AUGMENTATION, 1), loader.evaluate()):
        for batch in batches:
            assert batch.pixels[:, 0].tolist() == batch.indices.tolist()
            assert batch.labels.tolist() == [index % 3 for index in batch.indices.tolist()]


def test_of_several_views_each_epoch_shows_another_and_all_kinds(pictures: Loader) -> None:
    loader = filled(pictures, views=3)
    seen: dict[int, list[int]] = {index: [] for index in range(COUNT)}
    for epoch in (1, 2, 3):
        features = shown(loader, epoch)
        assert set(features[:, 1].tolist()) == {0, 1, 2}
        for index, view in features.tolist():
            seen[int(index)].append(int(view))
    assert all(sorted(views) == [0, 1, 2] for views in seen.values())
    assert torch.equal(shown(loader, 4), shown(loader, 4))
    assert torch.equal(shown(loader, 2, done=8), shown(loader, 2)[8:])
    assert all(batch.pixels[:, 1].eq(0).all() for batch in loader.evaluate()), "it is scored on the first"


def test_features_of_a_convolution_come_as_they_were_put(pictures: Loader) -> None:
    loader = FeatureLoader(pictures, torch.empty(1, COUNT, 5, 5, 3))
    features = torch.rand(COUNT, 3, 5, 5)
    loader.put(0, torch.arange(COUNT), features)
    for batch in (*loader.train(AUGMENTATION, 1), *loader.evaluate()):
        assert torch.equal(batch.pixels, features[batch.indices])
        assert batch.pixels.is_contiguous(memory_format=torch.channels_last)
        assert loader.prepare(batch) is batch.pixels
