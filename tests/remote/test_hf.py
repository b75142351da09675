"""`hf://`: huggingface_hub's own file system, asking a hub of a few lines on loopback."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

from headwater.errors import UserError
from headwater.remote.copies import fetch, list_files

FILES = {"en/a.jsonl": b'{"text": "It rained."}\n', "en/b.jsonl": b"{}\n", "README.md": b"Set."}


class Hub(BaseHTTPRequestHandler):
    """The dataset me/set."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/datasets/me/set/tree/"):
            self._send(_tree("/".join(path.split("/")[7:]), "recursive=true" in self.path))
        elif path in ("/api/datasets/me/set", "/api/datasets/me/set/revision/main"):
            self._send({"id": "me/set", "sha": "1" * 40})
        elif found := re.fullmatch(r"/datasets/me/set/resolve/main/(.*)", path):
            self._send(FILES[found[1]], self.headers.get("Range"))
        else:
            self._send(None)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        wanted = json.loads(body)["paths"] if body.startswith("{") else []
        found = [_entry(name) for name in FILES if name in wanted]
        if "en" in wanted:
            found.append({"type": "directory", "path": "en", "oid": "2", "size": 0})
        self._send(found)

    def _send(self, content: object, part: str | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        if part:
            begin, end = (int(number) for number in part.removeprefix("bytes=").split("-"))
            body = body[begin : end + 1]
        self.send_response(404 if content is None else 206 if part else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def _tree(folder: str, recursive: bool) -> list[dict[str, object]]:
    below = f"{folder}/" if folder else ""
    names = [name for name in FILES if name.startswith(below)]
    folders = {name.removeprefix(below).partition("/")[0] for name in names if "/" in name}
    found = [_entry(name) for name in names if recursive or "/" not in name.removeprefix(below)]
    if not folder:
        found += [{"type": "directory", "path": name, "oid": "2", "size": 0} for name in folders]
    return found


def _entry(name: str) -> dict[str, object]:
    return {"type": "file", "path": name, "oid": f"of {name}", "size": len(FILES[name])}


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("url", ["hf://datasets/me/set/en", "hf://datasets/me/set/en/*.jsonl"])
def test_files_of_a_dataset_are_fetched(url: str, cache: Path) -> None:
    copies = [fetch(file) for file in list_files(url)]
    assert [file.name for file in copies] == ["a.jsonl", "b.jsonl"]
    assert [file.read_bytes() for file in copies] == [FILES["en/a.jsonl"], FILES["en/b.jsonl"]]
    assert copies[0].parent == cache / "hf" / "datasets" / "me" / "set" / "en"


def test_a_set_that_is_not_there_is_told_in_a_line() -> None:
    with pytest.raises(UserError, match=r"^hf://datasets/me/other/a\.txt") as failed:
        list_files("hf://datasets/me/other/a.txt")
    assert "\n" not in str(failed.value)
