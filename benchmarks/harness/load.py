"""Clients that ask a server over HTTP, each the next question as soon as it has an answer.

Connections stay open. A client that is refused with 429 waits as long as it is told, and asks
again; its latency is from the first time on.
"""

import http.client
import math
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple
from urllib.parse import urlsplit

TIMEOUT = 600.0  # seconds for one answer


class Load(NamedTuple):
    """What a load took.

    latencies: seconds of each request that was answered, in order of size. statuses: how many
    answers had each, 429 included.
    """

    latencies: list[float]
    seconds: float
    statuses: Counter[int]

    @property
    def rate(self) -> float:
        """Return the requests answered in a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """Return the latency that so many percent of the requests did not exceed, in seconds."""
        place = math.ceil(percent / 100 * len(self.latencies)) - 1
        return self.latencies[max(0, place)]


def closed_loop(url: str, bodies: Sequence[bytes], clients: int) -> Load:
    """Ask all bodies by so many clients."""
    numbers, lock = iter(range(len(bodies))), threading.Lock()
    latencies, statuses, faults = list[float](), Counter[int](), list[Exception]()

    def own() -> Iterator[bytes]:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None or faults:
                return
            yield bodies[number]

    def client() -> None:
        try:
            with closing(_asked(url, own())) as asked:
                for latency, found in asked:
                    with lock:
                        latencies.append(latency)
                        statuses.update(found)
        except Exception as error:  # shown by the caller
            faults.append(error)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return Load(sorted(latencies), time.perf_counter() - begin, statuses)


def _asked(url: str, bodies: Iterator[bytes]) -> Generator[tuple[float, Counter[int]], None, None]:
    """Yield for each body the seconds until its answer, and the statuses on the way."""
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json"}
    with closing(http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)) as connection:
        for body in bodies:
            begin, found = time.perf_counter(), Counter[int]()
            while True:
                connection.request("POST", parts.path, body, headers)
                answer = connection.getresponse()
                said = answer.read()
                found[answer.status] += 1
                if answer.status != 429:
                    break
                time.sleep(float(answer.headers["Retry-After"]))
            if answer.status != 200:
                raise RuntimeError(f"{url}: {answer.status} {said[:300]!r}")
            yield time.perf_counter() - begin, found
