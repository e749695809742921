"""Pictures that are kept are the same to the bit as those that are not, whatever becomes of the files they are kept in."""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import PIL
import pytest
import torch
from PIL import Image, features

from helpers.deep_pictures import RAMP, write_png
from resnet_gui.data.batch import Batch
from resnet_gui.data.cache import picture_cache
from resnet_gui.data.cache.picture_cache import PictureCache
from resnet_gui.data.cache.pixel_store import CachedPicture, PixelStore
from resnet_gui.data.loader import Loader
from resnet_gui.data.samples import Sample
from resnet_gui.data.snapshot import version_of
from resnet_gui.data.transforms import Augmentation, Preprocessing
from resnet_gui.records import GreyRange

COLOUR = Preprocessing.for_size(32)
GREY = COLOUR.with_channels(1)
SAMPLES = [
    Sample(name, label)
    for label, name in enumerate(
        ("photo.png", "large.jpg", "upright.jpg", "grey.png", "clear.png", "tiny.png", "wide.png", "strip.png")
    )
]
KEPT = SAMPLES[:-1]
OLD = (1, 2, 3)
PICTURE = Image.new("RGB", (37, 37), "red")  # 4,107 bytes


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of every kind that matters to the first half of the preprocessing; the strip is too long to be kept."""
    root = tmp_path_factory.mktemp("pictures")
    chance = random.Random(1)

    def noise(mode: str, width: int, height: int) -> Image.Image:
        channels = len(Image.new(mode, (1, 1)).getbands())
        coarse = Image.frombytes(mode, (24, 16), chance.randbytes(24 * 16 * channels))
        return coarse.resize((width, height), Image.Resampling.BICUBIC)

    exif = Image.Exif()
    exif[0x0112] = 6
    noise("RGB", 90, 60).save(root / "photo.png")
    noise("RGB", 800, 600).save(root / "large.jpg")
    noise("RGB", 300, 200).save(root / "upright.jpg", exif=exif)
    noise("L", 70, 80).save(root / "grey.png")
    noise("RGBA", 50, 50).save(root / "clear.png")
    noise("RGB", 5, 7).save(root / "tiny.png")
    noise("RGB", 600, 40).save(root / "wide.png")
    noise("RGB", 2, 30_000).save(root / "strip.png")
    time.sleep(0.06)  # what has only just been written is not trusted to be finished
    return root


@pytest.fixture(autouse=True)
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the pictures of this test are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(picture_cache, "_FRESH", 50_000_000)  # no test waits for seconds
    return tmp_path / "cache" / "resnet-gui" / "pictures"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, root: Path) -> list[str]:
    """The names of the pictures whose files are opened, as it happens."""
    names: list[str] = []
    really_open = io.open

    def watched(path: object, *arguments: object, **named: object) -> object:
        if isinstance(path, Path) and path.parent == root:
            names.append(path.name)
        return really_open(path, *arguments, **named)

    monkeypatch.setattr(io, "open", watched)
    return names


def open_cache(root: Path, preprocessing: Preprocessing = COLOUR, gigabytes: float = 0.1) -> PictureCache:
    return PictureCache(root, preprocessing, gigabytes)


def loader(root: Path, cache: PictureCache | None, preprocessing: Preprocessing = COLOUR, threads: int = 2) -> Loader:
    return Loader(root, SAMPLES, preprocessing, 3, threads, cache=cache)


def seen(loader: Loader) -> list[bytes]:
    """All that a run sees of the pictures: two epochs of training, a view, and the evaluation."""
    augmentation = Augmentation(loader.preprocessing, True, True, 3, 32)
    passes = (
        loader.train(augmentation, 1), loader.evaluate(), loader.train(augmentation, 2), loader.views(augmentation, 1),
    )  # fmt: skip
    return [item.pixels.numpy().tobytes() for each in passes for item in each if isinstance(item, Batch)]


def only_file(folder: Path, suffix: str) -> Path:
    [path] = folder.glob(f"*.{suffix}")
    return path


@pytest.mark.parametrize(
    "preprocessing", [COLOUR, GREY, Preprocessing(32, 32, "bicubic")], ids=["colour", "grey", "bicubic"]
)
def test_a_kept_picture_is_the_same_to_the_bit(root: Path, preprocessing: Preprocessing) -> None:
    expected = seen(loader(root, None, preprocessing))
    assert len(set(expected)) == len(expected) == 12
    for _ in range(2):
        with open_cache(root, preprocessing) as cache:
            assert seen(loader(root, cache, preprocessing)) == expected
    with open_cache(root, preprocessing, gigabytes=0) as cache:
        assert seen(loader(root, cache, preprocessing)) == expected


def test_each_picture_is_decoded_once_and_a_second_run_opens_none(root: Path, opened: list[str]) -> None:
    with open_cache(root) as cache:
        seen(loader(root, cache))
    assert {name: opened.count(name) for name in set(opened)} == {
        sample.path: 2 if sample in KEPT else 5  # once decoded and once hashed; the strip is decoded in each pass
        for sample in SAMPLES
    }
    opened.clear()
    with open_cache(root) as cache:
        warm = loader(root, cache)
        seen(warm)
        assert set(opened) == {"strip.png"}
        assert warm.snapshot.unread() == []


def test_a_second_run_knows_the_content_without_a_look_at_it(root: Path, opened: list[str]) -> None:
    with open_cache(root) as cache:
        first = loader(root, cache)
        seen(first)
    opened.clear()
    with open_cache(root) as cache:
        second = loader(root, cache)
        second.read_digests()
    assert opened == ["strip.png"]
    assert (second.snapshot.digest == first.snapshot.digest).all()


def test_in_memory_each_picture_is_decoded_once_too(root: Path, opened: list[str], stores: Path) -> None:
    with open_cache(root, gigabytes=0) as cache:
        seen(loader(root, cache))
        assert opened.count("photo.png") == 2
    assert not stores.exists()


def test_where_memory_is_short_too_pictures_are_decoded_each_time(
    root: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = seen(loader(root, None))
    opened.clear()
    monkeypatch.setattr(picture_cache, "free_memory", lambda: 4 * 20_000)
    with open_cache(root, gigabytes=0) as cache:
        assert seen(loader(root, cache)) == expected
    assert len(SAMPLES) + 10 < len(opened) < 5 * len(SAMPLES)


def test_another_preprocessing_finds_nothing(root: Path, opened: list[str]) -> None:
    for preprocessing in (COLOUR, Preprocessing.for_size(48), GREY, Preprocessing(32, 37, "bicubic")):
        opened.clear()
        with open_cache(root, preprocessing) as cache:
            seen(loader(root, cache, preprocessing))
        assert set(opened) == {sample.path for sample in SAMPLES}


def test_what_changed_just_now_is_not_kept_for_later_runs(root: Path) -> None:
    """It could change again within the same tick of the file system's clock."""
    scaled = COLOUR.open(root / "photo.png")
    now = time.time_ns()
    with open_cache(root) as cache:
        cache.put("photo.png", (1, now, now), b"d" * 16, scaled)
        assert cache.get("photo.png", (1, now, now))
    with open_cache(root) as cache:
        assert cache.get("photo.png", (1, now, now)) is None


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for offset in range(100, len(data), 1000):
        data[offset] ^= 1
    path.write_bytes(data)


def zeroed(path: Path) -> None:
    """As after a power cut."""
    path.write_bytes(bytes(path.stat().st_size))


def halved(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def filled(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more" * 1000)


def closed(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("suffix", ["pixels", "index"])
@pytest.mark.parametrize("harm", [flipped, zeroed, halved, emptied, filled, closed, Path.unlink])
def test_a_damaged_store_costs_time_and_nothing_else(
    root: Path, stores: Path, opened: list[str], suffix: str, harm: Callable[[Path], None]
) -> None:
    with open_cache(root) as cache:
        expected = seen(loader(root, cache))
    harm(only_file(stores, suffix))
    opened.clear()
    for _ in range(2):
        with open_cache(root) as cache:
            assert seen(loader(root, cache)) == expected
    assert opened or (suffix, harm) == ("pixels", filled)
    opened.clear()
    with open_cache(root) as cache:
        assert seen(loader(root, cache)) == expected
    assert set(opened) == {"strip.png"} or harm is closed, "it mends itself"


@pytest.mark.parametrize("left", [0.0, 0.5])
def test_a_store_may_be_cut_short_while_it_is_read(root: Path, stores: Path, left: float) -> None:
    """A mapped file would end the process here."""
    expected = seen(loader(root, None))
    with open_cache(root) as cache:
        reading = loader(root, cache)
        assert seen(reading) == expected
        pixels = only_file(stores, "pixels")
        os.truncate(pixels, round(left * pixels.stat().st_size))
        assert seen(reading) == expected
        assert seen(reading) == expected
    with open_cache(root) as cache:
        assert seen(loader(root, cache)) == expected


@pytest.fixture
def another_run() -> Iterator[Callable[[Path], None]]:
    """Another process that holds a lock."""
    script = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(timeout=0); print(flush=True); input()"
    runs: list[subprocess.Popen[bytes]] = []

    def start(lock: Path) -> None:
        run = subprocess.Popen(
            [sys.executable, "-c", script, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )  # fmt: skip
        runs.append(run)
        assert run.stdout
        assert run.stdout.readline() == b"\n"

    yield start
    for run in runs:
        run.communicate(b"\n")


def test_while_another_run_has_the_store_pictures_are_kept_in_memory(
    root: Path, stores: Path, opened: list[str], another_run: Callable[[Path], None]
) -> None:
    with open_cache(root) as cache:
        expected = seen(loader(root, cache))
    before = only_file(stores, "pixels").stat(), only_file(stores, "index").stat()
    another_run(only_file(stores, "lock"))
    opened.clear()
    with open_cache(root) as cache:
        assert seen(loader(root, cache)) == expected
    assert opened.count("photo.png") == 2
    assert (only_file(stores, "pixels").stat(), only_file(stores, "index").stat()) == before


def test_two_caches_of_one_process_do_not_share_a_store(root: Path) -> None:
    with open_cache(root) as one, open_cache(root) as other:
        assert seen(loader(root, one)) == seen(loader(root, other))


def test_without_a_cache_folder_pictures_are_kept_in_memory(root: Path, stores: Path, opened: list[str]) -> None:
    stores.parent.parent.write_text("a file where the folder should be")
    with open_cache(root) as cache:
        seen(loader(root, cache))
    assert opened.count("photo.png") == 2


def test_the_last_tenth_of_a_small_disk_stays_free(tmp_path: Path, stores: Path) -> None:
    disk = tmp_path / "cache"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only who may mount has a small disk")
    try:
        with open_cache(tmp_path) as cache:
            for number in range(300):  # 1.2 MB
                cache.put(f"{number}.png", OLD, b"d" * 16, PICTURE)
            assert all(cache.get(f"{number}.png", OLD) for number in range(300))
        assert only_file(stores, "pixels").stat().st_size > 800_000
        assert shutil.disk_usage(disk).free > 80_000  # but for the index
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("room", [0, 10_000])
def test_a_full_disk_is_no_error(root: Path, stores: Path, opened: list[str], room: int) -> None:
    resource = pytest.importorskip("resource")
    expected = seen(loader(root, None))
    opened.clear()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_cache(root) as cache:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))  # a write beyond is cut off, later ones are refused
        try:
            assert seen(loader(root, cache, threads=1)) == expected  # in turn, so that what finds room is known
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        cache.put("later.png", OLD, b"d" * 16, PICTURE)
        assert only_file(stores, "pixels").stat().st_size == room, "a disk that refused is not tried again"
    assert {opened.count(sample.path) for sample in KEPT} == {2}
    opened.clear()
    with open_cache(root) as cache:
        assert seen(loader(root, cache)) == expected
    assert ("photo.png" in opened) == (room == 0)
    assert "wide.png" in opened


def test_a_run_that_is_killed_later_has_kept_what_a_pass_has_added(root: Path, stores: Path, opened: list[str]) -> None:
    with open_cache(root) as cache:
        first = loader(root, cache)
        expected = list(first.evaluate())
        deadline = time.monotonic() + 10
        while not list(stores.glob("*.index")):  # which a thread writes while the run goes on
            assert time.monotonic() < deadline
            time.sleep(0.01)
        left = shutil.copytree(stores, stores.with_name("left"))
    shutil.rmtree(stores)
    left.rename(stores)
    opened.clear()
    with open_cache(root) as cache:
        for one, other in zip(expected, loader(root, cache).evaluate(), strict=True):
            assert isinstance(one, Batch)
            assert isinstance(other, Batch)
            assert torch.equal(one.pixels, other.pixels)
    assert set(opened) == {"strip.png"}


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_the_limit_is_kept_and_the_rest_is_in_memory(root: Path, stores: Path, opened: list[str]) -> None:
    with open_cache(root, gigabytes=20_000 / 1e9) as cache:
        seen(loader(root, cache))
        assert 5_000 < size_of(stores) < 20_000
    assert {opened.count(sample.path) for sample in KEPT} == {2}


def test_the_limit_holds_for_many_small_pictures_too(tmp_path: Path, stores: Path) -> None:
    with open_cache(tmp_path, gigabytes=100_000 / 1e9) as cache:
        for number in range(400):
            cache.put(f"{number}.png", OLD, b"d" * 16, Image.new("RGB", (10, 10)))
    assert 90_000 < size_of(stores) <= 100_000


def test_a_store_beyond_a_limit_that_was_lowered_is_begun_anew(root: Path, stores: Path) -> None:
    for gigabytes in (0.1, 20_000 / 1e9):
        with open_cache(root, gigabytes=gigabytes) as cache:
            seen(loader(root, cache))
    assert 5_000 < only_file(stores, "pixels").stat().st_size < 20_000


def fill(root: Path, count: int, gigabytes: float) -> None:
    """Keeps so many pictures of a dataset that would lie in `root`."""
    with open_cache(root, gigabytes=gigabytes) as cache:
        for number in range(count):
            cache.put(f"{number}.png", OLD, b"d" * 16, PICTURE)


def found(root: Path, gigabytes: float = 0.1) -> bool:
    with open_cache(root, gigabytes=gigabytes) as cache:
        return cache.get("0.png", OLD) is not None


def aged(stores: Path, days: float) -> Path:
    """Sets the time of the store that was used last to so many days ago, and returns its lock."""
    newest = max(stores.glob("*.pixels"), key=lambda path: path.stat().st_mtime)
    moment = time.time() - days * 24 * 3600
    os.utime(newest, (moment, moment))
    return newest.with_suffix(".lock")


def test_the_longest_unused_goes_where_room_is_wanted(tmp_path: Path, stores: Path) -> None:
    one, two, three = (tmp_path / name for name in "123")
    for days, root in ((2, one), (3, two), (1, three)):
        fill(root, 10, 0.1)
        aged(stores, days)
    assert found(two), "and so it is used now"
    fill(tmp_path / "new", 10, 150_000 / 1e9)
    assert size_of(stores) < 150_000
    assert [found(root) for root in (one, two, three, tmp_path / "new")] == [False, True, True, True]


def test_what_a_running_process_uses_stays(tmp_path: Path, stores: Path, another_run: Callable[[Path], None]) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    fill(one, 10, 0.1)
    another_run(aged(stores, 3))
    held = set(stores.glob("*.pixels"))
    fill(two, 10, 0.1)
    aged(stores, 1)
    fill(tmp_path / "new", 10, 100_000 / 1e9)
    assert held < set(stores.glob("*.pixels"))
    assert not found(two)


def test_what_was_unused_for_months_goes(tmp_path: Path, stores: Path) -> None:
    fill(tmp_path / "1", 1, 0.1)
    aged(stores, 100)
    fill(tmp_path / "2", 1, 0.1)
    assert not found(tmp_path / "1")
    assert found(tmp_path / "2")


def test_a_run_that_keeps_nothing_leaves_what_others_have_kept(tmp_path: Path) -> None:
    fill(tmp_path / "1", 3, 0.1)
    assert not found(tmp_path / "1", gigabytes=0)
    assert found(tmp_path / "1")


def test_damage_after_the_first_look_is_seen_too(tmp_path: Path, stores: Path) -> None:
    fill(tmp_path / "1", 1, 0.1)
    with open_cache(tmp_path / "1") as cache:
        assert cache.get("0.png", OLD)
        flipped(next(stores.glob("*.pixels")))
        assert cache.get("0.png", OLD) is None


def test_a_picture_that_was_only_copied_takes_no_room_twice(tmp_path: Path, stores: Path) -> None:
    with open_cache(tmp_path) as cache:
        for version in (OLD, (1, 5, 6)):
            cache.put("0.png", version, b"d" * 16, PICTURE)
        assert cache.get("0.png", OLD) is None
    with open_cache(tmp_path) as cache:
        assert cache.get("0.png", (1, 5, 6))
    assert only_file(stores, "pixels").stat().st_size == 37 * 37 * 3


def test_pictures_that_were_replaced_do_not_take_room_for_ever(tmp_path: Path, stores: Path) -> None:
    for number in range(10):
        with open_cache(tmp_path) as cache:
            cache.put("0.png", (1, 2, number), bytes([number + 1] * 16), PICTURE)
            assert cache.get("0.png", (1, 2, number))
    assert only_file(stores, "pixels").stat().st_size <= 2 * 37 * 37 * 3


KILLED = """
import os, signal, sys
from pathlib import Path
from resnet_gui.data.cache.pixel_store import CachedPicture, PixelStore

store = PixelStore(Path(sys.argv[1]), "key", 1, 10**8)
for number in range(200):
    store.put(number, CachedPicture((number, 0, 0), b"d" * 16, (50, 40), bytes([number]) * 2000))
    if number == 99:
        store.save()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
def test_who_is_killed_loses_what_was_not_saved(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, tmp_path]).returncode == -9
    store = PixelStore(tmp_path, "key", 1, 10**8)
    kept = [store.get(number, (number, 0, 0)) for number in range(200)]
    store.close()
    assert [each.pixels for each in kept[:100] if each] == [bytes([number]) * 2000 for number in range(100)]
    assert kept[100:] == [None] * 100


def test_threads_share_it(tmp_path: Path) -> None:
    store, wrong = PixelStore(tmp_path, "key", 1, 10**8), []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(300):
            number = chance.randrange(50)
            expected = CachedPicture(
                (number, 0, 0), b"d" * 16, (100, 10 + number), bytes([number]) * 100 * (10 + number)
            )
            kept = store.get(number, expected.version)
            if kept is None:
                store.put(number, expected)
            elif kept != expected:
                wrong.append(number)
            if chance.random() < 0.02:
                store.save()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert all(store.get(number, (number, 0, 0)) for number in range(50))
    store.close()


def test_once_it_is_closed_nothing_is_left_open(root: Path, stores: Path) -> None:
    cache = open_cache(root)
    reading = loader(root, cache)
    expected = seen(reading)
    batches = reading.evaluate()
    next(batches)
    cache.close()
    cache.close()
    assert len(list(batches)) == 2, "who still reads is not disturbed"
    assert seen(reading) == expected
    version = version_of(root / "photo.png")
    cache.put("photo.png", version, b"d" * 16, PICTURE)
    assert cache.get("photo.png", version) is None
    if Path("/proc/self/fd").exists():
        files = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
        assert not [file for file in files if file.startswith(str(stores))]


def test_every_thread_gets_the_same(root: Path) -> None:
    with open_cache(root) as cache:
        one = seen(loader(root, cache, threads=1))
        assert one == seen(loader(root, cache, threads=5))


def test_each_range_of_grey_has_pixels_of_its_own(root: Path, stores: Path) -> None:
    """Without one they are those that were kept before there was a range."""
    parts = (str(root), 37, "bilinear", 3, 1, PIL.__version__, features.version("libjpeg_turbo"))
    before = hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
    for grey_range in (None, GreyRange(0, 4095), GreyRange(0, 65535)):
        with open_cache(root, replace(COLOUR, grey_range=grey_range)) as cache:
            list(loader(root, cache, cache.preprocessing).evaluate())
    names = {path.stem for path in stores.glob("*.pixels")}
    assert len(names) == 3
    assert before in names


def test_what_lies_beyond_the_range_is_counted_in_every_run(root: Path) -> None:
    write_png(root / "tiny.png", RAMP)
    time.sleep(0.06)
    for grey_range, count in ((GreyRange(0, 4000), 1), (GreyRange(0, 4000), 1), (GreyRange(0, 4095), 0)):
        with open_cache(root, replace(COLOUR, grey_range=grey_range)) as cache:
            pictures = loader(root, cache, cache.preprocessing)
            list(pictures.evaluate())
            assert len(pictures.clipped) == count
            assert [note.message.code for note in pictures.clipped_notes()] == ["grey_clipped"] * count
