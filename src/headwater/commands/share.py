"""`headwater card` and `headwater push`: what a run is, told and published."""

from pathlib import Path
from typing import Annotated

from headwater.commands.terminal import Json, argument, described, echo, option, print_json


@described("Write the model card of a run, from what the run recorded.")
def card(
    run: Annotated[Path, argument("A run folder.", "RUN")],
    evaluation: Annotated[
        list[Path] | None, option("A folder of `evaluate --output`; repeatable.", "DIR")
    ] = None,
    overlap: Annotated[
        list[Path] | None, option("What `overlap --json` printed; repeatable.", "FILE.json")
    ] = None,
    licence: Annotated[str | None, option("Of the model, as the hub names it.", "ID")] = None,
    output: Annotated[Path | None, option("Where it goes [the screen].", "FILE.md")] = None,
) -> None:
    from headwater.files import replace_file
    from headwater.sharing.card import Added
    from headwater.sharing.card import card as written

    text = written(run, Added(evaluation or (), overlap or (), licence))
    if output is None:
        echo(text, end="")
    else:
        replace_file(output, text)
        echo(output)


@described("Publish a model on the hub, with its card.")
def push(
    run: Annotated[str, argument("A run, a model's folder or a bundled name.", "RUN")],
    name: Annotated[str, argument("Its name on the hub.", "USER/NAME")],
    private: Annotated[bool, option("Let nobody else see it.", flag="--private")] = False,
    dry_run: Annotated[bool, option("Show the files, and publish none.", flag="--dry-run")] = False,
    json: Json = False,
) -> None:
    from headwater.sharing.push import prepare
    from headwater.sharing.push import push as publish
    from headwater.sizes import byte_size

    upload = prepare(run, name)
    if not json:
        for file, size in upload.sizes.items():
            echo(f"{byte_size(size):>9}  {file}")
    address = None if dry_run else publish(upload, private=private)
    if json:
        print_json({"name": name, "files": upload.sizes, "commit": address})
    elif address is not None:
        echo(address)
