"""The tasks of GLUE (Wang et al. 2019) with their official files, T5's text forms and metrics.

    glue/RTE/dev.tsv                         index<TAB>sentence1<TAB>sentence2<TAB>label
    as text                                  rte sentence1: ... sentence2: ...
    and its target                           entailment
    glue.zip/RTE.tsv, for the leaderboard    index<TAB>prediction

Classes stand in the official order of their numbers. The hub's Parquet files of `nyu-mll/glue` call
some columns otherwise; both names are known. QQP's official files hold a few rows that are cut
short, which are left out and counted, as the published loaders do.
"""

from typing import Literal

from headwater.data.table_file import Headless
from headwater.data.task import Layout, Split
from headwater.tasks.pairs import Field, PairTask, field
from headwater.tasks.prediction_files import GlueTable

_HUB = "nyu-mll/glue"
_FILES: dict[Split, tuple[str, ...]] = {
    "train": ("train.tsv",),
    "validation": ("dev.tsv",),
    "test": ("test.tsv",),
}
_SENTENCES = (field("sentence1"), field("sentence2"))
_BOTH = (("sentence1",), ("sentence2",))
_INFERENCE = (
    field("hypothesis", "sentence2", "hypothesis", "Hypothesis"),
    field("premise", "sentence1", "premise", "Premise"),
)
_ENTAILMENT = ("entailment", "not_entailment")
_THREE = ("entailment", "neutral", "contradiction")

COLA = PairTask(
    name="cola",
    summary="CoLA: is a sentence acceptable English?",
    kind="sequence",
    classes=("unacceptable", "acceptable"),
    template="cola",
    fields=(field("sentence"),),
    reads=(("sentence",),),
    metric_names=("matthews",),
    main_metric="matthews",
    layout=Layout("CoLA", _FILES, (_HUB, "cola")),
    prediction_file=GlueTable("CoLA.tsv", ("unacceptable", "acceptable")),
    headless=Headless(("source", "label", "mark", "sentence"), "sentence"),
)

SST2 = PairTask(
    name="sst2",
    summary="SST-2: is a film review positive or negative?",
    kind="sequence",
    classes=("negative", "positive"),
    template="sst2",
    fields=(field("sentence"),),
    reads=(("sentence",),),
    metric_names=("accuracy",),
    main_metric="accuracy",
    layout=Layout("SST-2", _FILES, (_HUB, "sst2")),
    prediction_file=GlueTable("SST-2.tsv", ("negative", "positive")),
)

MRPC = PairTask(
    name="mrpc",
    summary="MRPC: do two sentences say the same?",
    kind="sequence",
    classes=("not_equivalent", "equivalent"),
    template="mrpc",
    fields=(
        field("sentence1", "#1 String", "sentence1"),
        field("sentence2", "#2 String", "sentence2"),
    ),
    reads=_BOTH,
    metric_names=("f1", "accuracy"),
    main_metric="f1",
    layout=Layout("MRPC", _FILES, (_HUB, "mrpc")),
    prediction_file=GlueTable("MRPC.tsv", ("not_equivalent", "equivalent")),
    label_columns=("Quality", "label"),
)

QQP = PairTask(
    name="qqp",
    summary="QQP: do two questions ask the same?",
    kind="sequence",
    classes=("not_duplicate", "duplicate"),
    template="qqp",
    fields=(field("question1"), field("question2")),
    reads=(("question1",), ("question2",)),
    metric_names=("f1", "accuracy"),
    main_metric="f1",
    layout=Layout("QQP", _FILES, (_HUB, "qqp")),
    prediction_file=GlueTable("QQP.tsv", ("not_duplicate", "duplicate")),
    label_columns=("is_duplicate", "label"),
    short_rows=True,
)

STSB = PairTask(
    name="stsb",
    summary="STS-B: how alike are two sentences, from 0 to 5?",
    kind="regression",
    classes=(),
    template="stsb",
    fields=_SENTENCES,
    reads=_BOTH,
    metric_names=("pearson", "spearman"),
    main_metric="pearson",
    layout=Layout("STS-B", _FILES, (_HUB, "stsb")),
    prediction_file=GlueTable("STS-B.tsv"),
    label_columns=("score", "label"),
)


def _mnli(name: str, summary: str, dev: str, test: str, official: str, hub: str) -> PairTask:
    files: dict[Split, tuple[str, ...]] = {
        "train": ("train.tsv",),
        "validation": (dev,),
        "test": (test,),
    }
    return _inference(name, summary, Layout("MNLI", files, (_HUB, hub)), official)


def _inference(name: str, summary: str, layout: Layout, official: str) -> PairTask:
    main: Literal["accuracy", "matthews"] = "matthews" if name == "ax" else "accuracy"
    return PairTask(
        name=name,
        summary=summary,
        kind="sequence",
        classes=_THREE,
        template="mnli",
        fields=_INFERENCE,
        reads=(("premise",), ("hypothesis",)),
        metric_names=(main,),
        main_metric=main,
        layout=layout,
        prediction_file=GlueTable(official),
        label_columns=("gold_label", "label", "Label"),
    )


MNLI = _mnli(
    "mnli",
    "MNLI: does one sentence follow from another, contradict it or neither?",
    "dev_matched.tsv",
    "test_matched.tsv",
    "MNLI-m.tsv",
    "mnli",
)
MNLI_MISMATCHED = _mnli(
    "mnli_mismatched",
    "MNLI on texts of kinds that are not in training (a model of mnli's serves)",
    "dev_mismatched.tsv",
    "test_mismatched.tsv",
    "MNLI-mm.tsv",
    "mnli_mismatched",
)
AX = _inference(
    "ax",
    "GLUE's diagnostics (only to predict; a model of mnli's serves)",
    Layout("AX", {"test": ("diagnostic.tsv",)}, (_HUB, "ax")),
    "AX.tsv",
)


def _entailment(
    name: str,
    summary: str,
    classes: tuple[str, ...],
    fields: tuple[Field, ...],
    folder: str,
    *,
    numbers: bool = False,
) -> PairTask:
    return PairTask(
        name=name,
        summary=summary,
        kind="sequence",
        classes=classes,
        template=name,
        fields=fields,
        reads=tuple((each.name,) for each in fields),
        metric_names=("accuracy",),
        main_metric="accuracy",
        layout=Layout(folder, _FILES, (_HUB, name)),
        prediction_file=GlueTable(f"{folder}.tsv", classes if numbers else ()),
    )


QNLI = _entailment(
    "qnli",
    "QNLI: does a sentence answer a question?",
    _ENTAILMENT,
    (field("question"), field("sentence")),
    "QNLI",
)
RTE = _entailment(
    "rte", "RTE: does one sentence follow from another?", _ENTAILMENT, _SENTENCES, "RTE"
)
WNLI = _entailment(
    "wnli",
    "WNLI: is a sentence with its pronoun resolved true?",
    _ENTAILMENT[::-1],
    _SENTENCES,
    "WNLI",
    numbers=True,
)

GLUE = (COLA, SST2, MRPC, STSB, QQP, MNLI, MNLI_MISMATCHED, QNLI, RTE, WNLI, AX)
"""In the leaderboard's order."""
