"""What is kept of a page: all of its text with the headings, and no menus."""

import made
from headwater.documents.converters import html
from headwater.documents.document import Document

OTHER = "The wheel was made of oak, and it turned for a hundred years without a pause. " * 3
MENU = "".join(f'<li><a href="{name}.html">The {name}</a></li>' for name in ("one", "two", "three"))


def convert(body: str, title: str = "The mill") -> Document:
    return html.convert(f"<html><head><title>{title}</title></head><body>{body}</body>".encode())


def texts(document: Document) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks]


def under(document: Document, text: str) -> tuple[str, ...]:
    """Return the headings of the block that is this text."""
    return document.blocks[texts(document).index(text)].headings


def test_headings_definitions_and_code_are_kept_as_manuals_have_them() -> None:
    document = convert(
        f'<h1 class="top">The mill</h1><p>{made.PARAGRAPH}</p><p>{OTHER}</p>'
        '<div class="chapter"><h2 class="chapter">1 Parts</h2><dl><dt><span><code>wheel</code>'
        '<a href="#wheel"> &para;</a></span></dt><dd><p>What the water turns.</p></dd></dl>'
        '<div class="section"><h3>1.1 Orders</h3><pre class="example">open the gate\n'
        f"  wait\n\nclose it</pre><p>{made.PARAGRAPH} Again.</p></div></div>"
    )
    assert under(document, "wheel") == ("The mill", "1 Parts")
    assert under(document, "What the water turns.") == ("The mill", "1 Parts")
    orders = ("The mill", "1 Parts", "1.1 Orders")
    assert under(document, "open the gate\n  wait\n\nclose it") == orders
    assert under(document, OTHER.strip()) == ("The mill",)


def test_marks_beside_headings_are_left_out() -> None:
    document = convert(
        '<h1>The mill<a href="#mill">#</a></h1><h2><button>Parts</button><a href="x">[src]</a></h2>'
        f'<p>{made.PARAGRAPH}</p><h3>Wheel <a href="#toc-Wheel">TOC</a></h3><p>{OTHER}</p>'
    )
    assert under(document, OTHER.strip()) == ("The mill", "Parts", "Wheel")


def test_menus_are_left_out_wherever_they_stand() -> None:
    ways = '<a href="a.html" rel="prev">Gates</a>, Next: <a href="b.html" accesskey="n">Dams</a>'
    text = f"<h1>The mill</h1><p>{made.PARAGRAPH}</p><ul>{MENU}</ul><p>{OTHER}</p>"
    document = convert(
        f'<div class="navigation"><b>Up:</b> <a href="/">Water</a></div><ul>{MENU}</ul>'
        f"<div><p>Previous: {ways}</p>{text}<table><tr><td>{ways}</td></tr></table></div>"
        '<div role="contentinfo">Copyright</div><div hidden>Not yet</div><button>Copy</button>'
    )
    assert texts(document) == [made.PARAGRAPH, OTHER.strip()]


def test_a_menu_that_repeats_the_text_is_one_all_the_same() -> None:
    title = "Details of removal and configuration purging"
    document = convert(
        f'<div role="main"><h1>The mill</h1><p>{made.PARAGRAPH}</p><p>{title}</p><p>{OTHER}</p>'
        f'</div><div role="navigation"><h3>Table of Contents</h3><p>{title}</p><p>Next</p></div>'
    )
    assert texts(document) == [made.PARAGRAPH, title, OTHER.strip()]


def test_a_page_that_holds_little_else_than_menus() -> None:
    document = convert(f"<div><ul>{MENU}</ul><h1>The mill</h1><p>See the old one.</p></div>")
    assert texts(document) == ["See the old one."]
    document = convert(f"<nav>{MENU}</nav><h1>The mill</h1><ul>{MENU}</ul>")
    assert texts(document) == ["The one", "The two", "The three"]


def test_the_links_of_an_index_are_its_text() -> None:
    rows = "".join(f'<li><a href="p.html#{n}">term {n}</a></li>' for n in range(60))
    document = convert(f"<h1>Index</h1><ul>{rows}</ul><nav><a href='/'>Home</a></nav>")
    assert texts(document)[0] == "term 0" and texts(document)[-1] == "term 59"


def test_the_header_of_a_text_belongs_to_it() -> None:
    document = convert(
        f"<header><a href='/'>A site</a></header><article><header><h1>The mill</h1><p>{OTHER}</p>"
        f"</header><p>{made.PARAGRAPH}</p></article><footer>All rights reserved</footer>"
    )
    assert texts(document) == [OTHER.strip(), made.PARAGRAPH]


def test_cells_stand_below_their_columns() -> None:
    document = convert(
        f"<p>{made.PARAGRAPH}</p><table><caption>Mills</caption>"
        "<tr><th>name</th><th>built</th><th colspan=2>wheels, size</th></tr>"
        "<tr><td rowspan=2>Upper</td><td>1843</td><td>2</td><td>4<br>m</td></tr>"
        "<tr><td>1901</td><td>1</td></tr><tr><td>Lower</td><td>1850</td></tr></table>"
    )
    assert texts(document)[1:] == [
        "Mills",
        "name: Upper | built: 1843 | wheels, size: 2 | 4 m",
        "name: Upper | built: 1901 | wheels, size: 1",
        "name: Lower | built: 1850",
    ]


def test_a_first_row_that_names_no_columns_is_a_row() -> None:
    table = "<table><tr><th>built</th><td>1843</td></tr><tr><th>owner</th><td>Ada</td></tr></table>"
    assert texts(convert(f"<p>{made.PARAGRAPH}</p>{table}"))[1:] == ["built | 1843", "owner | Ada"]
    bold = "<table><tr><td><b>a</b></td><td><b>b</b></td></tr><tr><td>1</td><td>2</td></tr></table>"
    assert texts(convert(f"<p>{made.PARAGRAPH}</p>{bold}"))[1:] == ["a: 1 | b: 2"]


def test_tables_that_only_place_things() -> None:
    document = convert(
        f"<table><tr><td><h1>The mill</h1><p>{made.PARAGRAPH}</p></td><td><h2>More</h2>"
        f"<p>{OTHER}</p></td></tr></table><table><tr><td><p>a b</p><p>c</p></td></tr></table>"
        f"<p>{OTHER}End.</p>"
    )
    assert texts(document) == [made.PARAGRAPH, OTHER.strip(), "a b", "c", f"{OTHER}End."]
    assert under(document, OTHER.strip()) == ("The mill", "More")


def test_a_heading_without_an_end_does_not_swallow_the_page() -> None:
    document = convert(f"<h2>The mill<div><p>{made.PARAGRAPH}</p><ul><li>{OTHER}</li></ul></div>")
    assert texts(document) == ["The mill", made.PARAGRAPH, OTHER.strip()]
