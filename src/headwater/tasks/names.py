"""All tasks by name, and where each is declared: a new one is entered here.

A task is built when it is first asked for, so that no run pays for the others.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from pathlib import Path
from typing import Any, final

from headwater.arguments import check_text
from headwater.data.task import Task
from headwater.errors import UserError, did_you_mean

DECLARED: Mapping[str, str] = {
    "squad": "squad.SQUAD_V1",
    "squad_v2": "squad.SQUAD_V2",
    "retrieval": "retrieval.RETRIEVAL",
    "question_generation": "question_generation.QUESTION_GENERATION",
    "cola": "glue.COLA",
    "sst2": "glue.SST2",
    "mrpc": "glue.MRPC",
    "stsb": "glue.STSB",
    "qqp": "glue.QQP",
    "mnli": "glue.MNLI",
    "mnli_mismatched": "glue.MNLI_MISMATCHED",
    "qnli": "glue.QNLI",
    "rte": "glue.RTE",
    "wnli": "glue.WNLI",
    "ax": "glue.AX",
    "wnli_simple": "winograd.WNLI_SIMPLE",
    "boolq": "superglue.BOOLQ",
    "cb": "superglue.CB",
    "copa": "superglue.COPA",
    "multirc": "superglue.MULTIRC",
    "superglue_rte": "superglue.SUPERGLUE_RTE",
    "wic": "superglue.WIC",
    "axb": "superglue.AXB",
    "axg": "superglue.AXG",
    "record": "record.RECORD",
    "wsc": "winograd.WSC",
    "wnut17": "ner.WNUT17",
    "conll2003": "ner.CONLL2003",
    "btc": "ner.BTC",
    "ner": "ner.NER",
    "translate_en_de": "translation.TRANSLATE_EN_DE",
    "translate_en_fr": "translation.TRANSLATE_EN_FR",
    "translate_en_ro": "translation.TRANSLATE_EN_RO",
    "cnn_dailymail": "writing.CNN_DAILYMAIL",
    "scitldr": "writing.SCITLDR",
    "nq_open": "closed_book.NQ_OPEN",
    "web_questions": "closed_book.WEB_QUESTIONS",
    "trivia_qa": "closed_book.TRIVIA_QA",
}
"""By name: the module in this folder and the constant there."""

BENCHMARKS: Mapping[str, tuple[str, ...]] = {
    "glue": tuple(name for name, where in DECLARED.items() if where.startswith("glue.")),
    "superglue": (
        *("boolq", "cb", "copa", "multirc", "superglue_rte", "wic", "axb", "axg"),
        *("record", "wsc"),
    ),
}
"""Tasks in the leaderboard's order."""

SERVED_BY: Mapping[str, str] = {
    **{"mnli_mismatched": "mnli", "ax": "mnli"},
    **{"axb": "superglue_rte", "axg": "superglue_rte"},
}
"""Tasks that have no training files of their own, and the task whose models predict them."""


@final
class _Tasks(MutableMapping[str, Task[Any]]):
    """The declared tasks, each imported on its first use, and those that a program enters."""

    def __init__(self) -> None:
        self._entered: dict[str, Task[Any] | None] = dict.fromkeys(DECLARED)

    def __getitem__(self, name: str) -> Task[Any]:
        found = self._entered[name]
        if found is None:
            module, _, constant = DECLARED[name].partition(".")
            found = getattr(import_module(f"headwater.tasks.{module}"), constant)
            assert isinstance(found, Task)
        return found

    def __setitem__(self, name: str, task: Task[Any]) -> None:
        self._entered[name] = task

    def __delitem__(self, name: str) -> None:
        del self._entered[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entered)

    def __len__(self) -> int:
        return len(self._entered)

    def __contains__(self, name: object) -> bool:  # the inherited one would import the task
        return name in self._entered


TASKS = _Tasks()


def task(name: str) -> Task[Any]:
    """Return a task by its name, or one of your own by its declaration.

    Args:
        name: one of `headwater tasks`, or the path of a file such as `my_task.toml`.
    """
    if check_text(name, "task") in TASKS:
        return TASKS[name]
    if name.endswith(".toml"):
        from headwater.tasks.declared import load_task

        own = load_task(Path(name).expanduser())
        if own.name in TASKS or own.name in BENCHMARKS:
            raise UserError(f"{name}: there is a task {own.name} already; give it another name")
        return own
    if name in BENCHMARKS:
        one = BENCHMARKS[name][0]
        raise UserError(f"{name} is a benchmark; one of its tasks was expected, such as {one}")
    if "," in name:
        raise UserError(f"{name}: one task was expected, not a list")
    raise UserError(f"unknown task {name!r}; {did_you_mean(name, TASKS, 'known tasks:')}")
