"""Standard streams that cannot end the work: what a terminal, a pipe or a full disk does not take is left out.

A training that prints to `head`, to a terminal that was closed or to a log on a full disk goes on and is saved.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

from resnet_gui.names import plain

_ERRORS = "resnet_gui_escapes"
_WIDE = ("utf-16", "utf-32", "utf_16", "utf_32")


class SafeStream:
    """Writes text to `stream`, which may be None, and never raises: `failure` is the error that ended the output.

    A character that the stream's encoding lacks is written as an escape such as `\\u732b`, so that names stay
    different from one another. A file name that is not UTF-8 is written as its bytes.

    With `for_people` no text can command a terminal or deceive whoever reads it, such as a file's name in an error that
    a library prints.
    """

    def __init__(self, stream: TextIO | None, for_people: bool = False) -> None:
        self.failure: OSError | None = None
        self._stream = stream
        self._for_people = for_people or self.isatty()
        self._encoding = _known_encoding(stream)
        binary = stream.buffer if isinstance(stream, io.TextIOWrapper) else None
        self._binary = cast("io.BufferedWriter | None", binary)
        self._encoder = codecs.getincrementalencoder(self._encoding)(_ERRORS)
        self._newline = os.linesep if _number(stream) is not None else "\n"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Writes as much of `text` as can be written. Returns its length."""
        if self._stream is not None and self.failure is None:
            with self._giving_up():
                self._write(plain(text, "\n\r\t") if self._for_people else text)
        return len(text)

    def flush(self) -> None:
        """Hands on what is buffered, if it can be."""
        if self._stream is not None and self.failure is None:
            with self._giving_up():
                self._flush()

    def isatty(self) -> bool:
        """Whether a user is looking."""
        try:
            return self._stream is not None and self._stream.isatty()
        except (OSError, ValueError):
            return False

    def _write(self, text: str) -> None:
        if self._binary is None:
            self._write_text(text)
            return
        rest = self._encoder.encode(text.replace("\n", self._newline))
        while rest:
            try:
                self._binary.write(rest)
                break
            except BlockingIOError as error:
                rest = rest[error.characters_written :]
                self._wait()
        if self._stream is not None and (self._stream.isatty() or ("\n" in text and self._is_line_buffered())):
            self._flush()

    def _write_text(self, text: str) -> None:
        """For a stream that encodes in a way of its own: as little as possible is escaped."""
        assert self._stream is not None
        for encoding in (None, self._encoding):
            with contextlib.suppress(UnicodeEncodeError):
                self._stream.write(_escaped(text, encoding) if encoding else text)
                return
        self._stream.write(_escaped(text, "ascii"))

    def _is_line_buffered(self) -> bool:
        return bool(getattr(self._stream, "line_buffering", False) or getattr(self._stream, "write_through", False))

    def _flush(self) -> None:
        while True:
            try:
                (self._binary or cast(TextIO, self._stream)).flush()
                return
            except BlockingIOError:
                self._wait()

    def _wait(self) -> None:
        """Until the reader of a pipe that does not block has made room."""
        select.select([], [cast("io.BufferedWriter", self._binary or self._stream)], [])

    @contextlib.contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Ends the output at the first error. ValueError is a stream that was closed."""
        try:
            yield
        except (OSError, ValueError) as error:
            self.failure = error if isinstance(error, OSError) else OSError(errno.EBADF, os.strerror(errno.EBADF))
            _drop_rest(_number(self._stream))


def _known_encoding(stream: TextIO | None) -> str:
    name = str(getattr(stream, "encoding", None) or "utf-8")
    with contextlib.suppress(LookupError):
        return codecs.lookup(name).name
    return "utf-8"


def _number(stream: TextIO | None) -> int | None:
    """The descriptor of `stream`, if it is one of the standard streams themselves."""
    try:
        number = stream.fileno() if stream is not None else -1
    except (AttributeError, OSError, ValueError):
        return None
    return number if number in (1, 2) else None


def _drop_rest(number: int | None) -> None:
    """Leads `number` nowhere, for what is still buffered and for libraries that write to it themselves."""
    if number is not None:
        with contextlib.suppress(OSError), open(os.devnull, "wb") as null:  # noqa: PTH123 - no path, a device
            os.dup2(null.fileno(), number)


def _escapes(error: UnicodeError) -> tuple[str | bytes, int]:
    """The handler for what an encoding lacks: bytes of a file name stay bytes, everything else becomes an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if "\udc80" <= character <= "\udcff" and not error.encoding.lower().startswith(_WIDE):
        return bytes([ord(character) & 0xFF]), error.start + 1
    return _escape(character), error.start + 1


def _escape(character: str) -> str:
    return character.encode("ascii", "backslashreplace").decode("ascii")


def _escaped(text: str, encoding: str) -> str:
    """`text` without the characters that `encoding` lacks."""
    return text.encode(encoding, "backslashreplace").decode(encoding)


codecs.register_error(_ERRORS, _escapes)


@contextlib.contextmanager
def safe_streams() -> Iterator[tuple[SafeStream, SafeStream]]:
    """Replaces `sys.stdout` and `sys.stderr` by streams that cannot raise, and flushes them at the end."""
    _fill_closed_descriptors()
    before = sys.stdout, sys.stderr
    for stream in before:
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    safe = SafeStream(sys.stdout), SafeStream(sys.stderr, for_people=True)
    sys.stdout, sys.stderr = (cast(TextIO, stream) for stream in safe)
    try:
        yield safe
    finally:
        for stream in safe:
            stream.flush()
        sys.stdout, sys.stderr = before


def _fill_closed_descriptors() -> None:
    """Opens the null device as 0, 1 and 2 where they are closed.

    Else the next file that is opened gets such a number, and what a library prints would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                null = os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
                if null != number:
                    os.dup2(null, number)
                    os.close(null)
