"""Winograd schemas as T5 does them: which noun does the marked pronoun stand for?

    wsc: The city councilmen refused the demonstrators a permit because *they* feared violence.
    The city councilmen

SuperGLUE's WSC names a candidate with every sentence and asks whether it is the one. The target is
the candidate, so only rows whose candidate is right can be trained on: the others have no target.
What a model writes judges the candidate: the label is true when the two match, whatever their
articles and capitals, also where one says more than the other (Raffel et al. 2020, section 2.4).
An encoder reads the marked sentence and the candidate, and chooses the label.

`wnli_simple` puts GLUE's WNLI into that form, to be predicted only: the candidate is what stands in
the hypothesis where the premise has its pronoun.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from headwater.data.example import PairExample, TextExample
from headwater.data.json_fields import json_field
from headwater.data.official_files import TaskFiles
from headwater.data.predictions import JsonLabels
from headwater.data.row import Row
from headwater.errors import UserError
from headwater.tasks.glue import WNLI
from headwater.tasks.pairs import PairTask, field
from headwater.tasks.superglue import FILES, HUB

_DETERMINERS = frozenset(
    (
        *("a", "an", "few", "her", "his", "each", "every", "many", "much", "my", "our", "some"),
        *("that", "the", "their", "these", "this", "those", "which", "whose", "your"),
    )
)
_PRONOUNS = frozenset(("he", "she", "they", "it", "her", "his", "their", "them", "him"))
_END = re.compile(r"[.,?!]$")


def wsc_rows(row: Row) -> Iterator[Row]:
    """Yield the row with the pronoun marked in `text`, and the `candidate`."""
    own = json_field(row.cells, "target", dict, row.where) if "target" in row.cells else {}
    spans = {**row.cells, **own}
    text, pronoun = row.text("text"), json_field(spans, "span2_text", str, row.where)
    index = json_field(spans, "span2_index", int, row.where)
    marked = mark_pronoun(text, pronoun, index)
    if marked is None:
        raise UserError(f"{row.where}: {pronoun!r} is not word {index} of the text")
    candidate = json_field(spans, "span1_text", str, row.where)
    first = json_field(spans, "span1_index", int, row.where)
    cells = {"text": marked, "candidate": as_in_text(candidate, text, first)}
    kept = {name: row.cells[name] for name in ("idx", "label") if name in row.cells}
    yield row._replace(cells=cells | kept)


def mark_pronoun(text: str, pronoun: str, index: int) -> str | None:
    """Put the pronoun, word `index` of the text, between asterisks; None if it is not there.

    Official rows go wrong in two ways, which are mended: the index is one too small, or a mark of
    punctuation sticks to the pronoun.

    >>> mark_pronoun("Ann saw Sue when she came.", "she", 4)
    'Ann saw Sue when *she* came.'
    """
    words = text.split(" ")
    for near in (index, index + 1):
        if words[near : near + 1] == [pronoun]:
            words[near] = f"*{pronoun}*"
            return " ".join(words)
    rest = words[index].removeprefix(pronoun) if index < len(words) else ""
    if not rest or rest == words[index] or rest[0].isalnum():
        return None
    words[index] = f"*{pronoun}* {rest}"
    return " ".join(words).rstrip()


def as_in_text(candidate: str, text: str, index: int) -> str:
    """Write a candidate as it stands in the text: its first letter, full stops, line breaks.

    (As the fixed version of WSC, `wsc.fixed`, on which T5 was trained.)
    """
    words = text.split()
    if candidate in text or index >= len(words) or not candidate:
        return candidate
    first = candidate[0].lower() if words[index][0].islower() else candidate[0].upper()
    mended = (first + candidate[1:]).rstrip(".").replace("\n", " ")
    return mended if mended in text else candidate


def matches(candidate: str, answer: str) -> bool:
    """Say whether an answer names the candidate, whatever their articles and capitals.

    >>> matches("The city councilmen", "the councilmen"), matches("Bob", "Bob's hat")
    (True, False)
    """
    expected, answered = _content(candidate), _content(answer)
    if ("'" in expected) != ("'" in answered):  # "Bob" is not "Bob's hat"
        return False
    words, others = set(expected.split(" ")), set(answered.split(" "))
    return words <= others or others <= words


def _content(text: str) -> str:
    words = text.strip().lower().split(" ")
    return " ".join(word for word in words if word not in _DETERMINERS)


def _marked_sentence(task: PairTask, example: PairExample) -> TextExample:
    sentence, candidate = (text for _, text in example.parts)
    right = example.label == task.labels[1]
    return TextExample(example.id, f"wsc: {sentence}", (candidate,) if right else ())


def _judge(task: PairTask, example: PairExample, text: str) -> str:
    if not _content(text):  # no noun was named: no label, which is wrong for either
        return ""
    return task.labels[matches(dict(example.parts)["candidate"], text)]


WSC = PairTask(
    name="wsc",
    summary="WSC: which noun does the marked pronoun stand for?",
    labels=("False", "True"),
    fields=(field("text"), field("candidate")),
    metric_names=("accuracy",),
    files=TaskFiles("WSC", FILES, (HUB, "wsc.fixed")),
    prediction_file=JsonLabels("WSC.jsonl"),
    unfold=wsc_rows,
    as_text=_marked_sentence,
    as_prediction=_judge,
)


def wnli_rows(row: Row) -> Iterator[Row]:
    """Yield the row with the premise's pronoun marked in `text`, and the `candidate`."""
    premise, hypothesis = row.text("sentence1"), row.text("sentence2")
    found = resolve(premise, hypothesis)
    if found is None:
        raise UserError(f"{row.where}: sentence1 has no pronoun to resolve")
    kept = {name: value for name, value in row.cells.items() if not name.startswith("sentence")}
    yield row._replace(cells={"text": found[0], "candidate": found[1]} | kept)


def resolve(premise: str, hypothesis: str) -> tuple[str, str] | None:
    """Find the pronoun of the premise that the hypothesis replaces, and by what, "" if unclear.

    None where the premise has no pronoun.

    >>> resolve("The fish ate the worm. It was tasty.", "The worm was tasty.")
    ('The fish ate the worm. *It* was tasty.', 'The worm')
    """
    words, others = _plain(premise), _plain(hypothesis)
    best, chosen = -1, None
    for index in (index for index, word in enumerate(words) if word in _PRONOUNS):
        before, after = words[:index], words[index + 1 :]
        left = _shared(others[::-1], before[::-1])
        right = _shared(others, after)
        if left + right > best:
            best = left + right
            chosen = index, before[len(before) - left :], after[:right]
    if chosen is None:
        return None
    index, left_words, right_words = chosen
    candidate = _between(others, left_words, right_words) if best else ""
    return _highlight(premise, index), _in_hypothesis(candidate, hypothesis)


def _plain(text: str) -> list[str]:
    words = (_END.sub("", word) for word in text.strip().lower().split(" "))
    return [word for word in words if word]


def _shared(others: list[str], words: list[str]) -> int:
    """How many of the first words stand in the other text, in a row."""
    joined = " ".join(others)
    sizes = (size for size in range(len(words)) if " ".join(words[: size + 1]) not in joined)
    return next(sizes, len(words))


def _between(others: list[str], left: list[str], right: list[str]) -> str:
    """What the hypothesis has between the words around the pronoun, at its start or at its end."""
    before, after = ([re.escape(word) for word in words] for words in (left, right))
    joined = " ".join(others)
    for pattern in ([*before, "(.+)", *after], ["^(.+)", *after], [*before, "(.+)$"]):
        found = re.search(" ".join(pattern), joined)
        if found:
            return found.group(1)
    return ""


def _in_hypothesis(candidate: str, hypothesis: str) -> str:
    """The candidate from its last article on, as the hypothesis spells it, without `'s`."""
    words = candidate.split(" ")
    start = max((words.index(each) for each in ("a", "an", "the") if each in words), default=0)
    pattern = " ".join(re.escape(word) + r"[.,?!]?" for word in words[start:])
    found = re.search(pattern, hypothesis, re.IGNORECASE)
    noun = _END.sub("", found.group(0) if found else "")
    return noun[:-1] if noun.endswith("'") else noun.removesuffix("'s")


def _highlight(sentence: str, index: int) -> str:
    words = sentence.split(" ")
    word = words[index]
    end = word[-1] if _END.search(word) else ""
    words[index] = f"*{word.removesuffix(end)}* {end}" if end else f"*{word}*"
    return " ".join(words)


WNLI_SIMPLE = replace(
    WSC,
    name="wnli_simple",
    summary="WNLI as T5 measures it: by the noun that a pronoun stands for (only to predict)",
    labels=WNLI.labels,
    files=WNLI.files,
    prediction_file=WNLI.prediction_file,
    unfold=wnli_rows,
)
