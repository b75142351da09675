"""The tasks of SuperGLUE (Wang et al. 2019) that choose a class; WSC and ReCoRD stand apart.

    SuperGLUE/BoolQ/val.jsonl          {"question": ..., "passage": ..., "idx": 0, "label": true}
    as text                            boolq passage: ... question: ...
    and its target                     True

An encoder reads word and first sentence of WiC as one text, and MultiRC's question and answer as
its second. COPA asks which of two choices fits, which a head on one pair cannot read: it is a task
of writing here. MultiRC's nested file is one example for each answer, with the id
`paragraph-question-answer`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, final

from headwater.data.example import DataSource, Example, PairExample, TextExample
from headwater.data.json_fields import json_field
from headwater.data.official_files import Split, TaskFiles
from headwater.data.predictions import JsonLabels, json_id
from headwater.data.row import Row
from headwater.data.table_file import read_rows
from headwater.data.task import Kind
from headwater.tasks.pairs import Field, PairTask, field, template_text

HUB = "aps/super_glue"
FILES: dict[Split, tuple[str, ...]] = {
    "train": ("train.jsonl",),
    "validation": ("val.jsonl",),
    "test": ("test.jsonl",),
}
_TRUTH = ("False", "True")
_BOLD = re.compile("</?b>")
_INDEX = re.compile(r"[^-]+-[^-]+-[^-]+")  # passage, question, answer


def _task(
    name: str,
    summary: str,
    folder: str,
    labels: tuple[str, ...],
    fields: tuple[Field, ...],
    encoder_texts: tuple[tuple[str, ...], ...],
    spelling: tuple[tuple[str, Any], ...] = (),
    *,
    kind: Kind = "sequence",
    metrics: tuple[str, ...] = ("accuracy",),
) -> PairTask:
    return PairTask(
        name=name,
        summary=summary,
        kind=kind,
        labels=labels,
        fields=fields,
        encoder_texts=encoder_texts,
        metric_names=metrics,
        files=TaskFiles(folder, FILES, (HUB, name)),
        prediction_file=JsonLabels(f"{folder}.jsonl", spelling),
    )


BOOLQ = _task(
    "boolq",
    "BoolQ: is the answer to a question on a passage yes?",
    "BoolQ",
    _TRUTH,
    (field("passage"), field("question")),
    (("question",), ("passage",)),
    (("False", "false"), ("True", "true")),
)

CB = _task(
    "cb",
    "CommitmentBank: does a clause follow from a text, contradict it or neither?",
    "CB",
    ("entailment", "contradiction", "neutral"),
    (field("hypothesis"), field("premise")),
    (("premise",), ("hypothesis",)),
    metrics=("macro_f1", "accuracy"),
)

COPA = _task(
    "copa",
    "COPA: which of two choices is the cause or the effect?",
    "COPA",
    ("choice1", "choice2"),
    (field("choice1"), field("choice2"), field("premise"), field("question")),
    (("premise",),),
    (("choice1", 0), ("choice2", 1)),
    kind="text",
)

SUPERGLUE_RTE = replace(
    _task(
        "superglue_rte",
        "RTE as SuperGLUE has it, in JSON lines",
        "RTE",
        ("entailment", "not_entailment"),
        (
            field("hypothesis", "hypothesis", "sentence2"),
            field("premise", "premise", "sentence1"),
        ),
        (("premise",), ("hypothesis",)),
    ),
    template="rte",
    files=TaskFiles("RTE", FILES, (HUB, "rte")),
)

WIC = _task(
    "wic",
    "WiC: has a word the same meaning in two sentences?",
    "WiC",
    _TRUTH,
    (field("sentence1"), field("sentence2"), field("word")),
    (("word", "sentence1"), ("sentence2",)),
    (("False", "false"), ("True", "true")),
)


def _unfold_multirc(row: Row) -> Iterator[Row]:
    """Yield a row for each answer of a passage; the hub's rows are such rows already."""
    if "passage" not in row.cells:
        yield row._replace(cells={**row.cells, "idx": _joined(row)})
        return
    passage = json_field(row.cells, "passage", dict, row.where)
    text = json_field(passage, "text", str, row.where)
    for key, question, answer in _answers(row, passage):
        cells = {
            "paragraph": text,
            "question": json_field(question, "question", str, row.where),
            "answer": json_field(answer, "text", str, row.where),
            "idx": key,
        }
        label = {"label": answer["label"]} if "label" in answer else {}
        yield row._replace(cells=cells | label)


def _answers(row: Row, passage: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the id of each answer, its question and itself."""
    for question in json_field(passage, "questions", list, row.where):
        for answer in json_field(question, "answers", list, row.where):
            records = (row.cells, question, answer)
            numbers = (json_field(each, "idx", int, row.where) for each in records)
            yield "-".join(map(str, numbers)), question, answer


def _joined(row: Row) -> str:
    """Return the three numbers of a row's `idx`, by which answers to one question are known."""
    index = row.cells.get("idx")
    if isinstance(index, str) and _INDEX.fullmatch(index):
        return index
    numbers = json_field(row.cells, "idx", dict, row.where)
    names = ("paragraph", "question", "answer")
    return "-".join(str(json_field(numbers, name, int, row.where)) for name in names)


def without_markup(task: PairTask, example: PairExample) -> TextExample:
    """Write a MultiRC example without its `<b>` and `</b>`; a `<br>` becomes a space."""
    text = template_text(task, example)
    return replace(text, inputs=_BOLD.sub("", text.inputs.replace("<br>", " ")))


@final
class MultiRcPredictions:
    """A JSON object for each passage: its questions, with 0 or 1 for each answer."""

    name = "MultiRC.jsonl"

    def dump(self, examples: DataSource[Example], predictions: Mapping[str, str]) -> str:
        passages: dict[int | str, dict[int | str, list[dict[str, Any]]]] = {}
        for each in examples:
            if each.id in predictions:
                passage, question, answer = map(json_id, each.id.rsplit("-", 2))
                text = predictions[each.id]
                label = _TRUTH.index(text) if text in _TRUTH else text
                answers = passages.setdefault(passage, {}).setdefault(question, [])
                answers.append({"idx": answer, "label": label})
        lines = []
        for passage, questions in passages.items():
            listed = [{"idx": key, "answers": answers} for key, answers in questions.items()]
            lines.append(json.dumps({"idx": passage, "passage": {"questions": listed}}))
        return "".join(line + "\n" for line in lines)

    def read(self, path: Path, examples: DataSource[Example]) -> dict[str, str]:
        predictions: dict[str, str] = {}
        for row in read_rows(path):
            passage = json_field(row.cells, "passage", dict, row.where)
            for key, _, answer in _answers(row, passage):
                label = answer.get("label")
                known = type(label) is int and 0 <= label < len(_TRUTH)
                predictions[key] = _TRUTH[label] if known else str(label)
        return predictions


MULTIRC = replace(
    _task(
        "multirc",
        "MultiRC: is this one of the answers to a question on a paragraph?",
        "MultiRC",
        _TRUTH,
        (field("question"), field("answer"), field("paragraph")),
        (("paragraph",), ("question", "answer")),
        metrics=("f1", "exact_match"),
    ),
    prediction_file=MultiRcPredictions(),
    unfold=_unfold_multirc,
    as_text=without_markup,
)


def _diagnostics(name: str, folder: str, summary: str, metrics: tuple[str, ...]) -> PairTask:
    files: dict[Split, tuple[str, ...]] = {"test": (f"{folder}.jsonl",)}
    return replace(
        SUPERGLUE_RTE,
        name=name,
        summary=summary,
        metric_names=metrics,
        main_metric=metrics[0],
        files=TaskFiles(folder, files, (HUB, name)),
        prediction_file=JsonLabels(f"{folder}.jsonl"),
    )


AXB = _diagnostics(
    "axb",
    "AX-b",
    "SuperGLUE's broad diagnostics (a model of superglue_rte's serves)",
    ("matthews",),
)
AXG = _diagnostics(
    "axg",
    "AX-g",
    "Winogender: the same conclusion for either gender? (a model of superglue_rte's serves)",
    ("accuracy", "gender_parity"),
)

CHOICES = (BOOLQ, CB, COPA, MULTIRC, SUPERGLUE_RTE, WIC, AXB, AXG)
"""Those that choose a class: all but ReCoRD and WSC."""
