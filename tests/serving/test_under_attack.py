"""Requests that mean harm or are broken, by the hundred, and signals under load."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from headwater.serving.application import application
from headwater.serving.models import Models
from headwater.serving.settings import Settings
from serving_threads import serving

QUESTION = json.dumps({"inputs": {"question": "Who built it?", "context": "Ada built it."}})
BODY_SECONDS, CLOSED, IDLE = 1.0, 10.0, 15.0


@pytest.fixture(scope="module")
def address(tiny_models: Callable[..., Models]) -> Iterator[str]:
    settings = Settings(port=0, body_seconds=BODY_SECONDS)
    with serving(application(tiny_models("reader", "t5"), settings), settings) as found:
        yield urlsplit(found).netloc


def post(body: bytes, length: object = None, path: str = "/", more: str = "") -> bytes:
    length = len(body) if length is None else length
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n{more}\r\n"
    return head.encode() + body


def hostile(rng: random.Random) -> bytes:
    """Return one of many kinds of bad requests."""
    text = QUESTION.encode()
    cut = text[: rng.randrange(1, len(text))]
    number = rng.choice([b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"-0", b"true", b"[]"])
    kinds = [
        post(b'{"inputs": "a", "parameters": {"top_k": ' + number + b"}}"),
        post(b'{"inputs": ' + number + b"}"),
        post(b'{"inputs": "\\ud800"}'),
        post(b'{"inputs": "' + bytes(rng.randrange(128, 256) for _ in range(9)) + b'"}'),
        post(b"[" * rng.choice([900, 100_000])),
        post(b'{"a":' * 5000 + b"1" + b"}" * 5000),
        post(cut),
        post(cut, len(text)),  # what is missing never comes
        post(text, rng.choice([10**9, 10**30, -1, "abc", "1, 2", "", "0x10"])),
        post(text, 3),  # the rest is read as another request
        post(text) + post(text) + post(cut),
        post(text, path="/" + "x" * rng.choice([10, 100_000])),
        post(text, path="/models/" + rng.choice(["..%2f..", "%00", "\u202e", "a" * 300])),
        post(text, more="X-A: " + "y" * rng.choice([10, 200_000]) + "\r\n"),
        post(text, more="Transfer-Encoding: chunked\r\n"),
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\nabc",
        bytes(rng.randrange(256) for _ in range(300)),
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /livez HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Le",
    ]
    return rng.choice(kinds)


class Sent(NamedTuple):
    """What came of bytes that were sent: the statuses, and the seconds until it was closed."""

    given: bytes
    statuses: list[int]
    seconds: float


def send(address: str, given: bytes, *, half_closed: bool) -> Sent:
    """Send bytes, and read until the server closes."""
    host, _, port = address.partition(":")
    begin, found = time.monotonic(), b""
    with socket.create_connection((host, int(port)), timeout=3 * CLOSED) as connection:
        try:
            connection.sendall(given)
            if half_closed:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                found += part
        except (ConnectionError, TimeoutError):
            pass
    lines = [line for line in found.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    return Sent(given, [int(line.split()[1]) for line in lines], time.monotonic() - begin)


def test_two_hundred_hostile_requests(address: str) -> None:
    """No fault of the server's, all connections end, and it stays alive meanwhile."""
    rng = random.Random(0)
    given = [(hostile(rng), rng.random() < 0.5) for _ in range(200)]
    results: list[Sent] = []
    numbers = iter(given)
    lock = threading.Lock()

    def client() -> None:
        while True:
            with lock:
                item = next(numbers, None)
            if item is None:
                return
            results.append(send(address, item[0], half_closed=item[1]))

    threads = [threading.Thread(target=client) for _ in range(40)]
    for thread in threads:
        thread.start()
    waits = []
    while any(thread.is_alive() for thread in threads):
        begin = time.monotonic()
        with closing(HTTPConnection(address, timeout=30)) as connection:
            connection.request("GET", "/livez")
            assert connection.getresponse().status == 200
        waits.append(time.monotonic() - begin)
        time.sleep(0.1)
    assert len(results) == 200
    faults = [each.given[:200] for each in results if any(s >= 500 for s in each.statuses)]
    assert not faults, faults
    silent = [each for each in results if not each.statuses]
    assert all(each.seconds < CLOSED for each in silent), [each.given[:99] for each in silent]
    assert all(each.seconds < CLOSED + IDLE for each in results)
    assert sorted(waits)[len(waits) // 2] < 0.2
    with closing(HTTPConnection(address, timeout=30)) as connection:
        connection.request("POST", "/", QUESTION)
        assert connection.getresponse().status == 200


class Asking(NamedTuple):
    """What clients of a server got: how many answers of each status, and other ends."""

    statuses: list[int]
    faults: list[str]


def ask_on(address: str, over: threading.Event, found: Asking) -> None:
    """Ask by a new connection each time, until none is taken any more."""
    while not over.is_set():
        connection = HTTPConnection(address, timeout=60)
        try:
            connection.connect()
        except ConnectionError:
            return
        try:
            connection.request("POST", "/", QUESTION, {"Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            found.statuses.append(answer.status)
        except Exception as error:
            found.faults.append(repr(error))
        finally:
            connection.close()


@pytest.mark.skipif(os.name == "nt", reason="no signals there")
@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_signal_under_load_loses_nothing(
    tiny_models: Callable[..., Models], tmp_path: Path, times: int
) -> None:
    """What the server's log says that it took was answered to somebody."""
    folder, rng = tiny_models("reader").first.loaded.folder, random.Random(0)
    command = [sys.executable, "-m", "headwater", "serve", f"mine={folder}", "--port", "0"]
    command += ["--drain-seconds", "0.3", "--log-format", "json", "--device", "cpu"]
    for number in range(times):
        log = tmp_path / f"{number}.log"
        with log.open("w") as file, subprocess.Popen(command, stderr=file) as process:
            try:
                while not (said := log.read_text().partition("\n")[0]).endswith("}"):
                    assert process.poll() is None
                    time.sleep(0.02)
                address = urlsplit(json.loads(said)["address"]).netloc
                found, over = Asking([], []), threading.Event()
                given = (address, over, found)
                threads = [threading.Thread(target=ask_on, args=given) for _ in range(8)]
                for thread in threads:
                    thread.start()
                time.sleep(rng.uniform(0.2, 0.6))
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0
                over.set()
                for thread in threads:
                    thread.join(60)
            finally:
                process.kill()
        events = [json.loads(line) for line in log.read_text().splitlines()]
        taken = [each["status"] for each in events if each["event"] == "request"]
        assert len(taken) > 5 and set(taken) == {200}
        assert found.statuses == [200] * len(taken), (found, len(taken))
