"""`headwater vocabulary`: learn one from text, or look into one."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headwater.commands.terminal import (
    Json,
    TextField,
    Texts,
    argument,
    described,
    echo,
    option,
    print_json,
)
from headwater.errors import counted

if TYPE_CHECKING:
    from headwater.text.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

vocabulary = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Kind = Annotated[str, option("wordpiece, bpe, unigram or word.", "KIND")]
Size = Annotated[int, option("Tokens in all, special ones and sentinels too.", "N")]
Folder = Annotated[Path, option("The folder to make.", "DIR")]
LowerCase = Annotated[bool, option("WordPiece, words: drop case and accents, or keep them.")]
Letters = Annotated[str, option("Characters to cover however rare, such as äöüß.", "TEXT")]
Coverage = Annotated[float, option("Share of the text whose letters are covered.", "SHARE")]
Sentences = Annotated[int, option("Draw so many from a text that has more.", "N")]


@vocabulary.command("train")
@described("Learn a vocabulary from raw text.")
def train(
    inputs: Texts,
    kind: Kind,
    size: Size,
    output: Folder,
    lower_case: LowerCase = False,
    letters: Letters = "",
    coverage: Coverage = 0.9999,
    sentences: Sentences = 500_000,
    text_field: TextField = "text",
    json: Json = False,
) -> None:
    from headwater.corpus.read import DocumentReader
    from headwater.corpus.sources import find_sources
    from headwater.text.special_tokens import describe
    from headwater.text.training import VocabularyPlan, train_vocabulary

    plan = VocabularyPlan(
        kind=kind, size=size, lower_case=lower_case, letters=letters, coverage=coverage
    )
    reading = DocumentReader(find_sources(inputs).files, text_field)
    texts = (part.text for part in reading)
    try:
        learned = train_vocabulary(plan, texts, output, sentences=sentences)
    finally:
        if reading.bad.count:
            first = reading.bad.named[0]
            logger.info(f"bad lines passed over: {reading.bad.count}, the first: {first}")
    if json:
        print_json({"output": str(output)} | describe(learned))
    else:
        _print_vocabulary(learned)
        echo(output)


@vocabulary.command("show")
@described("Show what a vocabulary is, and how it cuts a text into tokens.")
def show(
    path: Annotated[Path, argument("Its folder or file; a model, a run or a token store.", "PATH")],
    text: Annotated[str | None, argument("Shown in tokens.", "TEXT")] = None,
    json: Json = False,
) -> None:
    from headwater.text.loading import load_vocabulary
    from headwater.text.special_tokens import describe, tokens

    found = load_vocabulary(path)
    cut = {} if text is None else {"tokens": tokens(found, text)}
    if json:
        print_json(describe(found) | cut)
        return
    _print_vocabulary(found)
    if text is not None:
        _print_tokens(cut["tokens"], text)


def _print_vocabulary(vocabulary: "Vocabulary") -> None:
    from headwater.text.special_tokens import describe

    about = describe(vocabulary)
    echo(f"kind         {about['kind'] or 'unknown'}")
    echo(f"size         {about['size']}")
    for role, id in about["special"].items():
        echo(f"{role:<11}  {id:<6} {vocabulary.token(id)}")
    if last := about["sentinels"]:
        ids = f"{vocabulary.sentinel(0)} down to {vocabulary.sentinel(last - 1)}"
        echo(f"sentinels    {ids if last > 1 else vocabulary.sentinel(0)}")
    echo(f"fingerprint  {about['fingerprint']}")


def _print_tokens(tokens: Sequence[Mapping[str, Any]], text: str) -> None:
    """Print a line for each token of a text.

    14477  0:3  una    'una'
     4246  3:5  ##ff   'ff'
    """
    echo(f"\n{counted(len(tokens), 'token')}")
    spans = [f"{each['start']}:{each['end']}" for each in tokens]
    wide = max(map(len, spans), default=0)
    long = max((len(each["token"]) for each in tokens), default=0)
    for each, span in zip(tokens, spans, strict=True):
        source = text[each["start"] : each["end"]]
        echo(f"{each['id']:>6}  {span:>{wide}}  {each['token']:<{long}}  {source!r}")
