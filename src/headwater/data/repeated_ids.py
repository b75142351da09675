"""Ids that several questions of a set share, as the official scripts of SQuAD count them.

That of v1.1 scores every such question by the one prediction of its id. That of v2.0 knows the last
one alone.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from headwater.data.example import Example, SpanExample
from headwater.data.split import E

_NUMBERED = re.compile(r"(.*) \[\d+\]", re.DOTALL)


def numbered(examples: Iterable[E]) -> list[E]:
    """Return the examples with ids that differ: `q1`, `q1 [2]`, and so on."""
    found: Counter[str] = Counter()
    examples = list(examples)
    for index, example in enumerate(examples):
        found[example.id] += 1
        if found[example.id] > 1:
            examples[index] = replace(example, id=f"{example.id} [{found[example.id]}]")
    return examples


def last(examples: Iterable[SpanExample]) -> list[SpanExample]:
    """Return the last example of each id."""
    return list({example.id: example for example in examples}.values())


def spread(predictions: Mapping[str, str], examples: Iterable[Example]) -> dict[str, str]:
    """Return predictions, by the ids of a file, with those of the ids that `numbered` gave."""
    found = dict(predictions)
    for example in examples:
        match = _NUMBERED.fullmatch(example.id)
        if match and example.id not in found and match[1] in found:
            found[example.id] = found[match[1]]
    return found
