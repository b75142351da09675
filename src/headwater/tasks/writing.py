"""Tasks of writing a text for a text: translations, summaries, answers from memory.

Each is a prefix, a way to read its files, and metrics by name (Raffel et al. 2020, section 2.4):

    "translate English to German: " + sentence    ->    translation    bleu, bleu_intl
    "summarize: " + article                       ->    highlights     rouge1, rouge2, rougeL, ...
    "nq question: " + question                    ->    answer         exact_match

BLEU is sacreBLEU's (Post 2018) with its usual tokenization 13a, and with `intl`, of which the
paper's figures are; `metrics.generation.bleu_signature` says how each is made. ROUGE (Lin 2004) is
that of the rouge-score package without stemming: the mean over the examples of the best F-measure
over an example's summaries. For `rougeLsum` a sentence ends, as in T5's published code, at a line
break or at a period between two spaces.

Closed-book questions are answered from what the model knows (Roberts et al. 2020, "How much
knowledge can you pack into the parameters of a language model?"), in their published text form. The
first answer is the target. The score is the share of answers that equal any of the known ones after
the normalization of SQuAD (lower case, no punctuation, no articles), in percent.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from string import Formatter
from typing import Protocol, final

from headwater.data.example import DataSource, Examples, ReadReport, TextExample
from headwater.data.official_files import Split, TaskFiles
from headwater.data.parallel_files import Text, read_parallel
from headwater.data.predictions import LINES, PredictionFile
from headwater.data.table_file import Row, read_rows
from headwater.data.task import Kind, Task
from headwater.errors import UserError
from headwater.files import read_json
from headwater.metrics import generation
from headwater.metrics.names import MetricKind
from headwater.text_files import suffix_of

BLEU_TOKENIZERS: Mapping[str, generation.BleuTokenizer] = {"bleu": "13a", "bleu_intl": "intl"}

_QUESTION = ("question", "qText", "Question", "utterance")
_ANSWERS = ("answer", "answers", "Answer", "targetValue")
_DESCRIPTION = re.compile(r'\(description (?:"((?:[^"\\]|\\.)*)"|([^\s()"]+))\)')


class TextReader(Protocol):
    """Reads a file of a task; without `answered` it need not hold what is to be written."""

    def __call__(self, path: Path, *, answered: bool) -> Iterable[Text]: ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TextTask(Task[TextExample]):
    """A task of writing; `prefix` is what T5 reads before the text."""

    kind: Kind = "text"
    metric_kind: MetricKind = "text"
    prediction_file: PredictionFile = LINES
    prefix: str
    reader: TextReader

    def read_files(self, paths: Sequence[Path], *, answered: bool) -> Examples[TextExample]:
        """Read files; an id is an example's number, from "0" over all of them.

        Where answers are read, texts and answers that are empty are left out and reported.
        """
        examples: list[TextExample] = []
        left_out: list[str] = []
        for path in paths:
            for where, source, targets in self.reader(path, answered=answered):
                targets = tuple(each for each in targets if each.strip())
                if answered and not (source.strip() and targets):
                    what = "answer" if source.strip() else "text"
                    left_out.append(f"{where}: the {what} is empty")
                    continue
                key = str(len(examples) + len(left_out))
                examples.append(TextExample(key, source, targets))
        if not examples:
            named = ", ".join(map(str, paths)) or "no file given"
            why = f"; {left_out[0]}" if left_out else ""
            raise UserError(f"{named}: no text of task {self.name}{why}")
        return Examples(examples, ReadReport(left_out=tuple(left_out), dropped=len(left_out)))

    def to_text(self, example: TextExample) -> TextExample:
        return TextExample(example.id, self.prefix + example.inputs, example.targets)

    def from_text(self, example: TextExample, text: str) -> str:
        return text.strip()

    def golds(self, examples: DataSource[TextExample]) -> dict[str, Sequence[str]]:
        for example in examples:
            if not example.targets:
                raise UserError(f"example {example.id!r} has no known answer to score against")
        return {example.id: example.targets for example in examples}

    def report(self, examples: DataSource[TextExample], predictions: Mapping[str, str]) -> str:
        """Return the signature of each BLEU, without which its number says little."""
        golds = [example.targets for example in examples]
        lines = [
            f"{name}: {generation.bleu_signature(golds, tokenize)}\n"
            for name, tokenize in BLEU_TOKENIZERS.items()
            if name in self.metric_names
        ]
        return "".join(lines)


@final
@dataclass(frozen=True, slots=True)
class Template:
    """A text with the names of columns in braces; a brace that is meant as such stands twice.

    >>> Template("ticket: {subject} body: {body}").fill({"subject": "No light", "body": "..."})
    'ticket: No light body: ...'
    """

    text: str
    columns: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = [name for _, name in _tokens(self.text) if name is not None]
        if "" in names or not names:
            raise UserError(f"template {self.text!r}: put a column's name between braces")
        object.__setattr__(self, "columns", tuple(dict.fromkeys(names)))

    def fill(self, cells: Mapping[str, str]) -> str:
        """Return the text with each column's cell in place of its name."""
        return "".join(
            literal + ("" if name is None else cells[name]) for literal, name in _tokens(self.text)
        )


@final
@dataclass(frozen=True, slots=True)
class TemplateReader:
    """Reads tables whose rows fill a template; a list in a cell is several sentences or targets."""

    template: Template
    target: str

    def __call__(self, path: Path, *, answered: bool) -> Iterator[Text]:
        """Yield a text for each row; each of its targets may be written."""
        for row in read_rows(path):
            columns = {name: " ".join(row.texts(name)) for name in self.template.columns}
            targets = row.texts(self.target) if answered else ()
            yield Text(row.where, self.template.fill(columns), targets)


def _tokens(text: str) -> list[tuple[str, str | None]]:
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise UserError(f"template {text!r}: {error}") from None
    for _, _, detail, conversion in parsed:
        if detail or conversion:
            raise UserError(f"template {text!r}: a column's name stands alone between its braces")
    return [(literal, name) for literal, name, _, _ in parsed]


def _from_english(target: str, language: str, year: int, validation: str, test: str) -> TextTask:
    return TextTask(
        name=f"translate_en_{target}",
        summary=f"Translate English to {language}, as WMT {year}",
        prefix=f"translate English to {language}: ",
        reader=partial(read_parallel, source="en", target=target),
        metric_names=("bleu", "bleu_intl"),
        files=TaskFiles(
            f"wmt{year}_en_{target}",
            {"train": ("train.en",), "validation": (validation,), "test": (test,)},
            (f"wmt/wmt{year % 100}", f"{target}-en"),
        ),
    )


TRANSLATE_EN_DE = _from_english("de", "German", 2014, "newstest2013.en", "newstest2014.en")
TRANSLATE_EN_FR = _from_english("fr", "French", 2014, "newstest2013.en", "newstest2014.en")
TRANSLATE_EN_RO = _from_english("ro", "Romanian", 2016, "newsdev2016.en", "newstest2016.en")


def _summarization(name: str, summary: str, reader: TemplateReader, files: TaskFiles) -> TextTask:
    return TextTask(
        name=name,
        summary=summary,
        prefix="summarize: ",
        reader=reader,
        metric_names=("rouge1", "rouge2", "rougeL", "rougeLsum"),
        main_metric="rougeL",
        files=files,
    )


# Hermann et al. 2015, See et al. 2017: one summary of several sentences for each article.
CNN_DAILYMAIL = _summarization(
    "cnn_dailymail",
    "CNN/Daily Mail: write the highlights of a news article",
    TemplateReader(Template("{article}"), "highlights"),
    TaskFiles(
        "cnn_dailymail",
        {"train": ("train.csv",), "validation": ("validation.csv",), "test": ("test.csv",)},
        ("abisee/cnn_dailymail", "3.0.0"),
    ),
)

# Cachola et al. 2020: a summary of one sentence for each abstract, several in dev and test.
SCITLDR = _summarization(
    "scitldr",
    "SciTLDR: say a scientific abstract in one sentence",
    TemplateReader(Template("{source}"), "target"),
    TaskFiles(
        "scitldr_a",
        {"train": ("train.jsonl",), "validation": ("dev.jsonl",), "test": ("test.jsonl",)},
        ("allenai/scitldr", "Abstract"),
    ),
)


def read_questions(path: Path, *, answered: bool) -> Iterator[Text]:
    """Yield questions with all of their answers, from a table or one JSON document.

    The columns are `question` and `answer` or `answers` (of NQ-open, WebQuestions on the hub),
    `qText` and `answers` (brmson's WebQuestions), `utterance` and `targetValue` (the release of
    WebQuestions: `(list (description "Jazmyn Bieber") (description Jaxon))`) or `Question` and
    `Answer` (TriviaQA, where the records stand in `Data` and an answer is an object with `Value`
    and `Aliases`).
    """
    for row in _records(path) if suffix_of(path) == ".json" else read_rows(path):
        question = row.value(*_QUESTION)
        if not isinstance(question, str):
            raise UserError(f"{row.where}: the question must be a text, not {question!r:.40}")
        yield Text(row.where, question.strip(), _answers(row) if answered else ())


def _records(path: Path) -> Iterator[Row]:
    content = read_json(path)
    if isinstance(content, dict):
        content = content.get("Data")
    if not isinstance(content, list):
        raise UserError(f"{path}: a list of questions was expected, alone or in 'Data'")
    for number, record in enumerate(content, 1):
        if not isinstance(record, dict):
            raise UserError(f"{path}, record {number}: an object was expected")
        yield Row(path, number, record)


def _answers(row: Row) -> tuple[str, ...]:
    value = row.value(*_ANSWERS)
    if isinstance(value, Mapping):  # of TriviaQA: the answer itself first, for it is trained on
        first = value.get("Value", value.get("value"))
        value = [first, *(value.get("Aliases") or value.get("aliases") or [])]
    if isinstance(value, str) and "targetValue" in row.cells:
        found = _DESCRIPTION.findall(value)
        value = [(quoted or bare).replace('\\"', '"') for quoted, bare in found]
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise UserError(f"{row.where}: the answers must be a list of texts")
    return tuple(dict.fromkeys(texts))


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
