"""What is shown of a model's inputs and outputs, apart from where: a terminal or an HTML file.

A page is a title and elements: headings, labelled lines of text, tables, and columns (one for
each token, as in figure 2 of the BERT paper). A line of text is made of spans:

    Line("inputs", (TextSpan("my dog is"), TextSpan("[MASK]", "masked")))

The meaning of each highlight on the page is given once, below it. The HTML file needs nothing else:
no script, no font, no address.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal, NamedTuple

from headwater.escapes import visible
from headwater.files import replace_file

Highlight = Literal[
    "plain",
    "special",
    "noise",
    "masked",
    "random",
    "kept",
    "sentinel",
    "prefix",
    "answer",
    "second",
]

MEANINGS: dict[Highlight, str] = {
    "noise": "dropped or predicted",
    "masked": "hidden by the mask",
    "random": "a random token in its place",
    "kept": "predicted, but left as it is",
    "sentinel": "takes the place of what is dropped",
    "prefix": "visible to all positions, not predicted",
    "answer": "the answer",
}
"""The meanings given below a page; the other highlights are obvious."""

_SPACES = str.maketrans({"\n": "↵", "\t": "⇥"})


class TextSpan(NamedTuple):
    """A text span of one kind."""

    text: str
    highlight: Highlight = "plain"


@dataclass(frozen=True, slots=True)
class Heading:
    """A line above what belongs together."""

    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """Text of any length behind a label."""

    label: str
    spans: tuple[TextSpan, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under names."""

    names: tuple[str, ...]
    rows: tuple[tuple[TextSpan, ...], ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """A column for each token, a cell for each label; as many side by side as there is room."""

    labels: tuple[str, ...]
    columns: tuple[tuple[TextSpan, ...], ...]


Element = Heading | Line | Table | Columns


@dataclass(frozen=True, slots=True)
class Page:
    """A title and the elements below it."""

    title: str
    elements: tuple[Element, ...]

    def meanings(self) -> Iterator[tuple[Highlight, str]]:
        """Yield the highlights of the page that are to be explained, with what they mean."""
        used = {span.highlight for element in self.elements for span in _spans(element)}
        return (
            (highlight, meaning) for highlight, meaning in MEANINGS.items() if highlight in used
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown, for a script (`content`, plain values) and for a person (`page`)."""

    content: dict[str, Any]
    page: Page


def printable(text: str) -> str:
    """Write a text on one line: line feed and tab as arrows, and what else would be obeyed.

    >>> printable("a\\nb")
    'a↵b'
    """
    return visible(text.translate(_SPACES))


def _spans(element: Element) -> Iterator[TextSpan]:
    match element:
        case Heading():
            return
        case Line():
            yield from element.spans
        case Table():
            yield from (span for row in element.rows for span in row)
        case Columns():
            yield from (span for column in element.columns for span in column)


STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 70em; margin: 2em auto;
       padding: 0 1em; }
h1 { font-size: 1.25em; } h2 { font-size: 1em; margin: 1.6em 0 .3em; }
p { margin: .2em 0 .2em 7em; overflow-wrap: anywhere; white-space: pre-wrap; }
p b { float: left; margin-left: -7em; color: #777; font-weight: normal; }
table { border-collapse: collapse; margin-top: 1em; }
th { text-align: left; color: #777; font-weight: normal; } td, th { padding: .1em 1.2em .1em 0; }
.columns { display: flex; flex-wrap: wrap; gap: .6em .4em; margin-top: 1em; }
.columns div { text-align: center; } .columns div * { display: block; padding: .1em .5em;
       margin-bottom: .2em; border-radius: .3em; background: #f4f4f4; }
.columns .labels * { text-align: left; color: #777; background: none; }
.special { color: #888; } .second, .columns .second { background: #dbeafe; }
.noise { background: #fecaca; } .masked { background: #ef4444; color: #fff; }
.random { background: #e9d5ff; } .kept { background: #fef08a; } .sentinel { background: #a5f3fc; }
.prefix { background: #dbeafe; } .answer { background: #bbf7d0; }
footer { margin-top: 2em; color: #777; } footer span { margin-right: 1em; padding: 0 .3em; }
"""


def write_html(page: Page, path: Path) -> None:
    """Write a page as an HTML file."""
    replace_file(path, html(page))


def html(page: Page) -> str:
    """Return a page as HTML; all of its text is escaped."""
    title = _escaped(page.title)
    body = "\n".join(_element(element) for element in page.elements)
    meanings = "".join(
        f'<span class="{highlight}">{text}</span>' for highlight, text in page.meanings()
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n{body}\n"
        f"<footer>{meanings}</footer></body></html>\n"
    )


def _element(element: Element) -> str:
    match element:
        case Heading():
            return f"<h2>{_escaped(element.text)}</h2>"
        case Line():
            spans = "".join(_span(span, "span") for span in element.spans)
            return f"<p><b>{_escaped(element.label)}</b>{spans}</p>"
        case Table():
            names = "".join(f"<th>{_escaped(name)}</th>" for name in element.names)
            rows = "".join(
                f"<tr>{''.join(_span(span, 'td') for span in row)}</tr>" for row in element.rows
            )
            return f"<table><tr>{names}</tr>{rows}</table>"
        case Columns():
            labels = "".join(_span(TextSpan(label), "span") for label in element.labels)
            columns = "".join(
                f"<div>{''.join(_span(span, 'span') for span in column)}</div>"
                for column in element.columns
            )
            return f'<div class="columns"><div class="labels">{labels}</div>{columns}</div>'


def _span(span: TextSpan, tag: str) -> str:
    kind = "" if span.highlight == "plain" else f' class="{span.highlight}"'
    return f"<{tag}{kind}>{_escaped(span.text) or '&nbsp;'}</{tag}>"


def _escaped(text: str) -> str:
    return escape(printable(text))
