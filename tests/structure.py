"""What the shape of the package is, in numbers: `python tests/structure.py [FOLDER]`

Files in each folder, lines of files and functions, imports between the views of the window, and what mypy says.
FOLDER is a checkout, this one by default; two checkouts can be compared by running it twice.
"""

from __future__ import annotations

import argparse
import ast
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

MOST_FILES = 20
"""No folder of code holds more files."""

VIEWS = ("setup", "data", "network", "training", "runs", "predict", "evaluation")
"""Folders of `gui/` that must not import one another."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--no-mypy", action="store_true", help="leave out what takes half a minute")
    options = parser.parse_args()
    package = options.folder / "resnet_gui"
    files = sorted(package.rglob("*.py"))
    print_folders(package, files)
    print_lengths("file", [len(path.read_text(encoding="utf-8").splitlines()) for path in files])
    print_lengths("function", [length for path in files for length in function_lengths(path)])
    crossing = list(imports_between_views(package, files))
    print(f"imports between views: {len(crossing)}", *crossing, sep="\n  ")
    if not options.no_mypy:
        print(f"mypy --strict: {mypy_says(options.folder)}")


def print_folders(package: Path, files: list[Path]) -> None:
    """Each folder with the number of its files, the fullest first."""
    counts = Counter(path.parent for path in files if path.name != "__init__.py")
    crowded = sum(count > MOST_FILES for count in counts.values())
    print(f"folders: {len(counts)}, above {MOST_FILES} files: {crowded}")
    for folder, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        print(f"  {count:4} {folder.relative_to(package.parent)}")


def print_lengths(what: str, lengths: list[int]) -> None:
    """How many there are, and their lines at the median, the 95th percentile and the most."""
    percentile = statistics.quantiles(lengths, n=20)[-1]
    print(
        f"{what}s: {len(lengths)}; lines: {statistics.median(lengths):.0f} / {percentile:.0f} / {max(lengths)} (median / p95 / max), {sum(lengths)} in all"
    )


def function_lengths(path: Path) -> Iterator[int]:
    """The lines of every function and method in the file, signature and docstring included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


def imports_between_views(package: Path, files: list[Path]) -> Iterator[str]:
    """`file: import` for each import by which a view knows another one."""
    for path in files:
        room = path.relative_to(package).parts[:2]
        if room[0] != "gui" or room[1] not in VIEWS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                parts = name.split(".")
                if parts[:2] == ["resnet_gui", "gui"] and parts[2:3] and parts[2] in {*VIEWS} - {room[1]}:
                    yield f"{path.relative_to(package.parent)}: {name}"


def mypy_says(folder: Path) -> str:
    """The last line of `mypy --strict` over the whole package, whatever the checkout's own settings leave out."""
    command = [
        sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-incremental", "--disable-error-code=import-untyped",
        "-p", "resnet_gui",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().splitlines()[-1]


if __name__ == "__main__":
    main()
