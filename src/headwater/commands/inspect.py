"""`headwater inspect`: what a model reads, learns, attends to and predicts."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.commands.terminal import (
    Corpus,
    Device,
    InitialModel,
    Json,
    ModelArgument,
    Objective,
    Recipe,
    Settings,
    argument,
    described,
    echo,
    option,
    print_json,
)
from headwater.commands.train import recipe_options
from headwater.errors import UserError

if TYPE_CHECKING:
    from headwater.pictures.page import Page

logger = logging.getLogger(__name__)

inspect = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

TextA = Annotated[str, argument("A text; [MASK] or ___ stands for a blank.", "TEXT")]
TextB = Annotated[str | None, argument("BERT: the second text. T5: what is written.", "TEXT_B")]
Picture = Annotated[Path | None, option("Draw it: FILE.png or FILE.html.", "FILE")]
OptionalModel = Annotated[str | None, argument("A folder, a hub id, or a bundled name.", "MODEL")]
OptionalText = Annotated[str | None, argument("What it looks at.", "TEXT")]
File = Annotated[Path | None, option("Write it as HTML.", "FILE.html")]


@inspect.command("inputs")
@described("Show the tokens, segments and positions that a model reads.")
def inspect_inputs(
    model: ModelArgument,
    text: TextA,
    text_b: TextB = None,
    output: Picture = None,
    json: Json = False,
) -> None:
    from headwater.inspection.inputs import inputs
    from headwater.pictures.inputs import draw_inputs

    _check(output, ".png", ".html")
    found = inputs(model, text, text_b)
    _show(found.page, lambda: found.content, output, json, png=partial(draw_inputs, found.page))


@inspect.command("batch")
@described("Show what a recipe trains on: the text, the inputs and the targets.")
def inspect_batch(
    recipe: Recipe = None,
    objective: Objective = None,
    corpus: Corpus = None,
    model: InitialModel = None,
    settings: Settings = None,
    sequences: Annotated[int | None, option("How many to show [3].", "N", min=1)] = None,
    rows: Annotated[int | None, typer.Option(hidden=True, min=1)] = None,
    epoch: Annotated[int, option("Counted from 0.", "E", min=0)] = 0,
    output: File = None,
    json: Json = False,
) -> None:
    from headwater.inspection.batch import batch, recipe_of

    _check(output, ".html")
    options = recipe_options(objective=objective, model=model, corpus=corpus)
    count = (sequences if rows is None else _renamed_rows(rows, sequences)) or 3
    found = batch(recipe_of(recipe, options, settings or []), count, epoch)
    _show(found.page, lambda: found.content, output, json)


@inspect.command("corrupt")
@described("Show what the noise of an objective makes of a text.")
def inspect_corrupt(
    text: Annotated[str, argument("The text; by default its tokens are its words.", "TEXT")],
    objective: Annotated[
        str, option("mlm, replaced_tokens or span_corruption.", "O")
    ] = "span_corruption",
    seed: Annotated[int, option("Of the noise.", "S", min=0)] = 0,
    model: Annotated[str | None, option("Cut the text by its vocabulary.", "MODEL")] = None,
    settings: Settings = None,
    output: File = None,
    json: Json = False,
) -> None:
    from headwater.inspection.corrupt import corrupted

    _check(output, ".html")
    found = corrupted(text, objective, seed, model, settings or [])
    _show(found.page, lambda: found.content, output, json)


def _renamed_rows(rows: int, sequences: int | None) -> int:
    if sequences is not None:
        raise UserError("--rows is the old name of --sequences; give --sequences alone")
    logger.warning("--rows is called --sequences now; the next version drops the old name")
    return rows


@inspect.command("attention")
@described("Show which tokens look at which: real weights, or the mask patterns.")
def inspect_attention(
    model: OptionalModel = None,
    text: OptionalText = None,
    text_b: TextB = None,
    layer: Annotated[int | None, option("This one, from 0 on.", "L")] = None,
    head: Annotated[int | None, option("This one, from 0 on.", "H")] = None,
    patterns: Annotated[
        bool, option("The mask patterns instead, without a model.", flag="--patterns")
    ] = False,
    output: Picture = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    _check(output, ".png", ".html")
    if patterns:
        if model is not None:
            raise UserError("--patterns shows the masks alone; leave the model and the text out")
        _inspect_patterns(output, json)
        return
    if model is None or text is None:
        raise UserError("give a model and a text, or --patterns")
    from headwater.inference.loaded import load
    from headwater.inspection.attention import attention, described, strongest
    from headwater.pictures.attention import draw_attention, write_attention_html

    maps = attention(load(model, device), text, text_b, layer=layer, head=head)
    html = partial(write_attention_html, maps, f"{model}: attention")
    png = partial(draw_attention, maps)
    _show(strongest(maps, model), lambda: described(maps), output, json, png, html)


def _inspect_patterns(output: Path | None, json: bool) -> None:
    from headwater.inspection.attention import patterns, patterns_page
    from headwater.pictures.attention import draw_patterns

    found = patterns()
    content = {name: allowed.tolist() for name, allowed in found.items()}
    _show(patterns_page(found), lambda: content, output, json, png=partial(draw_patterns, found))


@inspect.command("outputs")
@described("Show what a model's head says of each token of a text.")
def inspect_outputs(
    model: ModelArgument,
    text: TextA,
    text_b: TextB = None,
    count: Annotated[int, option("How many of the likeliest tokens.", "K", min=1)] = 5,
    output: File = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    from headwater.inference.loaded import load
    from headwater.inspection.outputs import outputs

    _check(output, ".html")
    found = outputs(load(model, device), text, text_b, count)
    _show(found.page, lambda: found.content, output, json)


def _check(output: Path | None, *endings: str) -> None:
    """Refuse an output that cannot be made, before any work is done."""
    from headwater.files import check_writable

    if output is None:
        return
    if output.suffix.lower() not in endings:
        raise UserError(f"--output {output}: the name must end in {' or '.join(endings)}")
    check_writable(output.parent)


def _show(
    page: "Page",
    content: Callable[[], object],
    output: Path | None,
    json: bool,
    png: Callable[[Path], None] | None = None,
    html: Callable[[Path], None] | None = None,
) -> None:
    """Write a picture if there is an output; print JSON, or the output's name, or the page.

    Args:
        content: what is printed as JSON.
        png, html: write those files; without `html`, the page is written.
    """
    from headwater.commands.screen import show
    from headwater.pictures.page import write_html

    if output is not None:
        write = (
            png if png and output.suffix.lower() == ".png" else html or partial(write_html, page)
        )
        write(output)
    if json:
        print_json(content())
    elif output is not None:
        echo(output)
    else:
        show(page)
