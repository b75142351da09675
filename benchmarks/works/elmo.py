"""ELMo's two language models learn from words, beside a plain loop over torch's own layers."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.harness.operations import TRAINING, linear
from benchmarks.harness.turns import Turns
from benchmarks.harness.work import OPERATIONS, Context, Facts, Side, Work
from benchmarks.works.pretraining_text import words
from benchmarks.works.training import Batch, loop, train
from headwater.checkpoints.folder import know_words
from headwater.data.batching import collate, plan_epoch
from headwater.models.build import build_model
from headwater.models.elmo.config import PRESETS, ELMoConfig
from headwater.models.families import FAMILIES
from headwater.objectives.lm import LanguageModel, LanguageModelConfig
from headwater.training.config import TrainingConfig

LENGTH, ROWS, STEPS, SAMPLES = 64, 16, 1, 2048


def prepare(context: Context) -> None:
    """Make the store."""
    words(context)


def sizes(context: Context) -> ELMoConfig:
    """Return a small ELMo over the words of the store."""
    small = PRESETS["elmo-small"]
    return ELMoConfig(
        vocab_size=words(context).info.vocabulary.size,
        num_highway=small.num_highway,
        projection_dim=small.projection_dim,
        cells=small.cells,
        samples=SAMPLES,
    )


def read_rows(context: Context) -> LanguageModel:
    """Return rows of running words."""
    store = words(context)
    vocabulary = store.load_vocabulary()
    return LanguageModel(store, vocabulary, LanguageModelConfig(length=LENGTH), 0, "bilm")


def headwaters(turns: Turns, context: Context) -> Facts:
    """Train by the Trainer, with the family's own settings."""
    config = sizes(context)
    model: Any = build_model(config)
    know_words(model, words(context).load_vocabulary())
    training = TrainingConfig.check(
        {"steps": 10**6, "batch": {"examples": ROWS}, **FAMILIES["elmo"].training}, "benchmark"
    )
    found = train(
        *(turns, model, read_rows(context), training),
        pad_id=0,
        steps=STEPS,
        size=lambda _: LENGTH,
    )
    return {**found, OPERATIONS: TRAINING * recurrent(config)}


def recurrent(config: ELMoConfig) -> float:
    """Return the operations for one word after its vector: both directions, and the softmax.

    Those of its characters are left out: a batch computes them once for each distinct word.
    """
    width, cells = config.projection_dim, config.cells
    layer = linear(1, 2 * width, 4 * cells) + linear(1, cells, width)
    return 2 * (config.num_layers * layer + linear(1, width, config.samples))


class Plain(nn.Module):
    """The same sizes by `nn.LSTM` with projections; every word's characters are read each time."""

    def __init__(self, config: ELMoConfig, characters: Tensor) -> None:
        super().__init__()
        width, cells = config.projection_dim, config.cells
        self.samples = config.samples
        self.register_buffer("characters", characters)
        self.embedding = nn.Embedding(262, config.character_dim, padding_idx=0)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(config.character_dim, many, wide) for wide, many in config.filters
        )
        self.gate = nn.Linear(config.channels, config.channels)
        self.transform = nn.Linear(config.channels, config.channels)
        self.projection = nn.Linear(config.channels, width)
        self.layers = nn.ModuleList(
            nn.LSTM(width, cells, config.num_layers, proj_size=width, batch_first=True, dropout=0.1)
            for _ in range(2)
        )
        self.output = nn.Embedding(config.vocab_size, width)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, input_ids: Tensor) -> Any:
        letters = self.embedding(self.characters[input_ids.flatten()].long()).transpose(1, 2)
        found = torch.cat([F.relu(each(letters).amax(2)) for each in self.convolutions], 1)
        gate = torch.sigmoid(self.gate(found))
        found = gate * F.relu(self.transform(found)) + (1 - gate) * found
        vectors = self.projection(found).view(*input_ids.shape, -1)
        ways = (input_ids, vectors), (input_ids.flip(1), vectors.flip(1))
        losses = [
            self._loss(layer(read)[0][:, :-1], ids[:, 1:])
            for layer, (ids, read) in zip(self.layers, ways, strict=True)
        ]
        return _Outputs(sum(losses) / 2)

    def _loss(self, states: Tensor, labels: Tensor) -> Tensor:
        """Choose between the right word and candidates that the batch shares."""
        states, labels = states.flatten(0, 1), labels.flatten()
        drawn = torch.randint(len(self.bias), (self.samples,))
        own = (states * self.output(labels)).sum(-1) + self.bias[labels]
        others = F.linear(states, self.output(drawn), self.bias[drawn])
        scores = torch.cat((own[:, None], others), 1).float()
        return F.cross_entropy(scores, torch.zeros_like(labels))


class _Outputs:
    """What a network of `transformers` would return."""

    def __init__(self, loss: Any) -> None:
        self.loss = loss


def plain(turns: Turns, context: Context, tuned: bool = True) -> Facts:
    """Train in a loop tuned by hand, over torch's own layers."""
    config, rows = sizes(context), read_rows(context)
    ours: Any = build_model(config)
    know_words(ours, words(context).load_vocabulary())
    network = Plain(config, ours.words)
    plan = plan_epoch(rows.lengths, examples=ROWS)

    def batches() -> Any:
        while True:
            for (part,) in plan:
                batch: Batch = collate(rows.features(part, 0), 0)
                yield {"input_ids": batch["input_ids"]}

    return loop(
        *(turns, network, batches()),
        steps=STEPS,
        size=lambda batch: batch["input_ids"].numel(),
        tuned=tuned,
        rate=1e-3,
    )


WORK = Work(
    "elmo",
    "ELMo (small) learns both directions",
    "words/s",
    (Side("headwater", headwaters), Side("torch nn.LSTM", plain)),
    prepare=prepare,
)
