"""What each converter extracts: title, headings, paragraphs, rows, and where they stand."""

import json
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

import made
from headwater.documents.converters.names import CONVERTERS, converter_of, version_of
from headwater.documents.converters.pdf_edges import without_edges
from headwater.documents.converters.pdf_layout import lay_out
from headwater.documents.converters.pdf_line import Line
from headwater.documents.document import Document
from headwater.documents.passages import cut
from headwater.errors import UserError


def convert(suffix: str, content: bytes | str) -> Document:
    data = content.encode() if isinstance(content, str) else content
    document = CONVERTERS[suffix].convert(data)
    places = [(block.start, block.end) for block in document.blocks]
    assert places == sorted(places) and all(start < end for start, end in places)
    return document


def blocks(document: Document) -> list[tuple[tuple[str, ...], str]]:
    return [(each.headings, document.text[each.start : each.end]) for each in document.blocks]


def test_the_table_names_every_converter() -> None:
    for suffix, converter in CONVERTERS.items():
        assert converter_of(Path(f"a{suffix.upper()}")) is converter
        assert converter_of(Path(f"a{suffix}.gz")) is converter
        assert version_of(converter)[-1].isdigit()
    assert converter_of(Path("a.png")) is None and converter_of(Path("a")) is None


def test_text() -> None:
    document = convert(".txt", "\ufeffOne\r\ntwo.\r\n \r\n  Three.\n\n\n")
    assert blocks(document) == [((), "One\ntwo."), ((), "Three.")]
    with pytest.raises(UserError, match="line 2: not UTF-8"):
        convert(".txt", b"one\n\xff")


def test_markdown() -> None:
    text = """Before.

# The *mill*

Text with [a link](x).

## Parts ##

```
# no heading
```

| name | born |
|------|------|
| Ada  | 1815 |
| Ben  | 1816 |

Another _mill\\_wheel_ of `water_power`
-------------------------------------
Last.

<!-- of 1843,
by Ada --> <!-- x -->

[link]: x
[a note]: <y z> "Why"
"""
    document = convert(".md", text)
    assert document.title == "The mill" and document.text == text
    assert blocks(document) == [
        ((), "Before."),
        (("The mill",), "Text with [a link](x)."),
        (("The mill", "Parts"), "```\n# no heading\n```"),
        (("The mill", "Parts", "name | born"), "| Ada  | 1815 |"),
        (("The mill", "Parts", "name | born"), "| Ben  | 1816 |"),
        (("The mill", "Another mill_wheel of water_power"), "Last."),
    ]


def test_front_matter_of_markdown() -> None:
    front = "---\ntitle: 'The mill'\ntags:\n  - water\n---\n"
    document = convert(".md", f"{front}# A heading\nIt grinds.\n")
    assert document.title == "The mill"
    assert blocks(document) == [
        ((), "title: 'The mill'\ntags:\n  - water"),
        (("A heading",), "It grinds."),
    ]
    later = convert(".md", f"{front}# A heading\n\n- one\n\n---\nThe end.\n")
    assert blocks(later)[-1][0] == ("A heading",)
    rule = "---\nIt grinds.\n\nNo more\n---\nThe end.\n"
    assert blocks(convert(".md", rule))[-1] == (("No more",), "The end.")


def test_restructured_text() -> None:
    text = """.. _mill:

========
The mill
========

It stands.

Parts
-----

A wheel.

.. index:: wheel

Deeper
~~~~~~

====  =====
name  born
====  =====
Ada   1815
====  =====

More
----

End.
"""
    document = convert(".rst", text)
    assert document.title == "The mill"
    found = blocks(document)
    assert found[0] == (("The mill",), "It stands.")
    assert found[1] == (("The mill", "Parts"), "A wheel.")
    assert found[2][0] == ("The mill", "Parts", "Deeper") and "Ada" in found[2][1]
    assert found[-1] == (("The mill", "More"), "End.")
    assert "index::" not in str(found) and "_mill" not in str(found)


def test_tables() -> None:
    expected = [((), "name: Ada | born: 1815"), ((), "name: Ben, junior | note: a b")]
    table = 'name,born,note\nAda,1815,\n"Ben, junior",,"a\nb"\n'
    assert blocks(convert(".csv", table)) == expected
    assert blocks(convert(".csv", table.replace(",", ";").replace("Ben;", "Ben,"))) == expected
    assert blocks(convert(".tsv", "name\tborn\nAda\t1815\n")) == expected[:1]
    assert convert(".csv", "").blocks == []


def test_lines_of_json() -> None:
    long = "A long text. " * 20
    rows = [{"name": "Ada", "born": 1815}, {"title": "Mill", "text": f"{long}\n\nEnd."}, ["a", 1]]
    content = "\n".join([*map(json.dumps, rows), "{broken", ""])
    document = convert(".jsonl", content)
    assert blocks(document) == [
        (("Ada",), "name: Ada | born: 1815"),
        (("Mill",), long.strip()),
        (("Mill",), "End."),
        ((), '["a", 1]'),
    ]
    assert document.note == "lines that are not JSON: 4"


def test_html() -> None:
    page = made.html("The mill", made.PARAGRAPH, "It grinds <b>no</b> more.")
    page = page.replace("</main>", "<h2>Parts</h2><p>A wheel.</p><table><tr><th>name</th><th>born"
                        "</th></tr><tr><td>Ada</td><td>1815</td></tr></table></main>")  # fmt: skip
    document = convert(".html", page)
    assert document.title == "The mill - A site"
    assert blocks(document) == [
        (("The mill",), made.PARAGRAPH),
        (("The mill",), "It grinds no more."),
        (("The mill", "Parts"), "A wheel."),
        (("The mill", "Parts"), "name: Ada | born: 1815"),
    ]
    latin = '<html><head><meta charset="iso-8859-1"></head><body><p>Ein Märchen über Mühlen'
    assert "Märchen über Mühlen" in convert(".html", latin.encode("latin-1")).text


def test_word_files(tmp_path: Path) -> None:
    made.docx(tmp_path / "a.docx")
    document = convert(".docx", (tmp_path / "a.docx").read_bytes())
    assert document.title == "The mill"
    assert blocks(document) == [
        (("The mill", "History"), made.PARAGRAPH),
        (("The mill", "History"), "name: Ada | born: 1815"),
        (("The mill", "Today"), "It grinds no more."),
    ]
    with pytest.raises(UserError, match="encrypted"):
        convert(".docx", b"\xd0\xcf\x11\xe0 and so on")


def test_books() -> None:
    document = convert(".epub", made.epub({"two": made.PARAGRAPH, "one": "It grinds no more."}))
    assert document.title == "A book"
    assert blocks(document) == [(("two",), made.PARAGRAPH), (("one",), "It grinds no more.")]
    damaged = bytearray(made.epub({"two": made.PARAGRAPH, "one": "It grinds no more."}))
    with ZipFile(BytesIO(damaged)) as archive:
        place = archive.getinfo("in/two.xhtml").header_offset + 60
    damaged[place : place + 20] = bytes(20)
    document = convert(".epub", bytes(damaged))
    assert blocks(document) == [(("one",), "It grinds no more.")]
    assert document.note == "chapters that cannot be read: in/two.xhtml"
    with pytest.raises(UserError, match="container"):
        convert(".epub", made.zipped({"a": "b"}))
    with pytest.raises(UserError, match="its package is missing"):
        convert(".epub", made.zipped({"META-INF/container.xml": "<container/>"}))


def test_messages() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ada <a@b.c>", "d@e.f", "The mïll"
    message.set_content("Dear Ben,\n\nit grinds no more.\n")
    message.add_attachment(b"x", maintype="application", subtype="pdf", filename="plan.pdf")
    message.add_attachment(b"x", maintype="image", subtype="png")
    document = convert(".eml", message.as_bytes())
    assert document.title == "The mïll" and "plan.pdf, image/png" in document.note
    assert [text for _, text in blocks(document)][1:] == ["Dear Ben,", "it grinds no more."]
    assert "From: Ada <a@b.c>" in document.text
    html = EmailMessage()
    html["Subject"] = "Mill"
    html.set_content(made.html("News", made.PARAGRAPH), subtype="html")
    assert made.PARAGRAPH in convert(".eml", html.as_bytes()).text


@pytest.mark.parametrize(("encoding", "named"), [("utf-8", "UTF-8"), ("latin-1", "Latin-1")])
@pytest.mark.parametrize("charset", ["nosuch", "base64", "undefined", "a\0b"])
@pytest.mark.parametrize("subtype", ["plain", "html"])
def test_messages_of_an_unknown_charset(
    subtype: str, charset: str, encoding: str, named: str
) -> None:
    text = "Die Mühle mahlt nicht mehr, seit das Wasser im Fluss zu niedrig ist."
    head = f'Subject: Mill\nContent-Type: text/{subtype}; charset="{charset}"\n\n'
    document = convert(".eml", f"{head}<p>{text}</p>".encode(encoding))
    assert text in document.text
    assert document.note == f"its charset {charset!r} is not known; it is read as {named}"


@pytest.mark.parametrize(("encoding", "named"), [("utf-8", "UTF-8"), ("latin-1", "Latin-1")])
@pytest.mark.parametrize("kind", ["Content-Type: text/plain\n", ""])
def test_messages_without_a_charset(kind: str, encoding: str, named: str) -> None:
    text = "Die Mühle mahlt nicht mehr."
    document = convert(".eml", f"Subject: Mill\n{kind}\n{text}".encode(encoding))
    assert text in document.text and document.note == f"it names no charset; it is read as {named}"
    assert not convert(".eml", f"Subject: Mill\n{kind}\nIt grinds.".encode()).note


def test_pdf_paragraphs_and_headings() -> None:
    wrapped = "The mill stands by the river and it was built in the year\nof 1843 by Ada, who came"
    wrapped += " from the hills with her bro-\nthers. They ground the corn."
    page = [
        (72.0, 780.0, 20.0, "The mill"),
        (72.0, 730.0, 14.0, "1 History"),
        *made.lines(wrapped),
        *made.lines("A second paragraph stands lower on the page than lines do.", top=640),
        (72.0, 600.0, 14.0, "2 Today"),
        *made.lines("It grinds no more.", top=570),
    ]
    document = convert(".pdf", made.pdf([page]))
    assert document.title == "The mill"
    found = [(each.headings, each.text, each.page) for each in cut(document)]
    joined = wrapped.replace("bro-\n", "bro").replace("\n", " ")
    assert found == [
        (
            ("The mill", "1 History"),
            f"{joined}\n\nA second paragraph stands lower on the page than lines do.",
            1,
        ),
        (("The mill", "2 Today"), "It grinds no more.", 1),
    ]
    assert "bro-\nthers" in document.text


def test_pdf_headers_footers_and_page_numbers_are_left_out() -> None:
    pages = [
        [
            (72.0, 800.0, 9.0, f"Mills of the world, chapter {number}"),
            *made.lines(
                "\n".join(f"{word * number} has something of its own." for word in "ABCDEF")
            ),
            (300.0, 30.0, 9.0, f"Page {number} of 6"),
        ]
        for number in range(1, 7)
    ]
    document = convert(".pdf", made.pdf(pages))
    assert "Mills of the world" not in document.text and "of 6" not in document.text
    assert sorted({each.page for each in document.blocks if each.page}) == [1, 2, 3, 4, 5, 6]
    assert document.text.count("of its own") == 36
    assert document.text.count("\f") == 5


@pytest.mark.timeout(60)
def test_edges_of_many_pages_take_no_longer_each() -> None:
    texts = ("Mills", "A wheel turns.", "By the river.", "In the hills.", "It grinds.", "9")
    heights = (800.0, 700.0, 688.0, 676.0, 664.0, 30.0)
    pages = []
    for number in range(20_000):
        own = "abc"[number % 3] * (number % 50)  # of the lines between the edges
        words = [
            f"{text} {own}" if 30 < at < 700 else text
            for text, at in zip(texts, heights, strict=True)
        ]
        pages.append(
            [Line(text, 72, 300, at, 10, 1) for text, at in zip(words, heights, strict=True)]
        )
    kept = without_edges(pages)
    assert [line.text.split()[0] for line in kept[-1]] == ["By", "In", "It"]


def test_a_paragraph_goes_on_over_a_page() -> None:
    pages = [
        made.lines("The mill stands by the river and", top=60),
        made.lines("was built by Ada, a long time ago.", top=780),
    ]
    document = convert(".pdf", made.pdf(pages))
    (passage,) = cut(document)
    assert passage.text == "The mill stands by the river and was built by Ada, a long time ago."
    assert document.text[passage.start : passage.end].count("\f") == 1


def test_pdf_in_two_columns() -> None:
    left = made.lines("The left column is read\nfirst, from its top down\nto where it ends.")
    right = made.lines("The right one follows,\nand it ends here.", left=320)
    document = convert(".pdf", made.pdf([[*left, *right]]))
    assert [text.replace("\n", " ") for _, text in blocks(document)] == [
        "The left column is read first, from its top down to where it ends.",
        "The right one follows, and it ends here.",
    ]


def test_pdf_in_fonts_of_pictures() -> None:
    text = "a cross sea was no\nn ow on us \x0celds we saw\nour con\rict \x0eces a moon"
    page = [
        (72.0, 780.0, 20.0, "The mill"),
        *made.lines(text),
        (72.0, 600.0, 14.0, "on corn"),
        *made.lines("we saw it turn\nas soon as noon", top=570),
    ]
    document = convert(".pdf", made.pdf_of_pictures(page))
    first, second = cut(document)
    assert first.text == "a cross sea was no n ow on us fields we saw our conflict ffices a moon"
    assert first.headings == ("The mill",) and document.title == "The mill"
    assert "con\ufb02ict" in document.text and "\f" not in document.text
    assert second.headings == ("The mill", "on corn") and second.text.endswith("as soon as noon")


def test_pdf_headings_of_the_outline() -> None:
    lines = ["Mill wheels", "They turn.", "2 Parts of a", "mill", "A wheel."]
    page = [Line(text, 72, 200, 700 - 20 * row, 10, 1) for row, text in enumerate(lines)]
    document = lay_out([page], [(1, 1, "Mill_wheels"), (1, 2, "Parts of a mill"), (2, 1, "They")])
    assert blocks(document) == [
        (("Mill wheels",), "They turn."),
        (("Mill wheels", "2 Parts of a mill"), "A wheel."),
    ]


def test_pdf_titles() -> None:
    text = made.lines("It stands\nby the river\nand grinds\nno more.")
    page = [(72.0, 780.0, 20.0, "The"), (72.0, 750.0, 20.0, "mill"), *text]
    for named, title in (("Mills", "Mills"), ("mill.dvi", "The mill"), ("", "The mill")):
        assert convert(".pdf", made.pdf([page], title=named)).title == title
    parts = ["Name", "Synopsis", "Description"]
    several = [
        line
        for number, part in enumerate(parts)
        for line in [
            (72.0, 780.0 - 60 * number, 14.0, part),
            *made.lines("It stands.", top=760 - 60 * number),
        ]
    ]
    document = convert(".pdf", made.pdf([several]))
    assert document.title == "" and {each.headings for each in document.blocks} == {
        (part,) for part in parts
    }


def test_pdfs_without_text_are_told() -> None:
    for content, reason in (
        (made.pdf([[]]), "OCR"),
        (made.encrypted_pdf(), "encrypted"),
        (b"%PDF-1.4 and then nothing", "broken"),
    ):
        with pytest.raises(UserError, match=reason):
            convert(".pdf", content)
    document = convert(".pdf", made.pdf([made.lines("Text."), []]))
    assert document.note == "pages without text: 2"
