"""The load of the benchmark of servers, against a server that only counts."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from benchmarks.harness.load import Load, closed_loop
from benchmarks.serving import WORKS

from headwater.data.example import SpanExample


class Counting(BaseHTTPRequestHandler):
    """Refuses every third request, and fails at the word "wrong"."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[str]] = []
    calls: ClassVar[Counter[str]] = Counter()

    def do_POST(self) -> None:
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["inputs"]
        self.calls["all"] += 1
        status = 500 if text == "wrong" else 429 if self.calls["all"] % 3 == 0 else 200
        if status == 200:
            self.seen.append(text)
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Counting.seen.clear()
    Counting.calls.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/models/model"
        server.shutdown()


def test_each_body_is_asked_once_and_who_is_refused_asks_again(url: str) -> None:
    bodies = [json.dumps({"inputs": str(number)}).encode() for number in range(20)]
    load = closed_loop(url, bodies, 4)
    assert sorted(map(int, Counting.seen)) == list(range(20))
    assert load.statuses[200] == len(load.latencies) == 20 and load.statuses[429] > 0
    assert load.latencies == sorted(load.latencies) and load.rate == 20 / load.seconds
    with pytest.raises(RuntimeError, match="500"):
        closed_loop(url, [b'{"inputs": "wrong"}', *bodies], 2)


def test_percentiles() -> None:
    load = Load([number / 100 for number in range(1, 101)], 2.0, Counter())
    assert [load.percentile(each) for each in (50, 95, 99, 100)] == [0.5, 0.95, 0.99, 1.0]
    assert Load([3.0], 1.0, Counter()).percentile(50) == 3.0


def test_what_is_asked() -> None:
    example = SpanExample("1", "Who?", "Ada built it.", ())
    [qa] = WORKS["qa"].bodies([example], 9)
    assert qa == {"inputs": {"question": "Who?", "context": "Ada built it."}, "parameters": {}}
    [written] = WORKS["generation"].bodies([example], 9)
    assert written["parameters"] == {"min_new_tokens": 9, "max_new_tokens": 9}
