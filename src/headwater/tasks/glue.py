"""The tasks of GLUE (Wang et al. 2019) with their official files, T5's text forms and metrics.

    glue/RTE/dev.tsv                         index<TAB>sentence1<TAB>sentence2<TAB>label
    as text                                  rte sentence1: ... sentence2: ...
    and its target                           entailment
    glue.zip/RTE.tsv, for the leaderboard    index<TAB>prediction

Labels stand in the official order of their numbers. The hub's Parquet files of `nyu-mll/glue` call
some columns otherwise; both names are known. QQP's official files hold a few rows that are cut
short, which are left out and counted, as the published loaders do.
"""

from collections.abc import Mapping
from typing import cast

from headwater.data.official_files import Split, TaskFiles
from headwater.data.predictions import GlueTable
from headwater.data.table_file import Headless
from headwater.tasks.pairs import Field, PairTask, field

_HUB = "nyu-mll/glue"
_SENTENCES = (field("sentence1"), field("sentence2"))
_PREMISE_FIELDS = (
    field("hypothesis", "sentence2", "hypothesis", "Hypothesis"),
    field("premise", "sentence1", "premise", "Premise"),
)
_ENTAILMENT = ("entailment", "not_entailment")
_THREE = ("entailment", "neutral", "contradiction")


def _files(folder: str, hub: str, dev: str = "dev", test: str = "test") -> TaskFiles:
    names = {"train": "train", "validation": dev, "test": test}
    splits = {split: (f"{name}.tsv",) for split, name in names.items()}
    return TaskFiles(folder, cast(Mapping[Split, tuple[str, ...]], splits), (_HUB, hub))


def _choice(
    name: str,
    summary: str,
    folder: str,
    labels: tuple[str, ...],
    fields: tuple[Field, ...],
    metrics: tuple[str, ...] = ("accuracy",),
    *,
    numbered: bool = False,
    label_columns: tuple[str, ...] = ("label",),
    headless: Headless | None = None,
    skip_short_rows: bool = False,
) -> PairTask:
    """Declare a task of choosing a label; `numbered`: the leaderboard wants labels by number."""
    return PairTask(
        name=name,
        summary=summary,
        labels=labels,
        fields=fields,
        metric_names=metrics,
        files=_files(folder, name),
        prediction_file=GlueTable(f"{folder}.tsv", labels if numbered else ()),
        label_columns=label_columns,
        headless=headless,
        skip_short_rows=skip_short_rows,
    )


def _premise_task(
    name: str, summary: str, files: TaskFiles, official: str, metric: str = "accuracy"
) -> PairTask:
    """Declare one in MNLI's form: premise first for an encoder, hypothesis first in the text."""
    return PairTask(
        name=name,
        summary=summary,
        labels=_THREE,
        template="mnli",
        fields=_PREMISE_FIELDS,
        encoder_texts=(("premise",), ("hypothesis",)),
        metric_names=(metric,),
        files=files,
        prediction_file=GlueTable(official),
        label_columns=("gold_label", "label", "Label"),
    )


COLA = _choice(
    "cola",
    "CoLA: is a sentence acceptable English?",
    "CoLA",
    ("unacceptable", "acceptable"),
    (field("sentence"),),
    ("matthews",),
    numbered=True,
    headless=Headless(("source", "label", "mark", "sentence"), "sentence"),
)

SST2 = _choice(
    "sst2",
    "SST-2: is a film review positive or negative?",
    "SST-2",
    ("negative", "positive"),
    (field("sentence"),),
    numbered=True,
)

MRPC = _choice(
    "mrpc",
    "MRPC: do two sentences say the same?",
    "MRPC",
    ("not_equivalent", "equivalent"),
    (
        field("sentence1", "#1 String", "sentence1"),
        field("sentence2", "#2 String", "sentence2"),
    ),
    ("f1", "accuracy"),
    numbered=True,
    label_columns=("Quality", "label"),
)

QQP = _choice(
    "qqp",
    "QQP: do two questions ask the same?",
    "QQP",
    ("not_duplicate", "duplicate"),
    (field("question1"), field("question2")),
    ("f1", "accuracy"),
    numbered=True,
    label_columns=("is_duplicate", "label"),
    skip_short_rows=True,
)

STSB = PairTask(
    name="stsb",
    summary="STS-B: how alike are two sentences, from 0 to 5?",
    kind="regression",
    metric_kind="regression",
    fields=_SENTENCES,
    metric_names=("pearson", "spearman"),
    files=_files("STS-B", "stsb"),
    prediction_file=GlueTable("STS-B.tsv"),
    label_columns=("score", "label"),
    bounds=(0.0, 5.0),
)

MNLI = _premise_task(
    "mnli",
    "MNLI: does one sentence follow from another, contradict it or neither?",
    _files("MNLI", "mnli", "dev_matched", "test_matched"),
    "MNLI-m.tsv",
)

MNLI_MISMATCHED = _premise_task(
    "mnli_mismatched",
    "MNLI on texts of kinds that are not in training (a model of mnli's serves)",
    _files("MNLI", "mnli_mismatched", "dev_mismatched", "test_mismatched"),
    "MNLI-mm.tsv",
)

AX = _premise_task(
    "ax",
    "GLUE's diagnostics (only to predict; a model of mnli's serves)",
    TaskFiles("AX", {"test": ("diagnostic.tsv",)}, (_HUB, "ax")),
    "AX.tsv",
    "matthews",
)

QNLI = _choice(
    "qnli",
    "QNLI: does a sentence answer a question?",
    "QNLI",
    _ENTAILMENT,
    (field("question"), field("sentence")),
)

RTE = _choice(
    "rte",
    "RTE: does one sentence follow from another?",
    "RTE",
    _ENTAILMENT,
    _SENTENCES,
)

WNLI = _choice(
    "wnli",
    "WNLI: is a sentence with its pronoun resolved true?",
    "WNLI",
    _ENTAILMENT[::-1],
    _SENTENCES,
    numbered=True,
)

GLUE = (COLA, SST2, MRPC, STSB, QQP, MNLI, MNLI_MISMATCHED, QNLI, RTE, WNLI, AX)
"""In the leaderboard's order."""
