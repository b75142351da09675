"""A page on a terminal and as HTML: marks are seen, and nothing of a text is code."""

import io
from pathlib import Path

from rich.console import Console

from headwater.commands.screen import show
from headwater.pictures.page import Columns, Heading, Line, Page, Table, TextSpan, html, write_html

LINE = Line(
    "inputs",
    (TextSpan("my "), TextSpan("dog", "noise"), TextSpan(" is"), TextSpan(" apple", "random")),
)
COLUMNS = Columns(
    ("input", "id"), tuple((TextSpan(f"token{n}"), TextSpan(str(n), "special")) for n in range(9))
)


def printed(page: Page, *, color: bool = False, width: int = 50) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=color,
        color_system="truecolor" if color else None,
        highlight=False,
    )
    show(page, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_marks_are_brackets_where_there_is_no_color() -> None:
    lines = printed(Page("title", (Heading("row 1"), LINE))).splitlines()
    assert lines[0] == "title"
    assert lines[2] == "row 1"
    assert "my {dog} is ~apple~" in lines[3]
    assert "{dropped or predicted}" in lines[-1] or "{dropped or predicted}" in lines[-2]


def test_marks_are_colors_on_a_terminal() -> None:
    shown = printed(Page("title", (LINE,)), color=True)
    assert "\x1b[1;31mdog\x1b[0m" in shown
    assert "{" not in shown
    assert "dropped or predicted" in shown


def test_columns_are_wrapped_to_the_width() -> None:
    lines = printed(Page("title", (COLUMNS,)), width=40).splitlines()
    assert max(map(len, lines)) <= 40
    inputs = [line for line in lines if line.startswith("input")]
    assert "".join(line.removeprefix("input") for line in inputs).split() == [
        f"token{n}" for n in range(9)
    ]
    assert len(inputs) == 3


def test_long_lines_stay_beside_their_label() -> None:
    line = Line("original", (TextSpan("word " * 40),))
    lines = printed(Page("title", (line,)), width=40).splitlines()[1:]
    assert lines[0].startswith("original")
    assert all(line.startswith("    ") for line in lines[1:])
    assert " ".join(lines).split().count("word") == 40


def test_no_line_of_a_file_ends_in_spaces() -> None:
    table = Table(
        ("name", "value"), ((TextSpan("a"), TextSpan("")), (TextSpan("b"), TextSpan("long value")))
    )
    lines = printed(Page("title", (LINE, table, COLUMNS)), width=40).splitlines()
    assert [line for line in lines if line != line.rstrip(" ")] == []
    assert any(line.split() == ["b", "long", "value"] for line in lines)


def test_control_characters_do_not_reach_the_terminal() -> None:
    page = Page(
        "a\x1b[2J",
        (Line("x", (TextSpan("b\x07\n", "noise"),)), Table(("n",), ((TextSpan("\x9b"),),))),
    )
    shown = printed(page)
    assert not any(character in shown for character in "\x1b\x07\x9b")
    assert "b\\u0007↵" in shown


def test_html_is_whole_and_escaped(tmp_path: Path) -> None:
    bad = '<script>alert(1)</script>&"'
    elements = (
        Heading(bad),
        Line(bad, (TextSpan(bad, "kept"),)),
        Table((bad,), ((TextSpan(bad),),)),
    )
    page = Page(bad, (*elements, Columns((bad,), ((TextSpan(bad),),))))
    write_html(page, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text == html(page)
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 9
    assert "http" not in text
    assert 'class="kept"' in text
    assert "left as it is" in text
