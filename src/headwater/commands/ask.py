"""`headwater ask`: answers to a question, for a person or a script."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from headwater import signals
from headwater.commands.ask_index import ask_index, is_index, refuse_without_index
from headwater.commands.asked import loaded_for, questions_of
from headwater.commands.documents import GLOBS, FolderTexts, faults_line, read_context
from headwater.commands.terminal import (
    Device,
    Filters,
    Json,
    MaxAnswerLength,
    Model,
    NoAnswerThreshold,
    PadPunctuation,
    Precision,
    argument,
    described,
    option,
    print_json,
)
from headwater.errors import UserError, listed
from headwater.escapes import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from headwater.inference.answer import Answer
    from headwater.inference.loaded import LoadedModel
    from headwater.inference.loading import Loading

logger = logging.getLogger(__name__)
PLACES = 3  # of an answer, beside the best one


Question = Annotated[
    str | None, argument("The question; for a GPT, the prompt to continue.", "QUESTION")
]
Context = Annotated[
    str | None,
    option("The text to answer from; - reads standard input.", "FILE|-|FOLDER|X.index"),
]
Questions = Annotated[str | None, option("Of an index: questions, one a line.", "FILE|-")]
Read = Annotated[
    int | None, option("Of an index: how many passages are read [5].", min=1, max=10**6)
]


@described("Answer a question, from a text, an index or what the model knows.")
def ask(
    question: Question = None,
    context: Context = None,
    model: Model = "reader",
    top_k: Annotated[int, option("How many answers to show.", min=1, max=10**6)] = 1,
    questions: Questions = None,
    filters: Filters = None,
    read: Read = None,
    no_answer_threshold: NoAnswerThreshold = None,
    max_answer_length: MaxAnswerLength = None,
    pad_punctuation: PadPunctuation = None,
    json: Json = False,
    precision: Precision = "auto",
    device: Device = "auto",
) -> None:
    asked = questions_of(question, questions)
    loading: Loading = {
        "device": device,
        "precision": precision,
        "pad_punctuation": pad_punctuation,
        "max_answer_length": max_answer_length,
    }
    if context is not None and is_index(context):
        options = {"read": read, "no_answer_threshold": no_answer_threshold}
        given = (context, asked, model, top_k, filters or (), options, json)
        ask_index(*given, several=questions is not None, **loading)
        return
    refuse_without_index(questions=questions, filter=filters, read=read)
    documents = read_context(context) if context is not None else None
    loading["no_answer_threshold"] = no_answer_threshold
    answers = _answers(loaded_for(asked, model, **loading), asked[0], documents, top_k)
    if json:
        print_json([answer.to_dict() for answer in answers])
    else:
        print_answers(answers)


def _answers(
    loaded: "LoadedModel", question: str, documents: "str | Mapping[str, str] | None", top_k: int
) -> "list[Answer]":
    """Answer, and say which files of a folder could not be read."""
    if not isinstance(documents, FolderTexts):
        return loaded.answer(question, documents, top_k)
    from headwater.documents.temporary import WORTH, ask_folder

    if documents.size > WORTH:
        with signals.exiting():  # the temporary index is removed
            answers, found = ask_folder(documents.folder, GLOBS, question, loaded, top_k)
        faults = faults_line(found)
    else:
        try:
            answers = loaded.answer(question, documents, top_k)
        except UserError:
            documents.check()
            raise
        faults = documents.faults
    if faults:
        logger.warning(f"not read: {faults}")
    if documents.others:
        logger.warning(
            f"left out: {documents.others}; `headwater index build` makes an index that has them"
        )
    return answers


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
        console.print(Text(visible(" ".join(answer.text.split())), style="bold"))
        if answer.start is not None and answer.end is not None:
            console.print(Text("  evidence  ").append_text(_evidence(answer)))
            console.print(f"  offsets   characters {answer.start} to {answer.end}")
        if answer.source is not None:
            console.print(Text(f"  source    {visible(answer.source)}"))
        if len(answer.places) > 1:
            console.print(Text(f"  also      {_other_places(answer)}"))
    console.print(f"  score     {answer.score:.3f}")


def _other_places(answer: "Answer") -> str:
    """The first few of the places but the best, and how many more there are."""
    named = (
        f"{place.start} to {place.end}"
        + (f" of {visible(str(place.source))}" if place.source != answer.source else "")
        for place in answer.places[1:]
    )
    return listed(named, PLACES, "; ")


def _evidence(answer: "Answer") -> "Text":
    """The sentence on one line, the answer in brackets and, on a terminal, in bold."""
    from rich.text import Text

    assert answer.start is not None
    assert answer.end is not None
    begin = answer.start - (answer.sentence_start or 0)
    end = begin + answer.end - answer.start
    before, inside, after = (
        visible(" ".join(f"|{part}|".split())[1:-1])
        for part in (answer.sentence[:begin], answer.sentence[begin:end], answer.sentence[end:])
    )
    return Text(before).append(f"[{inside}]", style="bold green").append(after)
