"""Clients that ask a server over HTTP at a set rate, whether it answers or not: an open loop.

Each request is due at a moment of its own. A client that is refused with 429 asks nothing more
until the time that it is told is over, and the request is lost. Requests that are due while all
clients wait are not sent.
"""

import http.client
import itertools
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.harness.load import TIMEOUT, Load


class Flood(NamedTuple):
    """What came of it.

    answered, refused: the latencies of 200 and of 429. statuses: of all, a connection that broke
    among them as 0.
    """

    answered: Load
    refused: Load
    statuses: Counter[int]


def open_loop(
    url: str, bodies: Sequence[bytes], rate: float, connections: int, seconds: float
) -> Flood:
    """Ask bodies in turn, so many a second, for so long, over so many connections."""
    lock, numbers, begin = threading.Lock(), itertools.count(), time.perf_counter()
    found: dict[int, list[float]] = {}

    def due() -> int | None:
        """Wait for the next request that is due; None: the time is over."""
        while True:
            with lock:
                number = next(numbers)
            late = time.perf_counter() - begin - number / rate
            if number / rate >= seconds:
                return None
            if late < 1:  # else it passed while all clients waited
                time.sleep(max(0.0, -late))
                return number

    def client() -> None:
        connection = _connect(url)
        while (number := due()) is not None:
            start = time.perf_counter()
            status, wait = _ask(connection, url, bodies[number % len(bodies)])
            with lock:
                found.setdefault(status, []).append(time.perf_counter() - start)
            if not status:
                connection = _connect(url)
            time.sleep(min(wait, max(0.0, seconds - (time.perf_counter() - begin))))
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken, statuses = time.perf_counter() - begin, Counter({k: len(v) for k, v in found.items()})
    answered, refused = (Load(sorted(found.get(each, ())), taken, statuses) for each in (200, 429))
    return Flood(answered, refused, statuses)


def _connect(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)


def _ask(connection: http.client.HTTPConnection, url: str, body: bytes) -> tuple[int, float]:
    """Return the status, 0 where the connection broke, and the seconds to wait."""
    headers = {"Content-Type": "application/json"}
    try:
        connection.request("POST", urlsplit(url).path, body, headers)
        with closing(connection.getresponse()) as answer:
            answer.read()
            return answer.status, float(answer.headers.get("Retry-After", 0))
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0, 0.0
