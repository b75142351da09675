"""`headwater ask --context X.index`: what documents say, with the place of every answer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from headwater.commands.asked import loaded_for
from headwater.commands.given import print_said
from headwater.commands.reply_screen import print_reply
from headwater.commands.terminal import echo
from headwater.errors import UserError

if TYPE_CHECKING:
    from headwater.inference.loading import Loading

_BEGINNING = b"SQLite format 3\0"


def is_index(context: str | None) -> bool:
    """Tell whether a context is an index by its name, or a file of SQLite."""
    if not context or context == "-":
        return False
    try:
        path = Path(context).expanduser()
        if not path.is_file():  # a pipe is read once, and not here
            return False
        with path.open("rb") as file:
            return path.suffix == ".index" or file.read(len(_BEGINNING)) == _BEGINNING
    except (OSError, RuntimeError, ValueError):  # who reads it says what is wrong
        return False


def refuse_without_index(**given: object) -> None:
    """Refuse options that only an index has, where the context is none."""
    for name, value in given.items():
        if value is not None:
            raise UserError(
                f"--{name.replace('_', '-')} is for an index as --context; make one with "
                "`headwater index build`"
            )


def ask_index(
    context: str,
    questions: Sequence[str],
    model: str,
    top_k: int,
    filters: Sequence[str],
    options: Mapping[str, Any],
    json: bool,
    several: bool,
    **loading: "Unpack[Loading]",
) -> None:
    """Ask an index each of some questions, and print what its documents say.

    Args:
        options: of `documents.asking.Asking`; None stands for the usual.
        several: they come from a file, of however many.
    """
    from headwater.documents.asking import Asking
    from headwater.documents.filters import takes_all
    from headwater.documents.index import open_index

    takes_all(filters)  # what is wrong with them is said before a model is loaded
    asking = Asking(**{name: value for name, value in options.items() if value is not None})
    with open_index(Path(context).expanduser()) as index:
        loaded = loaded_for(questions, model, **loading)
        for number, question in enumerate(questions):
            reply = index.ask(question, loaded, top_k=top_k, filters=filters, options=asking)
            if json:
                print_said(reply.to_dict(), several)
                continue
            if several:
                echo(f"\n{question}" if number else question)
            print_reply(reply)
