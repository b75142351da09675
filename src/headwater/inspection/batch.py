"""`headwater inspect batch`: the first sequences that a recipe trains on, as text.

    original   my {dog} is {hairy}          masked language modeling: both were chosen
    inputs     my =dog= is [MASK]           one is left as it is, one is hidden
    targets    dog … hairy

The sequences are those of the first micro-batch of an epoch, exactly as the network gets them, with
the noise of that epoch. Packed sequences are shown text by text. No weights are read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from headwater.config import read_toml
from headwater.data.convert import IGNORED, Features, PairSet
from headwater.data.token_arrays import Ints
from headwater.errors import UserError, counted
from headwater.inspection.spelling import Speller
from headwater.models.families import FAMILIES
from headwater.objectives.names import OBJECTIVES, FeatureKind
from headwater.objectives.nsp import IS_NEXT
from headwater.pictures.page import Element, Heading, Highlight, Line, Page, Shown, TextSpan
from headwater.runs.objective_component import families_of
from headwater.runs.recipe import (
    AnyRecipe,
    PretrainRecipe,
    Recipe,
    load_any_recipe,
    verb_of,
)
from headwater.runs.run import Run, begin
from headwater.training.plan import Plan

Kind = Literal[FeatureKind, "span", "embedding", "label"]
"""What is learned from a feature: that of an objective; `span`: the positions of an answer;
`embedding`: the vectors of a question, of its passage and of the hard negatives, in this order;
`label`: a class or a number, of the text or of the first token of each word."""

_GAP = TextSpan(" … ", "special")


def recipe_of(path: Path | None, options: Mapping[str, Any], settings: Sequence[str]) -> AnyRecipe:
    """Build the recipe of a file, of options, or of both; its keys determine its class."""
    if path is None and not options:
        raise UserError("give a RECIPE.toml, or --objective and --corpus")
    if verb_of(path, options) == "pretrain":
        values = {**(read_toml(path) if path else {}), **options}
        named = {"model", "network"} & set(values) or any(s.startswith("network") for s in settings)
        families = families_of(str(values.get("objective")))
        if families and not named:  # the features depend on the family alone
            preset = FAMILIES[families[0]].quick_study.preset
            options = {**options, "network": {"preset": preset}}
    return load_any_recipe(path, options, settings)


def batch(recipe: AnyRecipe, count: int, epoch: int) -> Shown:
    """Return the first `count` sequences of an epoch's first micro-batch."""
    run, kind_of = _begin(recipe)
    what = ", ".join(each.name for each in run.components)
    plan = Plan(run.features(), recipe.training)
    indices, epoch_features = plan.epoch(epoch)[0][0], plan.features(epoch)
    features = epoch_features.features(indices, epoch)
    speller = Speller(run.setup.vocabulary)
    size = _size(features, isinstance(epoch_features, PairSet))
    described: list[dict[str, Any]] = []
    elements: list[Element] = []
    for index, feature in list(zip(indices.tolist(), features, strict=True))[:count]:
        texts = lines(kind_of(feature), feature, speller)
        described.append(_described(index, feature, texts))
        for number, text in enumerate(texts, start=1):
            which = f", text {number} of {len(texts)}" if len(texts) > 1 else ""
            elements += [Heading(f"sequence {index}{which}"), *text]
    title = (
        f"{what}, epoch {epoch}: the first batch has "
        f"{counted(size['batch_sequences'], 'sequence')}, {size['padded_tokens']:,} tokens, "
        f"{size['padding']:.1%} of them padding"
    )
    content = {"what": what, "epoch": epoch, **size, "sequences": described}
    return Shown(content, Page(title, tuple(elements)))


def _begin(
    recipe: AnyRecipe,
) -> tuple[Run[PretrainRecipe] | Run[Recipe], Callable[[Features], Kind]]:
    """Return the run, and a function that determines the kind of a feature."""
    with torch.device("meta"):  # nothing is computed: a network of any size takes no time
        if isinstance(recipe, PretrainRecipe):
            pretraining = begin(recipe)
            shown = OBJECTIVES[recipe.objective].shown(recipe, pretraining.setup.writes_text)
            return pretraining, lambda feature: shown
        run = begin(recipe)
    if run.setup.writes_text:
        return run, lambda feature: "text"
    kinds = [each.kind for each in run.components]
    return run, lambda feature: _encoder_kind(kinds, feature)


def _encoder_kind(kinds: Sequence[str], feature: Features) -> Kind:
    """Return the kind of an encoder's feature: a span, a label, or masked tokens of a mixture."""
    if kinds[int(feature.get("task", np.array(0)))] == "mlm":
        return "mlm"
    if kinds == ["embedding"]:
        return "embedding"
    return "span" if "start_positions" in feature else "label"


def _size(features: Sequence[Features], pairs: bool) -> dict[str, Any]:
    """Return the size of a batch in tokens; those of pairs include the targets."""
    sides = [
        [len(each[name]) for each in features] for name in ("input_ids", "labels")[: 1 + pairs]
    ]
    padded = sum(len(side) * max(side) for side in sides)
    return {
        "batch_sequences": len(features),
        "padded_tokens": padded,
        "padding": 1 - sum(map(sum, sides)) / padded,
    }


def _described(index: int, feature: Features, texts: Sequence[Sequence[Line]]) -> dict[str, Any]:
    """Return a sequence for JSON: its lines as plain text and its features as they are."""
    plain = [
        {line.label: "".join(span.text for span in line.spans) for line in text} for text in texts
    ]
    arrays = {name: np.asarray(values).tolist() for name, values in feature.items()}
    return {"sequence": index, "texts": plain, "features": arrays}


def lines(kind: Kind, feature: Features, speller: Speller) -> list[list[Line]]:
    """Return the lines of each text of a feature; one text, unless it is packed."""
    shown = {
        "mlm": _mlm,
        "lm": _lm,
        "bilm": _bilm,
        "cbow": _cbow,
        "text": _text,
        "span_corruption": _spans,
        "whole_text": _whole_text,
        "span": _answer,
        "embedding": _read,
        "label": _labelled,
    }[kind]
    return [shown(text, speller) for text in texts(feature)]


def texts(feature: Features) -> Iterator[Features]:
    """Yield each text of a packed feature as one of its own; any other as it is."""
    if "blocks" not in feature:
        yield feature
        return
    blocks = feature["blocks"]
    of_labels = feature.get("label_blocks", blocks)
    for block in range(1, int(blocks.max()) + 1):
        text = {}
        for name, values in feature.items():
            if name not in ("blocks", "label_blocks", "passages"):
                text[name] = values[(of_labels if name == "labels" else blocks) == block]
        yield text


def _mlm(feature: Features, speller: Speller) -> list[Line]:
    ids, labels = feature["input_ids"], feature["labels"]
    predicted = labels != IGNORED
    original = np.where(predicted, labels, ids)
    mask_id = speller.vocabulary.mask_id
    inputs: list[Highlight] = []
    for id, label in zip(ids.tolist(), labels.tolist(), strict=True):
        if label == IGNORED:
            inputs.append(speller.highlight(id))
        else:
            inputs.append("masked" if id == mask_id else "kept" if id == label else "random")
    before: list[Highlight] = [
        "noise" if chosen else speller.highlight(id)
        for chosen, id in zip(predicted.tolist(), ids.tolist(), strict=True)
    ]
    found = [
        Line("original", speller.spans(original.tolist(), before)),
        Line("inputs", speller.spans(ids.tolist(), inputs)),
        Line("targets", _targets(labels, speller)),
    ]
    if "next_sentence_label" in feature:
        follows = int(feature["next_sentence_label"]) == IS_NEXT
        text = "B follows A" if follows else "B is from another document"
        found.append(Line("pair", (TextSpan(text),)))
    return found


def _targets(labels: Ints, speller: Speller) -> tuple[TextSpan, ...]:
    """Return the predicted tokens, with gaps for the others."""
    spans: list[TextSpan] = []
    positions = np.flatnonzero(labels != IGNORED)
    for span in np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1):
        if len(span):
            text = speller.text(labels[span].tolist()).strip(" ")
            spans += [_GAP] * bool(spans) + [TextSpan(text)]
    return tuple(spans)


def _lm(feature: Features, speller: Speller) -> list[Line]:
    ids, labels = feature["input_ids"].tolist(), feature["labels"]
    # Packed, the number of the text is repeated at each of its positions.
    prefix = int(np.atleast_1d(feature.get("prefix_length", np.array(0)))[0])
    highlights: list[Highlight] = [
        "prefix" if position < prefix else speller.highlight(id) for position, id in enumerate(ids)
    ]
    predicted = labels.copy()
    predicted[:1] = IGNORED  # there is nothing before it to predict it from
    return [
        Line("inputs", speller.spans(ids, highlights)),
        Line("targets", _targets(predicted, speller)),
    ]


def _bilm(feature: Features, speller: Speller) -> list[Line]:
    ids = feature["input_ids"].tolist()
    return [
        Line("inputs", speller.spans(ids)),
        Line("next", speller.spans(ids[1:])),
        Line("previous", speller.spans(ids[:-1])),
    ]


def _cbow(feature: Features, speller: Speller) -> list[Line]:
    """Show the first window and the last: the middle word, and what it is predicted from."""
    ids, labels = feature["input_ids"].tolist(), feature["labels"].tolist()
    window = (len(ids) - len(labels)) // 2
    found = [Line("text", speller.spans(ids))]
    for start in dict.fromkeys((0, len(labels) - 1)):
        words = ids[start : start + 2 * window + 1]
        highlights: list[Highlight] = [speller.highlight(id) for id in words]
        highlights[window] = "noise"
        found.append(Line("window", speller.spans(words, highlights)))
    return found


def _text(feature: Features, speller: Speller) -> list[Line]:
    return [
        Line("inputs", speller.spans(feature["input_ids"].tolist())),
        Line("targets", speller.spans(feature["labels"].tolist())),
    ]


def _spans(feature: Features, speller: Speller) -> list[Line]:
    """Put the spans of the targets back where the inputs have their sentinels."""
    spans = _by_sentinel(feature["labels"].tolist(), speller)
    ids: list[int] = []
    highlights: list[Highlight] = []
    for id in feature["input_ids"].tolist():
        span = spans.get(id)
        if span is None:
            ids.append(id)
            highlights.append(speller.highlight(id))
        else:
            ids += span
            highlights += ["noise"] * len(span)
    return [Line("original", speller.spans(ids, highlights)), *_text(feature, speller)]


def _by_sentinel(targets: Sequence[int], speller: Speller) -> dict[int, list[int]]:
    spans: dict[int, list[int]] = {}
    current: list[int] = []
    for id in targets[:-1]:  # the last one ends the targets; an earlier end is that of a document
        if id in speller.sentinels:
            current = spans.setdefault(id, [])
        else:
            current.append(id)
    return spans


def _whole_text(feature: Features, speller: Speller) -> list[Line]:
    inputs, targets = feature["input_ids"].tolist(), feature["labels"].tolist()
    highlights: list[Highlight] = [
        "random" if id != right and id not in speller.sentinels else speller.highlight(id)
        for id, right in zip(inputs, targets, strict=True)
    ]
    return [
        Line("inputs", speller.spans(inputs, highlights)),
        Line("targets", speller.spans(targets)),
    ]


def _answer(feature: Features, speller: Speller) -> list[Line]:
    ids = feature["input_ids"].tolist()
    highlights: list[Highlight] = [speller.highlight(id) for id in ids]
    start, end = (int(feature[name]) for name in ("start_positions", "end_positions"))
    answer = TextSpan("none in this window: position 0", "special")
    if start:
        highlights[start : end + 1] = ["answer"] * (end + 1 - start)
        answer = TextSpan(speller.text(ids[start : end + 1]).strip(" "))
    return [
        Line("inputs", speller.spans(ids, highlights)),
        Line("answer", (answer, TextSpan(f"  positions {start} to {end}", "special"))),
    ]


def _read(feature: Features, speller: Speller) -> list[Line]:
    return [Line("inputs", speller.spans(feature["input_ids"].tolist()))]


def _labelled(feature: Features, speller: Speller) -> list[Line]:
    ids, label = feature["input_ids"].tolist(), feature["labels"]
    highlights: list[Highlight] = [speller.highlight(id) for id in ids]
    if not np.ndim(label):  # of the whole text
        number = TextSpan(f"{label.item():g}")
        return [Line("inputs", speller.spans(ids, highlights)), Line("label", (number,))]
    if np.issubdtype(label.dtype, np.floating):  # any number of classes
        which = TextSpan(" ".join(str(index) for index in np.flatnonzero(label)) or "none")
        return [Line("inputs", speller.spans(ids, highlights)), Line("labels", (which,))]
    labelled = [(id, x) for id, x in zip(ids, label.tolist(), strict=True) if x != IGNORED]
    tokens = "  ".join(f"{speller.text([id]).strip()} {x}" for id, x in labelled)
    return [Line("inputs", speller.spans(ids, highlights)), Line("labels", (TextSpan(tokens),))]
