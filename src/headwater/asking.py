"""What `headwater ask` reads and shows."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from headwater.errors import UserError
from headwater.files import decode_text, read_text
from headwater.inference.answer import Answer

TEXTS = (".txt", ".md")


def read_documents(context: str) -> str | dict[str, str]:
    """Read a file, standard input (`-`), or the .txt and .md files below a folder, by name.

    Hidden files and folders are left out.

    Raises:
        UserError: nothing is there, it is not text, or it is empty.
    """
    if context == "-":
        return _standard_input()
    path = _place(context)
    if not path.is_dir():
        text = read_text(path)
        if not text.strip():
            raise UserError(f"{path}: empty; a text to answer from was expected")
        return {str(path): text}
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in TEXTS
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not files:
        raise UserError(f"{path}: no {' or '.join(TEXTS)} file in this folder")
    texts = {str(file): read_text(file) for file in files if file.is_file()}
    if not any(text.strip() for text in texts.values()):
        raise UserError(f"{path}: every text in this folder is empty")
    return texts


def _place(context: str) -> Path:
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


def _standard_input() -> str:
    if sys.stdin is None:
        raise UserError("standard input: closed; a text to answer from was expected")
    text = decode_text(sys.stdin.buffer.read(), "standard input")
    if not text.strip():
        raise UserError("standard input: empty; a text to answer from was expected")
    return text


def show(answers: Sequence[Answer]) -> None:
    """Print answers for a person: the text, its sentence with the answer marked, the place."""
    console = Console(highlight=False, soft_wrap=True)
    with console.capture() as shown:  # rich itself would exit with 1 where the reader has gone
        _show(answers, console)
    print(shown.get(), end="")


def _show(answers: Sequence[Answer], console: Console) -> None:
    for rank, answer in enumerate(answers):
        if rank:
            console.print()
        if answer.no_answer:
            console.print(Text("No answer was found.", style="bold"))
            console.print(f"  score     {answer.score:.3f}")
            continue
        console.print(Text(" ".join(answer.text.split()), style="bold"))
        if answer.start is not None and answer.end is not None:
            console.print(Text("  evidence  ").append_text(_evidence(answer)))
            console.print(f"  place     characters {answer.start} to {answer.end}")
        if answer.source is not None:
            console.print(Text(f"  source    {answer.source}"))
        console.print(f"  score     {answer.score:.3f}")


def _evidence(answer: Answer) -> Text:
    """The sentence on one line, the answer in bold (or in brackets where there is no terminal)."""
    assert answer.start is not None
    assert answer.end is not None
    begin = answer.start - (answer.sentence_start or 0)
    end = begin + answer.end - answer.start
    before, inside, after = (
        " ".join(f"|{part}|".split())[1:-1]
        for part in (answer.sentence[:begin], answer.sentence[begin:end], answer.sentence[end:])
    )
    return Text(before).append(f"[{inside}]", style="bold green").append(after)
