"""`headwater corpus`: make a token store of raw text, or look into one."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from headwater.terminal import AsJson, print_json, say

corpus = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@corpus.command("build")
def build_store(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help=".txt, .jsonl, .parquet, or folders.")
    ],
    vocabulary: Annotated[Path, typer.Option(metavar="PATH", help="Its folder or its file.")],
    output: Annotated[Path, typer.Option(metavar="DIR", help="The token store to make.")],
    text_field: Annotated[str, typer.Option(help="The field or column with the text.")] = "text",
    without: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Held-out text; what overlaps is dropped; repeatable."),
    ] = None,
) -> None:
    """Turn raw text into a token store, which pre-training reads."""
    from headwater.corpus.build import build
    from headwater.text.vocabulary import load_vocabulary

    with _stoppable():
        build(inputs, load_vocabulary(vocabulary), output, field=text_field, without=without or ())
    print(output)


@corpus.command("show")
def show_store(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="A token store.")],
    document: Annotated[
        int | None, typer.Option(metavar="N", help="Show this document whole, from 0 on.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(metavar="K", min=0, help="How many documents to show.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Compare the checksums first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a token store holds, and the text of some documents."""
    from headwater.corpus.show import show, summary, texts
    from headwater.corpus.store import TokenStore

    opened = TokenStore.open(store)
    if verify:
        opened.verify()
    count = (3 if document is None else 1) if count is None else count
    if as_json:
        print_json(summary(opened) | {"texts": texts(opened, document, count)})
    else:
        show(opened, document, count)


@contextmanager
def _stoppable() -> Iterator[None]:
    """End work that is done again from the start: Ctrl-C and SIGTERM clean up and say so."""

    def end(number: int, frame: object) -> None:
        say("stopped; nothing was written")
        sys.exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
