"""What a folder of very many pictures costs: `python tests/benchmarks/scan.py`

200,000 empty files in 1,000 class folders are listed by name, beside a bare walk through them that asks the system for
each file's size. Then what is made of the listing is timed for all of them and for half: twice the work may take twice
the time and not more.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from resnet_gui.data.folder import Listing, list_folder
from resnet_gui.data.snapshot import Snapshot
from resnet_gui.data.split import Splits, as_csv, from_csv, split_samples
from resnet_gui.gui.class_table import class_rows

BOUND = 1.5


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
        grow(root, listing, options.count)
    return int(ratio > BOUND)


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
    walk(str(root))  # what the system keeps of a folder is there from the second time on
    bare, listed = [], []
    for _ in range(count):
        bare.append(seconds(lambda: walk(str(root))))
        listed.append(seconds(lambda: list_folder(root)))
    ratio = statistics.median(listed) / statistics.median(bare)
    print(f"a bare walk that asks for sizes   {1000 * statistics.median(bare):6.0f} ms   (median of {count})")
    print(f"list_folder                       {1000 * statistics.median(listed):6.0f} ms")
    print(f"ratio                             {ratio:6.2f}      (bound {BOUND})")
    return ratio


def grow(root: Path, listing: Listing, count: int) -> None:
    """Each step for half of the pictures, of all classes, and for all of them."""
    sizes = [(each, split(each)) for each in (replace(listing, samples=listing.samples[::2]), listing)]
    steps: dict[str, Callable[[Listing, Splits], object]] = {
        "split": lambda listing, _: split(listing),
        "the same written": lambda _, splits: as_csv(splits),
        "and read again": lambda _, splits: from_csv(as_csv(splits)),
        "what each picture is": lambda listing, _: Snapshot.take(root, listing.samples),
        "the table of classes": class_rows,
    }
    print("                                  half      all")
    for name, step in steps.items():
        times = [[seconds(partial(step, *each)) for each in sizes] for _ in range(count)]
        less, more = (1000 * statistics.median(column) for column in zip(*times, strict=True))
        print(f"{name:30}{less:6.0f} ms{more:6.0f} ms   × {more / less:.1f}")


def split(listing: Listing) -> Splits:
    return split_samples(listing, 0.2, 0.2, 0)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def weigh(work: Callable[[], object]) -> tuple[object, int]:
    """What `work` returns, and how many bytes more are held after it."""
    tracemalloc.start()
    result = work()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return result, size


if __name__ == "__main__":
    sys.exit(main())
