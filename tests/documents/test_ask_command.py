"""`headwater ask --context X.index`, with the bundled reader."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import headwater as library
import tiny
from headwater.commands import reply_screen
from headwater.documents.asking import Asking
from headwater.documents.hit import Quote
from headwater.documents.reply import Citation, IndexAnswer, Reply
from headwater.documents.update import build
from headwater.inference.loaded import LoadedModel

HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m\u202e\r[bold]'\";DROP TABLE files;--"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
OURS = re.compile(r"\x1b\[[\d;]*m|\x1b\]8;[^\x1b]*\x1b\\")
"""Styles and links of a terminal."""

ASKED = {
    "When did the castle burn?": ("1720", "castle.pdf"),
    "Who built the mill?": ("Ada", "word.docx"),
}


@pytest.fixture(scope="module")
def reader() -> LoadedModel:
    return library.load("reader", "cpu")


def test_questions_are_answered_with_their_places(standing: Path, reader: LoadedModel) -> None:
    with library.open_index(standing) as index:
        for question, (text, name) in ASKED.items():
            reply = index.ask(question, reader, top_k=2)
            citation = reply.answers[0].citations[0]
            assert text in reply.text and Path(citation.file).name == name
            assert citation.quote.text in citation.evidence.text
            assert "  ".join(citation.quote.text.split()) == "  ".join(reply.text.split())
        mills = index.ask("Who built the mill?", reader).answers[0].citations
        assert {Path(each.file).name for each in mills} == {"mill.txt", "word.docx"}
        sure = Asking(no_answer_threshold=-100.0)
        reply = index.ask("Who built the mill?", reader, options=sure)
        assert reply.no_answer and len(reply.nearest) > 1
        one = index.ask("Who built the mill?", reader, filters="path=*.txt").answers[0].citations
        assert [Path(each.file).name for each in one] == ["mill.txt"]


def test_a_place_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    quotes = [Quote("Ada", at, at + 3, page) for at, page in ((0, 1), (9, 1), (5, 2), (7, 2))]
    citations = [Citation("/a.pdf", "a", (), quote, quote, 0.2) for quote in quotes]
    answer = IndexAnswer("Ada", 0.8, tuple(citations))
    reply_screen.print_reply(Reply("Who?", False, 0.8, (answer,)))
    shown = capsys.readouterr().out
    assert "  source    /a.pdf, page 1\n" in shown and "  also      /a.pdf, page 2\n" in shown


def test_from_the_command_line(
    headwater: Any, standing: Path, reader: LoadedModel, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("headwater.inference.loaded.load", lambda *given, **named: reader)
    ran = headwater("ask", "When did the castle burn?", "--context", standing)
    assert ran.code == 0 and re.search(r"  evidence  The castle burned .*\[.*1720\]", ran.out)
    assert "castle.pdf, page 1\n" in ran.out and "  under     castle\n" in ran.out
    assert "\x1b" not in ran.out  # no terminal reads it
    ran = headwater("ask", "Why is the tower a zebra?", "--context", standing, "--json")
    assert json.loads(ran.out)["no_answer"] and json.loads(ran.out)["nearest"][0]["quote"]
    (tmp_path / "questions.txt").write_text("\n\n".join(ASKED) + "\n")
    given = ("ask", "--questions", tmp_path / "questions.txt", "--context", standing)
    replies = [json.loads(line) for line in headwater(*given, "--json").out.splitlines()]
    assert [reply["question"] for reply in replies] == list(ASKED)
    (tmp_path / "one.txt").write_text("Who built the mill?\n")
    given = (*given[:2], tmp_path / "one.txt", *given[3:])
    assert headwater(*given, "--json").out.count("\n") == 1
    given = (*given[:2], tmp_path / "questions.txt", *given[3:])
    shown = headwater(*given, "--filter", "path=*.pdf").out
    assert shown.index("Who built the mill?\n") > shown.index("castle.pdf, page 1")


def test_where_nothing_is_asked_nothing_is_said(
    headwater: Any, index: Path, folder: Path, reader: LoadedModel, monkeypatch: Any
) -> None:
    monkeypatch.setattr("headwater.inference.loaded.load", lambda *given, **named: reader)
    asked = ("ask", "Who built the mill?", "--context", index)
    ran = headwater(*asked, "--filter", "path=*.doc")
    assert (ran.code, ran.out) == (2, "") and "no file of this index meets the filters" in ran.err
    headwater("index", "remove", index, folder)
    ran = headwater(*asked)
    assert (ran.code, ran.out) == (2, "") and "no file of this index holds text" in ran.err
    assert "of        nothing" in headwater("index", "show", index).out


def test_files_that_only_an_index_reads_are_told(
    headwater: Any, tmp_path: Path, reader: LoadedModel, monkeypatch: Any
) -> None:
    monkeypatch.setattr("headwater.inference.loaded.load", lambda *given, **named: reader)
    names = ("a.txt", "b.csv", "c.csv", "d.pdf", "e.xyz")
    for name in names:
        (tmp_path / name).write_text("The mill was built by Ada.")
    ran = headwater("ask", "Who built the mill?", "--context", tmp_path)
    assert ran.code == 0 and "left out: 2 .csv, 1 .pdf; `headwater index build`" in ran.err


def test_places_are_links_where_the_terminal_has_them(standing: Path, reader: LoadedModel) -> None:
    with library.open_index(standing) as index:
        reply = index.ask("When did the castle burn?", reader)
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", soft_wrap=True)
    reply_screen._print_answer(reply.answers[0], console)
    assert re.search(r"\x1b\]8;[^;]*;file:///.*castle\.pdf#page=1\x1b\\", out.getvalue())


def test_what_a_terminal_would_obey_is_made_visible(
    headwater: Any, reader: LoadedModel, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("headwater.inference.loaded.load", lambda *given, **named: reader)
    text = f"# The {HOSTILE} mill\n\nThe mill stands by{HOSTILE} the river. It is{HOSTILE} old.\n"
    (tmp_path / f"{HOSTILE.replace('/', '')}.md").write_text(text)
    build([tmp_path], tmp_path / "x.index")
    for question in ("Where does the mill stand?", f"mill {HOSTILE}"):
        for more in ((), ("--json",), ("--no-answer-threshold", "-1000")):
            ran = headwater("ask", question, "--context", tmp_path / "x.index", *more)
            assert ran.code == 0 and not CONTROL.search(ran.out + ran.err)
            assert "\\u001b]0;title" in ran.out
    with library.open_index(tmp_path / "x.index") as index:
        reply = index.ask("Where does the mill stand?", reader, options=Asking(read=1))
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", soft_wrap=True)
    for answer in reply.answers:
        reply_screen._print_answer(answer, console)
    reply_screen._print_none(reply, console)
    assert not CONTROL.search(OURS.sub("", out.getvalue()))


def test_a_model_that_writes_still_cites(headwater: Any, standing: Path, tmp_path: Path) -> None:
    words = tiny.unigram(tmp_path / "words", ["mill", "castle", "river"], tiny.LETTERS)
    folder = tiny.model_folder(tmp_path / "t5", words, family="t5", seed=2, num_layers=1)
    ran = headwater(
        "ask", "Who built the mill?", "--context", standing, "--model", folder, "--json"
    )
    reply = json.loads(ran.out)
    assert ran.code == 0 and reply["no_answer"] is (reply["answers"] == [])
    for answer in reply["answers"]:
        assert answer["citations"][0]["quote"]["text"] and answer["citations"][0]["file"]
    given = ("--model", folder, "--no-answer-threshold", "1")
    ran = headwater("ask", "Who built the mill?", "--context", standing, *given)
    assert ran.code == 2 and "writes answers" in ran.err
    gpt = tiny.model_folder(tmp_path / "gpt", words, family="gpt")
    ran = headwater("ask", "Who built the mill?", "--context", standing, "--model", gpt)
    assert (ran.code, ran.err.count("\n")) == (2, 1) and "continues a text" in ran.err


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (("--filter", "size>1"), "path=GLOB or modified>DATE"),
        (("--questions", "nowhere.txt"), "not both"),
        (("--no-answer-threshold", "x"), "should be a valid number"),
        (("--no-answer-threshold", "nan"), "no_answer_threshold = nan: a number was expected"),
        (("--filter", "modified>yesterday"), "is no date"),
        (("--read", "0"), "'--read'"),
        (("--read", str(10**30)), "'--read'"),
        (("--top-k", "0"), "'--top-k'"),
        (("--max-answer-length", "0"), "'--max-answer-length'"),
        (("--model", ""), "--model is empty"),
        (("--questions", ""), "--questions is empty"),
    ],
)
def test_mistakes_are_one_line(
    headwater: Any, standing: Path, given: tuple[str, ...], reason: str
) -> None:
    ran = headwater("ask", "Who?", "--context", standing, *given)
    assert (ran.code, ran.err.count("\n"), ran.out) == (2, 1, "")
    assert reason in ran.err


def test_options_of_an_index_are_for_one(headwater: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The mill.")
    for given in (("--read", "3"), ("--filter", "path=a")):
        ran = headwater("ask", "Who?", "--context", tmp_path / "a.txt", *given)
        assert ran.code == 2 and f"{given[0]} is for an index" in ran.err
    (tmp_path / "empty.txt").write_text("\n")
    ran = headwater("ask", "--questions", tmp_path / "empty.txt", "--context", tmp_path / "a.txt")
    assert ran.code == 2 and "no question; one a line" in ran.err
    (tmp_path / "bad.index").write_text("The mill.")
    ran = headwater("ask", "Who?", "--context", tmp_path / "bad.index")
    assert ran.code == 2 and "not an index" in ran.err
    (tmp_path / "other.db").write_bytes(b"SQLite format 3\0" + bytes(84))
    ran = headwater("ask", "Who?", "--context", tmp_path / "other.db")
    assert ran.code == 2 and "not an index" in ran.err
