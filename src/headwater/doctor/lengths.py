"""How the texts of a task fit into a model: what is cut, and what its vocabulary does not know."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from headwater.data.example import DataSource, PairExample, SpanExample, TaggingExample
from headwater.doctor.finding import Finding, above
from headwater.runs.recipe import Recipe
from headwater.runs.setup import Setup
from headwater.runs.task_component import TaskComponent
from headwater.text.vocabulary import Vocabulary

LOOKED_AT = 1_000
"""Examples that are looked at, spread over all."""

CUT = 0.05
"""A larger share of cut texts is warned of."""

_SPECIAL_OF_TWO = 3  # tokens around two texts: [CLS] A [SEP] B [SEP]


def check_lengths(recipe: Recipe, setup: Setup, component: TaskComponent) -> Iterator[Finding]:
    """Yield what there is to say of the training examples of one task."""
    examples = spread(component.data.training)
    vocabulary = setup.vocabulary
    if setup.writes_text:
        texts = [component.task.to_text(each) for each in examples]
        targets = [each.targets[0] for each in texts if each.targets]
        limits = recipe.text
        yield _cut(
            "inputs",
            vocabulary,
            [each.inputs for each in texts],
            limits.max_inputs - 1,
            "text.max_inputs",
        )
        yield _cut("targets", vocabulary, targets, limits.max_targets - 1, "text.max_targets")
        yield _unknown(vocabulary, targets)
        return
    pairs = any(isinstance(each, PairExample) and each.text_b for each in examples)
    special = _SPECIAL_OF_TWO if pairs else 2
    room = recipe.sequence.max_length - special
    if component.task.kind == "span":
        yield from _spans(recipe, vocabulary, examples)
    elif component.task.kind != "embedding":
        yield _cut(
            "inputs", vocabulary, [_read(each) for each in examples], room, "sequence.max_length"
        )


def spread(examples: DataSource[Any] | Sequence[Any], most: int = LOOKED_AT) -> list[Any]:
    """Return at most so many examples, evenly spread."""
    chosen = np.linspace(0, len(examples) - 1, min(most, len(examples))).astype(int)
    return [examples[index] for index in chosen.tolist()]


def _read(example: Any) -> str:
    if isinstance(example, TaggingExample):
        return " ".join(example.words)
    assert isinstance(example, PairExample)
    return example.passage


def _spans(
    recipe: Recipe, vocabulary: Vocabulary, examples: Sequence[SpanExample]
) -> Iterator[Finding]:
    spans = recipe.spans
    questions = [each.question for each in examples]
    yield _cut("questions", vocabulary, questions, spans.max_query_length, "spans.max_query_length")
    answers = [each.agreed_answer.text for each in examples if each.answers]
    if answers:
        yield _cut(
            "answers", vocabulary, answers, spans.max_answer_length, "spans.max_answer_length"
        )
    lengths = _lengths(vocabulary, [each.context for each in examples])
    asked = np.minimum(_lengths(vocabulary, questions), spans.max_query_length)
    room = spans.max_length - asked - _SPECIAL_OF_TWO
    several = float((lengths > room).mean())
    said = f"{several:.1%} of the contexts take more than one window of {spans.max_length} tokens."
    yield Finding("note", "contexts in windows", round(several, 4), said, "spans.max_length")


def _cut(what: str, vocabulary: Vocabulary, texts: Sequence[str], limit: int, key: str) -> Finding:
    lengths = _lengths(vocabulary, texts)
    share = float((lengths > limit).mean()) if len(lengths) else 0.0
    longest = int(lengths.max(initial=0))
    said = (
        f"{share:.1%} of the {what} are longer than {key} allows; the longest has {longest} tokens."
    )
    return above(f"{what} cut", round(share, 4), CUT, said, key)


def _lengths(vocabulary: Vocabulary, texts: Sequence[str]) -> Any:
    return np.array([len(each) for each in vocabulary.encode_batch(list(texts))], np.int64)


def _unknown(vocabulary: Vocabulary, targets: Sequence[str]) -> Finding:
    encoded = vocabulary.encode_batch(list(targets))
    count = sum(vocabulary.unk_id in each.ids.tolist() for each in encoded)
    share = count / max(1, len(targets))
    said = f"{share:.1%} of the targets hold what the vocabulary does not know."
    key = "model, or another vocabulary"
    return above("unknown in targets", round(share, 4), 0.0, said, key)
