"""What a folder of very many pictures costs: `python tests/benchmarks/scan.py`

200,000 empty files in 1,000 class folders are listed by name, beside a bare walk that reads each file's size.
Then the steps after listing are timed for all classes and for half of them: twice the work may take twice the time and,
apart from noise, not more.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from timeit import timeit

from resnet_gui.data.class_rows import class_rows
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.data.samples import Listing
from resnet_gui.data.snapshot import Snapshot
from resnet_gui.data.split import Splits, as_csv, from_csv, split_samples

BOUND = 1.5
GROWTH_BOUND = 2.6
"""The factor in time that is allowed for twice the work."""
COLLECTING = "import gc; gc.enable()"
"""Enables garbage collection, which `timeit` turns off."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--files", type=int, default=200_000, metavar="N", help="default 200,000")
    parser.add_argument("--classes", type=int, default=1000, metavar="N", help="default 1,000")
    parser.add_argument("--count", type=int, default=7, metavar="N", help="how often each is timed (default 7)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root, options.files, options.classes)
        ratio = compare(root, options.count)
        listing, size = weigh(lambda: list_folder(root))
        _, more = weigh(lambda: split(listing))
        _, stats = weigh(lambda: Snapshot.take(root, listing.samples))
        print(
            f"bytes of memory a picture: {size / options.files:.0f} listed, {more / options.files:.0f} more split,",
            end=" ",
        )
        print(f"{stats / options.files:.0f} more to notice that it changed")
        growths = grow(root, listing, options.count)
    return int(ratio > BOUND or max(growths) > GROWTH_BOUND)


def make(root: Path, files: int, classes: int) -> None:
    """Empty files, evenly in `classes` folders, with names as long as a camera's."""
    for label in range(classes):
        folder = root / f"n{label:08}"
        folder.mkdir()
        for index in range(files // classes):
            os.close(os.open(folder / f"n{label:08}_{index:05}.JPEG", os.O_CREAT | os.O_WRONLY))


def walk(folder: str) -> int:
    """The bytes in `folder` and below."""
    size = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            size += walk(entry.path) if entry.is_dir() else entry.stat().st_size
    return size


def compare(root: Path, count: int) -> float:
    walk(str(root))  # fills the system's cache of the folders
    bare, listed = [], []
    for _ in range(count):
        bare.append(timeit(lambda: walk(str(root)), COLLECTING, number=1))
        listed.append(timeit(lambda: list_folder(root), COLLECTING, number=1))
    ratio = statistics.median(listed) / statistics.median(bare)
    print(f"a bare walk that asks for sizes   {1000 * statistics.median(bare):6.0f} ms   (median of {count})")
    print(f"list_folder                       {1000 * statistics.median(listed):6.0f} ms")
    print(f"ratio                             {ratio:6.2f}      (bound {BOUND})")
    return ratio


def grow(root: Path, listing: Listing, count: int) -> list[float]:
    """How many times longer each step takes for all classes than for half of them.

    Garbage collection is off: a collection visits all objects in memory, at any time.
    """
    sizes = [(each, splits := split(each), as_csv(splits)) for each in (half(listing), listing)]
    steps: dict[str, Callable[[Listing, Splits, bytes], object]] = {
        "split": lambda listing, splits, text: split(listing),
        "the same written": lambda listing, splits, text: as_csv(splits),
        "and read again": lambda listing, splits, text: from_csv(text),
        "what each picture is": lambda listing, splits, text: Snapshot.take(root, listing.samples),
        "the table of classes": lambda listing, splits, text: class_rows(listing, splits),
    }
    print("                                  half      all")
    growths = []
    for name, step in steps.items():
        times = [[timeit(partial(step, *each), number=1) for each in sizes] for _ in range(count)]
        less, more = (1000 * statistics.median(column) for column in zip(*times, strict=True))
        growths.append(more / less)
        print(f"{name:30}{less:6.0f} ms{more:6.0f} ms   × {more / less:.1f}   (bound {GROWTH_BOUND})")
    return growths


def half(listing: Listing) -> Listing:
    """The first half of the classes, with their pictures."""
    classes = listing.classes[: len(listing.classes) // 2]
    return replace(
        listing, classes=classes, samples=tuple(each for each in listing.samples if each.label < len(classes))
    )


def split(listing: Listing) -> Splits:
    return split_samples(listing, 0.2, 0.2, 0)


def weigh(work: Callable[[], object]) -> tuple[object, int]:
    """The result of `work`, and how many more bytes are allocated after it."""
    tracemalloc.start()
    result = work()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return result, size


if __name__ == "__main__":
    sys.exit(main())
