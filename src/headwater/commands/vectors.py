"""`headwater vectors`: look into the word vectors of a model, or write them for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from headwater.commands.options import Json
from headwater.commands.output import print_json

vectors = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Model = Annotated[str, typer.Argument(metavar="MODEL", help="A CBOW's folder or run folder.")]


@vectors.command("nearest")
def nearest(
    model: Model,
    word: Annotated[str, typer.Argument(metavar="WORD", help="The word to start from.")],
    plus: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="A word to add; repeatable.")
    ] = None,
    minus: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="A word to take off; repeatable.")
    ] = None,
    count: Annotated[int, typer.Option(metavar="K", min=1, help="How many words to show.")] = 10,
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
    output: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")],
    binary: Annotated[
        bool, typer.Option("--binary", help="Numbers as float32 instead of text.")
    ] = False,
) -> None:
    """Write the vectors in word2vec's format, text or binary, which gensim opens."""
    from headwater.inference.word_vectors import load_vectors

    load_vectors(model).export(output, binary=binary)
    print(output)
