"""What a server answers, piece by piece, without ever being stuck: a thread of its own waits for it."""

from __future__ import annotations

import contextlib
import http.client
import queue
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from email.message import Message
from typing import IO, TypeVar

from resnet_gui import __version__
from resnet_gui.messages import Problem
from resnet_gui.weights.partial_file import Remote

STALL_SECONDS = 20.0
"""A connection that brings nothing for so long is given up."""
_LOOK_SECONDS = 0.25
"""How often whoever waits for the thread gets a turn."""
_CHUNK = 1 << 16
_AHEAD = 8
"""Pieces that the thread may read before they are taken."""
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_ETAG = re.compile(r'"[!#-~]*"')
_SHA256 = re.compile(r"[0-9a-f]{64}")

T = TypeVar("T")


class Broken(Exception):
    """The connection did not last; `str()` is the system's reason."""


class Unreachable(Broken):
    """There was no connection."""


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The beginning of an answer. `start` is the place in the file of the first byte that follows, -1 if it is not said.

    `linked_size` is what the host of the address states in bytes, before it sends us to where the file lies (0: nothing).
    """

    status: int
    start: int
    is_page: bool
    remote: Remote
    linked_size: int


def check_address(url: str) -> None:
    """Raises `Problem` (`download_insecure`) unless `url` is an https address, or one of this machine."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost")):
        raise Problem("download_insecure", url=url)


def answer(
    url: str, start: int, validator: str, stop: threading.Event
) -> Generator[ResponseHead | bytes | None, None, None]:
    """Asks for the bytes of `url` from `start` on, if it is still the file of `validator`: the `Head`, then the bytes.

    Yields None whenever nothing has come for a moment, and ends when `stop` is set.
    Raises `Broken`, and `Problem` where an address is not to be trusted.
    """
    check_address(url)
    headers = {"User-Agent": f"resnet-gui/{__version__}"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    return read_in_thread(_read(urllib.request.Request(url, headers=headers)), stop)


def read_in_thread(work: Generator[T, None, None], stop: threading.Event) -> Generator[T | None, None, None]:
    """The items of `work`, which a thread draws, since that may take long; None while there is none.

    Ends when `stop` is set. Raises what `work` raises.
    """
    drawn: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(_AHEAD)
    left = threading.Event()

    def draw() -> None:
        end: BaseException = StopIteration()
        try:
            with closing(work):
                for item in work:
                    drawn.put((item, None))
                    if left.is_set():
                        return
        except BaseException as error:
            end = error
        drawn.put((None, end))

    threading.Thread(target=draw, name="download", daemon=True).start()
    try:
        while not stop.is_set():
            item, end = None, None
            with contextlib.suppress(queue.Empty):
                item, end = drawn.get(timeout=_LOOK_SECONDS)
            if isinstance(end, StopIteration):
                return
            if end:
                raise end
            yield item
    finally:
        left.set()
        with contextlib.suppress(queue.Empty):  # a thread that waits for room finds it, and sees that it may end
            while True:
                drawn.get_nowait()


def _read(request: urllib.request.Request) -> Generator[ResponseHead | bytes, None, None]:
    redirects = _Redirects(request)
    opener = urllib.request.build_opener(redirects)
    try:
        try:
            response = opener.open(request, timeout=STALL_SECONDS)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            redirects.hear(response.geturl(), response.headers)
            yield _head(response.status, response.headers, redirects)
            while chunk := response.read(_CHUNK):
                yield chunk
    except urllib.error.URLError as error:
        raise Unreachable(_cause_text(error.reason)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Broken(_cause_text(error)) from error


def _cause_text(cause: BaseException | str) -> str:
    """Why, as the system or the library says it; a time-out has words, but no `strerror`."""
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _head(status: int, headers: Message, redirects: _Redirects) -> ResponseHead:
    start, size = 0, _number(headers["Content-Length"])
    if status == 206:
        found = _RANGE.fullmatch(headers["Content-Range"] or "")
        start, size = (int(found[1]), _number(found[2]) or int(found[1]) + size) if found else (-1, 0)
    etag = headers["ETag"] or ""
    validator = etag if _ETAG.fullmatch(etag) else headers["Last-Modified"] or ""
    remote = Remote(size or redirects.size, redirects.sha256, validator)
    return ResponseHead(status, start, headers.get_content_type() == "text/html", remote, redirects.size)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows, and remembers what the address's own host says of a file that lies elsewhere.

    That is Hugging Face's way: `X-Linked-Etag` is the SHA-256 of the file that the answer links to, `X-Linked-Size` its
    length. Where the file lies, nobody is asked: who could change the file there could change its hash, too.
    """

    def __init__(self, request: urllib.request.Request) -> None:
        self.sha256, self.size = "", 0
        self._host = request.host

    def hear(self, url: str, headers: Message) -> None:
        """Takes note of what the answer to `url` says, if it comes from the host that was asked."""
        etag = (headers["X-Linked-Etag"] or "").removeprefix("W/").strip('"').lower()
        if urllib.parse.urlsplit(url).netloc == self._host and _SHA256.fullmatch(etag):
            self.sha256, self.size = etag, _number(headers["X-Linked-Size"])

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """The request that follows. Raises `Problem` where the way leads to another scheme."""
        self.hear(req.full_url, headers)
        try:
            if urllib.parse.urlsplit(newurl).scheme != req.type:
                raise Problem("download_redirected", url=req.full_url, target=newurl)
            check_address(newurl)
        except Problem:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
