"""A folder that is asked by a temporary index: answers as an index gives them, and nothing left."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

import headwater as library
import made
from headwater.commands.documents import GLOBS
from headwater.documents import temporary
from headwater.documents.temporary import WORTH, ask_folder
from headwater.documents.update import build
from headwater.errors import UserError
from headwater.inference.loaded import LoadedModel

FILLER = "The weather of that year was cold, and nobody went out to the fields before noon.\n\n"
QUESTION = "Who built the mill?"


@pytest.fixture(scope="module")
def reader() -> LoadedModel:
    return library.load("reader", "cpu")


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of texts beyond the size from which it is indexed; temporary files lie beside it."""
    folder = tmp_path / "large"
    made.folder(folder)
    (folder / "long.TXT").write_text(FILLER * (WORTH // len(FILLER) + 1))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return folder


def test_a_folder_may_have_a_long_name(large: Path, reader: LoadedModel) -> None:
    folder = large.rename(large.with_name("mühle " * 36))
    assert ask_folder(folder, GLOBS, QUESTION, reader).answers[0].text == "Ada"


def test_answers_are_those_of_an_index(
    large: Path, reader: LoadedModel, tmp_path: Path, headwater: Any, monkeypatch: Any
) -> None:
    build([large], tmp_path / "x.index", include=GLOBS)
    with library.open_index(tmp_path / "x.index") as index:
        reply = index.ask(QUESTION, reader, top_k=3)
    monkeypatch.setattr("headwater.inference.loaded.load", lambda *given, **named: reader)
    monkeypatch.chdir(tmp_path)
    given = ("ask", QUESTION, "--context", "large", "--top-k", "3")
    found = json.loads(headwater(*given, "--json").out)
    assert [each["text"] for each in found] == [each.text for each in reply.answers]
    assert [each["score"] for each in found] == [each.score for each in reply.answers]
    best = found[0]
    assert (best["text"], best["source"], best["no_answer"]) == ("Ada", "large/mill.txt", False)
    text = Path(best["source"]).read_text()
    assert text[best["start"] : best["end"]] == "Ada"
    assert text[best["sentence_start"] :].startswith(best["sentence"])
    shown = headwater(*given)
    assert shown.out.startswith("Ada\n  evidence  It was built in 1843 by [Ada], who")
    assert "  source    large/mill.txt\n" in shown.out
    assert shown.err.startswith("headwater: warning: left out: ") and shown.err.count("\n") == 1
    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_the_files_do_not_say(large: Path, reader: LoadedModel) -> None:
    for question in ("Why is the mill a zebra?", "xyzzy?"):
        answers, faults = ask_folder(large, GLOBS, question, reader)
        assert answers[0].no_answer and answers[0].text == "" and faults == []


def test_a_small_folder_is_read_whole(
    tmp_path: Path, reader: LoadedModel, headwater: Any, monkeypatch: Any
) -> None:
    (tmp_path / "a.txt").write_text(made.PARAGRAPH)
    monkeypatch.setattr("headwater.inference.loaded.load", lambda *given, **named: reader)
    monkeypatch.setattr(temporary, "build", None)
    ran = headwater("ask", QUESTION, "--context", tmp_path)
    assert ran.code == 0 and ran.out.startswith("Ada\n")


def test_a_model_that_writes_names_the_file(large: Path) -> None:
    answers, _ = ask_folder(large, GLOBS, QUESTION, library.load("writer", "cpu"))
    assert answers[0].text and answers[0].start is None and answers[0].places == ()
    assert Path(answers[0].source or "").parent == large


def test_what_cannot_be_read_is_said(
    large: Path, reader: LoadedModel, headwater: Any, monkeypatch: Any
) -> None:
    name = os.fsdecode(b"caf\xe9.txt") if sys.platform == "linux" else "cafe.txt"
    (large / name).write_bytes(b"caf\xe9\n")
    (large / "b.md").symlink_to("nowhere")
    (large / "mill.txt").rename(large / f"x{name}")
    monkeypatch.setattr("headwater.inference.loaded.load", lambda *given, **named: reader)
    ran = headwater("ask", QUESTION, "--context", large, "--json")
    assert (ran.code, ran.err.count("\n")) == (0, 2)
    assert f"{large}/b.md: a link to nothing" in ran.err and "line 1: not UTF-8" in ran.err
    assert json.loads(ran.out)[0]["source"] == str(large / f"x{name}")


def test_a_folder_of_nothing_is_a_mistake(
    large: Path, reader: LoadedModel, headwater: Any, monkeypatch: Any
) -> None:
    for file in (*large.glob("*.txt"), *large.glob("*.md")):
        file.unlink()
    (large / "long.TXT").write_text(" \n" * WORTH)
    monkeypatch.setattr("headwater.inference.loaded.load", lambda *given, **named: reader)
    ran = headwater("ask", QUESTION, "--context", large)
    assert (ran.code, ran.err.count("\n"), ran.out) == (2, 1, "")
    assert f"{large}: nothing was indexed; {large}/long.TXT: holds no text" in ran.err
    assert "temporary" not in ran.err
    with pytest.raises(UserError, match="nothing was indexed; no file was found"):
        ask_folder(large, ["*.rst"], QUESTION, reader)


@pytest.mark.skipif(os.name == "nt", reason="no SIGTERM there")
def test_sigterm_leaves_nothing(large: Path, tmp_path: Path) -> None:
    for number in range(300):
        (large / f"{number}.txt").write_text(FILLER * 20)
    process = subprocess.Popen(
        [sys.executable, "-m", "headwater", "ask", QUESTION, "--context", str(large)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TMPDIR": str(tmp_path / "temporary"),
        },
        stdout=subprocess.DEVNULL,
    )
    while not list((tmp_path / "temporary").glob("headwater-*/*.index")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 143
    assert list((tmp_path / "temporary").iterdir()) == []
