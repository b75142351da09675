"""Closed-book question answering: from what the model knows, no text is given.

Roberts et al. 2020 ("How much knowledge can you pack into the parameters of a language model?");
the T5 paper itself has no such task. The text is that of their published preprocessors, the first
answer is the target, and the score is the share of answers that equal any of the known ones after
the normalization of SQuAD (lower case, no punctuation, no articles), in percent:

    nq question: when did the eagles win last super bowl    ->    2017
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from headwater.data.json_fields import text_of
from headwater.data.official_files import Split, TaskFiles
from headwater.data.parallel_files import Text
from headwater.data.row import Row
from headwater.data.table_file import read_rows
from headwater.errors import UserError
from headwater.metrics.names import MetricKind
from headwater.tasks.writing import TextTask

_QUESTION = ("question", "qText", "Question", "utterance")
_ANSWERS = ("answer", "answers", "Answer", "targetValue")
_DESCRIPTION = re.compile(r'\(description (?:"((?:[^"\\]|\\.)*)"|([^\s()"]+))\)')


def read_questions(path: Path, *, answered: bool) -> Iterator[Text]:
    """Yield questions with all of their answers, from a table or one JSON document.

    The columns are `question` and `answer` or `answers` (of NQ-open, WebQuestions on the hub),
    `qText` and `answers` (brmson's WebQuestions), `utterance` and `targetValue` (the release of
    WebQuestions: `(list (description "Jazmyn Bieber") (description Jaxon))`) or `Question` and
    `Answer` (TriviaQA, where the records stand in `Data` and an answer is an object with `Value`
    and `Aliases`). An answer that is a whole number is its decimal text.
    """
    wanted = [_QUESTION, _ANSWERS] if answered else [_QUESTION]
    for row in read_rows(path, wanted=wanted):
        question = row.value(*_QUESTION)
        if not isinstance(question, str):
            raise UserError(f"{row.where}: the question must be a text, not {question!r:.40}")
        yield Text(row.where, question.strip(), _answers(row) if answered else ())


def _answers(row: Row) -> tuple[str, ...]:
    value = row.value(*_ANSWERS)
    if isinstance(value, Mapping):  # of TriviaQA: the answer itself first, for it is trained on
        first = value.get("Value", value.get("value"))
        value = [first, *(value.get("Aliases") or value.get("aliases") or [])]
    if isinstance(value, str) and "targetValue" in row.cells:
        found = _DESCRIPTION.findall(value)
        value = [(quoted or bare).replace('\\"', '"') for quoted, bare in found]
    texts = [text_of(each) for each in (value if isinstance(value, list) else [value])]
    if None in texts:
        raise UserError(f"{row.where}: the answers must be a list of texts")
    return tuple(dict.fromkeys(text for text in texts if text is not None))


def _closed_book(
    name: str,
    summary: str,
    word: str,
    files: Mapping[Split, tuple[str, ...]],
    hub: tuple[str, str],
    metric_kind: MetricKind = "text",
) -> TextTask:
    return TextTask(
        name=name,
        summary=summary,
        prefix=f"{word} question: ",
        reader=read_questions,
        metric_names=("exact_match",),
        metric_kind=metric_kind,
        files=TaskFiles(name, files, hub),
    )


NQ_OPEN = _closed_book(
    "nq_open",
    "NQ-open: answer a question people asked a search engine, without a text",
    "nq",
    {"train": ("NQ-open.train.jsonl",), "validation": ("NQ-open.dev.jsonl",)},
    ("google-research-datasets/nq_open", "nq_open"),
)

WEB_QUESTIONS = _closed_book(
    "web_questions",
    "WebQuestions: answer a question about a thing in Freebase, without a text",
    "wq",
    {"train": ("trainmodel.json",), "validation": ("val.json",), "test": ("test.json",)},
    ("stanfordnlp/web_questions", "default"),
)

TRIVIA_QA = _closed_book(
    "trivia_qa",
    "TriviaQA: answer a trivia question, without a text",
    "trivia_qa",
    {"train": ("unfiltered-web-train.json",), "validation": ("unfiltered-web-dev.json",)},
    ("mandarjoshi/trivia_qa", "unfiltered.nocontext"),
    "trivia",
)
