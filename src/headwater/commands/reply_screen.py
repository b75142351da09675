"""What documents say to a question, on a terminal: evidence with the answer marked, and its place.

Where the terminal has links (OSC 8), a place opens the file, of a PDF at the page.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headwater.commands.index_screen import short_path
from headwater.errors import counted
from headwater.escapes import visible
from headwater.paths import as_path

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from headwater.documents.hit import Hit, Quote
    from headwater.documents.reply import Citation, IndexAnswer, Reply

_PLACES = 3  # of an answer, beside the best one


def print_reply(reply: "Reply") -> None:
    """Print answers with their places, or that the documents do not say and what comes nearest."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    with console.capture() as shown:  # rich itself would exit with 1 where the reader has gone
        if reply.no_answer:
            _print_none(reply, console)
        for rank, answer in enumerate(reply.answers):
            if rank or reply.no_answer:
                console.print()
            _print_answer(answer, console)
    print(shown.get(), end="")


def _print_none(reply: "Reply", console: "Console") -> None:
    from rich.text import Text

    console.print(Text("The documents do not say.", style="bold"))
    console.print(f"  score     {reply.score:.3f}")
    for hit in reply.nearest:
        quote = hit.nearest(reply.question)
        console.print(Text("  nearest   ").append_text(_place(hit, quote)))
        console.print(Text(f"            {_line(quote.text)}"))


def _print_answer(answer: "IndexAnswer", console: "Console") -> None:
    from rich.text import Text

    places = {(each.file, each.page): each for each in reversed(answer.citations)}
    first = answer.citations[0]
    others = [each for each in answer.citations[1:] if places.get((each.file, each.page)) is each]
    console.print(Text(_line(answer.text), style="bold"))
    console.print(Text("  evidence  ").append_text(_evidence(first)))
    console.print(Text("  source    ").append_text(_place(first, first.quote)))
    headings = " > ".join(dict.fromkeys([first.title, *first.headings]))
    console.print(Text(f"  under     {_line(headings)}"))
    console.print(f"  offsets   characters {first.quote.start} to {first.quote.end}")
    if others:
        console.print(Text("  also      ").append_text(_others(others)))
    console.print(f"  score     {answer.score:.3f}")


def _evidence(citation: "Citation") -> "Text":
    """The sentence on one line, the quote in brackets and, on a terminal, in bold."""
    from rich.text import Text

    quote, evidence = citation.quote, citation.evidence
    begin, end = quote.start - evidence.start, quote.end - evidence.start
    before, inside, after = (
        visible(" ".join(f"|{part}|".split())[1:-1])
        for part in (evidence.text[:begin], evidence.text[begin:end], evidence.text[end:])
    )
    return Text(before).append(f"[{inside}]", style="bold green").append(after)


def _others(citations: "Sequence[Citation]") -> "Text":
    from rich.text import Text

    shown = Text("; ").join(_place(each, each.quote) for each in citations[:_PLACES])
    if len(citations) > _PLACES:
        shown.append(f" and {counted(len(citations) - _PLACES, 'more place')}")
    return shown


def _place(found: "Citation | Hit", quote: "Quote") -> "Text":
    """The file and its page, which lead there where the terminal has links."""
    from rich.style import Style
    from rich.text import Text

    page = "" if quote.page is None else f", page {quote.page}"
    link = as_path(found.file).as_uri()
    if quote.page is not None and found.file.lower().endswith(".pdf"):
        link += f"#page={quote.page}"
    return Text(f"{visible(short_path(found.file))}{page}", style=Style(link=link))


def _line(text: str) -> str:
    return visible(" ".join(text.split()))
