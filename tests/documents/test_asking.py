"""Asking an index, with a reader that finds what it is told to; filters."""

import doctest
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

import made
from headwater.documents import filters
from headwater.documents.asking import answered
from headwater.documents.converters import pdf
from headwater.documents.filters import parse, takes_all
from headwater.documents.update import build, update
from headwater.errors import UserError
from headwater.inference.answer import Answer, Place
from made import Opened


class Finds:
    """Finds a text in every passage that holds it, and counts what it reads."""

    def __init__(self, text: str, none: bool = False) -> None:
        self.text, self.none = text, none
        self.read: list[str] = []
        self.above: list[str] = []

    def __call__(
        self, question: str, passages: Sequence[str], top_k: int = 1, above: Sequence[str] = ()
    ) -> list[Answer]:
        self.read += passages
        self.above += above
        places = [
            Place.around(
                text, text.index(self.text), text.index(self.text) + len(self.text), 0.5, n
            )
            for n, text in zip(map(str, range(len(passages))), passages, strict=True)
            if self.text in text
        ]
        if self.none or not places:
            return [Answer.none(0.75)]
        return [Answer.from_places(places, 0.5 * len(places))]


def test_an_answer_has_its_place(opened: Opened, folder: Path, index: Path) -> None:
    reader = Finds("burned in the year")
    hits = opened(index).search("Did the castle burn?")
    reply = answered("Did the castle burn?", hits, reader, 5, 1)
    extracted = pdf.convert((folder / "below" / "castle.pdf").read_bytes()).text
    (citation,) = reply.answers[0].citations
    quote, evidence = citation.quote, citation.evidence
    assert (reply.text, reply.no_answer, quote.text) == (reader.text, False, "burned\nin the year")
    assert extracted[quote.start : quote.end] == quote.text
    assert extracted[evidence.start : evidence.end] == evidence.text
    assert (citation.page, Path(citation.file).name) == (1, "castle.pdf")
    assert evidence.text == "The castle burned\nin the year of 1720."
    assert reply.to_dict()["answers"][0]["citations"][0]["quote"]["start"] == quote.start


def test_passages_are_read_below_their_headings(opened: Opened, folder: Path, index: Path) -> None:
    reader = Finds("the river")
    (folder / "long.md").write_text(
        f"# {'Water ' * 49}\n\n## The weir\n\nBelow it the river turns.\n"
    )
    update(index)
    answered("Where does the river turn?", opened(index).search("river weir bridge"), reader, 9, 1)
    above = dict(zip(reader.read, reader.above, strict=True))
    assert above["It crosses the river since 1901."] == "The bridge"
    near = above["Below it the river turns."]
    assert near.endswith("Water > The weir") and len(near) == 300


def test_copies_are_read_once_and_cited_each(opened: Opened, folder: Path, index: Path) -> None:
    (folder / "copy.txt").write_text((folder / "mill.txt").read_text())
    update(index)
    reader = Finds("the river")
    reply = answered("Where is the mill?", opened(index).search("mill river"), reader, 5, 1)
    assert len(reader.read) == len(set(reader.read))
    files = sorted(Path(each.file).name for each in reply.answers[0].citations)
    assert {"copy.txt", "mill.txt"} <= set(files)
    assert reply.score == pytest.approx(sum(each.score for each in reply.answers[0].citations))
    one = answered("Where?", opened(index).search("mill river"), Finds("the river"), 1, 1)
    assert len(one.answers[0].citations) < len(files) or len(files) == 2


def test_the_documents_do_not_say(opened: Opened, standing: Path) -> None:
    hits = opened(standing).search("Where does the tower lean?")
    reply = answered("Where does the tower lean?", hits, Finds("tower", none=True), 5, 1)
    assert (reply.no_answer, reply.text, reply.score, reply.answers) == (True, "", 0.75, ())
    assert Path(reply.nearest[0].file).name == "tower.html"
    nothing = answered("zebra?", [], Finds("zebra"), 5, 1)
    assert (nothing.no_answer, nothing.score, nothing.nearest) == (True, 1.0, ())


def test_what_is_written_and_stands_nowhere_is_cited(opened: Opened, standing: Path) -> None:
    hits = opened(standing).search("When was the mill built?")

    def writes(
        question: str, passages: Sequence[str], top_k: int = 1, above: Sequence[str] = ()
    ) -> list[Answer]:
        return [Answer("Ada of the hills", 0.5, source="0")]

    (answer,) = answered("When was the mill built?", hits, writes, 5, 1).answers
    (citation,) = answer.citations
    assert citation.quote == citation.evidence
    assert "built in 1843" in citation.quote.text


def test_filters_leave_files_out(opened: Opened, folder: Path, index: Path) -> None:
    old = datetime(2020, 5, 1).timestamp()
    os.utime(folder / "mill.txt", (old, old))
    update(index)
    search = opened(index).search

    def names(*conditions: str) -> set[str]:
        return {Path(hit.file).name for hit in search("mill castle bridge river", 9, conditions)}

    assert names() >= {"mill.txt", "castle.pdf", "bridge.md", "word.docx"}
    assert (
        names("path=*.pdf") == names("path=below/*") == names("path=castle.pdf") == {"castle.pdf"}
    )
    assert names("modified<2020-06") == names("modified <= 2020-05-01") == {"mill.txt"}
    assert "mill.txt" not in names("modified>2020-05-01T12:00") != set()
    assert names("modified>0001") == names("modified<9999-12-31T23:59") == names("path=*")
    assert names("modified<0001-01-01") == names("modified>9999") == set()
    assert names("path=*.md", "modified<2021") == names("path=nothing") == set()
    assert len(search("mill castle bridge river", 1, "path=*.md")) == 1


def test_a_filter_finds_what_stands_far_down(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "the mill mill mill"}\n' * 300)
    (tmp_path / "one.md").write_text("Somewhere is a mill, beside so much else that is none.\n")
    build([tmp_path], tmp_path / "x.index")
    (hit,) = opened(tmp_path / "x.index").search("mill", 2, "path=one.md")
    assert Path(hit.file).name == "one.md"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("size>3", "path=GLOB or modified>DATE was expected"),
        ("path>a", "path=GLOB or modified>DATE was expected"),
        ("modified=2024", "path=GLOB or modified>DATE was expected"),
        ("modified>", "path=GLOB or modified>DATE was expected"),
        ("modified>yesterday", "'yesterday' is no date"),
        ("modified>2024-13", "'2024-13' is no date"),
    ],
)
def test_a_wrong_filter_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        takes_all([text])


def test_the_form_of_a_filter() -> None:
    assert doctest.testmod(filters).failed == 0
    assert parse("path = a b*").value == "a b*"
    pattern = made.PARAGRAPH  # a path may hold what is special elsewhere
    assert not takes_all("path=[")(pattern, 0)
