"""A real HTTP server on this machine. A test sets its answers one by one, bad ones too."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections import deque
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CHUNK = 1 << 16


@dataclass(frozen=True)
class Answer:
    """How one request is answered.

    `body` replaces the server's content. The connection ends after `cut` bytes of it, or stalls there if `stall`;
    The server waits `pause` seconds before each chunk. `length` is the value of Content-Length: None for the true one,
    -1 for no such header.
    """

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: bool = False
    pause: float = 0.0
    length: int | None = None
    ranges: bool = True
    etag: bool = True


@dataclass(frozen=True)
class Request:
    """A request that the server has received."""

    path: str
    headers: Message


class Loopback:
    """Serves `content` under every path, with ranges and an ETag; before that, the scripted `answers`, each once."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.answers: deque[Answer] = deque()
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"loopback": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def ranges(self) -> list[str | None]:
        """The Range headers of the requests so far."""
        return [each.headers["Range"] for each in self.requests]


class _Handler(BaseHTTPRequestHandler):
    loopback: Loopback

    def do_GET(self) -> None:
        server = self.loopback
        server.requests.append(Request(self.path, self.headers))
        answer = server.answers.popleft() if server.answers else Answer()
        with contextlib.suppress(ConnectionError):
            self._respond(answer, server.content if answer.body is None else answer.body)

    def _respond(self, answer: Answer, content: bytes) -> None:
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        status, start = answer.status, self._start(answer, etag)
        headers = {"Content-Type": "application/octet-stream"} | ({"ETag": etag} if answer.etag else {})
        if start is not None and start >= len(content):
            status, start, headers["Content-Range"], content = 416, None, f"bytes */{len(content)}", b""
        elif start is not None:
            status, headers["Content-Range"] = 206, f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start or 0 :]
        if answer.length != -1:
            headers["Content-Length"] = str(len(body) if answer.length is None else answer.length)
        self.send_response(status)
        for name, value in (headers | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self._send(answer, body)

    def _start(self, answer: Answer, etag: str) -> int | None:
        """The offset at which the requested range begins; None if all is to be sent."""
        wanted = self.headers["Range"]
        if not wanted or not answer.ranges or answer.status != 200 or self.headers["If-Range"] not in (None, etag):
            return None
        return int(wanted.removeprefix("bytes=").removesuffix("-"))

    def _send(self, answer: Answer, body: bytes) -> None:
        body = body[: answer.cut]
        for begin in range(0, len(body), CHUNK):
            self.loopback.closing.wait(answer.pause)
            self.wfile.write(body[begin : begin + CHUNK])
        if answer.stall:
            self.loopback.closing.wait()

    def log_message(self, *_: object) -> None:
        """Writes no log."""
