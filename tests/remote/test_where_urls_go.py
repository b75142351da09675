"""URLs wherever a path of text or data is taken."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests import tiny
from tests.remote.conftest import Web

from headwater.corpus.held_out import HeldOut
from headwater.corpus.sources import find_sources
from headwater.data.hub_files import with_hub
from headwater.errors import UserError


def test_raw_text_is_fetched(web: Web, cache: Path) -> None:
    web.files["/books/a.txt"] = b"It rained."
    found = find_sources([Path(f"{web.url}/books/a.txt")])
    (source,) = found.sources
    assert source.name == f"{web.url}/books/a.txt"
    assert [file.read_bytes() for file in found.files] == [b"It rained."]
    assert found.files[0].is_relative_to(cache)


def test_what_is_no_text_is_not_fetched(web: Web) -> None:
    web.files["/a.zip"] = b"PK"
    with pytest.raises(UserError, match=r"http://.*/a\.zip: no text to read"):
        find_sources([Path(f"{web.url}/a.zip")])
    assert not web.asked


def test_a_task_reads_a_url(web: Web) -> None:
    web.files["/train.tsv"] = b"a\tb\n"
    (path,) = with_hub("cola", None, [f"{web.url}/train.tsv"], "train")
    assert path.read_bytes() == b"a\tb\n"


def test_held_out_text_is_fetched(web: Web) -> None:
    text = "he was born in the old mill by the river"
    web.files["/dev.json"] = json.dumps([text]).encode()
    assert HeldOut([Path(f"{web.url}/dev.json")]).overlaps(text)


def test_corpus_build_takes_a_url(web: Web, tmp_path: Path, headwater: Callable[..., Any]) -> None:
    tiny.wordpiece(tmp_path / "vocabulary", ["the"], tiny.LETTERS)
    web.files["/a.txt"] = b"the mill"
    options = ("--vocabulary", tmp_path / "vocabulary", "--output", tmp_path / "store")
    ran = headwater("corpus", "build", f"{web.url}/a.txt", *options)
    assert ran.code == 0, ran.err
    stored = json.loads((tmp_path / "store" / "store.json").read_text())
    assert stored["sources"] == [{"path": f"{web.url}/a.txt", "files": 1, "bytes": 8}]
    ran = headwater("corpus", "build", f"{web.url}/no.txt", *options[:3], tmp_path / "other")
    assert ran.code == 2 and "there is no file of that name" in ran.err
    assert not (tmp_path / "other").exists()
