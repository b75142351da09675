"""`headwater inspect inputs`: what a model adds up at each position (BERT paper, figure 2)."""

from itertools import zip_longest
from typing import Any

from headwater.checkpoints.folder import spell
from headwater.errors import counted
from headwater.inspection.reading import Reading, described, read
from headwater.inspection.spelling import Speller
from headwater.models.config import ModelConfig
from headwater.models.families import family_of, sizes_of
from headwater.nn.characters import PAD, character
from headwater.pictures.page import Columns, Element, Heading, Highlight, Page, Shown, TextSpan

SEGMENTS = "AB"


def inputs(model: str, text: str, second: str | None = None) -> Shown:
    """Return the inputs that a model makes of a text or a pair; its weights are not read."""
    found, vocabulary = described(model)
    config, has_head = found.config, found.architecture and found.saved_head() is not None
    reading = read(vocabulary, config, text, second, has_head=bool(has_head))
    speller = Speller(vocabulary)
    elements: list[Element] = []
    content: dict[str, Any] = {"model": model, "family": config.model_type}
    content["tokens"] = _described(speller, reading)
    spelled = None
    if family_of(config).reads_characters:
        spelled = [word[word != PAD].tolist() for word in spell(vocabulary, reading.ids)]
        for each, characters in zip(content["tokens"], spelled, strict=True):
            each["character_ids"] = characters
    if reading.cut:
        elements.append(Heading("read up to the blank: a GPT sees nothing after it"))
    elements.append(_columns(speller, reading, spelled))
    start_id = sizes_of(config).decoder_start_id
    if reading.targets is not None and start_id is not None:
        before = (start_id, *reading.targets[:-1])
        content["decoder"] = [
            {"token": speller.token(a), "id": a, "target": speller.token(b), "target_id": b}
            for a, b in zip(before, reading.targets, strict=True)
        ]
        elements += [Heading("the decoder"), _shifted(speller, before, reading.targets)]
    title = f"{model}: {counted(len(reading.ids), 'token')}{_added(config, reading)}"
    return Shown(content, Page(title, tuple(elements)))


def _added(config: ModelConfig, reading: Reading) -> str:
    if family_of(config).added_up:
        return f"; {family_of(config).added_up}"
    added = ["token", "segment", "position"] if reading.segments else ["token", "position"]
    return f"; the vectors of {' + '.join(added)} are added"


def _described(speller: Speller, reading: Reading) -> list[dict[str, Any]]:
    tokens = zip_longest(reading.ids, reading.segments or (), reading.positions or ())
    found = []
    for id, segment, position in tokens:
        each = {"token": speller.token(id), "id": id, "segment": segment, "position": position}
        found.append({name: value for name, value in each.items() if value is not None})
    return found


def _columns(speller: Speller, reading: Reading, spelled: list[list[int]] | None) -> Columns:
    labels: dict[str, list[str]] = {
        "input": [speller.token(id) for id in reading.ids],
        "id": [str(id) for id in reading.ids],
    }
    if spelled is not None:
        labels["characters"] = [" ".join(map(character, ids[1:-1])) for ids in spelled]
    if reading.segments is not None:
        labels["segment"] = [SEGMENTS[segment] for segment in reading.segments]
    if reading.positions is not None:
        labels["position"] = [str(position) for position in reading.positions]
    segments = reading.segments or (0,) * len(reading.ids)
    highlights = [
        _highlight(speller, id, segment) for id, segment in zip(reading.ids, segments, strict=True)
    ]
    columns = [
        tuple(TextSpan(text, highlight) for text in texts)
        for highlight, texts in zip(highlights, zip(*labels.values(), strict=True), strict=True)
    ]
    return Columns(tuple(labels), tuple(columns))


def _highlight(speller: Speller, id: int, segment: int) -> Highlight:
    if id == speller.vocabulary.mask_id:
        return "masked"
    highlight = speller.highlight(id)
    return "second" if highlight == "plain" and segment else highlight


def _shifted(speller: Speller, before: tuple[int, ...], after: tuple[int, ...]) -> Columns:
    columns = [
        tuple(TextSpan(speller.token(id), speller.highlight(id)) for id in pair)
        for pair in zip(before, after, strict=True)
    ]
    return Columns(("reads", "writes"), tuple(columns))
