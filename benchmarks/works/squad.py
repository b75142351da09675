"""Questions of SQuAD with their contexts, in a fixed random order."""

import random
from collections.abc import Sequence

from benchmarks.harness.work import Context
from headwater.data.example import SpanExample
from headwater.metrics.qa import squad_v1
from headwater.tasks.squad import SQUAD_V1

DEV = "qa/squad_v1.1/dev-v1.1.json"
TRAIN = "qa/squad_v1.1/train-v1.1.first44articles.json"


def questions(context: Context, name: str = DEV, count: int | None = None) -> list[SpanExample]:
    """Return some questions of a file, or all."""
    found = list(SQUAD_V1.read([context.file(name)]))
    random.Random(3).shuffle(found)
    return found[:count]


def f1(examples: Sequence[SpanExample], answers: Sequence[str]) -> float:
    """Return the official F1, in percent."""
    golds = {each.id: each.golds for each in examples}
    found = {each.id: answer for each, answer in zip(examples, answers, strict=True)}
    return squad_v1(golds, found)["f1"]
