"""A task of your own, declared in a TOML file over csv, tsv, jsonl or parquet files.

    kind = "sequence"
    labels = ["billing", "fault", "other"]
    metrics = ["accuracy", "macro_f1"]
    template = "ticket: {subject} body: {body}"
    texts = ["subject", "body"]
    label = "team"

`template` is what a text-to-text model reads, with columns by name; an encoder with a head reads
`texts`. The first of `metrics` chooses the best checkpoint. The keys below depend on the kind; it
gives a built-in task other columns, another template and metrics.

    sequence      texts (one or two), label, labels        one of `labels`, as a word or its number
    multi_label   texts (one or two), label, labels        any number of them: a list, or "a, b"
    regression    texts (one or two), score                a number
    token         words, tags, labels, tag_column, ...     a tag for each word (lists, CoNLL)
    span          question, context, answer, null_answers  words of the context
    text          target                                   a text, or several of which each will do

`csv` says how CSV and TSV files are written, where that is not found rightly: see `CsvForm`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, final

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from headwater.config import Config, as_list, at_line, read_toml
from headwater.data.conll_file import TagColumns, check_tag
from headwater.data.csv_form import CsvForm
from headwater.data.example import PairExample, SpanExample, TextExample
from headwater.data.official_files import TaskFiles
from headwater.data.span_files import SpanColumns
from headwater.data.task import Task
from headwater.errors import UserError, did_you_mean
from headwater.metrics.names import ERRORS, METRICS
from headwater.metrics.several import BETWEEN
from headwater.tasks.ner import NerTask
from headwater.tasks.pairs import PairTask, field, stripped
from headwater.tasks.squad import SQUAD_V1, SQUAD_V2, SquadTask
from headwater.tasks.template import Template, TemplateReader
from headwater.tasks.writing import TextTask

_TWO_LABELS = ("f1",)
_GROUPED = ("exact_match", "gender_parity")  # these need the ids of their benchmark


def _once(names: list[str]) -> list[str]:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f"{name!r} is given twice")
    return names


def _as_names(labels: Any) -> Any:
    """Take numbers, true and false for the names that they are written as."""
    if not isinstance(labels, list):
        return labels
    return [json.dumps(each) if isinstance(each, int | float) else each for each in labels]


Texts = Annotated[list[str], BeforeValidator(as_list)]


class Declaration(Config):
    """What every declaration has.

    kind: what is predicted.
    name: letters, digits, `_` and `-`, no built-in task's; left out: the file's.
    summary: a line about the task.
    template: what a text-to-text model reads, with columns in braces; a literal brace is doubled.
    metrics: names, the first of which chooses the best checkpoint.
    """

    known_metrics: ClassVar[Sequence[str]]

    kind: str
    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    summary: str = "a task of your own"
    template: str
    metrics: Annotated[Texts, Field(min_length=1), AfterValidator(_once)]
    csv: CsvForm = CsvForm()

    def build(self, name: str, template: Template) -> Task[Any]:
        """Build the task."""
        raise NotImplementedError

    def only(self, template: Template, *names: str) -> None:
        """Refuse a template with other columns than these, for kinds that keep no others."""
        for column in template.columns:
            if column not in names:
                raise UserError(
                    f"template: no column {column!r} for kind {self.kind}; "
                    f"{did_you_mean(column, names)}"
                )


_NONE = "none"
"""What a text-to-text model writes of a text without a label."""


def _joined(task: PairTask, example: PairExample, text: str) -> str:
    """Return the labels that a model wrote, in their order; others stay as they are."""
    found = [each.strip() for each in text.split(",") if each.strip() not in ("", _NONE)]
    known = [label for label in task.labels if label in found]
    return BETWEEN.join([*known, *(each for each in found if each not in task.labels)])


class _Pair(Declaration):
    """What is asked of a text or of a pair.

    texts: one or two columns that an encoder reads.
    """

    texts: Annotated[Texts, Field(min_length=1, max_length=2), AfterValidator(_once)]

    def pairs(
        self,
        name: str,
        template: Template,
        kind: Literal["sequence", "multi_label", "regression"],
        column: str,
        labels: Sequence[str] = (),
    ) -> Task[Any]:
        if column in (*template.columns, *self.texts):
            raise UserError(f"column {column!r} is what is asked for; the texts must not hold it")

        def as_text(task: PairTask, example: PairExample) -> TextExample:
            targets = () if example.label is None else (example.label or _NONE,)
            if example.score is not None:
                targets = (f"{example.score:.15g}",)
            return TextExample(example.id, template.fill(dict(example.parts)), targets)

        return PairTask(
            name=name,
            summary=self.summary,
            kind=kind,
            metric_kind=kind,
            labels=tuple(labels),
            fields=tuple(field(each) for each in dict.fromkeys((*template.columns, *self.texts))),
            encoder_texts=tuple((each,) for each in self.texts),
            metric_names=tuple(self.metrics),
            files=TaskFiles(name, {}),
            label_columns=(column,),
            csv=self.csv,
            as_text=as_text,
            as_prediction=_joined if kind == "multi_label" else stripped,
        )


@final
class _Sequence(_Pair):
    """A class for each text or pair.

    labels: the classes, in the order of the head's outputs.
    label: the column with a label, or with its number from 0.
    """

    known_metrics = tuple(name for name in METRICS["sequence"] if name not in _GROUPED)

    labels: Annotated[list[str], BeforeValidator(_as_names), Field(min_length=2)]
    label: str = "label"

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: list[str]) -> list[str]:
        words = {label.strip() for label in labels} - {""}
        if words != set(labels) or len(words) != len(labels):
            raise ValueError("labels must differ, not be empty and have no spaces around them")
        return labels

    def build(self, name: str, template: Template) -> Task[Any]:
        if len(self.labels) != 2 and (two := set(self.metrics) & set(_TWO_LABELS)):
            raise UserError(f"metric {two.pop()!r} is for two labels; use macro_f1")
        return self.pairs(name, template, "sequence", self.label, self.labels)


@final
class _MultiLabel(_Pair):
    """Any number of classes for each text or pair; a text-to-text model writes `none` for none.

    labels: the classes, in the order of the head's outputs; without commas.
    label: the column with a list of labels, or with names and commas between them.
    """

    known_metrics = tuple(METRICS["multi_label"])

    labels: Annotated[list[str], BeforeValidator(_as_names), Field(min_length=2)]
    label: str = "labels"

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: list[str]) -> list[str]:
        words = {label.strip() for label in labels} - {""}
        if words != set(labels) or len(words) != len(labels) or any("," in x for x in labels):
            raise ValueError(
                "labels must differ, not be empty and have no spaces around, no commas"
            )
        if _NONE in labels:
            raise ValueError(f"{_NONE!r} is what stands where there is no label; name it otherwise")
        return labels

    def build(self, name: str, template: Template) -> Task[Any]:
        return self.pairs(name, template, "multi_label", self.label, self.labels)


@final
class _Regression(_Pair):
    """A number for each text or pair.

    score: the column with the number.
    """

    known_metrics = tuple(METRICS["regression"])

    score: str = "score"

    def build(self, name: str, template: Template) -> Task[Any]:
        if self.metrics[0] in ERRORS:
            raise UserError(
                f"metrics: the first, {self.metrics[0]}, chooses the best checkpoint, and the "
                "highest is taken; begin with r2, pearson or spearman"
            )
        return self.pairs(name, template, "regression", self.score)


@final
class _Token(Declaration):
    """A tag for each word. The template may use `{words}` alone.

    labels: the tags; left out: those of the training files.
    words: the column with a list of words.
    tags: the column with a list of tags.
    tag_column: of CoNLL files, the column of the tag, from 0; -1: the last.
    word_column: of CoNLL files, the column of the word, from 0.
    """

    known_metrics = tuple(METRICS["token"])

    labels: list[str] = Field(default=[])
    words: str = "words"
    tags: str = "tags"
    tag_column: int = -1
    word_column: int = 0

    def build(self, name: str, template: Template) -> Task[Any]:
        self.only(template, "words")
        for label in self.labels:
            check_tag(label, (), "labels")
        return NerTask(
            name=name,
            summary=self.summary,
            labels=tuple(self.labels),
            metric_names=tuple(self.metrics),
            columns=TagColumns((self.words,), (self.tags,), self.tag_column, self.word_column),
            as_text=lambda words: template.fill({"words": " ".join(words)}),
        )


@final
class _Span(Declaration):
    """Words of a context that answer a question. The template may use these two columns alone.

    question: the column with the question.
    context: the column with the text.
    answer: the column with the answer, as it stands in the text.
    null_answers: whether an answer may be empty: there is none in the context.
    """

    known_metrics = tuple(dict.fromkeys((*METRICS["span"], *METRICS["null_span"])))

    question: str = "question"
    context: str = "context"
    answer: str = "answer"
    null_answers: bool = False

    def build(self, name: str, template: Template) -> Task[Any]:
        self.only(template, self.question, self.context)
        version = SQUAD_V2 if self.null_answers else SQUAD_V1
        for metric in self.metrics:
            if metric not in version.metric_names:
                known = ", ".join(version.metric_names)
                raise UserError(f"metric {metric!r}: these questions are scored by {known}")

        def as_text(example: SpanExample) -> str:
            return template.fill({self.question: example.question, self.context: example.context})

        return SquadTask(
            name=name,
            summary=self.summary,
            null_answers=self.null_answers,
            metric_kind=version.metric_kind,
            metric_names=version.metric_names,
            main_metric=self.metrics[0],
            reader=SpanColumns(
                self.question, self.context, self.answer, self.null_answers, self.csv
            ),
            as_text=as_text,
        )


@final
class _Text(Declaration):
    """A text.

    target: the column with the text, or with a list of texts of which each is right; several
        columns have one such text each.
    """

    known_metrics = tuple(METRICS["text"])

    target: Annotated[Texts, AfterValidator(_once)] = Field(default=["target"], min_length=1)

    def build(self, name: str, template: Template) -> Task[Any]:
        for column in self.target:
            if column in template.columns:
                raise UserError(f"column {column!r} is what is asked for; the template holds it")
        return TextTask(
            name=name,
            summary=self.summary,
            prefix="",
            reader=TemplateReader(template, tuple(self.target), self.csv),
            metric_names=tuple(self.metrics),
        )


KINDS: Mapping[str, type[Declaration]] = {
    "sequence": _Sequence,
    "multi_label": _MultiLabel,
    "regression": _Regression,
    "token": _Token,
    "span": _Span,
    "text": _Text,
}


def load_task(path: Path) -> Task[Any]:
    """Build a task from its declaration; its name is the file's, if it gives none."""
    values = read_toml(path)
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        given = f"kind = {kind!r}" if "kind" in values else "missing key 'kind'"
        where = at_line(path, ["kind"])
        raise UserError(f"{where}: {given}; one of {', '.join(KINDS)} was expected")
    declaration = KINDS[kind].check(values, lambda key: at_line(path, key))
    for metric in declaration.metrics:
        known = declaration.known_metrics
        if metric not in known:
            hint = did_you_mean(metric, known, f"for kind {kind} there are")
            where = at_line(path, ["metrics"])
            raise UserError(f"{where}: unknown metric {metric!r}; {hint}")
    try:
        return declaration.build(declaration.name or path.stem, Template(declaration.template))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
