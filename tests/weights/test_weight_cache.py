"""Weights come whole and verified or not at all, whatever the server does; each test ends with a look at what lies there."""

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.http_server import CHUNK, Answer, Loopback
from resnet_gui.events import Downloaded, Downloading, from_json
from resnet_gui.messages import Problem
from resnet_gui.paths import weights_folder
from resnet_gui.records import Weights
from resnet_gui.weights import download, http_stream
from resnet_gui.weights.weight_cache import cached, fetch, file_name, forget, verified, weights_path

CONTENT = random.Random(4).randbytes(5 * CHUNK + 1234)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = random.Random(5).randbytes(5 * CHUNK + 1234)
HALF = 2 * CHUNK
SERVANTS = (".part", ".part.json", ".lock", ".sha256")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache of one's own, no proxy, little patience; at the end, nothing unverified lies under a file's name."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(http_stream, "STALL_SECONDS", 0.7)
    monkeypatch.setattr(download, "WAITS", (0.01, 0.02, 0.03))
    folder = weights_folder()
    yield
    for path in folder.glob("*"):
        assert path.name.endswith(SERVANTS) or hashlib.sha256(path.read_bytes()).hexdigest() == SHA256


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(CONTENT) as server:
        yield server


def hashed(server: Loopback) -> Weights:
    """As torchvision's: the hash's first digits are in the name."""
    return Weights(f"{server.origin}/models/net-{SHA256[:8]}.pth", 0.3, "BSD-3-Clause", sha256=SHA256[:8])


def hugging_face(server: Loopback) -> Weights:
    """As timm's: only the server knows the hash."""
    return Weights(f"{server.origin}/timm/net.a1_in1k/resolve/main/model.safetensors", 0.3, "apache-2.0")


def linked(sha256: str = SHA256, size: int = len(CONTENT), to: str = "/cdn/blob") -> Answer:
    """Hugging Face's first answer: where the file lies, and what it is."""
    headers = {"Location": to, "X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(size)}
    return Answer(302, b"Found", headers, etag=False)


def run(weights: Weights, stop: threading.Event | None = None) -> list[Downloading | Downloaded]:
    return list(fetch(weights, stop or threading.Event()))


def fetched(weights: Weights) -> None:
    assert run(weights)[-1] == Downloaded(weights.url, str(weights_path(weights)))
    assert weights_path(weights).read_bytes() == CONTENT
    assert verified(weights) == weights_path(weights)
    assert cached(weights)


def refused(weights: Weights) -> Problem:
    with pytest.raises(Problem) as caught:
        run(weights)
    assert not weights_path(weights).exists()
    assert verified(weights) is None
    assert not cached(weights)
    assert str(caught.value)
    return caught.value


def part(weights: Weights) -> Path:
    return weights_path(weights).with_name(weights_path(weights).name + ".part")


def stopped_in_the_middle(weights: Weights, server: Loopback, answer: Answer | None = None) -> int:
    """Starts a download, stops it after its first bytes, and returns their number."""
    server.answers.append(answer or Answer(pause=0.1))
    stop = threading.Event()
    for event in fetch(weights, stop):
        assert isinstance(event, Downloading)
        if event.done:
            stop.set()
    assert 0 < part(weights).stat().st_size < len(CONTENT)
    assert not weights_path(weights).exists()
    return part(weights).stat().st_size


def test_a_file_is_fetched_once_and_then_found(server: Loopback) -> None:
    weights = hashed(server)
    assert not cached(weights)
    fetched(weights)
    assert sorted(path.name for path in weights_folder().iterdir() if not path.name.endswith(".lock")) == [
        weights_path(weights).name
    ]
    assert run(weights) == [Downloaded(weights.url, str(weights_path(weights)))]
    [request] = server.requests
    assert request.headers["User-Agent"].startswith("resnet-gui/")
    assert request.headers["Accept-Encoding"] == "identity"


def test_progress_is_reported_at_most_ten_times_a_second(server: Loopback) -> None:
    server.answers.append(Answer(pause=0.12))
    begun = time.monotonic()
    events = [event for event in fetch(hashed(server), threading.Event()) if isinstance(event, Downloading)]
    assert len(events) <= 1 + 10 * (time.monotonic() - begun)
    assert [event.done for event in events] == sorted(event.done for event in events)
    assert {event.total for event in events[1:]} == {len(CONTENT)}
    assert max(event.bytes_per_second for event in events) > 10_000


def test_hugging_faces_first_response_has_the_hash_of_the_file(server: Loopback) -> None:
    server.answers.append(linked())
    weights = hugging_face(server)
    fetched(weights)
    assert [each.path for each in server.requests] == ["/timm/net.a1_in1k/resolve/main/model.safetensors", "/cdn/blob"]
    assert weights_path(weights).with_name(weights_path(weights).name + ".sha256").read_text() == SHA256


def test_a_moved_repository_leads_on_to_the_response_with_the_hash(server: Loopback) -> None:
    server.answers += [Answer(307, b"", {"Location": "/timm/new/resolve/main/model.safetensors"}), linked()]
    fetched(hugging_face(server))
    assert len(server.requests) == 3


def test_a_host_that_only_keeps_the_file_is_not_trusted_with_its_hash(server: Loopback) -> None:
    with Loopback(CONTENT) as store:
        store.answers.append(Answer(headers={"X-Linked-Etag": f'"{SHA256}"'}))
        server.answers.append(Answer(302, b"", {"Location": f"{store.origin}/blob"}))
        assert refused(hugging_face(server)).message.code == "download_unverifiable"
        assert len(store.requests) == 1


def test_a_file_whose_hash_nobody_knows_is_not_downloaded(server: Loopback) -> None:
    server.answers.append(Answer(headers={"X-Linked-Etag": f'"{SHA256[:40]}"'}))  # git's own, of small files
    weights = hugging_face(server)
    assert refused(weights).message.code == "download_unverifiable"
    assert not part(weights).exists()


@pytest.mark.parametrize("of", [hashed, hugging_face])
def test_another_file_than_was_promised_is_deleted(server: Loopback, of) -> None:
    server.answers += [linked(to="/blob")] * (of is hugging_face) + [Answer(body=OTHER)]
    weights = of(server)
    problem = refused(weights)
    assert problem.message.code == "download_wrong_hash"
    assert SHA256[:8] in str(problem)
    assert not part(weights).exists()


def test_the_whole_hash_counts_where_the_weights_state_it(server: Loopback) -> None:
    weights = Weights(f"{server.origin}/net-{SHA256[:8]}.pth", 0.3, "MIT", sha256=SHA256[:60] + "0000")
    assert refused(weights).message.code == "download_wrong_hash"


def test_the_servers_hash_does_not_stand_in_for_the_weights_own(server: Loopback) -> None:
    server.content = OTHER
    server.answers.append(linked(hashlib.sha256(OTHER).hexdigest()))
    assert refused(hashed(server)).message.code == "download_wrong_hash"


def test_a_connection_that_drops_is_taken_up_where_it_broke(server: Loopback) -> None:
    server.answers += [Answer(cut=CHUNK), Answer(cut=CHUNK), Answer(cut=CHUNK), Answer(cut=CHUNK)]
    fetched(hashed(server))
    assert server.ranges == [None, *(f"bytes={number * CHUNK}-" for number in (1, 2, 3, 4))]
    assert all(each.headers["If-Range"] for each in server.requests[1:])


def test_a_connection_that_always_drops_is_given_up_and_its_bytes_are_kept(server: Loopback) -> None:
    weights = hashed(server)
    server.answers += [Answer(cut=HALF), *[Answer(cut=0)] * 9]
    problem = refused(weights)
    assert problem.message.code == "download_broken"
    assert f"{HALF / 1e6:.1f} MB" in str(problem)
    assert len(server.requests) == 1 + len(download.WAITS)
    server.answers.clear()
    fetched(weights)
    assert server.ranges[-1] == f"bytes={HALF}-"


def test_a_server_that_stalls_is_tried_again(server: Loopback) -> None:
    server.answers.append(Answer(cut=HALF, stall=True))
    fetched(hashed(server))
    assert server.ranges == [None, f"bytes={HALF}-"]


def test_without_ranges_a_drop_begins_anew_until_the_server_is_given_up(server: Loopback) -> None:
    server.answers += [Answer(cut=HALF, ranges=False)] * 2 + [Answer(ranges=False)]
    fetched(hashed(server))
    server.answers += [Answer(cut=HALF, ranges=False)] * 99
    weights_path(hashed(server)).unlink()
    assert refused(hashed(server)).message.code == "download_broken"


def test_stop_is_noticed_while_the_server_sends_nothing(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_stream, "STALL_SECONDS", 20.0)
    weights = hashed(server)
    server.answers.append(Answer(cut=HALF, stall=True))
    stop = threading.Event()
    threading.Timer(0.6, stop.set).start()
    begun = time.monotonic()
    assert all(isinstance(event, Downloading) for event in fetch(weights, stop))
    assert 0.5 < time.monotonic() - begun < 2.5
    assert part(weights).stat().st_size == HALF


def test_nothing_goes_on_behind_a_download_that_was_left(server: Loopback) -> None:
    server.answers.append(Answer(body=bytes(64 * CHUNK)))
    events = fetch(hashed(server), threading.Event())
    while (event := next(events)) and isinstance(event, Downloading) and not event.done:
        pass
    events.close()
    for reader in (thread for thread in threading.enumerate() if thread.name == "download"):
        reader.join(5)
        assert not reader.is_alive()


def test_stop_is_noticed_while_it_waits_for_the_next_try(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "WAITS", (60.0,))
    server.answers.append(Answer(503, b"busy"))
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    begun = time.monotonic()
    assert all(isinstance(event, Downloading) for event in fetch(hashed(server), stop))
    assert time.monotonic() - begun < 1.0


@pytest.mark.parametrize("of", [hashed, hugging_face])
def test_a_stopped_download_goes_on_where_it_was(server: Loopback, of) -> None:
    weights = of(server)
    if of is hugging_face:  # where its files lie, answers have no ETag
        server.answers.append(linked())
        have = stopped_in_the_middle(weights, server, Answer(pause=0.1, etag=False))
        server.answers += [linked(), Answer(etag=False)]
    else:
        have = stopped_in_the_middle(weights, server)
    fetched(weights)
    assert server.ranges[-1] == f"bytes={have}-"
    assert bool(server.requests[-1].headers["If-Range"]) == (of is hashed)


def test_a_cancelled_download_begins_anew(server: Loopback) -> None:
    weights = hashed(server)
    stopped_in_the_middle(weights, server)
    forget(weights)
    assert not [path for path in weights_folder().iterdir() if ".part" in path.name]
    fetched(weights)
    assert server.ranges == [None, None]


@pytest.mark.parametrize("ignores", [False, True], ids=["200", "206 in spite of If-Range"])
def test_a_file_that_changed_meanwhile_is_not_mixed_with_what_came(server: Loopback, ignores: bool) -> None:
    weights = hashed(server)
    server.content = OTHER
    have = stopped_in_the_middle(weights, server)
    server.content = CONTENT
    if ignores:
        size = len(CONTENT)
        headers = {"Content-Range": f"bytes {have}-{size - 1}/{size}", "ETag": '"new"'}
        server.answers.append(Answer(206, CONTENT[have:], headers))
    fetched(weights)
    assert server.ranges[1] == f"bytes={have}-"


def test_without_an_etag_the_linked_hash_shows_that_the_file_changed(server: Loopback) -> None:
    weights = hugging_face(server)
    server.content = OTHER
    server.answers.append(linked(hashlib.sha256(OTHER).hexdigest()))
    stopped_in_the_middle(weights, server, Answer(pause=0.1, etag=False))
    server.content = CONTENT
    server.answers += [linked(), Answer(etag=False), linked(), Answer(etag=False)]
    fetched(weights)


@pytest.mark.parametrize("content_range", ["bytes 0-9/10", "bytes 7-327687/328914", "bytes */*", "nonsense"])
def test_another_range_than_requested_is_not_taken(server: Loopback, content_range: str) -> None:
    weights = hashed(server)
    have = stopped_in_the_middle(weights, server)
    server.answers.append(Answer(206, CONTENT[have:], {"Content-Range": content_range}))
    fetched(weights)


def test_an_unrequested_range_is_not_taken(server: Loopback) -> None:
    server.answers += [Answer(206, CONTENT[9:], {"Content-Range": f"bytes 9-{len(CONTENT) - 1}/{len(CONTENT)}"})] * 9
    assert refused(hashed(server)).message.code == "download_broken"


def test_a_part_that_is_longer_than_the_file_is_given_up(server: Loopback) -> None:
    weights = hashed(server)
    server.content = OTHER
    stopped_in_the_middle(weights, server)
    server.content, whole = OTHER[:10], CONTENT
    server.answers.append(Answer(416, b"", {"Content-Range": "bytes */10"}))
    server.answers.append(Answer(body=whole))
    fetched(weights)
    assert server.ranges[-1] is None


def test_a_part_that_was_complete_is_taken_without_a_request(server: Loopback) -> None:
    weights = hashed(server)
    stopped_in_the_middle(weights, server)
    part(weights).write_bytes(CONTENT)
    fetched(weights)
    assert len(server.requests) == 1


def test_a_partial_file_of_unknown_origin_is_not_resumed(server: Loopback) -> None:
    weights = hashed(server)
    stopped_in_the_middle(weights, server)
    part(weights).with_name(part(weights).name + ".json").write_text('{"size": ')
    fetched(weights)
    assert server.ranges == [None, None]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(404, b"no"), "download_missing"),
        (Answer(410, b"no"), "download_missing"),
        (Answer(401, b"no"), "download_forbidden"),
        (Answer(403, b"no"), "download_forbidden"),
        (Answer(418, b"no"), "download_refused"),
        (Answer(headers={"Content-Type": "text/html; charset=utf-8"}), "download_page"),
        (Answer(body=b"\n <!DOCTYPE html><title>Sign in</title>"), "download_page"),
        (Answer(body=b"<?xml version='1.0'?><Error>AccessDenied</Error>"), "download_page"),
        (Answer(length=0), "download_wrong_hash"),
        (Answer(length=len(CONTENT) - 1), "download_wrong_hash"),
        (Answer(body=CONTENT + b"more", length=len(CONTENT) + 4), "download_wrong_hash"),
        (Answer(body=CONTENT + b"more", length=-1), "download_wrong_hash"),
        (Answer(cut=HALF, length=-1), "download_wrong_hash"),
        (Answer(302, b"", {"Location": "file:///etc/passwd"}), "download_refused"),
        (Answer(302, b"", {"Location": "ftp://127.0.0.1/file"}), "download_redirected"),
        (Answer(302, b"", {"Location": "https://127.0.0.1/file"}), "download_redirected"),
        (Answer(302, b"", {"Location": "http://example.com/file"}), "download_insecure"),
        (linked(size=len(CONTENT) - 1), "download_size"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_the_file_is_refused_at_once(server: Loopback, answer: Answer, code: str) -> None:
    server.answers.append(answer)
    weights = hashed(server)
    assert refused(weights).message.code == code
    assert not part(weights).exists()
    assert len(server.requests) <= 2


def test_a_body_that_is_longer_than_the_host_stated_is_cut_off(server: Loopback) -> None:
    server.answers += [linked(size=HALF), Answer(length=-1)]
    assert refused(hashed(server)).message.code == "download_size"


def test_a_length_that_is_never_reached_ends_in_a_sentence(server: Loopback) -> None:
    server.answers += [Answer(length=len(CONTENT) + 9, ranges=False)] * 9
    assert refused(hashed(server)).message.code == "download_broken"


def test_a_file_without_a_stated_length_is_taken_by_its_hash(server: Loopback) -> None:
    server.answers.append(Answer(length=-1))
    fetched(hashed(server))


def test_a_busy_server_is_tried_again_and_named_when_it_stays_busy(server: Loopback) -> None:
    server.answers += [Answer(500, b"oops"), Answer(429, b"slowly")]
    fetched(hashed(server))
    weights_path(hashed(server)).unlink()
    server.answers += [Answer(503, b"oops")] * 9
    problem = refused(hashed(server))
    assert problem.message.code == "download_refused"
    assert "503" in str(problem)


def test_a_redirect_in_a_circle_ends(server: Loopback) -> None:
    server.answers += [Answer(302, b"", {"Location": "/again"})] * 99
    assert refused(hashed(server)).message.code == "download_refused"


def test_only_this_machine_may_be_used_without_encryption() -> None:
    assert (
        refused(Weights("http://example.com/a-12345678.pth", 1, "MIT", sha256="12345678")).message.code
        == "download_insecure"
    )
    assert refused(Weights("file:///etc/passwd", 1, "MIT", sha256="12345678")).message.code == "download_insecure"


def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_offline_names_where_to_put_the_file_and_there_it_is_found(tmp_path: Path) -> None:
    url = f"https://localhost:{unused_port()}/net-{SHA256[:8]}.pth"
    weights = Weights(url, 0.3, "MIT", sha256=SHA256[:8])
    problem = refused(weights)
    assert problem.message.code == "download_offline"
    assert url in str(problem)
    assert str(weights_path(weights)) in str(problem)
    weights_path(weights).write_bytes(CONTENT)
    fetched(weights)


def test_offline_without_a_known_hash_the_file_can_only_be_chosen() -> None:
    weights = Weights(f"https://localhost:{unused_port()}/timm/net/resolve/main/model.safetensors", 0.3, "MIT")
    problem = refused(weights)
    assert problem.message.code == "download_offline_choose"
    assert "“From file”" in str(problem)


def test_a_server_that_goes_away_for_a_moment_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "WAITS", (0.05, 0.05))
    with Loopback(CONTENT) as server:
        weights = hashed(server)
        server.answers.append(Answer(cut=HALF, pause=0.1))
        events = fetch(weights, threading.Event())
        while (event := next(events)) and isinstance(event, Downloading) and not event.done:
            pass
        server.closing.set()
    with pytest.raises(Problem) as caught:
        list(events)
    assert caught.value.message.code == "download_offline"
    assert part(weights).exists()


def test_a_proxy_is_used_where_there_is_one(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.origin)
    url = f"http://localhost:{unused_port()}/net-{SHA256[:8]}.pth"
    fetched(Weights(url, 0.3, "MIT", sha256=SHA256[:8]))
    assert [each.path for each in server.requests] == [url]


@pytest.mark.parametrize("of", [hashed, hugging_face])
def test_a_file_that_is_altered_later_is_not_given_and_is_fetched_again(server: Loopback, of) -> None:
    weights = of(server)
    server.answers += [linked()] * (of is hugging_face)
    fetched(weights)
    with weights_path(weights).open("r+b") as file:
        file.seek(1000)
        file.write(b"altered")
    assert verified(weights) is None
    server.answers += [linked()] * (of is hugging_face)
    fetched(weights)


def test_an_altered_file_is_refused_even_if_it_cannot_be_downloaded_again(server: Loopback) -> None:
    weights = hashed(server)
    fetched(weights)
    weights_path(weights).write_bytes(CONTENT[:-1])
    server.answers.append(Answer(404, b"gone"))
    assert refused(weights).message.code == "download_missing"


@pytest.mark.parametrize("note", [None, "", "0", "not the hash of a file"])
def test_without_the_hash_that_was_remembered_a_file_is_not_given(server: Loopback, note: str | None) -> None:
    weights = hugging_face(server)
    server.answers.append(linked())
    fetched(weights)
    beside = weights_path(weights).with_name(weights_path(weights).name + ".sha256")
    beside.unlink() if note is None else beside.write_text(note)
    assert verified(weights) is None
    assert not cached(weights)


def engine(weights: Weights) -> subprocess.Popen[str]:
    """Another process that fetches the same file and prints its events."""
    code = (
        "import sys, threading; from resnet_gui.events import Weights, to_json; from resnet_gui.weights.weight_cache import fetch\n"
        "for event in fetch(Weights(sys.argv[1], 0.3, 'MIT', sha256=sys.argv[2]), threading.Event()):\n"
        "    print(to_json(event), flush=True)"
    )
    command = [sys.executable, "-c", code, weights.url, weights.sha256]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_second_process_waits_for_the_first_and_finds_the_file(server: Loopback) -> None:
    weights = hashed(server)
    server.answers.append(Answer(cut=HALF, stall=True))
    first = fetch(weights, threading.Event())
    next(first)
    with engine(weights) as second:
        assert second.stdout
        assert isinstance(from_json(second.stdout.readline()), Downloading)
        assert isinstance(list(first)[-1], Downloaded)
        *_, last = second.stdout
    assert second.returncode == 0
    assert from_json(last) == Downloaded(weights.url, str(weights_path(weights)))
    assert server.ranges == [None, f"bytes={HALF}-"]
    assert weights_path(weights).read_bytes() == CONTENT


def test_a_waiting_process_can_be_stopped(server: Loopback) -> None:
    first, stop = fetch(hashed(server), threading.Event()), threading.Event()
    next(first)
    for event in fetch(hashed(server), stop):
        assert isinstance(event, Downloading)
        stop.set()
    first.close()
    fetched(hashed(server))


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_process_that_is_killed_loses_nothing_and_blocks_nobody(server: Loopback) -> None:
    weights = hashed(server)
    server.answers.append(Answer(cut=HALF, stall=True))
    with engine(weights) as killed:
        assert killed.stdout
        for line in killed.stdout:
            if json.loads(line).get("done") == HALF:
                break
        killed.send_signal(signal.SIGKILL)
    assert not weights_path(weights).exists()
    fetched(weights)
    assert server.ranges[-1] == f"bytes={part_written(server)}-"


def part_written(server: Loopback) -> int:
    """What had reached the part: the newest piece may still have been in the killed process."""
    start = int(str(server.ranges[-1]).removeprefix("bytes=").removesuffix("-"))
    assert CHUNK <= start <= HALF
    return start


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache on a disk of 200 kB, too small for the file."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk can only be mounted by root: {mounted.stderr.strip()}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    yield folder
    monkeypatch.undo()
    subprocess.run(["umount", folder], check=True)


def test_a_disk_without_room_is_reported_before_it_is_full(small_disk: Path, server: Loopback) -> None:
    problem = refused(hashed(server))
    assert problem.message.code == "download_no_room"
    assert "0.2 MB free" in str(problem)
    assert "needs 0.3 MB" in str(problem)
    assert not part(hashed(server)).exists()


def test_a_disk_that_fills_up_is_reported_and_the_download_resumes(small_disk: Path, server: Loopback) -> None:
    weights = hashed(server)
    server.answers.append(Answer(length=-1))
    problem = refused(weights)
    assert problem.message.code == "download_not_written"
    assert "No space left" in str(problem)
    have = part(weights).stat().st_size
    assert have > CHUNK
    subprocess.run(["mount", "-o", "remount,size=2m", small_disk], check=True)
    fetched(weights)
    assert server.ranges == [None, f"bytes={have}-"]


def test_a_cache_that_cannot_be_written_to_is_reported(tmp_path: Path, server: Loopback) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(Problem) as caught:
        run(hashed(server))
    assert caught.value.message.code == "download_not_written"
    assert not server.requests


def test_a_name_is_another_one_for_each_address_and_every_system_takes_it() -> None:
    host = "https://huggingface.co"
    urls = [
        f"{host}/timm/resnet18.a1_in1k/resolve/main/model.safetensors",
        f"{host}/timm/resnet18.a2_in1k/resolve/main/model.safetensors",
        f"{host}/timm/resnet18.a1_in1k/resolve/v2/model.safetensors",
        f"{host}/Timm/resnet18.a1_in1k/resolve/main/model.safetensors",
        f"{host}/a/b/resolve/main/{'long' * 100}.safetensors",
        "https://example.com/con.pth",
        "https://example.com/a%20b%2F..%2Fc:d?e=f*.pth",
        "https://example.com/weights",
        "https://example.com/",
    ]
    names = [file_name(Weights(url, 1, "MIT")) for url in urls]
    assert len({name.lower() for name in names}) == len(urls)
    assert names[0].startswith("timm--resnet18.a1_in1k--model-")
    assert names[0].endswith(".safetensors")
    for name in names:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
        assert 0 < len(name) < 130
        assert name[0] != "."
        assert name[-1] != "."
        assert name.partition(".")[0].lower() not in ("con", "prn", "aux", "nul", "com1", "lpt1")


def test_a_name_with_the_hash_in_it_stays_as_a_browser_would_save_it() -> None:
    weights = Weights(
        "https://download.pytorch.org/models/resnet18-f37072fd.pth", 46.8, "BSD-3-Clause", sha256="f37072fd"
    )
    assert file_name(weights) == "resnet18-f37072fd.pth"


def test_checking_whether_a_file_is_here_loads_nothing_heavy() -> None:
    code = (
        "import sys, resnet_gui.weights.weight_cache\n"
        "print([name for name in ('torch', 'urllib.request', 'http.client', 'ssl') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
