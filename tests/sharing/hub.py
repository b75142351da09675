"""A hub on this machine: what huggingface-hub asks for a commit and a download, and no more."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

COMMIT = "c0ffee" + "0" * 34


class Hub(ThreadingHTTPServer):
    """Repositories by name: `files` of the one commit; `asked` are the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.large: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.refuse = 0  # a status that every request gets
        self.cut: str | None = None  # a part of the path where the connection is cut

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def running() -> Iterator[Hub]:
    with Hub() as hub:
        Thread(target=hub.serve_forever, args=(0.05,), daemon=True).start()
        yield hub
        hub.shutdown()


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None: ...

    def do_POST(self) -> None:
        body = self._begin()
        path = self.path.partition("?")[0]
        if self.server.cut and self.server.cut in path:
            self.close_connection = True
        elif self.server.refuse:
            self._send({"error": "refused"}, self.server.refuse)
        elif path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            self.server.repositories[name] = asked
            self._send({"url": f"{self.server.address}/{name}"})
        elif path == "/api/validate-yaml":
            self._send({"errors": [], "warnings": []})
        elif "/preupload/" in path:
            files = [
                {
                    "path": each["path"],
                    "uploadMode": "lfs" if each["path"].endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                }
                for each in json.loads(body)["files"]
            ]
            self._send({"files": files})
        elif path.endswith("/info/lfs/objects/batch"):
            objects = [
                each | {"actions": {"upload": {"href": f"{self.server.address}/lfs/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            self._send({"transfer": "basic", "objects": objects})
        else:
            self._commit([json.loads(line) for line in body.splitlines()])

    def do_PUT(self) -> None:
        body = self._begin()
        name = self.path.rpartition("/")[2]
        assert hashlib.sha256(body).hexdigest() == name
        self.server.large[name] = body
        self._send({})

    def do_HEAD(self) -> None:
        self._file()

    def do_GET(self) -> None:
        self._begin()
        if "/tree/" in self.path:
            self._send(
                [
                    {"type": "file", "path": name, "size": len(content), "oid": "0" * 40}
                    for name, content in self.server.files.items()
                ]
            )
        elif self.path.startswith("/api/models/"):
            names = [{"rfilename": name} for name in self.server.files]
            self._send({"id": "u/n", "modelId": "u/n", "sha": COMMIT, "siblings": names})
        else:
            self._file()

    def _begin(self) -> bytes:
        self.server.asked.append(f"{self.command} {self.path}")
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _commit(self, lines: list[dict[str, Any]]) -> None:
        for each in lines:
            value = each["value"]
            if each["key"] == "file":
                self.server.files[value["path"]] = base64.b64decode(value["content"])
            elif each["key"] == "lfsFile":
                self.server.files[value["path"]] = self.server.large[value["oid"]]
        commit = {"commitOid": COMMIT, "commitUrl": f"{self.server.address}/u/n/commit/{COMMIT}"}
        self._send({"success": True, **commit})

    def _file(self) -> None:
        name = self.path.partition("?")[0].partition("/resolve/")[2].partition("/")[2]
        content = self.server.files.get(name)
        if content is None:
            self._send({"error": "no such entry"}, 404)
            return
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _send(self, value: Any, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
