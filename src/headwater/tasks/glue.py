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
from dataclasses import replace

from headwater.data.official_files import Split, TaskFiles
from headwater.data.table_file import Headless
from headwater.tasks.pairs import Field, PairTask, field
from headwater.tasks.prediction_files import GlueTable

_HUB = "nyu-mll/glue"
_FILES: Mapping[Split, tuple[str, ...]] = {
    "train": ("train.tsv",),
    "validation": ("dev.tsv",),
    "test": ("test.tsv",),
}
_SENTENCES = (field("sentence1"), field("sentence2"))
_PREMISE_FIELDS = (
    field("hypothesis", "sentence2", "hypothesis", "Hypothesis"),
    field("premise", "sentence1", "premise", "Premise"),
)
_ENTAILMENT = ("entailment", "not_entailment")
_THREE = ("entailment", "neutral", "contradiction")

_MNLI = (("premise",), ("hypothesis",))


def _files(folder: str, hub: str, files: Mapping[Split, tuple[str, ...]] = _FILES) -> TaskFiles:
    return TaskFiles(folder, files, (_HUB, hub))


def _choice(
    name: str,
    summary: str,
    labels: tuple[str, ...],
    fields: tuple[Field, ...],
    files: TaskFiles,
    metrics: tuple[str, ...] = ("accuracy",),
    *,
    file: GlueTable | None = None,
) -> PairTask:
    """Declare a task of choosing a class by texts that are read in the order they are said in.

    Args:
        file: of the leaderboard; None: called like the folder, with the labels' words.
    """
    return PairTask(
        name=name,
        summary=summary,
        labels=labels,
        template=name,
        fields=fields,
        encoder_texts=tuple((each.name,) for each in fields),
        metric_names=metrics,
        main_metric=metrics[0],
        files=files,
        prediction_file=file or GlueTable(f"{files.folder}.tsv"),
    )


def _numbered(
    name: str,
    summary: str,
    labels: tuple[str, ...],
    fields: tuple[Field, ...],
    folder: str,
    metrics: tuple[str, ...] = ("accuracy",),
) -> PairTask:
    """Declare one whose leaderboard file holds the labels' numbers."""
    file = GlueTable(f"{folder}.tsv", labels)
    return _choice(name, summary, labels, fields, _files(folder, name), metrics, file=file)


def _premise_task(
    name: str, summary: str, files: TaskFiles, official: str, metric: str = "accuracy"
) -> PairTask:
    """Declare one in MNLI's form: premise first for an encoder, hypothesis first in the text."""
    file = GlueTable(official)
    task = _choice(name, summary, _THREE, _PREMISE_FIELDS, files, (metric,), file=file)
    columns = ("gold_label", "label", "Label")
    return replace(task, template="mnli", encoder_texts=_MNLI, label_columns=columns)


COLA = replace(
    _numbered(
        "cola",
        "CoLA: is a sentence acceptable English?",
        ("unacceptable", "acceptable"),
        (field("sentence"),),
        "CoLA",
        ("matthews",),
    ),
    headless=Headless(("source", "label", "mark", "sentence"), "sentence"),
)

SST2 = _numbered(
    "sst2",
    "SST-2: is a film review positive or negative?",
    ("negative", "positive"),
    (field("sentence"),),
    "SST-2",
)

MRPC = replace(
    _numbered(
        "mrpc",
        "MRPC: do two sentences say the same?",
        ("not_equivalent", "equivalent"),
        (
            field("sentence1", "#1 String", "sentence1"),
            field("sentence2", "#2 String", "sentence2"),
        ),
        "MRPC",
        ("f1", "accuracy"),
    ),
    label_columns=("Quality", "label"),
)

QQP = replace(
    _numbered(
        "qqp",
        "QQP: do two questions ask the same?",
        ("not_duplicate", "duplicate"),
        (field("question1"), field("question2")),
        "QQP",
        ("f1", "accuracy"),
    ),
    label_columns=("is_duplicate", "label"),
    skip_short_rows=True,
)

STSB = PairTask(
    name="stsb",
    summary="STS-B: how alike are two sentences, from 0 to 5?",
    kind="regression",
    metric_kind="regression",
    template="stsb",
    fields=_SENTENCES,
    encoder_texts=(("sentence1",), ("sentence2",)),
    metric_names=("pearson", "spearman"),
    main_metric="pearson",
    files=_files("STS-B", "stsb"),
    prediction_file=GlueTable("STS-B.tsv"),
    label_columns=("score", "label"),
    bounds=(0.0, 5.0),
)


MNLI = _premise_task(
    "mnli",
    "MNLI: does one sentence follow from another, contradict it or neither?",
    _files(
        "MNLI",
        "mnli",
        {
            "train": ("train.tsv",),
            "validation": ("dev_matched.tsv",),
            "test": ("test_matched.tsv",),
        },
    ),
    "MNLI-m.tsv",
)

MNLI_MISMATCHED = _premise_task(
    "mnli_mismatched",
    "MNLI on texts of kinds that are not in training (a model of mnli's serves)",
    _files(
        "MNLI",
        "mnli_mismatched",
        {
            "train": ("train.tsv",),
            "validation": ("dev_mismatched.tsv",),
            "test": ("test_mismatched.tsv",),
        },
    ),
    "MNLI-mm.tsv",
)

AX = _premise_task(
    "ax",
    "GLUE's diagnostics (only to predict; a model of mnli's serves)",
    _files("AX", "ax", {"test": ("diagnostic.tsv",)}),
    "AX.tsv",
    "matthews",
)

QNLI = _choice(
    "qnli",
    "QNLI: does a sentence answer a question?",
    _ENTAILMENT,
    (field("question"), field("sentence")),
    _files("QNLI", "qnli"),
)

RTE = _choice(
    "rte",
    "RTE: does one sentence follow from another?",
    _ENTAILMENT,
    _SENTENCES,
    _files("RTE", "rte"),
)

WNLI = _numbered(
    "wnli",
    "WNLI: is a sentence with its pronoun resolved true?",
    _ENTAILMENT[::-1],
    _SENTENCES,
    "WNLI",
)

GLUE = (COLA, SST2, MRPC, STSB, QQP, MNLI, MNLI_MISMATCHED, QNLI, RTE, WNLI, AX)
"""In the leaderboard's order."""
