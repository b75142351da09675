"""A row of features as text: what was there, what is read, what is asked for.

    original   my {dog} is {hairy}          masked language modeling: both were chosen
    inputs     my =dog= is [MASK]           one is left as it is, one is hidden
    targets    dog … hairy

Packed rows are shown text by text.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from headwater.data.convert import IGNORED, Features
from headwater.data.token_arrays import Ints
from headwater.inspection.spelling import Speller
from headwater.objectives.nsp import IS_NEXT
from headwater.pictures.page import Line, Mark, Run

Kind = Literal[
    "mlm", "lm", "bilm", "cbow", "text", "span_corruption", "whole_text", "span", "label"
]
"""What a row asks for. `text`: any inputs and targets of an encoder-decoder; `span_corruption`:
those where sentinels stand for what is left out; `whole_text`: those whose targets are all of it.
`lm`: of a decoder, with a prefix or without; `span`: the place of an answer; `label`: the number
of a class, or a number, of the text or of the first token of each word."""

_GAP = Run(" … ", "special")


def lines(kind: Kind, row: Features, speller: Speller) -> list[list[Line]]:
    """Return the lines of each text of a row; one text, unless the row is packed."""
    shown = {
        "mlm": _mlm,
        "lm": _lm,
        "bilm": _bilm,
        "cbow": _cbow,
        "text": _text,
        "span_corruption": _spans,
        "whole_text": _whole_text,
        "span": _answer,
        "label": _labelled,
    }[kind]
    return [shown(text, speller) for text in texts(row)]


def texts(row: Features) -> Iterator[Features]:
    """Yield each text of a packed row as features of its own; of any other row the row itself."""
    if "blocks" not in row:
        yield row
        return
    blocks = row["blocks"]
    of_labels = row.get("label_blocks", blocks)
    for block in range(1, int(blocks.max()) + 1):
        text = {}
        for name, values in row.items():
            if name not in ("blocks", "label_blocks"):
                text[name] = values[(of_labels if name == "labels" else blocks) == block]
        yield text


def _mlm(row: Features, speller: Speller) -> list[Line]:
    ids, labels = row["input_ids"], row["labels"]
    asked = labels != IGNORED
    original = np.where(asked, labels, ids)
    mask_id = speller.vocabulary.mask_id
    inputs: list[Mark] = []
    for id, label in zip(ids.tolist(), labels.tolist(), strict=True):
        if label == IGNORED:
            inputs.append(speller.mark(id))
        else:
            inputs.append("masked" if id == mask_id else "kept" if id == label else "random")
    before: list[Mark] = [
        "noise" if chosen else speller.mark(id)
        for chosen, id in zip(asked.tolist(), ids.tolist(), strict=True)
    ]
    found = [
        Line("original", speller.runs(original.tolist(), before)),
        Line("inputs", speller.runs(ids.tolist(), inputs)),
        Line("targets", _asked(labels, speller)),
    ]
    if "next_sentence_label" in row:
        follows = int(row["next_sentence_label"]) == IS_NEXT
        said = "B follows A" if follows else "B is from another document"
        found.append(Line("pair", (Run(said),)))
    return found


def _asked(labels: Ints, speller: Speller) -> tuple[Run, ...]:
    """Return what is asked for, with a gap where nothing is."""
    runs: list[Run] = []
    places = np.flatnonzero(labels != IGNORED)
    for stretch in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
        if len(stretch):
            text = speller.text(labels[stretch].tolist()).strip(" ")
            runs += [_GAP] * bool(runs) + [Run(text)]
    return tuple(runs)


def _lm(row: Features, speller: Speller) -> list[Line]:
    ids, labels = row["input_ids"].tolist(), row["labels"]
    # Packed, the number of the text stands at each of its places.
    prefix = int(np.atleast_1d(row.get("prefix_length", np.array(0)))[0])
    marks: list[Mark] = [
        "prefix" if place < prefix else speller.mark(id) for place, id in enumerate(ids)
    ]
    asked = labels.copy()
    asked[:1] = IGNORED  # nothing stands before it to predict it from
    return [Line("inputs", speller.runs(ids, marks)), Line("targets", _asked(asked, speller))]


def _bilm(row: Features, speller: Speller) -> list[Line]:
    ids = row["input_ids"].tolist()
    return [
        Line("inputs", speller.runs(ids)),
        Line("next", speller.runs(ids[1:])),
        Line("previous", speller.runs(ids[:-1])),
    ]


def _cbow(row: Features, speller: Speller) -> list[Line]:
    """The first window and the last of a stretch: the middle word, and what it is told from."""
    ids, labels = row["input_ids"].tolist(), row["labels"].tolist()
    window = (len(ids) - len(labels)) // 2
    found = [Line("text", speller.runs(ids))]
    for place in dict.fromkeys((0, len(labels) - 1)):
        around = ids[place : place + 2 * window + 1]
        marks: list[Mark] = [speller.mark(id) for id in around]
        marks[window] = "noise"
        found.append(Line("window", speller.runs(around, marks)))
    return found


def _text(row: Features, speller: Speller) -> list[Line]:
    return [
        Line("inputs", speller.runs(row["input_ids"].tolist())),
        Line("targets", speller.runs(row["labels"].tolist())),
    ]


def _spans(row: Features, speller: Speller) -> list[Line]:
    """Put what the targets hold back where the inputs have its sentinel."""
    spans = _by_sentinel(row["labels"].tolist(), speller)
    ids: list[int] = []
    marks: list[Mark] = []
    for id in row["input_ids"].tolist():
        span = spans.get(id)
        if span is None:
            ids.append(id)
            marks.append(speller.mark(id))
        else:
            ids += span
            marks += ["noise"] * len(span)
    return [Line("original", speller.runs(ids, marks)), *_text(row, speller)]


def _by_sentinel(targets: Sequence[int], speller: Speller) -> dict[int, list[int]]:
    spans: dict[int, list[int]] = {}
    current: list[int] = []
    for id in targets:
        if id in speller.sentinels:
            current = spans.setdefault(id, [])
        elif id != speller.vocabulary.eos_id:
            current.append(id)
    return spans


def _whole_text(row: Features, speller: Speller) -> list[Line]:
    inputs, targets = row["input_ids"].tolist(), row["labels"].tolist()
    marks: list[Mark] = [
        "random" if id != right and id not in speller.sentinels else speller.mark(id)
        for id, right in zip(inputs, targets, strict=True)
    ]
    return [Line("inputs", speller.runs(inputs, marks)), Line("targets", speller.runs(targets))]


def _answer(row: Features, speller: Speller) -> list[Line]:
    ids = row["input_ids"].tolist()
    marks: list[Mark] = [speller.mark(id) for id in ids]
    start, end = (int(row[name]) for name in ("start_positions", "end_positions"))
    said = Run("none in this window: place 0", "special")
    if start:
        marks[start : end + 1] = ["answer"] * (end + 1 - start)
        said = Run(speller.text(ids[start : end + 1]).strip(" "))
    return [
        Line("inputs", speller.runs(ids, marks)),
        Line("answer", (said, Run(f"  places {start} to {end}", "special"))),
    ]


def _labelled(row: Features, speller: Speller) -> list[Line]:
    ids, label = row["input_ids"].tolist(), row["labels"]
    marks: list[Mark] = [speller.mark(id) for id in ids]
    if not np.ndim(label):  # of the whole text
        said = Run(f"{label.item():g}")
        return [Line("inputs", speller.runs(ids, marks)), Line("label", (said,))]
    asked = [(id, each) for id, each in zip(ids, label.tolist(), strict=True) if each != IGNORED]
    tokens = "  ".join(f"{speller.text([id]).strip()} {each}" for id, each in asked)
    return [Line("inputs", speller.runs(ids, marks)), Line("labels", (Run(tokens),))]
