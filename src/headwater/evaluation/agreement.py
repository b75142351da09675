"""How far an export is from the model it was made of, on a few texts and on a task's examples.

Of an encoder the outputs are compared. Of a model that writes, its own greedy texts are: the log
probability of each of their tokens, and whether the export writes the same.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headwater.data.batching import collate
from headwater.data.config import SequenceConfig
from headwater.data.convert import Features
from headwater.data.example import DataSource, PairExample
from headwater.data.task import Task
from headwater.engines.ctranslate2_network import EngineNetwork
from headwater.evaluation.evaluator import evaluate
from headwater.evaluation.one_task import predictor_for
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.loaded import LoadedModel
from headwater.inference.running import running
from headwater.inference.text_generator import generate_batches
from headwater.models.body import GeneratingBody
from headwater.models.families import sizes_of
from headwater.models.text_to_text import TextToText
from headwater.tasks.pair_features import encode_pairs
from headwater.text.framing import framing_of
from headwater.text.special_tokens import document_end

TEXTS = (
    ("When did the spring begin to flow again?", "After the rain of 1911, it flowed again."),
    ("It rains.", None),
    ("A film to see twice, with friends or alone; the music stays for days.", None),
    ("Who wrote the letters?", "Ada Lovelace wrote to Charles Babbage from London for ten years."),
    ("The mill stood still", "because the river was low, and the miller went to sea."),
    ("translate English to German: That is good.", None),
    ("Über 3,5 km² groß – so heißt es in der Zeitung (S. 12).", None),
    ("question: What is sold? context: Bread, salt and fish are sold on Fridays.", None),
)
"""What is compared, whatever the model is for: short and longer texts, pairs, other letters."""

_LENGTH, _WRITTEN = 128, 24  # tokens of an input and of a text at most


@dataclass(frozen=True, slots=True)
class Scores:
    """The official scores of both on the first examples of a task's file."""

    task: str
    examples: int
    original: dict[str, float]
    exported: dict[str, float]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike both are.

    texts: how many were compared.
    difference: the largest absolute difference of an output, or of a token's log probability.
    largest: the largest absolute output of the original; None of a model that writes.
    equal_texts: the share of texts that the export writes alike; None of an encoder.
    scores: None where no file was given.
    """

    texts: int
    difference: float
    largest: float | None = None
    equal_texts: float | None = None
    scores: Scores | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what `engine.json` holds."""
        return {name: each for name, each in asdict(self).items() if each is not None}


def compare(original: LoadedModel, exported: LoadedModel) -> Agreement:
    """Compare both on `TEXTS`; numbers are finite, or else the difference is infinite."""
    if isinstance(original.network, GeneratingBody):
        return _written(original, original.network, exported)
    pairs = list(zip(_outputs(original), _outputs(exported), strict=True))
    difference = max(_finite((ours - theirs).abs().max()) for ours, theirs in pairs)
    largest = max(_finite(ours.abs().max()) for ours, _ in pairs)
    return Agreement(len(TEXTS), difference, largest)


def compare_scores(
    original: LoadedModel, exported: LoadedModel, task: Task[Any], examples: DataSource[Any]
) -> Scores:
    """Measure both on examples of a task."""
    found = []
    for model in (original, exported):
        predictor = predictor_for(model, task)
        metrics = evaluate(predictor, model.read_as(task), examples).metrics
        found.append({name: metrics[name] for name in task.metric_names if name in metrics})
    return Scores(task.name, len(examples), *found)


def _outputs(model: LoadedModel) -> list[Tensor]:
    """Return the outputs for each text, float32, without padding."""
    config = SequenceConfig(max_length=_LENGTH).fitting(sizes_of(model.config).longest_input)
    examples = [PairExample(str(number), *pair) for number, pair in enumerate(TEXTS)]
    features = encode_pairs(model.vocabulary, examples, config, (), labelled=False)
    batch = collate(features.features(np.arange(len(examples)), 0), model.vocabulary.pad_id or 0)
    real = batch["attention_mask"]
    with running(model.network, torch.float32) as network:
        run: Any = network.hidden if network.head_name is None else network
        found = run(batch)
    outputs: list[Tensor] = list(found) if isinstance(found, tuple) else [found]
    span = model.network.head_name == "span"
    return [each[real] if span or each.dim() == 3 else each for each in outputs]


def _written(original: LoadedModel, network: GeneratingBody, exported: LoadedModel) -> Agreement:
    assert isinstance(exported.network, EngineNetwork)
    features, special, most = _inputs(original, network)
    config = GenerationConfig(max_new_tokens=most)
    ours = generate_batches(network, features, special, config, 0, precision=torch.float32)
    theirs = generate_batches(exported.network, features, special, config, 0)
    equal = [a.ids == b.ids for [a], [b] in zip(ours, theirs, strict=True)]
    targets = [np.array(each.ids or [special.start_id], np.int32) for [each] in ours]
    starts = [int(each.get("start_ids", special.start_id)) for each in features]
    inputs = [each["input_ids"] for each in features]
    found = exported.network.engine.log_probabilities(inputs, starts, targets)
    difference = 0.0
    for ids, start, target, chances in zip(inputs, starts, targets, found, strict=True):
        expected = _log_probabilities(network, ids, start, target)
        difference = max(difference, _finite((expected - torch.from_numpy(chances)).abs().max()))
    return Agreement(len(TEXTS), difference, equal_texts=sum(equal) / len(equal))


def _inputs(
    model: LoadedModel, network: GeneratingBody
) -> tuple[list[Features], DecoderTokens, int]:
    """Return what is read, with which tokens a text begins and ends, and how long it is at most."""
    longest = sizes_of(model.config).longest_input
    most = min(_WRITTEN, sizes_of(model.config).longest_target, longest // 4)
    texts = [" ".join(filter(None, pair)) for pair in TEXTS]
    ids = [each.ids[: min(_LENGTH, longest // 2)] for each in model.vocabulary.encode_batch(texts)]
    if isinstance(network, TextToText):
        framing = framing_of(model.vocabulary, *sizes_of(model.config).framed)
        special = DecoderTokens(network.start_id, (framing.end,))
        return [{"input_ids": framing.around(each)} for each in ids], special, most
    end = document_end(model.vocabulary)
    assert end is not None, "build_spec refuses a vocabulary without one"
    special = DecoderTokens(end, (end,))
    features = [{"input_ids": each[:-1], "start_ids": np.array(each[-1])} for each in ids]
    return features, special, most


def _log_probabilities(
    network: GeneratingBody, ids: np.ndarray, start: int, target: np.ndarray
) -> Tensor:
    """Return the log probability `[targets]` of each token of a target after an input."""
    labels = torch.from_numpy(target)[None].long()
    if isinstance(network, TextToText):
        batch = {"input_ids": torch.from_numpy(ids)[None].long(), "labels": labels}
    else:
        whole = np.concatenate([ids, [start], target[:-1]])
        batch = {"input_ids": torch.from_numpy(whole)[None].long()}
    with running(network, torch.float32) as run:
        logits = run(batch)[0, -len(target) :]
    return torch.log_softmax(logits, -1).gather(1, labels[0][:, None])[:, 0]


def _finite(value: Tensor) -> float:
    number = float(value)
    return number if math.isfinite(number) else math.inf
