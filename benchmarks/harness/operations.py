"""How many multiplications and additions a work needs, padding and recomputation left out.

Only products of matrices are counted. A backward pass takes two products for each forward one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

TRAINING = 3  # times what the forward pass takes


@dataclass(frozen=True)
class Stack:
    """Layers of a transformer: attention and feed-forward."""

    layers: int
    width: int
    inner: int
    heads_width: int | None = None
    """All heads of a layer together; None: the width."""

    def read(self, tokens: int, seen: float | None = None) -> float:
        """Return the operations of one sequence.

        Args:
            seen: how many tokens each one attends to on average; None: all.
        """
        attended = self.heads_width or self.width
        matrices = 4 * self.width * attended + 2 * self.width * self.inner
        scores = 2 * attended * (tokens if seen is None else seen)
        return 2.0 * self.layers * tokens * (matrices + scores)

    def attend(self, tokens: int, memory: int) -> float:
        """Return those of attention to a memory, its keys and values included."""
        attended = self.heads_width or self.width
        keys = 2 * memory * self.width * attended
        queries = tokens * (2 * self.width * attended + 2 * attended * memory)
        return 2.0 * self.layers * (keys + queries)


BERT_BASE = Stack(12, 768, 3072)
GPT2 = Stack(12, 768, 3072)
MINILM = Stack(6, 384, 1536)
T5_SMALL = Stack(6, 512, 2048)
T5_WORDS, BERT_WORDS, GPT2_WORDS = 32128, 30522, 50257


def t5_small(inputs: int, targets: int) -> float:
    """Return the operations of t5-small for one pair of lengths."""
    decoder = T5_SMALL.read(targets, targets / 2) + T5_SMALL.attend(targets, inputs)
    return T5_SMALL.read(inputs) + decoder + linear(targets, T5_SMALL.width, T5_WORDS)


def linear(tokens: float, inputs: int, outputs: int) -> float:
    """Return the operations of one matrix."""
    return 2.0 * tokens * inputs * outputs


def mean(values: Iterable[float]) -> float:
    """Return the mean."""
    found = list(values)
    return sum(found) / len(found)
