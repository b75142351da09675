"""The labels of a text by their probability (`LoadedModel.classify`). Free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from headwater.inference.answer import Decision


@dataclass(frozen=True, slots=True)
class Label:
    """A label with its probability.

    label: its name; "score" of a model that gives a number.
    score: the probability, or that number.
    """

    label: str
    score: float


def ranked(decision: Decision, labels: Sequence[str], top_k: int | None = None) -> list[Label]:
    """Return the likeliest labels of a text, the best first; of equal ones in the model's order.

    Args:
        labels: in the order of the model's outputs; empty where it gives a number.
        top_k: how many; None: all.
    """
    if not labels:
        return [Label("score", float(decision.text))]
    found = [Label(*pair) for pair in zip(labels, decision.probabilities, strict=True)]
    return sorted(found, key=lambda each: -each.score)[:top_k]
