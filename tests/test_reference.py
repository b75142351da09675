"""The pages of docs/reference are what the code says now, and the code says what they need."""

from typing import Annotated

import pytest
import typer
from docs.reference.commands import describe
from docs.reference.docstrings import read_docstring
from docs.reference.keys import keys_of
from docs.reference.pages import FOLDER, pages

from headwater.config import Config


def test_the_pages_are_of_the_code() -> None:
    old = [
        name
        for name, text in pages().items()
        if (FOLDER / name).read_text(encoding="utf-8") != text
    ]
    assert old == [], f"docs/reference: {', '.join(old)}: not of the code; run `make reference`"


def test_a_docstring_is_taken_apart() -> None:
    said = read_docstring(
        """Return a thing.

        Of it: more.

        a, b: what they
            mean.

        Args:
            c: the third: here.

        Of some only:
            d: the fourth.

        Returns:
            what it
            is.
        """,
        {"a", "b", "c", "d"},
    )
    assert said.text == "Return a thing.\n\nOf it: more."
    assert said.meanings == {
        "a": "what they mean.",
        "b": "what they mean.",
        "c": "the third: here.",
        "d": "Of some only: the fourth.",
    }
    assert said.returns == "what it is."


class Unexplained(Config):
    """A Config.

    known: explained.
    """

    known: int = 1
    other: int = 2


def test_a_key_or_an_option_without_a_meaning_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unexplained.other has no meaning; write it"):
        list(keys_of(Unexplained, str))

    app = typer.Typer()

    @app.command(help="Do it.")
    def run(times: Annotated[int, typer.Option()] = 1) -> None: ...

    with pytest.raises(ValueError, match="run: times has no help; write it"):
        list(describe("run", typer.main.get_command(app)))
