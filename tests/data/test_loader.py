"""Batches: every picture once, in an order of its own each epoch, whatever the threads; bad ones left out."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from resnet_gui.data.batch import Batch
from resnet_gui.data.cache.picture_cache import PictureCache
from resnet_gui.data.image import Decoded
from resnet_gui.data.loader import FolderGone, Loader, epoch_order, steps_per_epoch
from resnet_gui.data.prefetch import prefetch
from resnet_gui.data.samples import Sample
from resnet_gui.data.snapshot import version_of
from resnet_gui.data.transforms import Augmentation, Preprocessing
from resnet_gui.events import Skipped

PREPROCESSING = Preprocessing.for_size(32)
AUGMENTATION = Augmentation(PREPROCESSING, random_crop=True, flip=True, seed=3, image_size=32)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Nine pictures whose label is their number and whose red is ten times that."""
    for index in range(9):
        Image.new("RGB", (40 + index, 50), (10 * index, 0, 0)).save(tmp_path / f"{index}.png")
    return [Sample(f"{index}.png", index) for index in range(9)]


def loader(root: Path, samples: list[Sample], batch_size: int = 4, threads: int = 2) -> Loader:
    return Loader(root, samples, PREPROCESSING, batch_size, threads)


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


def test_a_bad_picture_is_left_out_reported_once_and_moves_no_other(tmp_path: Path, samples: list[Sample]) -> None:
    whole = loader(tmp_path, samples)
    orders = [sum(labels(whole.train(AUGMENTATION, epoch)), []) for epoch in (1, 2)]
    (tmp_path / "3.png").write_bytes(b"no picture")
    damaged = loader(tmp_path, samples)
    first, second = (list(damaged.train(AUGMENTATION, epoch)) for epoch in (1, 2))
    reported = [item for item in first + second if isinstance(item, Skipped)]
    assert [Path(item.path).name for item in reported] == ["3.png"]
    assert damaged.readable == 8
    for items, order in zip((first, second), orders, strict=True):
        assert sum(labels(items), []) == [label for label in order if label != 3]


def test_leaving_an_epoch_early_leaves_no_thread_behind(tmp_path: Path, samples: list[Sample]) -> None:
    batches = loader(tmp_path, samples * 20, threads=4).train(AUGMENTATION, 1)
    next(batches)
    readers = [thread for thread in threading.enumerate() if thread.name.startswith("loader")]
    assert readers
    batches.close()
    for thread in readers:
        thread.join(timeout=5)
        assert not thread.is_alive()


def test_views_show_every_picture_once_and_in_order_each_time_another_way(
    tmp_path: Path, samples: list[Sample]
) -> None:
    Image.radial_gradient("L").resize((60, 50)).convert("RGB").save(tmp_path / "0.png")
    first, again, other = (list(loader(tmp_path, samples).views(AUGMENTATION, view)) for view in (1, 1, 2))
    assert labels(first) == labels(other) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].pixels[0], other[0].pixels[0])


def test_a_batch_knows_its_pictures_though_some_are_left_out(tmp_path: Path, samples: list[Sample]) -> None:
    for name in ("0.png", "5.png"):
        (tmp_path / name).unlink()
    for items in (loader(tmp_path, samples).evaluate(), loader(tmp_path, samples).train(AUGMENTATION, 1)):
        batches = [item for item in items if isinstance(item, Batch)]
        assert [batch.indices.tolist() for batch in batches] == [batch.labels.tolist() for batch in batches]
        assert sorted(torch.cat([batch.indices for batch in batches]).tolist()) == [1, 2, 3, 4, 6, 7, 8]


@pytest.fixture(params=["on disk", "in memory", "not at all"])
def kept(
    request: pytest.FixtureRequest, tmp_path: Path, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Loader]:
    """A loader that has seen all its pictures once, and where it keeps them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.with_name("cache")))
    with PictureCache(tmp_path, PREPROCESSING, 0.1 if request.param == "on disk" else 0) as cache:
        time.sleep(0.06)  # what has only just been written is kept in memory alone
        keeping = Loader(tmp_path, samples, PREPROCESSING, 4, 2, cache=None if request.param == "not at all" else cache)
        assert len(labels(keeping.evaluate())) == 3
        yield keeping


def deleted(path: Path) -> None:
    path.unlink()


def replaced_by_another(path: Path) -> None:
    """By one of the same size and time of change."""
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    shutil.copyfile(path.with_name("4.png"), path)
    os.utime(path, ns=times)


def damaged(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("alter", [deleted, replaced_by_another, damaged, made_a_folder])
def test_a_picture_that_is_altered_later_is_left_out_wherever_it_is_kept(
    kept: Loader, alter: Callable[[Path], None]
) -> None:
    alter(kept.root / "3.png")
    items = [*kept.evaluate(), *kept.train(AUGMENTATION, 2)]
    assert [Path(item.path).name for item in items if isinstance(item, Skipped)] == ["3.png"]
    assert sorted(sum(labels(items), [])) == sorted([0, 1, 2, 4, 5, 6, 7, 8] * 2)


def test_a_picture_that_was_only_touched_or_copied_stays(kept: Loader) -> None:
    os.utime(kept.root / "3.png", (2, 2))
    shutil.copyfile(kept.root / "4.png", kept.root / "copy")
    (kept.root / "copy").replace(kept.root / "4.png")
    for _ in range(2):
        assert sum(labels(kept.evaluate()), []) == list(range(9))


def test_what_is_copied_at_the_moment_it_is_opened_is_not_kept(kept: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been half of the copy, and half of something else."""
    really_decode, picture = Preprocessing.decode, kept.root / "3.png"

    def decode_and_copy(preprocessing: Preprocessing, path: Path) -> Decoded:
        decoded = really_decode(preprocessing, path)
        os.utime(path)
        return decoded

    os.utime(picture, (2, 2))
    with monkeypatch.context() as patch:
        patch.setattr(Preprocessing, "decode", decode_and_copy)
        assert sum(labels(kept.evaluate()), []) == list(range(9))
    assert not kept.cache or kept.cache.get("3.png", version_of(picture)) is None


def test_a_folder_that_vanishes_is_reported_wherever_the_pictures_are_kept(kept: Loader) -> None:
    away = kept.root.with_name("away")
    kept.root.rename(away)
    with pytest.raises(FolderGone):
        list(kept.evaluate())
    away.rename(kept.root)
    assert sum(labels(kept.evaluate()), []) == list(range(9))


def test_pictures_that_are_cut_on_the_device_show_the_same(tmp_path: Path) -> None:
    """Here the device is the processor; the cutting is the same as on a graphics card."""
    chance = np.random.default_rng(0)
    for index, size in enumerate([(60, 90), (40, 33), (200, 80), (31, 2000), (20, 20)]):
        coarse = Image.fromarray(chance.integers(0, 256, (5, 5, 3), dtype=np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(tmp_path / f"{index}.png")
    samples = [Sample(f"{index}.png", index % 2) for index in range(5)]
    early, late = (Loader(tmp_path, samples, PREPROCESSING, 5, 2, crop_on_device=late) for late in (False, True))
    for side in (32, 24):
        augmentation = replace(AUGMENTATION, image_size=side)
        for epoch in (1, 2):
            [cut], [whole] = list(early.train(augmentation, epoch)), list(late.train(augmentation, epoch))
            assert cut.cuts is None
            assert whole.cuts is not None
            assert torch.equal(cut.labels, whole.labels)
            ours, theirs = late.prepare(whole), early.prepare(cut)
            assert ours.shape == theirs.shape == (5, 3, side, side)
            assert (ours - theirs).abs().max() < 1.5 / 255 / 0.224, "one level, of pixels that are rounded elsewhere"
    assert all(batch.cuts is None for batch in late.evaluate())
    moved = list(prefetch(late.train(AUGMENTATION, 1), torch.device("cpu")))
    assert torch.equal(late.prepare(moved[0]), late.prepare(next(late.train(AUGMENTATION, 1))))
