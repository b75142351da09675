"""`headwater index`: what is printed, for a person and for a script."""

import json
from pathlib import Path
from typing import Any

import pytest

import made


def test_from_build_to_remove(headwater: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    made.folder(tmp_path / "documents")
    (tmp_path / "documents" / "scan.pdf").write_bytes(made.pdf([[]]))
    ran = headwater("index", "build", "documents", "--output", "x.index")
    assert (ran.code, ran.out) == (0, "x.index\n")
    assert "files: 7 indexed, 1 failed" in ran.err and "index show x.index" in ran.err
    ran = headwater("index", "build", "documents", "--output", "x.index", "--json")
    assert json.loads(ran.out) == {
        **{"indexed": 0, "unchanged": 8, "removed": 0, "failed": 0, "skipped": 0}
    }
    ran = headwater("index", "show", "x.index")
    assert ran.out.count("\n") == 6 and "documents/scan.pdf  (no text" in ran.out
    assert "7 indexed" in ran.out and "1 failed" in ran.out
    assert headwater("index", "show", "x.index", "--all", "--verify").out.count("\n") == 13
    shown = json.loads(headwater("index", "show", "x.index", "--json").out)
    assert len(shown["rows"]) == 8 and shown["files"] == {"failed": 1, "indexed": 7}
    ran = headwater("index", "search", "x.index", "When did the castle burn?")
    assert ran.out.startswith("1. documents/below/castle.pdf, page 1\n   castle\n")
    assert "The castle burned in the year of 1720.\n" in ran.out
    (hit,) = json.loads(headwater("index", "search", "x.index", "castle", "--json").out)
    assert (hit["page"], hit["quote"]) == (1, "The castle burned\nin the year of 1720.")
    given = ("index", "search", "x.index", "castle river", "--json", "--filter", "path=*.pdf")
    assert [each["page"] for each in json.loads(headwater(*given).out)] == [1]
    assert "No passage" in headwater("index", "search", "x.index", "zebra").out
    ran = headwater("index", "remove", "x.index", "documents/below")
    assert ran.code == 0 and "1 file removed" in ran.err
    assert json.loads(headwater("index", "update", "x.index", "--json").out)["unchanged"] == 7


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (("build", "nowhere", "--output", "x.index"), "no such file or folder"),
        (("build", ".", "--output", "x.index"), "nothing was indexed; no file was found"),
        (("build", ".", "--output", ""), "--output is empty"),
        (("build", ".", "--output", "."), "a folder; name a file"),
        (("update", "nowhere.index"), "no such file"),
        (("show", "nowhere.index"), "no such file"),
        (("search", "nowhere.index", "word"), "no such file"),
        (("search", "nowhere.index", " "), "the question is empty"),
        (("build", "", "--output", "x.index"), "PATH': it is empty; give a file or a folder"),
        (("build", ".", "--output", "new/below/x.index"), "no file was found"),
        (("build", "nowhere", "--output", "x.index"), "name files and folders with documents"),
        (("build", "x.index", "--output", "x.index"), "no such file or folder"),
        (("build", ".", "--output", "/dev/null"), "not a plain file (a device or a pipe)"),
        (("build", ".", "--output", "x.index", "--vectors", ""), "--vectors is empty"),
        (("build", ".", "--output", "x.index", "--engine", "oracle"), "sqlite, tantivy or"),
        (("build", ".", "--output", "x.index", "--time-limit", "0"), "'--time-limit'"),
        (("update", ""), "X.index': it is empty"),
        (("remove", "nowhere.index", ""), "PATH': it is empty"),
        (("remove", "nowhere.index", "x"), "no such file"),
        (("show", "/dev/zero"), "not a plain file (a device or a pipe)"),
        (("search", "nowhere.index", "word", "--top-k", "0"), "'--top-k'"),
        (("calibrate", "nowhere.index"), "missing option '--data'"),
        (("calibrate", "nowhere.index", "--data", ""), "--data is empty"),
    ],
)
def test_mistakes_are_one_line(
    headwater: Any, tmp_path: Path, monkeypatch: Any, given: tuple[str, ...], reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = headwater("index", *given)
    assert (ran.code, ran.err.count("\n"), ran.out) == (2, 1, "")
    assert reason in ran.err
    assert list(tmp_path.iterdir()) == []


def test_mistakes_with_an_index_are_one_line(
    headwater: Any, standing: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty.jsonl").touch()
    for given, reason in (
        (("build", standing, "--output", standing), "the index itself is no document"),
        (("update", standing, "extra"), "unexpected extra argument"),
        (("remove", standing, tmp_path / "nowhere"), "nowhere: not in"),
        (("search", standing, "mill", "--filter", "modified>yesterday"), "is no date"),
        (("search", standing, "mill", "--filter", ""), "path=GLOB or modified>DATE"),
        (("calibrate", standing, "--data", tmp_path / "nowhere.jsonl"), "no such file"),
        (("calibrate", standing, "--data", tmp_path / "empty.jsonl"), "empty"),
    ):
        ran = headwater("index", *given)
        assert (ran.code, ran.err.count("\n"), ran.out) == (2, 1, ""), given
        assert reason in ran.err
    ran = headwater("index", "search", standing, "mill", "--filter", "path=*.rst")
    assert (ran.code, ran.out) == (0, "No passage of the files that the filters take has a word of "
                                      "the question.\n")  # fmt: skip
