"""The tests of what changed, for `.ci/run --quick`: prints a path a line, for pytest.

    python tests/changed_rooms.py [REVISION]

What counts is what is not committed yet, or since REVISION; if there is nothing, what the last commit changed.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

ALWAYS = ("tests/test_layers.py", "tests/test_package.py", "tests/test_earlier_versions.py")
"""Short, and about the whole house."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints the tests of what changed.")
    parser.add_argument("revision", nargs="?", default="HEAD")
    options = parser.parse_args()
    files = changed(options.revision) or changed("HEAD~1")
    found = {test for name in files for test in [tests_of(Path(name))] if test}
    nested = {path for path in found for other in found if other in path.parents}
    print(*ALWAYS, *sorted(map(str, found - nested)), sep="\n")


def changed(revision: str) -> list[str]:
    """Files that differ from `revision`, or that git does not know yet."""
    differing = git("diff", "--name-only", revision)
    return differing + git("ls-files", "--others", "--exclude-standard")


def git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def tests_of(path: Path) -> Path | None:
    """The test file or folder that is nearest to `path`: `tests/gui/setup` for `resnet_gui/gui/setup/fields.py`."""
    if path.parts[0] == "tests":
        is_test = path.name.startswith("test_") and path.suffix == ".py" and (ROOT / path).is_file()
        return path if is_test else None
    if path.parts[0] != "resnet_gui" or path.suffix != ".py":
        return None
    room = Path("tests", *path.parent.parts[1:])
    named = room / f"test_{path.name}"
    if (ROOT / named).is_file():
        return named
    while room != Path("tests") and not (ROOT / room).is_dir():
        room = room.parent
    return room if room != Path("tests") else None


if __name__ == "__main__":
    main()
