"""Passages are whole paragraphs, and never end inside a sentence."""

import json
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from headwater.documents.converters import csv_rows, json_lines, markdown, rst
from headwater.documents.document import LEVELS, LONGEST, Block, Document, Writer
from headwater.documents.literal import Edits
from headwater.documents.passages import WORDS, Passage, clean, cut

SENTENCE = "The wheel of mill number {} turned in the water of the old river all day. "


def passages(document: Document) -> list[Passage]:
    found = list(cut(document))
    for each in found:
        assert Edits.decode(each.edits).literal(each.text) == document.text[each.start : each.end]
    assert all(one.end <= two.start for one, two in pairwise(found))
    return found


def written(*paragraphs: str) -> Document:
    writer = Writer()
    for each in paragraphs:
        writer.paragraph(each)
    return writer.document()


def test_paragraphs_are_packed_up_to_the_most_words() -> None:
    texts = [f"{number} " + "word " * 59 for number in range(10)]
    found = passages(written(*texts))
    assert [len(each.text.split()) for each in found] == [180, 180, 180, 60]
    assert all(each.text[0].isdigit() for each in found)


def test_a_heading_parts_passages_and_stands_in_their_path() -> None:
    writer = Writer()
    writer.paragraph("Before.")
    for level, heading in ((1, "One"), (2, "Two"), (1, "Three")):
        writer.heading(heading, level)
        writer.paragraph(f"Under {heading}.")
    found = passages(writer.document())
    assert [(each.headings, each.text) for each in found] == [
        ((), "Before."),
        (("One",), "Under One."),
        (("One", "Two"), "Under Two."),
        (("Three",), "Under Three."),
    ]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    text = "".join(SENTENCE.format(number) for number in range(100)).strip()
    found = passages(written(text))
    assert len(found) > 5
    assert all(each.text.endswith("day.") and each.text.startswith("The") for each in found)
    assert all(WORDS // 3 <= len(each.text.split()) <= WORDS * 1.5 for each in found)
    assert " ".join(each.text for each in found) == text


def test_a_sentence_that_never_ends_is_cut_at_lines_or_spaces() -> None:
    for between in (" ", "\n"):
        found = passages(written(between.join(["word"] * 5000)))
        assert len(found) > 20
        assert {word for each in found for word in each.text.split()} == {"word"}
    unspaced = passages(written("x" * 100_000))
    assert "".join(each.text for each in unspaced) == "x" * 100_000
    assert max(len(each.text) for each in unspaced) <= WORDS * 15


def test_scripts_without_spaces_are_cut_too() -> None:
    text = "川沿いに古い水車小屋が立っている。" * 500
    found = passages(written(text))
    assert len(found) > 3 and all(each.text.endswith("。") for each in found)


def test_rows_of_a_file_are_passages_and_rows_of_a_text_are_packed() -> None:
    for kind, number in (("record", 5), ("row", 1)):
        writer = Writer()
        for row in range(5):
            writer.row(["name", "born"], [f"Ada {row}", "1815"], kind)
        found = passages(writer.document())
        assert len(found) == number
        assert found[0].text.startswith("name: Ada 0 | born: 1815")


def test_a_passage_knows_its_page() -> None:
    text = "One two.\n\n\fThree four\n\ffive six."
    blocks = [Block(0, 8, (), 1), Block(11, len(text), (), 2)]
    (found,) = passages(Document("", text, blocks, wrapped=True))
    assert (found.page, found.text) == (1, "One two.\n\nThree four five six.")
    long = "\n\f".join("word " * 40 + "ends." for _ in range(10))
    found_long = passages(Document("", long, [Block(0, len(long), (), 3)], wrapped=True))
    assert [each.page for each in found_long] == [
        3 + long.count("\f", 0, each.start) for each in found_long
    ]
    assert found_long[-1].page is not None and found_long[-1].page > 5


def test_what_no_text_can_hold_is_replaced() -> None:
    document = clean(Document("a\x00", "b\ud800c\x00", [Block(0, 4, ("\udfff",))]))
    (found,) = passages(document)
    assert (document.title, found.text) == ("a\ufffd", "b\ufffdc\ufffd")
    assert found.headings == ("\ufffd",)


def test_what_is_said_with_every_passage_is_of_bounded_length() -> None:
    long, text = "heading " * 5000, "Word. " * 20_000
    for document in (
        markdown.convert((f"| {long} | b |\n|---|---|\n" + "| a | b |\n" * 5000).encode()),
        rst.convert(f"{long}\n{'=' * len(long)}\n\n{text}".encode()),
        json_lines.convert(json.dumps({"title": long, "text": text}).encode()),
        csv_rows.convert((f"name,{long}\n" + "Ada,1815\n" * 300).encode()),
    ):
        found = passages(clean(document))
        assert len(document.title) <= LONGEST and len(found) > 50
        assert all(len(heading) <= LONGEST for each in found for heading in each.headings)
        assert sum(len(each.text) for each in found) <= len(long) + len(text)
    writer = Writer()
    for level in range(1, 100):
        writer.heading(str(level), level)
    writer.paragraph("Deep.")
    (deep,) = passages(writer.document())
    assert deep.headings == tuple(map(str, range(100 - LEVELS, 100)))


def test_a_heading_of_many_words_is_a_paragraph() -> None:
    writer, long = Writer(), " ".join(["word"] * 100)
    writer.heading("Mills", 1)
    writer.heading(long, 2)
    for document in (writer.document(), markdown.convert(f"# Mills\n\n## {long}\n".encode())):
        (found,) = passages(document)
        assert found.headings == ("Mills",) and found.text.endswith(long)


def test_a_long_name_ends_in_an_ellipsis() -> None:
    (found,) = passages(csv_rows.convert(f"{'n' * LONGEST},{'m' * 400}\nAda,Ben\n".encode()))
    assert found.text == f"{'n' * LONGEST}: Ada | {'m' * (LONGEST - 1)}…: Ben"


@given(st.lists(st.text(alphabet="ab .\n?", max_size=400), max_size=8))
def test_every_word_is_in_one_passage(texts: list[str]) -> None:
    found = passages(written(*texts))
    words = re.findall(r"\S+", " ".join(texts))
    assert re.findall(r"\S+", " ".join(each.text for each in found)) == words
