"""`headwater vectors`: look into the word vectors of a model, or write them for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from headwater.commands.options import Json, argument, option
from headwater.commands.output import print_json

vectors = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Model = Annotated[str, argument("A CBOW's folder or run folder.", "MODEL")]


@vectors.command("nearest")
def nearest(
    model: Model,
    word: Annotated[str, argument("The word to start from.", "WORD")],
    plus: Annotated[list[str] | None, option("A word to add; repeatable.", "WORD")] = None,
    minus: Annotated[list[str] | None, option("A word to take off; repeatable.", "WORD")] = None,
    count: Annotated[int, option("How many words to show.", "K", min=1)] = 10,
    json: Json = False,
) -> None:
    """Show the words whose vectors are nearest, as in `king --minus man --plus woman`."""
    from headwater.inference.word_vectors import load_vectors

    found = load_vectors(model).nearest([word, *(plus or [])], minus or [], count)
    if json:
        print_json([each._asdict() for each in found])
        return
    width = max((len(each.word) for each in found), default=0)
    for each in found:
        print(f"{each.word:{width}}  {each.cosine:.3f}")


@vectors.command("export")
def export(
    model: Model,
    output: Annotated[Path, option("The file to write.", "FILE")],
    binary: Annotated[bool, option("Numbers as float32 instead of text.", flag="--binary")] = False,
) -> None:
    """Write the vectors in word2vec's format, text or binary, which gensim opens."""
    from headwater.inference.word_vectors import load_vectors

    load_vectors(model).export(output, binary=binary)
    print(output)
