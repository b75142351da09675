"""`headwater tasks show`: a task's first examples as a model sees them, both ways.

    text        rte sentence1: It rains. sentence2: It is wet.     what T5 reads,
    target      entailment                                         and what it is to write
    tokens      [CLS] it rains . [SEP] it is wet . [SEP]           what an encoder reads,
    label       0 entailment                                       and what its head is to choose

The tokens are those of a model's vocabulary; no weights are read.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from headwater.checkpoints.hub import resolve
from headwater.checkpoints.vocabularies import vocabulary_of
from headwater.data.config import SequenceConfig, SpanConfig
from headwater.data.convert import IGNORED, Features
from headwater.data.example import Examples, PairExample, RetrievalExample, SpanExample
from headwater.data.official_files import with_folders
from headwater.data.task import Task
from headwater.errors import MissingField, UserError
from headwater.inspection.spelling import Speller
from headwater.paths import as_text
from headwater.tasks.pair_features import encode_pairs
from headwater.tasks.tag_features import encode_tags
from headwater.tasks.windows import build_windows
from headwater.text.vocabulary import Vocabulary

COUNT = 3


def task_examples(task: Task[Any], paths: Sequence[Path], model: str) -> dict[str, Any]:
    """Return the properties of a task and its first three examples, for JSON.

    Args:
        paths: the task's files; none: its official ones below the current folder.
        model: whose vocabulary cuts the texts into tokens.
    """
    files = with_folders(task.name, task.files, paths) if paths else _official_files(task)
    read, unknown = _read(task, files)
    examples = list(islice(read, COUNT))
    labels = task.head_labels(read)
    vocabulary = vocabulary_of(resolve(model))
    encoder = vocabulary.cls_id is not None and vocabulary.sep_id is not None
    features = _features(task, examples, labels, not unknown, vocabulary) if encoder else None
    return {
        "task": task.name,
        "kind": task.kind,
        "labels": list(labels),
        "metrics": list(task.metric_names),
        "files": [as_text(file) for file in files],
        "vocabulary": model,
        "unknown": unknown,
        "examples": [
            _described(task, example, vocabulary, features[index] if features else None)
            for index, example in enumerate(examples)
        ],
    }


def lines(content: dict[str, Any]) -> Iterator[str]:
    """Yield the content of `task_examples` as lines for a person."""
    for name in ("task", "kind", "labels", "metrics", "files", "vocabulary"):
        value = content[name]
        if value != []:  # a task of questions has no labels
            yield f"{name:<11} {', '.join(value) if isinstance(value, list) else value}".rstrip()
    for example in content["examples"]:
        yield f"\nexample {example['id']}"
        yield f"  text      {example['inputs']}"
        unknown = content["unknown"] or "of this example"
        for target in example["targets"] or [f"(unknown: {unknown})"]:
            yield f"  target    {target}"
        for feature in example["features"]:
            for name, value in feature.items():
                yield f"  {name:<9} {value}"


def _official_files(task: Task[Any]) -> Sequence[Path]:
    files = task.files.find(Path(), "validation") if task.files else ()
    if not files:
        raise UserError(f"task {task.name}: no official files in this folder; name one by --data")
    return files


def _read(task: Task[Any], files: Sequence[Path]) -> tuple[Examples[Any], str | None]:
    """Read with the answers; if there are none, read without them and return the reason."""
    try:
        return task.read(files), None
    except MissingField as error:
        return task.read(files, answered=False), str(error)


def _described(
    task: Task[Any], example: Any, vocabulary: Vocabulary, features: list[dict[str, str]] | None
) -> dict[str, Any]:
    text = task.to_text(example)
    if features is None:  # a text-to-text model's vocabulary
        speller = Speller(vocabulary)
        sides = {"tokens": text.inputs, "targets": text.targets[0] if text.targets else ""}
        ids = {name: vocabulary.encode(side).ids.tolist() for name, side in sides.items()}
        features = [{name: _tokens(speller, each) for name, each in ids.items()}]
    targets = list(text.targets)
    return {"id": text.id, "inputs": text.inputs, "targets": targets, "features": features}


def _features(
    task: Task[Any],
    examples: Sequence[Any],
    labels: Sequence[str],
    labelled: bool,
    vocabulary: Vocabulary,
) -> list[list[dict[str, str]]]:
    """Return the features that an encoder with a head reads, by example."""
    speller = Speller(vocabulary)
    if task.kind in ("sequence", "multi_label", "regression"):
        several = task.kind == "multi_label"
        pairs = encode_pairs(
            vocabulary, examples, SequenceConfig(), labels, labelled=labelled, several=several
        )
        return [[_classified(speller, pairs[index], labels)] for index in range(len(pairs))]
    if task.kind == "token":
        tags = encode_tags(vocabulary, examples, SequenceConfig(), labels, labelled=labelled)
        found: list[list[dict[str, str]]] = [[] for _ in examples]
        for index, example in enumerate(tags.example_of.tolist()):
            found[example].append(_tagged(speller, tags[index], labels))
        return found
    if task.kind == "span":
        spans: list[SpanExample] = list(examples)
        windows = build_windows(vocabulary, spans, SpanConfig(), labelled=labelled)
        return [
            [_answered(speller, windows[index]) for index in windows.windows_of(example)]
            for example in range(len(spans))
        ]
    if task.kind == "embedding":
        return [[{"tokens": _encoded(speller, text)} for text in _texts(each)] for each in examples]
    return [[{"tokens": "(none: an encoder with a head does not write)"}] for _ in examples]


def _texts(example: RetrievalExample) -> Sequence[str]:
    return (example.question, example.passage, *example.negatives)


def _encoded(speller: Speller, text: str) -> str:
    [features] = encode_pairs(
        speller.vocabulary, [PairExample("", text)], SequenceConfig(), (), labelled=False
    ).features(np.array([0]), 0)
    return _tokens(speller, features["input_ids"].tolist())


def _tokens(speller: Speller, ids: Sequence[int]) -> str:
    return " ".join(map(speller.token, ids))


def _classified(speller: Speller, feature: Features, labels: Sequence[str]) -> dict[str, str]:
    found = {"tokens": _tokens(speller, feature["input_ids"].tolist())}
    if "labels" in feature:
        value = feature["labels"]
        if np.ndim(value):
            chosen = (label for label, one in zip(labels, value, strict=True) if one)
            found["labels"] = " ".join(chosen) or "none"
        else:
            number = value.item()
            found["label"] = f"{number} {labels[number]}" if labels else f"{number:g}"
    return found


def _tagged(speller: Speller, feature: Features, labels: Sequence[str]) -> dict[str, str]:
    ids = feature["input_ids"].tolist()
    found = {"tokens": _tokens(speller, ids)}
    if "labels" in feature:
        labelled = zip(ids, feature["labels"].tolist(), strict=True)
        found["labels"] = " ".join(
            f"{speller.token(id)}/{labels[tag]}" for id, tag in labelled if tag != IGNORED
        )
    return found


def _answered(speller: Speller, feature: Features) -> dict[str, str]:
    ids = feature["input_ids"].tolist()
    found = {"tokens": _tokens(speller, ids)}
    if "start_positions" in feature:
        start, end = feature["start_positions"].item(), feature["end_positions"].item()
        answer = _tokens(speller, ids[start : end + 1])
        found["answer"] = f"{start}:{end} {answer}" if end else "0:0 (not in this window)"
    return found
