"""`headwater corpus`: clean raw text, make a token store of it, or look into either."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from headwater import signals
from headwater.errors import UserError
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
    from headwater.text.loading import load_vocabulary

    with _ended("nothing was written"):
        build(inputs, load_vocabulary(vocabulary), output, field=text_field, without=without or ())
    print(output)


@corpus.command("clean")
def clean_pages(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...", help=".txt, .jsonl, .parquet, .wet.gz, .warc.gz, or folders."
        ),
    ],
    output: Annotated[Path, typer.Option(metavar="DIR", help="Gets kept/, dropped/, report.json.")],
    bad_words: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Words, one a line; pages that hold one are dropped."),
    ] = None,
    text_field: Annotated[str, typer.Option(help="The field or column with the text.")] = "text",
    executor: Annotated[
        str, typer.Option(metavar="E", help="Where to run it: local, slurm or ray.")
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many tasks at a time [every processor]."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=VALUE", help="Such as rules.min_words=5; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Drop what is no good text from web pages, by the rules of the T5 paper's C4."""
    from headwater.config import load_config
    from headwater.corpus.cleaning.clean import clean
    from headwater.corpus.cleaning.config import CleaningConfig
    from headwater.corpus.cleaning.report import table

    config = load_config(CleaningConfig, None, settings or [], {})
    with _ended("the same command goes on from here"):
        report = clean(
            inputs,
            output,
            field=text_field,
            bad_words=bad_words,
            config=config,
            executor=executor,
            workers=workers,
        )
    if report is None:
        say(f"handed to Slurm; its last job makes {output}")
        return
    if as_json:
        print_json(report.model_dump(mode="json"))
        return
    print("\n".join(table(report)), file=sys.stderr)
    print(output)


@corpus.command("show")
def show_store(
    store: Annotated[
        Path, typer.Argument(metavar="STORE", help="A token store, or a folder of `clean`.")
    ],
    document: Annotated[
        int | None, typer.Option(metavar="N", help="Show this document whole, from 0 on.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(metavar="K", min=0, help="How many documents to show.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Compare the checksums first.")] = False,
    rule: Annotated[
        str | None, typer.Option(metavar="RULE", help="Only pages that this rule dropped.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a token store and some documents, or kept and dropped pages side by side."""
    from headwater.corpus.cleaning.report import is_cleaned

    count = (3 if document is None else 1) if count is None else count
    if is_cleaned(store):
        if verify:
            raise UserError("--verify: a folder of `corpus clean` has no checksums; leave it out")
        _show_cleaned(store, rule, document, count, as_json)
        return
    if rule is not None:
        raise UserError(f"--rule {rule}: {store} is not a folder of `corpus clean`")
    from headwater.corpus.show import show, summary, texts
    from headwater.corpus.store import TokenStore

    opened = TokenStore.open(store)
    if verify:
        opened.verify()
    if as_json:
        print_json(summary(opened) | {"texts": texts(opened, document, count)})
    else:
        show(opened, document, count)


def _show_cleaned(
    folder: Path, rule: str | None, document: int | None, count: int, as_json: bool
) -> None:
    from headwater.corpus.cleaning.show import look, show

    if as_json:
        print_json(look(folder, rule, document, count))
    else:
        show(folder, rule, document, count)


@contextmanager
def _ended(outcome: str) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM clean up, and say what is left."""
    try:
        with signals.exiting():
            yield
    except SystemExit:
        say(f"stopped; {outcome}")
        raise
