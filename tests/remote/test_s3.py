"""A corpus in an S3 bucket: moto's server on loopback, from a virtual environment of its own.

moto wants other versions of libraries than this project's constraints, so it cannot be installed
beside them.
"""

import socket
import subprocess
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests import tiny

from headwater.corpus.build import build
from headwater.corpus.sources import find_sources
from headwater.corpus.store import TokenStore
from headwater.errors import UserError
from headwater.paths import cache_folder
from headwater.remote.copies import list_files
from headwater.text.loading import load_vocabulary

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
MOTO = "moto[server]==5.1.16"


@pytest.fixture(scope="session")
def moto() -> Path:
    """The Python of moto's environment, in the user's cache; skips where it cannot be made."""
    folder = cache_folder("tests") / "moto"
    python, whole = folder / "bin" / "python", folder / "whole"
    if not whole.exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [python, "-m", "pip", "install", "-q", MOTO]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=800)
        if ran.returncode:
            pytest.skip(f"moto cannot be installed here: {ran.stderr.strip()[-200:]}")
        whole.touch()
    return python


@pytest.fixture
def bucket(moto: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, bytes], None]]:
    """Put an object into the bucket `crawl` of a fresh server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [moto, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for key, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(key, value)

    def put(key: str, body: bytes) -> None:
        request = urllib.request.Request(
            f"{url}/crawl{key}", body, {"Content-Type": "application/octet-stream"}, method="PUT"
        )
        urllib.request.urlopen(request, timeout=60).close()

    try:
        for _ in range(240):
            try:
                put("", b"")
                break
            except OSError:
                assert server.poll() is None, "moto's server ended"
                time.sleep(0.5)
        yield put
    finally:
        server.terminate()
        server.wait()


def test_a_folder_of_a_bucket_becomes_a_store(
    bucket: Callable[[str, bytes], None], tmp_path: Path, cache: Path
) -> None:
    bucket("/en/b.txt", b"The river froze.")
    bucket("/en/deep/a.jsonl", b'{"text": "The mill stood."}\n')
    bucket("/en/notes.md", b"Not text of the corpus.")
    bucket("/de/c.txt", b"Die Muehle.")
    tiny.wordpiece(tmp_path / "vocabulary", ["the"], tiny.LETTERS)
    vocabulary = load_vocabulary(tmp_path / "vocabulary")
    info = build([Path("s3://crawl/en")], vocabulary, tmp_path / "store")
    assert info.documents == 2
    assert [(each.path, each.files) for each in info.sources] == [("s3://crawl/en", 2)]
    assert not (cache / "s3" / "crawl" / "en" / "notes.md").exists()
    here = tmp_path / "en"
    (here / "deep").mkdir(parents=True)
    (here / "b.txt").write_bytes(b"The river froze.")
    (here / "deep" / "a.jsonl").write_bytes(b'{"text": "The mill stood."}\n')
    build([here], vocabulary, tmp_path / "local")
    stores = [TokenStore.open(tmp_path / name) for name in ("store", "local")]
    assert stores[0].tokens.tobytes() == stores[1].tokens.tobytes()


def test_a_pattern_takes_what_it_names(bucket: Callable[[str, bytes], None]) -> None:
    for name in ("train.0", "train.1", "test.0"):
        bucket(f"/en/{name}.txt", b"x")
    found = [file.url for file in list_files("s3://crawl/en/train.*.txt")]
    assert found == ["s3://crawl/en/train.0.txt", "s3://crawl/en/train.1.txt"]


def test_a_folder_is_read_in_the_order_of_its_paths(bucket: Callable[[str, bytes], None]) -> None:
    for name in (
        "deep/a.txt",
        "deep-b.txt",
        ".old/a.txt",
        "deep/.a.txt",
        "a%5B1%5D.txt",
        "b%2A.txt",
    ):
        bucket(f"/en/{name}", name.encode())
    found = find_sources([Path("s3://crawl/en")]).files
    assert [file.read_text() for file in found] == [
        "a%5B1%5D.txt", "b%2A.txt", "deep/a.txt", "deep-b.txt"
    ]  # fmt: skip
    assert [file.name for file in found[:2]] == ["a[1].txt", "b*.txt"]


def test_what_is_not_there_is_told_in_a_line(bucket: Callable[[str, bytes], None]) -> None:
    for url in ("s3://crawl/no.txt", "s3://crawl/no/*.txt", "s3://other/a.txt"):
        with pytest.raises(UserError) as failed:
            list_files(url)
        assert str(failed.value).startswith(url) and "\n" not in str(failed.value)
