"""`headwater vectors`: the vectors of a CBOW's words, and those that an encoder gives to texts."""

from pathlib import Path
from typing import Annotated

import typer

from headwater.commands.given import standard_input
from headwater.commands.terminal import (
    Device,
    Json,
    ModelArgument,
    Precision,
    argument,
    described,
    echo,
    option,
    print_json,
)
from headwater.errors import UserError

vectors = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Model = Annotated[str, argument("A CBOW's folder or run folder.", "MODEL")]


@vectors.command("nearest")
@described("Show the words whose vectors are nearest, as in `king --minus man --plus woman`.")
def nearest(
    model: Model,
    word: Annotated[str, argument("The word to start from.", "WORD")],
    plus: Annotated[list[str] | None, option("A word to add; repeatable.", "WORD")] = None,
    minus: Annotated[list[str] | None, option("A word to take off; repeatable.", "WORD")] = None,
    count: Annotated[int, option("How many words to show.", "K", min=1)] = 10,
    json: Json = False,
) -> None:
    from headwater.inference.word_vectors import load_vectors

    found = load_vectors(model).nearest([word, *(plus or [])], minus or [], count)
    if json:
        print_json([each._asdict() for each in found])
        return
    width = max((len(each.word) for each in found), default=0)
    for each in found:
        echo(f"{each.word:{width}}  {each.cosine:.3f}")


@vectors.command("export")
@described("Write the vectors in word2vec's format, text or binary, which gensim opens.")
def export(
    model: Model,
    output: Annotated[Path, option("The file to write.", "FILE")],
    binary: Annotated[bool, option("Numbers as float32 instead of text.", flag="--binary")] = False,
) -> None:
    from headwater.inference.word_vectors import load_vectors

    load_vectors(model).export(output, binary=binary)
    echo(output)


@vectors.command("embed")
@described("Write a vector for each text into a .npy file, float32 [texts, width].")
def embed(
    model: ModelArgument,
    texts: Annotated[str, argument("A file with one text a line; -: standard input.", "FILE|-")],
    output: Annotated[Path, option("The file to write.", "FILE.npy")],
    prompt: Annotated[
        str | None, option("What stands before each: query, document, or a name of the model's.")
    ] = None,
    precision: Precision = "auto",
    device: Device = "auto",
) -> None:
    from headwater.files import check_writable, read_lines
    from headwater.inference.embedder import save
    from headwater.inference.loaded import load

    check_writable(output.parent)
    loaded = load(model, device, precision=precision)
    given = list(standard_input()) if texts == "-" else read_lines(Path(texts))
    if not given:
        raise UserError(f"{texts}: empty; one text per line was expected")
    save(output, loaded.embed(given, prompt=prompt))
    echo(output)
