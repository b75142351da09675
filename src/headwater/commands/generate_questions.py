"""`headwater generate-questions`: documents in, questions with their answers out."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from headwater import signals
from headwater.commands.terminal import (
    Device,
    Json,
    TextField,
    argument,
    described,
    echo,
    option,
    print_json,
)

if TYPE_CHECKING:
    from headwater.questions.generate import Report

logger = logging.getLogger(__name__)

Documents = Annotated[
    list[Path],
    argument(".txt, .md, .jsonl, .parquet, .csv, .json of SQuAD, or folders.", "CORPUS"),
]
OutputFile = Annotated[Path, option("The file of SQuAD's format to make.", "FILE")]
Writer = Annotated[str, option("What writes: a folder, a hub id, or a bundled name.", "MODEL")]
Reader = Annotated[str, option("What answers, and so decides which are kept.", "MODEL")]
HeldOutFiles = Annotated[
    list[Path] | None, option("Passages that overlap with it are dropped; repeatable.", "FILE")
]
Passages = Annotated[int | None, option("Draw this many passages at most [all].", "N")]
PerPassage = Annotated[int | None, option("Answers asked for in a passage [8].", "N")]
Answers = Annotated[
    str | None,
    option("Of name, date, number, phrase, clause [all but clause].", "KINDS"),
]
Settings = Annotated[
    list[str] | None,
    option("Such as min_f1=0.8, seed=1 or writing.num_beams=4; repeatable.", "a.b=VALUE", "--set"),
]
GoOn = Annotated[bool, option("Go on with what a stopped run left.", flag="--resume")]


@described("Ask questions of documents: data for finetune from text without labels.")
def generate_questions(
    corpus: Documents,
    output: OutputFile,
    model: Writer = "writer",
    reader: Reader = "reader",
    text_field: TextField = "text",
    held_out: HeldOutFiles = None,
    passages: Passages = None,
    per_passage: PerPassage = None,
    answers: Answers = None,
    settings: Settings = None,
    resume: GoOn = False,
    json: Json = False,
    device: Device = "auto",
) -> None:
    from headwater.config import load_config
    from headwater.questions.config import QuestionConfig
    from headwater.questions.generate import generate_questions as generate

    kinds = None if answers is None else [each.strip() for each in answers.split(",")]
    given: dict[str, Any] = {"passages": passages, "per_passage": per_passage, "answers": kinds}
    given = {key: value for key, value in given.items() if value is not None}
    config = load_config(QuestionConfig, None, settings or [], given)
    options: dict[str, Any] = {"text_field": text_field, "held_out": held_out or ()}
    options |= {"writer": model, "reader": reader, "resume": resume, "device": device}
    with signals.exiting():
        report = generate(corpus, output, config=config, **options)
    if json:
        print_json(report.to_dict())
    else:
        _print(report)


def _print(report: "Report") -> None:
    """Print how many passages and questions there were, and some of the questions."""
    rows = [
        ("passages", report.passages),
        *((f"  dropped: {reason}", count) for reason, count in report.passages_dropped.items()),
        ("answers asked for", report.candidates),
        *((f"  dropped: {reason}", count) for reason, count in report.dropped.items()),
        ("questions kept", report.kept),
        ("  unanswerable ones made of them", report.unanswerable),
    ]
    width = max(len(name) for name, _ in rows)
    for name, count in rows:
        if count or not name.startswith(" "):
            echo(f"{name:{width}}  {count:9,}", error=True)
    for question, answer in report.samples:
        echo(f"{question}  ->  {answer}", error=True)
    echo(report.output)
