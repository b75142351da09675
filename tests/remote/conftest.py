"""A small web server on loopback that can fail on purpose, and a cache of the test's own."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest


class Web:
    """Files by path; `asked` holds the ranges, and one past byte `fail_from` is answered 400."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[int, int]] = []
        self.fail_from: int | None = None
        self.url = ""


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(head=True)

        def do_GET(self) -> None:
            self._answer(head=False)

        def do_PROPFIND(self) -> None:
            self._send(405, b"")

        def _answer(self, head: bool) -> None:
            body = web.files.get(unquote(self.path))
            if body is None:
                return self._send(404, b"")
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            begin, end = (int(found[1]), int(found[2]) + 1) if found else (0, len(body))
            if not head:
                web.asked.append((begin, end))
            if not head and web.fail_from is not None and end > web.fail_from:
                return self._send(400, b"")
            tag = f'"{hash(body)}"'
            part = f"bytes {begin}-{end - 1}/{len(body)}" if found else None
            return self._send(206 if found else 200, body[begin:end], tag, part, head)

        def _send(
            self, code: int, body: bytes, tag: str = "", part: str | None = None, head: bool = False
        ) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            if tag:
                self.send_header("ETag", tag)
            if part:
                self.send_header("Content-Range", part)
            self.end_headers()
            if not head:
                self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler


@pytest.fixture
def web() -> Iterator[Web]:
    content = Web()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(content))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    content.url = f"http://127.0.0.1:{server.server_port}"
    yield content
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of copies."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "headwater" / "remote"
