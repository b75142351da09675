"""`headwater ask`: answers to a question, for a person or a script."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from headwater.commands.terminal import (
    Device,
    Json,
    Model,
    PadPunctuation,
    argument,
    option,
    print_json,
)
from headwater.errors import UserError
from headwater.files import read_text
from headwater.streams import decode_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from headwater.inference.answer import Answer

logger = logging.getLogger(__name__)


def ask(
    question: Annotated[str, argument("The question; for a GPT, the text to go on with.")],
    context: Annotated[
        str | None, option("The text to answer from; - reads standard input.", "FILE|-|FOLDER")
    ] = None,
    model: Model = "reader",
    top_k: Annotated[int, option("How many answers to show.", min=1, max=10**6)] = 1,
    pad_punctuation: PadPunctuation = None,
    json: Json = False,
    device: Device = "auto",
) -> None:
    """Answer a question, from a text or from what the model knows."""
    from headwater.inference.loaded import load

    documents = read_context(context) if context is not None else None
    loaded = load(model, device, pad_punctuation=pad_punctuation)
    if loaded.generates and loaded.objective:
        logger.info(
            f"{model}: pre-trained by {loaded.objective} and adapted to no task, so that its "
            "answers mean little; adapt it with `headwater finetune`"
        )
    if unread := loaded.unread(question):
        logger.info(
            f"the question is too long: its last {unread} tokens are not read; ask a shorter one"
        )
    answers = loaded.answer(question, documents, top_k)
    if json:
        print_json([answer.to_dict() for answer in answers])
    else:
        print_answers(answers)


def print_answers(answers: "Sequence[Answer]") -> None:
    """Print answers for a person: the text, its sentence with the answer marked, its offsets."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    with console.capture() as shown:  # rich itself would exit with 1 where the reader has gone
        for rank, answer in enumerate(answers):
            if rank:
                console.print()
            _print_answer(answer, console)
    print(shown.get(), end="")


def _print_answer(answer: "Answer", console: "Console") -> None:
    from rich.text import Text

    if answer.no_answer:
        console.print(Text("No answer was found.", style="bold"))
    else:
        console.print(Text(" ".join(answer.text.split()), style="bold"))
        if answer.start is not None and answer.end is not None:
            console.print(Text("  evidence  ").append_text(_evidence(answer)))
            console.print(f"  offsets   characters {answer.start} to {answer.end}")
        if answer.source is not None:
            console.print(Text(f"  source    {answer.source}"))
    console.print(f"  score     {answer.score:.3f}")


def _evidence(answer: "Answer") -> "Text":
    """The sentence on one line, the answer in brackets and, on a terminal, in bold."""
    from rich.text import Text

    assert answer.start is not None
    assert answer.end is not None
    begin = answer.start - (answer.sentence_start or 0)
    end = begin + answer.end - answer.start
    before, inside, after = (
        " ".join(f"|{part}|".split())[1:-1]
        for part in (answer.sentence[:begin], answer.sentence[begin:end], answer.sentence[end:])
    )
    return Text(before).append(f"[{inside}]", style="bold green").append(after)


ENDINGS = (".txt", ".md")


def read_context(context: str) -> str | dict[str, str]:
    """Read a file, standard input (`-`), or the .txt and .md files below a folder, by name.

    Hidden files and folders are left out.
    """
    if context == "-":
        return _standard_input()
    path = _path(context)
    texts = {str(file): read_text(file) for file in _files(path)}
    if any(text.strip() for text in texts.values()):
        return texts
    if path.is_dir():
        raise UserError(f"{path}: every text in this folder is empty")
    raise UserError(f"{path}: empty; a text to answer from was expected")


def _path(context: str) -> Path:
    """Return the path of a context, refusing what can be none, such as the text itself."""
    if not context:
        raise UserError("--context is empty; give a file, a folder or - for standard input")
    try:
        path = Path(context).expanduser()
        path.stat()
    except FileNotFoundError:
        pass  # reading says so
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"{context[:40]!r}: not a file name ({reason}); give a file, a folder or - for "
            "standard input"
        ) from None
    return path


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in ENDINGS
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not files:
        raise UserError(f"{path}: no {' or '.join(ENDINGS)} file in this folder")
    return [file for file in files if file.is_file()]


def _standard_input() -> str:
    if sys.stdin is None:
        raise UserError("standard input: closed; a text to answer from was expected")
    text = decode_text(sys.stdin.buffer.read(), "standard input")
    if not text.strip():
        raise UserError("standard input: empty; a text to answer from was expected")
    return text
