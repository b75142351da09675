"""Files of every kind that the tests convert, made here."""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

from headwater.documents.index import Index
from headwater.documents.rows import FileRow

PARAGRAPH = (
    "The mill stands by the river. It was built in 1843 by Ada, who came from the hills with her "
    "brothers. They ground the corn of three villages, until the war took the wheel."
)

Opened = Callable[[Path], Index]
"""Opens an index that is closed in the end."""

Text = tuple[float, float, float, str]
"""x, y, size, text."""


def rows(opened: Opened, index: Path) -> dict[str, FileRow]:
    """Return the files of an index by their names, without folders."""
    return {Path(row.path).name: row for row in opened(index).files()}


def pdf(pages: Sequence[Sequence[Text]], extra: str = "", root: str = "", title: str = "") -> bytes:
    """Return a PDF with lines of Helvetica; `extra` goes into its trailer, `root` its catalog."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {root} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        content = "".join(
            f"BT /F1 {size} Tf {x} {y} Td ({_escaped(text)}) Tj ET\n" for x, y, size, text in page
        )
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources "
            f"<< /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>"
        )
        length = len(content.encode("cp1252"))
        objects.append(f"<< /Length {length} >>\nstream\n{content}endstream")
    objects.append(f"<< /Title ({_escaped(title)}) >>")
    return _file(objects, f"{extra} /Info {len(objects)} 0 R")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _file(objects: Sequence[str], extra: str) -> bytes:
    data, places = bytearray(b"%PDF-1.4\n"), []
    for number, each in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{each}\nendobj\n".encode("cp1252")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n"
    end += f"<< /Size {len(objects) + 1} /Root 1 0 R {extra} >>\nstartxref\n{len(data)}\n%%EOF\n"
    return bytes(data) + end.encode()


def lines(text: str, top: float = 700, size: float = 10, left: float = 72) -> list[Text]:
    """Return the lines of a paragraph on a page."""
    return [(left, top - 12 * number, size, line) for number, line in enumerate(text.split("\n"))]


def pdf_of_pictures(texts: Sequence[Text]) -> bytes:
    """Return a page in a Type 3 font for each size, as dvips makes them: bare codes, no measures.

    Letters are 450 thousandths of the size high, those of `bdfhklt` and codes below 32 are 700, and
    those of `gpqy` reach 200 below the line.
    """
    sizes = sorted({size for _, _, size, _ in texts})
    fonts = " ".join(f"/F{size:g} {5 + number} 0 R" for number, size in enumerate(sizes))
    content = "".join(
        f"BT /F{size:g} 1 Tf {x} {y} Td <{text.encode('latin-1').hex()}> Tj ET\n"
        for x, y, size, text in texts
    )
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        f"/Resources << /Font << {fonts} >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}endstream",
    ]
    codes = sorted({ord(letter) for *_, text in texts for letter in text if letter != " "})
    first = 5 + len(sizes)
    names = " ".join(f"/a{code} {first + number} 0 R" for number, code in enumerate(codes))
    codings = " ".join(f"{code} /a{code}" for code in codes)
    widths = " ".join(["500"] * 128)
    for size in sizes:
        scale = size / 1000
        objects.append(
            f"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 0 0] /FirstChar 0 /LastChar 127 "
            f"/FontMatrix [{scale} 0 0 {scale} 0 0] /CharProcs << {names} >> /Resources << >> "
            f"/Encoding << /Type /Encoding /Differences [{codings}] >> /Widths [{widths}] >>"
        )
    for code in codes:
        low = -200 if chr(code) in "gpqy" else 0
        high = 700 if code < 32 or chr(code) in "bdfhklt" or chr(code).isupper() else 450
        drawn = f"500 0 0 {low} 450 {high} d1\n0 {low} 450 {high - low} re f\n"
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}endstream")
    return _file(objects, "")


def encrypted_pdf() -> bytes:
    """Return a PDF that asks for a password."""
    key = "<" + "41" * 32 + ">"
    encrypt = f"/Encrypt << /Filter /Standard /V 1 /R 2 /O {key} /U {key} /P -4 >> "
    return pdf([lines("secret")], extra=f"{encrypt} /ID [<00> <00>]")


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    """Return a zip archive."""
    data = BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


@cache
def zip_bomb() -> bytes:
    """Return a small archive that holds 300 MB."""
    data = BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("word/document.xml", "w") as member:
            for _ in range(300):
                member.write(bytes(10**6))
        archive.writestr("META-INF/container.xml", "")
    return data.getvalue()


def epub(chapters: Mapping[str, str], title: str = "A book") -> bytes:
    """Return a book of some chapters."""
    items = "".join(f'<item id="{name}" href="{name}.xhtml"/>' for name in chapters)
    order = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{title}</dc:title></metadata>"
        f"<manifest>{items}</manifest><spine>{order}</spine></package>"
    )
    container = '<container><rootfiles><rootfile full-path="in/a.opf"/></rootfiles></container>'
    pages = {f"in/{name}.xhtml": html(name, text) for name, text in chapters.items()}
    return zipped({"META-INF/container.xml": container, "in/a.opf": package, **pages})


def html(heading: str, *paragraphs: str) -> str:
    """Return a page with a menu, a heading, paragraphs and a footer."""
    body = "".join(f"<p>{each}</p>" for each in paragraphs)
    return (
        f"<html><head><title>{heading} - A site</title></head><body><nav><a href='/'>Home</a>"
        f"<a href='/x'>Elsewhere</a></nav><main><h1>{heading}</h1>{body}</main>"
        "<footer>All rights reserved</footer></body></html>"
    )


def docx(path: Path) -> None:
    """Write a Word file with a title, headings, paragraphs and a table."""
    import docx as library

    document = library.Document()
    document.add_heading("The mill", 0)
    document.add_heading("History", 1)
    document.add_paragraph(PARAGRAPH)
    table = document.add_table(rows=2, cols=2)
    for row, cells in zip(table.rows, (("name", "born"), ("Ada", "1815")), strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.add_heading("Today", 1)
    document.add_paragraph("It grinds no more.")
    document.save(str(path))


def folder(path: Path) -> Path:
    """Make a folder of documents of seven kinds, one of them in a folder below."""
    (path / "below").mkdir(parents=True)
    (path / "mill.txt").write_text(f"{PARAGRAPH}\n\nIt grinds no more.\n")
    (path / "bridge.md").write_text("# The bridge\n\nIt crosses the river since 1901.\n")
    (path / "tower.html").write_text(html("The tower", "It leans to the south. " * 20))
    (path / "people.csv").write_text("name,born\nAda,1815\nBen,1816\n")
    castle = pdf([lines("The castle burned\nin the year of 1720.")])
    (path / "below" / "castle.pdf").write_bytes(castle)
    docx(path / "word.docx")
    (path / "book.epub").write_bytes(epub({"one": "The lighthouse shines at night."}))
    return path
