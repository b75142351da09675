"""Texts that are generated together, and join and leave between two steps: continuous batching
(Yu et al. 2022, "Orca: A Distributed Serving System for Transformer-Based Generative Models",
section 3.1).

    batch = RunningBatch(network)
    [text] = batch.join(writer.inputs(["The spring"], config)[0])
    while len(batch):
        batch.step()
    text.text

Each text has its own options and its own draws, and is that which it would be alone. Beam search is
`generate_ids`'s.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from headwater.data.batching import collate
from headwater.inference.decoding import choose, even_draws
from headwater.inference.generated import DecoderTokens
from headwater.inference.logits import first_history
from headwater.inference.running import device_of, running
from headwater.inference.slots import joined, kept, slots
from headwater.inference.written_text import GenerationInput, Token, WrittenText
from headwater.models.body import Cache, GeneratingBody


@dataclass(slots=True, eq=False)
class _Row:
    """What a slot is for.

    last: the token that the next step reads.
    history: `[1, tokens]`, what `constrain` looks at; None where no option needs it.
    draws: `[max_new_tokens]` in 0..1; None where the likeliest token is taken.
    """

    text: WrittenText
    special: DecoderTokens
    last: int
    history: Tensor | None
    draws: Tensor | None

    def choose(self, logits: Tensor) -> Tensor:
        """Choose the next token `[1]` by its scores `[1, vocabulary]`."""
        taken = len(self.text.tokens)
        draws = None if self.draws is None else self.draws[taken : taken + 1]
        config = self.text.given.config
        return choose(logits, self.history, taken, self.special.eos_ids, config, draws)

    def add(self, id: int, log_probability: float) -> Token:
        """Take a chosen token."""
        self.last = id
        if self.history is not None:
            self.history = torch.cat([self.history, self.history.new_tensor([[id]])], 1)
        return self.text.add(id, log_probability, end=id in self.special.eos_ids)


@final
class RunningBatch:
    """Texts by one network. Its calls come from one thread at a time.

    Args:
        precision: of the matrix products; None: see `running.running`.
    """

    def __init__(self, network: GeneratingBody, precision: torch.dtype | None = None) -> None:
        self._network, self._precision = network, precision
        self._rows: list[_Row] = []
        self._cache: Cache | None = None

    def __len__(self) -> int:
        """Count the texts that go on."""
        return len(self._rows)

    def room(self, *more: GenerationInput) -> int:
        """Return how many tokens the cache holds at most, padding included, if more join."""
        inputs = [row.text.given for row in self._rows]
        for each in more:
            inputs += [each] * each.config.num_return_sequences
        read = max((each.length for each in inputs), default=0)
        written = max((each.config.max_new_tokens for each in inputs), default=0)
        return len(inputs) * (read + written)

    def join(self, given: GenerationInput) -> list[WrittenText]:
        """Read an input, and begin its `num_return_sequences` texts."""
        special, device = given.special.changed(given.config), device_of(self._network)
        batch = collate([given.features], special.start_id, device)
        batch.pop("attention_mask", None)
        ids, starts = batch["input_ids"], batch.get("start_ids")
        last = ids.new_full((1, 1), special.start_id) if starts is None else starts[:, None]
        history = first_history(batch, last) if given.config.constrained else None
        texts = [WrittenText(given) for _ in range(given.config.num_return_sequences)]
        with running(self._network, self._precision) as network:
            cache = slots(network.init_cache(network.encode(ids), None), len(texts))
        draws: Sequence[Tensor | None] = [None] * len(texts)
        if given.config.do_sample:
            draws = even_draws([given.index], given.config).to(device).unbind()
        self._cache = cache if self._cache is None else joined(self._cache, cache)
        self._rows += [
            _Row(text, special, int(last), history, drawn)
            for text, drawn in zip(texts, draws, strict=True)
        ]
        return texts

    def step(self) -> list[tuple[WrittenText, Token]]:
        """Give each text its next token; those that have ended leave."""
        if self._cache is None:
            return []
        with running(self._network, self._precision) as network:
            last = torch.tensor([[row.last] for row in self._rows], device=device_of(self._network))
            logits = network.step(last, self._cache)
            chosen = logits.argmax(-1)
            for index, row in enumerate(self._rows):
                if row.history is not None or row.draws is not None:
                    chosen[index] = row.choose(logits[index : index + 1])[0]
            chances = torch.log_softmax(logits, -1).gather(1, chosen[:, None])[:, 0]
        values = zip(self._rows, chosen.tolist(), chances.tolist(), strict=True)
        found = [(row.text, row.add(id, chance)) for row, id, chance in values]
        self._keep([row for row in self._rows if row.text.finish_reason is None])
        return found

    def drop(self, texts: Collection[WrittenText]) -> None:
        """Let texts leave that nobody waits for any more."""
        left = set(map(id, texts))
        self._keep([row for row in self._rows if id(row.text) not in left])

    def _keep(self, rows: Sequence[_Row]) -> None:
        if len(rows) == len(self._rows):
            return
        numbers = {id(row): number for number, row in enumerate(self._rows)}
        self._rows = list(rows)
        if rows:
            assert self._cache is not None
            self._cache = kept(self._cache, [numbers[id(row)] for row in rows])
        else:
            self._cache = None


def write_together(
    batch: RunningBatch, inputs: Iterable[GenerationInput], most: int
) -> list[list[WrittenText]]:
    """Write the texts of all inputs, so many at a time, in order."""
    found = []
    for each in inputs:
        while len(batch) >= most:
            batch.step()
        found.append(batch.join(each))
    while len(batch):
        batch.step()
    return found
