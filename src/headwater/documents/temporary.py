"""Asking a folder by a temporary index: beyond a few pages that is quicker than reading all of it.

Answers are those that an index of these files gives, with the names of files as they were found.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from headwater.documents.index import Index, open_index
from headwater.documents.reply import IndexAnswer, Reply
from headwater.documents.update import build
from headwater.errors import UserError
from headwater.inference.answer import Answer, Place
from headwater.paths import as_path

if TYPE_CHECKING:  # it brings torch
    from headwater.inference.loaded import LoadedModel

WORTH = 2**14
"""Bytes of text from which a folder is indexed before it is asked.

Of one with 20 KB, reading all takes 0.8 s of a processor, the index and its answer 0.1 s. On
folders of 15 to 85 KB the index answers as well as reading all (docs/asking.md).
"""

_LONGEST = 50  # characters of a folder's name that go into that of its index


class FolderAnswers(NamedTuple):
    """What a folder says: the best answer first, and which files could not be read, with why."""

    answers: list[Answer]
    faults: list[str]


def ask_folder(
    folder: Path, include: Sequence[str], question: str, model: "LoadedModel", top_k: int = 1
) -> FolderAnswers:
    """Index the files below a folder for one question, and answer it.

    Args:
        include: globs of the files, see `selection.Selection`.
    """
    with _indexed(folder, include) as index:
        reply = index.ask(question, model, top_k=top_k)
        answers = _answers(reply, folder, model.generates)
        faults = [
            f"{_found(row.path, folder)}: {row.reason}"
            for row in index.files()
            if row.status == "failed"
        ]
    return FolderAnswers(answers, faults)


@contextmanager
def _indexed(folder: Path, include: Sequence[str]) -> Iterator[Index]:
    with TemporaryDirectory(prefix="headwater-") as scratch:
        path = Path(scratch, f"{folder.absolute().name[:_LONGEST]}.index")
        try:
            build([folder.absolute()], path, include=include)
        except UserError as error:
            raise UserError(str(error).replace(str(path), str(folder))) from None
        with open_index(path) as index:
            yield index


def _answers(reply: Reply, folder: Path, written: bool) -> list[Answer]:
    none = [Answer.none(reply.score)] if reply.no_answer else []
    return none + [_answer(each, folder, written) for each in reply.answers]


def _answer(answer: IndexAnswer, folder: Path, written: bool) -> Answer:
    """Return an answer of an index as one of texts; a written one stands nowhere."""
    places = [
        Place(
            *(each.quote.start, each.quote.end, each.evidence.text, each.evidence.start),
            *(_found(each.file, folder), each.score),
        )
        for each in answer.citations
    ]
    if written:
        return Answer(answer.text, answer.score, source=places[0].source)
    return Answer.from_places(places, answer.score)


def _found(file: str, folder: Path) -> str:
    """Return the name of a file below the folder as it was given."""
    return str(folder / as_path(file).relative_to(folder.absolute()))
