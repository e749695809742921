"""Streams a server's response chunk by chunk. A separate thread waits for it, so that the caller never blocks."""

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
"""A connection is given up if nothing is received for so long."""
_LOOK_SECONDS = 0.25
"""How long the caller waits for the thread before it gets None."""
_CHUNK = 1 << 16
_AHEAD = 8
"""How many chunks the thread may read ahead."""
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_ETAG = re.compile(r'"[!#-~]*"')
_SHA256 = re.compile(r"[0-9a-f]{64}")

T = TypeVar("T")


class Broken(Exception):
    """The connection broke; `str()` is the system's reason."""


class Unreachable(Broken):
    """No connection was made."""


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The head of a response. `start` is the offset in the file of the first byte that follows, -1 if it is not stated.

    `linked_size` is the size in bytes that the URL's own host states before it redirects to the file (0: not stated).
    """

    status: int
    start: int
    is_page: bool
    remote: Remote
    linked_size: int


def check_address(url: str) -> None:
    """Raises `Problem` (`download_insecure`) unless `url` is an https URL or on this machine."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost")):
        raise Problem("download_insecure", url=url)


def answer(
    url: str, start: int, validator: str, stop: threading.Event
) -> Generator[ResponseHead | bytes | None, None, None]:
    """Requests the bytes of `url` from `start` on; yields the `ResponseHead`, then chunks of bytes.

    If the file is no longer that of `validator`, the server sends all of it. Yields None when nothing was received for
    0.25 s, and ends when `stop` is set. Raises `Broken`, and `Problem` if a URL is not to be trusted.
    """
    check_address(url)
    headers = {"User-Agent": f"resnet-gui/{__version__}"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    return read_in_thread(_read(urllib.request.Request(url, headers=headers)), stop)


def read_in_thread(work: Generator[T, None, None], stop: threading.Event) -> Generator[T | None, None, None]:
    """The items of `work`, which runs in a thread, since it may block; None while there is no item.

    Ends when `stop` is set. Raises whatever `work` raises.
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
        with contextlib.suppress(queue.Empty):  # a thread that waits for room in the queue gets it, and ends
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
            redirects.read_headers(response.geturl(), response.headers)
            yield _head(response.status, response.headers, redirects)
            while chunk := response.read(_CHUNK):
                yield chunk
    except urllib.error.URLError as error:
        raise Unreachable(_cause_text(error.reason)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Broken(_cause_text(error)) from error


def _cause_text(cause: BaseException | str) -> str:
    """The reason in the words of the system or the library; a timeout has a text, but no `strerror`."""
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
    """Follows redirects, and keeps the hash and size that the URL's own host states for a file stored elsewhere.

    Hugging Face sends them: `X-Linked-Etag` is the SHA-256 of the linked file, `X-Linked-Size` its size in bytes. The
    host that stores the file is not trusted with them: whoever can change a file there could change its hash, too.
    """

    def __init__(self, request: urllib.request.Request) -> None:
        self.sha256, self.size = "", 0
        self._host = request.host

    def read_headers(self, url: str, headers: Message) -> None:
        """Keeps the hash and size in `headers`, if the response to `url` comes from the original host."""
        etag = (headers["X-Linked-Etag"] or "").removeprefix("W/").strip('"').lower()
        if urllib.parse.urlsplit(url).netloc == self._host and _SHA256.fullmatch(etag):
            self.sha256, self.size = etag, _number(headers["X-Linked-Size"])

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """The next request. Raises `Problem` if the redirect changes the scheme."""
        self.read_headers(req.full_url, headers)
        try:
            if urllib.parse.urlsplit(newurl).scheme != req.type:
                raise Problem("download_redirected", url=req.full_url, target=newurl)
            check_address(newurl)
        except Problem:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
