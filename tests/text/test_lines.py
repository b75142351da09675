"""Lines that stand by themselves: where a text parts at a line's end, and what is shown of it."""

import re
import time

import pytest

from headwater.text.lines import cell_ends, line_ends, name_ends
from headwater.text.sentences import sentence_around, sentences

PARTED = [
    ("key: value", "Area: 12 km¦Capital: Bern¦Motto: One for all. All for one."),
    ("a long value", f"Background: {'It has known many empires. ' * 9}¦Location: Northern Africa"),
    ("below a heading", "Geography¦Location: Northern Africa¦Area - total : 3 sq km"),
    ("long keys", "History: adopted in 1962|National heritage - total World Heritage Sites: 7"),
    ("settings", "name = x¦a.b = 3.5¦[table]"),
    ("YAML", "mill:¦  owner: Ada¦  year: 1843"),
    ("bullets", "Fruit:¦- pears¦- apples\n  that are red¦- plums"),
    ("numbers", "1. First do this¦2. Then do that¦10) And that"),
    ("letters", "a) one¦b) two¦(c) three"),
    ("other marks", "• one¦▪ two¦+ three¦* four"),
    ("Markdown", "| Name | Age |¦|---|---|¦| Ada | 36 |"),
    ("tabs", "Name\tAge¦Ada\t36¦Bob\t40"),
    ("columns", "Name      Age¦Ada        36¦Bob        40"),
    ("CSV", "name,age,town¦Ada,36,Paris¦Bob,40,Rome"),
    ("a rule", "Title¦=====¦It was so."),
    ("one item, then text", "- pears¦The next thing was a plum."),
    (
        "a wrapped item",
        "- a long item that goes on to the end of the\nline, and then on¦- b",
    ),
    (
        "prose",
        "The river is long and it was wrapped at a fixed\nwidth by Mr\nSmith, in 1,000,000\nwords.",
    ),
    ("verse", "Shall I compare thee\nto a summer's day?\nThou art more lovely"),
    (
        "prose with colons",
        "There is one reason, and it is this, as\nhe said: it rained all day.",
    ),
]


@pytest.mark.parametrize(("name", "marked"), PARTED)
def test_where_a_text_parts(name: str, marked: str) -> None:
    lines = marked.split("¦")
    text = "\n".join(lines)
    found = list(line_ends(text, 0, len(text)))
    begins, stops = [0, *(begin for _, begin in found)], [*(stop for stop, _ in found), len(text)]
    parts = [text[begin:stop] for begin, stop in zip(begins, stops, strict=True)]
    assert parts == [each.strip() for each in lines], name


def test_a_paragraph_ends_at_an_empty_line() -> None:
    assert list(line_ends("- one\n\n  two", 0, 12)) == [(5, 9)]


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("| Ada Reed | Paris |", ["", "Ada Reed", "Paris", ""]),
        ("| Ada Reed || Paris", ["", "Ada Reed", "Paris"]),
        ("Ada Reed\tParis\t\t36", ["Ada Reed", "Paris", "", "36"]),
        ("Ada Reed     Paris   36", ["Ada Reed", "Paris", "36"]),
        ("so that P(A|B) and |x| are whole.   And so is this", None),
        ("two  spaces, 1,000 and a;b", None),
    ],
)
def test_where_a_cell_ends(row: str, cells: list[str] | None) -> None:
    found = list(cell_ends(row, 0, len(row)))
    begins, stops = [0, *(begin for _, begin in found)], [*(stop for stop, _ in found), len(row)]
    parts = [row[begin:stop].strip() for begin, stop in zip(begins, stops, strict=True)]
    assert parts == (cells or [row])


def test_a_cell_ends_whatever_part_is_looked_at() -> None:
    text = "a    b |c || d\t\te |f| g   \n| h"
    whole = list(cell_ends(text, 0, len(text)))
    for low in range(len(text)):
        for high in range(low + 1, len(text) + 1):
            expected = [each for each in whole if each[1] > low and each[0] < high]
            assert list(cell_ends(text, low, high)) == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("name: Ada | job: baker | city: Oslo", ["name", "job", "city"]),
        ("At: 12:30 | a:b: x\nOn: 3 | At: 4 |", ["At", "a:b", "On", "At"]),
        ("name: Ada | note: a | b | London", []),  # as many cells have none
        ("name: Ada | note: it | was: so | London", ["name", "note", "was"]),
        ("| Alien: Covenant | Rogue: One |", []),
        ("Alien: Covenant | 2017", []),
        ("name: Ada", []),
    ],
)
def test_where_the_names_of_cells_end(text: str, names: list[str]) -> None:
    found = list(name_ends(text, 0, len(text)))
    assert [re.split(r" \| |\n", text[: end - 1])[-1] for end in found] == names
    assert all(text[end - 1] == ":" for end in found)


LINES = "Area: 12 km\nMotto: One for all. All for one.\nRuler: Dr. A. Reed\n"


@pytest.mark.parametrize(
    ("text", "answer", "shown"),
    [
        (LINES, "All for", "Motto: One for all. All for one."),
        (LINES, "Reed", "Ruler: Dr. A. Reed"),
        ("| a. | It is. So. |\n| b. | No. Not. |", "Not", "| b. | No. Not. |"),
        ("- It rained. We left.\n- Then sun.", "left", "- It rained. We left."),
        ("Name,Age,Town\nA. Bee,3,Rome", "Rome", "A. Bee,3,Rome"),
        ("Name: It was so. " + "It went on. " * 40 + "\nb: c", "was", "Name: It was so."),
        ("It rained. We left.\nTown: Rome", "left", "We left."),
    ],
)
def test_the_evidence_is_the_line(text: str, answer: str, shown: str) -> None:
    start = text.index(answer)
    low, high = sentence_around(text, start, start + len(answer))
    assert text[low:high] == shown


@pytest.mark.parametrize(
    "character",
    ["a", "\n", ",x", "| ", "\t", "a: ", "- \n", "=", "   x", " ", ".", "?", "…", "॥", '…"'],
)
def test_any_long_text_is_quick(character: str) -> None:
    text = character * (400_000 // len(character))
    began = time.perf_counter()
    sentence_around(text, 200_000, 200_001)
    list(line_ends(text, 100_000, 300_000 if character.isspace() else 104_000))
    list(sentences(text[:100_000]))
    assert time.perf_counter() - began < 1
