"""Putting a text that a user wrote by hand into the order of the task's own template.

    mnli premise: He is in Rome. hypothesis: He is in Italy.      what papers and model cards show
    mnli hypothesis: He is in Italy. premise: He is in Rome.      what T5's preprocessors made

A text-to-text model was trained on one order and answers worse on another.
"""

import re
from functools import cache


@cache
def _templates() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The first word and the fields of each template; read when the first text is."""
    from headwater.tasks.glue import GLUE
    from headwater.tasks.superglue import CHOICES

    found = ((task.template, tuple(each.name for each in task.fields)) for task in GLUE + CHOICES)
    several = ((template, names) for template, names in found if len(names) > 1)
    return (*dict.fromkeys(several), ("record", ("query", "entities", "passage")))


def reorder(text: str) -> str:
    """Return the text with its named fields in the template's order.

    What fits no template (another first word, a field missing or unknown) and what is in order
    already stays as it is, to the letter.

    >>> reorder("mnli premise: It rains. hypothesis: It is dry.")
    'mnli hypothesis: It is dry. premise: It rains.'
    """
    for template, names in _templates():
        parts = _parts(text, template, names)
        if parts is not None and tuple(parts) != names:
            return " ".join([template, *(f"{name}: {parts[name]}" for name in names)])
    return text


def _parts(text: str, template: str, names: tuple[str, ...]) -> dict[str, str] | None:
    """Cut a text into its fields, in the order in which each is first named; None: it is not so."""
    head = re.match(rf"\s*{template}\s+(?=(?:{'|'.join(names)}):)", text)
    if head is None:
        return None
    starts: dict[str, re.Match[str]] = {}
    for start in re.finditer(rf"(?<=\s)({'|'.join(names)}):(?:\s|$)", text):
        starts.setdefault(start.group(1), start)
    if len(starts) < len(names):
        return None
    ends = [*(start.start() for start in list(starts.values())[1:]), len(text)]
    return {
        name: text[start.end() : end].strip()
        for (name, start), end in zip(starts.items(), ends, strict=True)
    }
