"""`headwater vocabulary`: learn one from text, or look into one."""

from pathlib import Path
from typing import Annotated

import typer

from headwater import signals
from headwater.terminal import AsJson, print_json, say

vocabulary = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@vocabulary.command("train")
def train(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help=".txt, .jsonl, .parquet, or folders.")
    ],
    kind: Annotated[str, typer.Option(metavar="KIND", help="wordpiece, bpe, unigram or word.")],
    size: Annotated[
        int, typer.Option(metavar="N", help="Tokens in all, special ones and sentinels too.")
    ],
    output: Annotated[Path, typer.Option(metavar="DIR", help="The folder to make.")],
    lower_case: Annotated[
        bool, typer.Option(help="WordPiece, words: drop case and accents, or keep them.")
    ] = False,
    letters: Annotated[
        str, typer.Option(metavar="TEXT", help="Characters to cover however rare, such as äöüß.")
    ] = "",
    coverage: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the text whose letters are covered.")
    ] = 0.9999,
    sentences: Annotated[
        int, typer.Option(metavar="N", help="Draw so many from a text that has more.")
    ] = 500_000,
    text_field: Annotated[str, typer.Option(help="The field or column with the text.")] = "text",
    as_json: AsJson = False,
) -> None:
    """Learn a vocabulary from raw text."""
    from headwater.corpus.read import Reading
    from headwater.corpus.sources import find_sources
    from headwater.text.show import describe, show
    from headwater.text.training import VocabularyPlan, train_vocabulary

    plan = VocabularyPlan(
        kind=kind, size=size, lower_case=lower_case, letters=letters, coverage=coverage
    )
    reading = Reading(find_sources(inputs).files, text_field)
    texts = (part.text for part in reading)
    try:
        with signals.killing():  # nothing is written before the end
            learned = train_vocabulary(plan, texts, output, sentences=sentences)
    finally:
        if reading.bad.count:
            first = reading.bad.named[0]
            say(f"{reading.bad.count} bad lines were passed over, the first: {first}")
    if as_json:
        print_json({"output": str(output)} | describe(learned))
    else:
        show(learned)
        print(output)


@vocabulary.command("show")
def show_vocabulary(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="Its folder or file; a model, a run or a token store."),
    ],
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="Shown in tokens.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a vocabulary is, and how it cuts a text into tokens."""
    from headwater.text.loading import load_vocabulary
    from headwater.text.show import describe, show, tokens

    found = load_vocabulary(path)
    if not as_json:
        show(found, text)
    elif text is None:
        print_json(describe(found))
    else:
        print_json(describe(found) | {"tokens": tokens(found, text)})
