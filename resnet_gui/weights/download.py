"""Downloads one file over HTTP, and resumes where the connection broke (range requests: RFC 9110, section 14)."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing

from resnet_gui.events import Downloading
from resnet_gui.messages import Problem
from resnet_gui.records import Weights
from resnet_gui.throttle import Throttle
from resnet_gui.weights.http_stream import Broken, ResponseHead, Unreachable, answer
from resnet_gui.weights.partial_file import PartialFile, Remote

WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each retry; they start again after an attempt that got further than all before."""
_BUSY = (408, 425, 429, 500, 502, 503, 504)
# More than "<" alone, since a safetensors file can begin with it: its first bytes are a length.
_PAGE = re.compile(rb"\s*<(!doctype|!--|\?xml|html|head|body|error)", re.IGNORECASE)


class _Again(Exception):
    """The attempt failed, but a retry may succeed; `problem` is raised if there is none."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def download(weights: Weights, part: PartialFile, stop: threading.Event) -> Generator[Downloading, None, Remote | None]:
    """Writes all bytes into `part`, and returns the server's description of them; None if `stop` was set earlier.

    If the server states too short a length, the file is cut there, so the caller must verify the content.
    Raises `Problem` (`download_…`), and `OSError` where `part` cannot be written.
    """
    transfer = _Transfer(weights, part, stop)
    waits, furthest = iter(WAITS), part.size()
    while not stop.is_set():
        known = part.remote()
        if known and part.size() == known.size:
            return known
        try:
            return (yield from transfer.attempt(known))
        except _Again as again:
            if part.size() > furthest:
                waits, furthest = iter(WAITS), part.size()
            wait = next(waits, None)
            if wait is None:
                raise again.problem from again
            stop.wait(wait)
    return None


class _Transfer:
    """What the attempts of one download share."""

    def __init__(self, weights: Weights, part: PartialFile, stop: threading.Event) -> None:
        self._weights, self._part, self._stop = weights, part, stop
        self._answered = False
        self._meter = _Meter(weights.url)

    def attempt(self, known: Remote | None) -> Generator[Downloading, None, Remote | None]:
        """One connection: for the rest of the file `known`, or all of a file. Raises `_Again`, `Problem`, `OSError`."""
        have = self._part.size() if known else 0
        try:
            with closing(answer(self._weights.url, have, known.validator if known else "", self._stop)) as items:
                for item in items:
                    if isinstance(item, ResponseHead):
                        return (yield from self._take(item, have, known, items))
                    yield from self._meter.report(have, known.size if known else 0)
        except Unreachable as error:
            if not self._answered:
                raise self._offline(error) from error
            raise _Again(self._offline(error)) from error
        except Broken as error:
            raise self._broken(error) from error
        return None

    def _take(
        self, head: ResponseHead, have: int, known: Remote | None, body: Iterator[ResponseHead | bytes | None]
    ) -> Generator[Downloading, None, Remote | None]:
        """Writes what follows `head` into the part: after its bytes if it is the same file, else from the beginning."""
        self._answered = True
        self._judge(head)
        changed = head.start and known and head.remote.contradicts(known)
        if changed or head.status == 416 or (head.status == 206 and head.start != have):
            self._part.forget()
            raise self._broken("the file has changed there")
        self._make_room(head)
        if not head.start:
            self._part.begin(head.remote)
        try:
            return (yield from self._receive(head, body))
        except Problem:
            self._part.forget()
            raise

    def _judge(self, head: ResponseHead) -> None:
        """Raises `Problem` or `_Again` if what follows is not the file, or could never be verified."""
        url, host, status = self._weights.url, self._weights.host, head.status
        if status in (404, 410):
            raise Problem("download_missing", url=url, host=host)
        if status in (401, 403):
            raise Problem("download_forbidden", url=url, host=host)
        if status not in (200, 206, 416):
            refused = Problem("download_refused", url=url, host=host, status=status)
            raise _Again(refused) if status in _BUSY else refused
        if status == 416:
            return
        if head.is_page:
            raise Problem("download_page", url=url, host=host)
        if not (self._weights.sha256 or head.remote.sha256):
            raise Problem("download_unverifiable", url=url)
        if head.linked_size not in (0, head.remote.size):
            raise self._wrong_size(head.remote.size, head.linked_size)

    def _make_room(self, head: ResponseHead) -> None:
        """Raises `Problem` if the rest does not fit on the disk, before anything is written."""
        folder, missing = self._part.path.parent, head.remote.size - head.start
        free = shutil.disk_usage(folder).free
        if missing > free:
            raise Problem("download_no_room", path=str(folder), needed=_megabytes(missing), free=_megabytes(free))

    def _receive(
        self, head: ResponseHead, body: Iterator[ResponseHead | bytes | None]
    ) -> Generator[Downloading, None, Remote | None]:
        done, total = head.start, head.remote.size
        with self._part.file.open("ab") as file:
            for chunk in body:
                if isinstance(chunk, bytes):
                    if not done and _PAGE.match(chunk):
                        raise Problem("download_page", url=self._weights.url, host=self._weights.host)
                    done += len(chunk)
                    if total and done > total:
                        raise self._wrong_size(done, total)
                    file.write(chunk)
                yield from self._meter.report(done, total)
        if self._stop.is_set() and not (total and done == total):
            return None
        if done < total:
            raise self._broken("it ended too early")
        return head.remote

    def _offline(self, error: Unreachable) -> Problem:
        """The problem with the path for a manual download; without a known hash, the user can only choose the file."""
        url, host = self._weights.url, self._weights.host
        if self._weights.sha256:
            return Problem("download_offline", url=url, host=host, path=str(self._part.path), reason=str(error))
        return Problem("download_offline_choose", url=url, host=host, reason=str(error))

    def _broken(self, why: object) -> _Again:
        done = _megabytes(self._part.size())
        return _Again(Problem("download_broken", host=self._weights.host, reason=str(why), done=done))

    def _wrong_size(self, found: int, wanted: int) -> Problem:
        return Problem("download_size", url=self._weights.url, found=f"{found:,}", wanted=f"{wanted:,}")


class _Meter:
    """Reports a download's progress at most ten times a second; its speed is that of the last seconds."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pace = Throttle(0.1)
        self._marks: deque[tuple[float, int]] = deque(maxlen=30)

    def report(self, done: int, total: int) -> Iterator[Downloading]:
        """One event, unless the last was less than 0.1 s ago. `done` and `total` are in bytes."""
        if not self._pace.ready():
            return
        self._marks.append((time.monotonic(), done))
        (before, had), (now, have) = self._marks[0], self._marks[-1]
        yield Downloading(self._url, done, total, max(0.0, (have - had) / (now - before)) if now > before else 0.0)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f}"
