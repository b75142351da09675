"""A page as one HTML file that needs nothing else: no script, no font, no address."""

from html import escape
from pathlib import Path

from headwater.files import replace_file
from headwater.pictures.page import Columns, Heading, Line, Page, Part, Run, Table, printable

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
    body = "\n".join(_part(part) for part in page.parts)
    meanings = "".join(f'<span class="{mark}">{text}</span>' for mark, text in page.meanings())
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n{body}\n"
        f"<footer>{meanings}</footer></body></html>\n"
    )


def _part(part: Part) -> str:
    match part:
        case Heading():
            return f"<h2>{_escaped(part.text)}</h2>"
        case Line():
            runs = "".join(_run(run, "span") for run in part.runs)
            return f"<p><b>{_escaped(part.label)}</b>{runs}</p>"
        case Table():
            names = "".join(f"<th>{_escaped(name)}</th>" for name in part.names)
            rows = "".join(
                f"<tr>{''.join(_run(run, 'td') for run in row)}</tr>" for row in part.rows
            )
            return f"<table><tr>{names}</tr>{rows}</table>"
        case Columns():
            labels = "".join(_run(Run(label), "span") for label in part.labels)
            columns = "".join(
                f"<div>{''.join(_run(run, 'span') for run in column)}</div>"
                for column in part.columns
            )
            return f'<div class="columns"><div class="labels">{labels}</div>{columns}</div>'


def _run(run: Run, tag: str) -> str:
    kind = "" if run.mark == "plain" else f' class="{run.mark}"'
    return f"<{tag}{kind}>{_escaped(run.text) or '&nbsp;'}</{tag}>"


def _escaped(text: str) -> str:
    return escape(printable(text))
