"""No terminal, pipe or disk ends what prints to it."""

import codecs
import errno
import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resnet_gui.output.safe_stream import SafeStream, safe_streams

NAME = os.fsdecode(b"caf\xe9")


def text_stream(encoding: str) -> tuple[SafeStream, io.BytesIO]:
    written = io.BytesIO()
    return SafeStream(io.TextIOWrapper(written, encoding)), written


@pytest.mark.parametrize("encoding", ["cp1252", "cp1251", "cp437", "ascii", "latin-1", "koi8-r"])
def test_what_an_encoding_lacks_is_escaped_and_names_keep_their_bytes(encoding: str) -> None:
    stream, written = text_stream(encoding)
    stream.write(f"猫 狗 😀 {NAME}\n")
    assert written.getvalue() == rb"\u732b \u72d7 \U0001f600 caf" + b"\xe9\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-8-sig"])
def test_wide_encodings_are_written_once_with_their_mark(encoding: str) -> None:
    stream, written = text_stream(encoding)
    stream.write("猫\n")
    stream.write("狗\n")
    assert written.getvalue() == "猫\n狗\n".encode(encoding)
    stream.write(NAME)
    assert b"\xe9" in written.getvalue() or r"caf\udce9" in written.getvalue().decode(encoding)


def test_a_stream_that_is_no_text_wrapper_escapes_too() -> None:
    class Console(io.StringIO):
        encoding = "cp1252"

        def write(self, text: str) -> int:
            text.encode("cp1252")
            return super().write(text)

    console = Console()
    SafeStream(console).write(f"é 猫 {NAME}")
    assert console.getvalue() == r"é \u732b caf\udce9"
    written = io.BytesIO()
    SafeStream(codecs.getwriter("cp1252")(written)).write("é 猫\n")  # type: ignore[arg-type,unused-ignore]
    assert written.getvalue() == rb"\xe9 \u732b" + b"\n"


def test_a_stream_that_is_gone_or_closed_takes_nothing_and_raises_nothing() -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (None, closed):
        safe = SafeStream(stream)
        assert safe.write("text") == 4
        safe.flush()
        assert not safe.isatty()
    assert safe.failure is not None
    assert safe.failure.errno == errno.EBADF


@pytest.mark.parametrize(("full", "number"), [(True, errno.ENOSPC), (False, errno.EPIPE)])
def test_a_full_disk_and_a_closed_pipe_are_remembered_and_no_more(full: bool, number: int) -> None:
    if full:
        file = os.open("/dev/full", os.O_WRONLY)
    else:
        read, file = os.pipe()
        os.close(read)
    raw = open(file, "wb", buffering=0)  # noqa: PTH123, SIM115 - a descriptor
    safe = SafeStream(io.TextIOWrapper(raw, "utf-8"))  # type: ignore[type-var,unused-ignore]
    for _ in range(3):
        safe.write("text\n")
        safe.flush()
    raw.close()
    assert safe.failure is not None
    assert safe.failure.errno == number


def test_a_pipe_that_does_not_block_gets_all_of_it() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    text = "0123456789" * 50_000 + "\n"
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(Path(f"/dev/fd/{read}").read_text()))
    reader.start()
    with open(write, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor, not a path
        safe = SafeStream(file)
        safe.write(text)
        safe.flush()
    reader.join(10)
    assert safe.failure is None
    assert found == [text]
    os.close(read)


def test_the_streams_are_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with safe_streams():
        print("猫")
        assert sys.stdout is not before[0]
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out == "猫\n"


def test_a_number_that_is_closed_is_not_given_to_the_next_file(tmp_path: Path) -> None:
    """Else what a library prints would land in a checkpoint."""
    script = (
        "import os, pathlib\n"
        "from resnet_gui.output.safe_stream import safe_streams\n"
        "with safe_streams():\n"
        "    print('lost')\n"
        f"    file = open({str(tmp_path / 'file')!r}, 'wb')\n"
        "    os.write(1, b'library'); os.write(2, b'library')\n"
    )
    done = subprocess.run(["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, script])
    assert done.returncode == 0
    assert (tmp_path / "file").read_bytes() == b""
