"""Batches: every picture once, in an order of its own each epoch, whatever the threads; bad ones left out."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from resnet_gui.data.folder import Sample
from resnet_gui.data.loader import Batch, Loader, epoch_order, steps_per_epoch
from resnet_gui.data.transforms import Augmentation, Preprocessing
from resnet_gui.events import Skipped

RULE = Preprocessing.for_size(32)
AUGMENTATION = Augmentation(RULE, random_crop=True, flip=True, seed=3)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Nine pictures whose label is their number and whose red is ten times that."""
    for index in range(9):
        Image.new("RGB", (40 + index, 50), (10 * index, 0, 0)).save(tmp_path / f"{index}.png")
    return [Sample(f"{index}.png", index) for index in range(9)]


def loader(root: Path, samples: list[Sample], batch_size: int = 4, threads: int = 2) -> Loader:
    return Loader(root, samples, RULE, batch_size, threads)


def labels(items: object) -> list[list[int]]:
    return [item.labels.tolist() for item in items if isinstance(item, Batch)]


def test_evaluation_sees_every_picture_once_and_in_order(tmp_path: Path, samples: list[Sample]) -> None:
    batches = list(loader(tmp_path, samples).evaluate())
    assert labels(batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    assert [batch.pixels.shape for batch in batches] == [(4, 3, 32, 32), (4, 3, 32, 32), (1, 3, 32, 32)]
    reds = torch.cat([batch.pixels for batch in batches])[:, 0, 16, 16]
    assert reds.tolist() == [10 * index for index in range(9)]


def test_a_last_training_batch_of_one_joins_the_one_before(tmp_path: Path, samples: list[Sample]) -> None:
    sizes = [len(batch) for batch in labels(loader(tmp_path, samples).train(AUGMENTATION, epoch=1))]
    assert sizes == [4, 5]


@pytest.mark.parametrize(
    ("count", "batch_size", "steps"), [(9, 4, 2), (10, 4, 3), (8, 4, 2), (3, 2, 1), (2, 4, 1), (1, 4, 1)]
)
def test_steps_per_epoch_counts_what_the_loader_makes(
    tmp_path: Path, samples: list[Sample], count: int, batch_size: int, steps: int
) -> None:
    samples = (samples * 2)[:count]
    made = len(labels(loader(tmp_path, samples, batch_size).train(AUGMENTATION, 1)))
    assert made == steps == steps_per_epoch(count, batch_size)


def test_every_epoch_has_an_order_of_its_own_that_the_seed_fixes() -> None:
    first = epoch_order(7, 1, 100)
    assert sorted(first) == list(range(100))
    assert first == epoch_order(7, 1, 100)
    assert first != epoch_order(7, 2, 100) != epoch_order(8, 2, 100)


def test_pictures_do_not_depend_on_the_number_of_threads(tmp_path: Path, samples: list[Sample]) -> None:
    one, many = (list(loader(tmp_path, samples, threads=threads).train(AUGMENTATION, 5)) for threads in (1, 6))
    assert labels(one) == labels(many)
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(one, many, strict=True))


def test_a_bad_picture_is_left_out_told_once_and_moves_no_other(tmp_path: Path, samples: list[Sample]) -> None:
    whole = loader(tmp_path, samples)
    orders = [sum(labels(whole.train(AUGMENTATION, epoch)), []) for epoch in (1, 2)]
    (tmp_path / "3.png").write_bytes(b"no picture")
    damaged = loader(tmp_path, samples)
    first, second = (list(damaged.train(AUGMENTATION, epoch)) for epoch in (1, 2))
    told = [item for item in first + second if isinstance(item, Skipped)]
    assert [Path(item.path).name for item in told] == ["3.png"]
    assert damaged.readable == 8
    for items, order in zip((first, second), orders, strict=True):
        assert sum(labels(items), []) == [label for label in order if label != 3]


def test_leaving_an_epoch_early_leaves_no_thread_behind(tmp_path: Path, samples: list[Sample]) -> None:
    import threading

    batches = loader(tmp_path, samples * 20, threads=4).train(AUGMENTATION, 1)
    next(batches)
    readers = [thread for thread in threading.enumerate() if thread.name.startswith("loader")]
    assert readers
    batches.close()
    for thread in readers:
        thread.join(timeout=5)
        assert not thread.is_alive()
