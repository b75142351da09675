"""The pictures of docs/ are small, and docs/pictures.py takes them anew."""

import os
import shutil
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")


def size(path: Path) -> tuple[int, int]:
    """Return the width and the height of a PNG, from its header."""
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG\r\n")
    return int.from_bytes(header[16:20]), int.from_bytes(header[20:24])


def test_the_pictures_are_small() -> None:
    found = {path: path.stat().st_size for path in DOCS.rglob("*.png")}
    assert len(found) > 10
    assert {path: bytes for path, bytes in found.items() if bytes >= 200_000} == {}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
def test_they_are_taken_anew(tmp_path: Path) -> None:
    pytest.importorskip("playwright.sync_api", reason="needs playwright")
    from docs.pictures import draw

    draw(tmp_path)
    assert size(tmp_path / "page.png") == size(DOCS / "page.png")
    assert size(tmp_path / "ask.png")[0] == size(DOCS / "ask.png")[0]
