"""`headwater inspect`: what a model reads, is asked, looks at and says."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.commands.options import (
    Corpus,
    Device,
    InitialModel,
    Json,
    ModelArgument,
    Objective,
    Recipe,
    Settings,
)
from headwater.commands.output import print_json
from headwater.commands.train import pretraining_options
from headwater.errors import UserError

if TYPE_CHECKING:
    from headwater.pictures.page import Page

inspect = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

TextA = Annotated[
    str, typer.Argument(metavar="TEXT", help="A text; [MASK] or ___ stands for a blank.")
]
TextB = Annotated[
    str | None,
    typer.Argument(metavar="[TEXT_B]", help="BERT: the second text. T5: what is written."),
]
Picture = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Draw it: FILE.png or FILE.html.")
]
OptionalModel = Annotated[
    str | None, typer.Argument(metavar="MODEL", help="A folder, a hub id, or a bundled name.")
]
OptionalText = Annotated[str | None, typer.Argument(metavar="TEXT", help="What it looks at.")]
File = Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write it as HTML.")]


@inspect.command("inputs")
def inspect_inputs(
    model: ModelArgument,
    text: TextA,
    text_b: TextB = None,
    output: Picture = None,
    json: Json = False,
) -> None:
    """Show the tokens, segments and positions that a model reads."""
    from headwater.inspection.inputs import inputs
    from headwater.pictures.html import write_html
    from headwater.pictures.inputs import draw_inputs

    kind = _kind(output, ".png", ".html")
    found = inputs(model, text, text_b)
    if output is not None and kind == ".png":
        draw_inputs(found.page, output)
    elif output is not None:
        write_html(found.page, output)
    _tell(found.page, lambda: found.content, output, json)


@inspect.command("batch")
def inspect_batch(
    recipe: Recipe = None,
    objective: Objective = None,
    corpus: Corpus = None,
    model: InitialModel = None,
    settings: Settings = None,
    rows: Annotated[int, typer.Option(metavar="N", min=1, help="How many rows to show.")] = 3,
    epoch: Annotated[int, typer.Option(metavar="E", min=0, help="Counted from 0.")] = 0,
    output: File = None,
    json: Json = False,
) -> None:
    """Show what a recipe trains on: the text, what of it is read, and what is asked for."""
    from headwater.inspection.batch import batch, recipe_of
    from headwater.pictures.html import write_html

    _kind(output, ".html")
    options = pretraining_options(objective, model, corpus)
    said = batch(recipe_of(recipe, options, settings or []), rows, epoch)
    if output is not None:
        write_html(said.page, output)
    _tell(said.page, lambda: said.content, output, json)


@inspect.command("attention")
def inspect_attention(
    model: OptionalModel = None,
    text: OptionalText = None,
    text_b: TextB = None,
    layer: Annotated[int | None, typer.Option(metavar="L", help="This one, from 0 on.")] = None,
    head: Annotated[int | None, typer.Option(metavar="H", help="This one, from 0 on.")] = None,
    patterns: Annotated[
        bool, typer.Option("--patterns", help="The mask patterns instead, without a model.")
    ] = False,
    output: Picture = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Show which tokens look at which: real weights, or the mask patterns."""
    kind = _kind(output, ".png", ".html")
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
    if output is not None and kind == ".png":
        draw_attention(maps, output)
    elif output is not None:
        write_attention_html(maps, f"{model}: attention", output)
    _tell(strongest(maps, model), lambda: described(maps), output, json)


def _inspect_patterns(output: Path | None, json: bool) -> None:
    from headwater.inspection.attention import patterns, patterns_page
    from headwater.pictures.attention import draw_patterns
    from headwater.pictures.html import write_html

    found = patterns()
    page = patterns_page(found)
    if output is not None and output.suffix.lower() == ".png":
        draw_patterns(found, output)
    elif output is not None:
        write_html(page, output)
    _tell(page, lambda: {name: seen.tolist() for name, seen in found.items()}, output, json)


@inspect.command("outputs")
def inspect_outputs(
    model: ModelArgument,
    text: TextA,
    text_b: TextB = None,
    count: Annotated[
        int, typer.Option(metavar="K", min=1, help="How many of the likeliest tokens.")
    ] = 5,
    output: File = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Show what a model's head says of each token of a text."""
    from headwater.inference.loaded import load
    from headwater.inspection.outputs import outputs
    from headwater.pictures.html import write_html

    _kind(output, ".html")
    said = outputs(load(model, device), text, text_b, count)
    if output is not None:
        write_html(said.page, output)
    _tell(said.page, lambda: said.content, output, json)


def _kind(output: Path | None, *known: str) -> str | None:
    """Return the ending of an output, refusing what cannot be made before any work is done."""
    from headwater.files import check_writable

    if output is None:
        return None
    if output.suffix.lower() not in known:
        raise UserError(f"--output {output}: the name must end in {' or '.join(known)}")
    check_writable(output.parent)
    return output.suffix.lower()


def _tell(page: "Page", content: Callable[[], object], output: Path | None, json: bool) -> None:
    """Print for a script, or the file that was written, or else for a person."""
    from headwater.commands.screen import show

    if json:
        print_json(content())
    elif output is not None:
        print(output)
    else:
        show(page)
