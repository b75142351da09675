"""Span corruption: the objective that T5 was pre-trained on, and those it was compared with.

Spans of the text are noise. The inputs have a sentinel for each span; the targets repeat each
sentinel, followed by the tokens it replaces (Raffel et al. 2020, section 3.1.4 and figure 2):

    text     Thank you for inviting me to your party last week.
    inputs   Thank you <X> me to your party <Y> week. <end>
    targets  <X> for inviting <Y> last <Z> <end>

The closing sentinel <Z> comes only where the text ends outside a span, that is never under random
spans, which end in noise. The other variants are those of the paper's tables 3 and 5, on the same
text; their noise is single tokens:

    replace_spans   as above, where neighboring noise happens to form a span
    drop_tokens     Thank you me to your party week.           ->  for inviting last
    bert_style      Thank you <M> <M> me to your party apple week.  ->  the whole text
    mass_style      Thank you <M> <M> me to your party <M> week.    ->  the whole text
    deshuffling     party me for your to. last you inviting week Thank  ->  the whole text

The mask <M> is the first sentinel, as in the published code. Where that draws each noisy token by
itself, here exactly the rounded share of a sequence is drawn, so that sequences have one length.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Literal, Self, final

import numpy as np
from pydantic import Field, model_validator

from headwater.config import Config
from headwater.data import order
from headwater.data.convert import Features, digest
from headwater.data.token_arrays import Ints, Longs, Ragged
from headwater.errors import UserError
from headwater.objectives import noise
from headwater.objectives.packing import Packing
from headwater.objectives.sequences import RunningText, Store, constant
from headwater.objectives.token_classes import ordinary_tokens
from headwater.text.special_tokens import end_token, sentinel_ids
from headwater.text.vocabulary import Vocabulary

Variant = Literal[
    "span_corruption", "replace_spans", "drop_tokens", "bert_style", "mass_style", "deshuffling"
]
_BERT_SHARES = (0.9, 0.1)  # masked and random, section 3.3.1: nothing is left as it is
_MASS_SHARES = (1.0, 0.0)


class SpanCorruptionConfig(Config):
    """T5's objective; the defaults are the published ones (section 3.1.4).

    variant: how noise becomes inputs and targets (the paper's tables 3 and 5).
    inputs: the length of the inputs in tokens, the end token included; the text of a sequence is so
        long that they are full (`replace_spans`: as full as the worst noise allows).
    noise_density: the share of the tokens that is noise.
    mean_span: the mean length of a noise span in tokens; of `span_corruption` alone.
    packing: sequences hold whole texts, each by itself, instead of running text cut anywhere; the
        inputs of a sequence are as full as the texts allow.
    """

    variant: Variant = "span_corruption"
    inputs: int = Field(default=512, ge=3, le=noise.LONGEST)
    noise_density: float = Field(default=0.15, gt=0, lt=1)
    mean_span: float = Field(default=3.0, ge=1)
    packing: bool = False

    @model_validator(mode="after")
    def _not_too_long(self) -> Self:
        if self.raw > noise.LONGEST:
            raise ValueError(
                f"inputs = {self.inputs} with noise_density = {self.noise_density}: a sequence "
                f"would take more than {noise.LONGEST} tokens of text; lower one of them"
            )
        return self

    @model_validator(mode="after")
    def _no_idle_length(self) -> Self:
        usual = type(self).model_fields["mean_span"].default
        if self.variant != "span_corruption" and self.mean_span != usual:
            raise ValueError(
                f"mean_span = {self.mean_span}: the noise of variant {self.variant!r} is single "
                "tokens, whose spans have no length to choose; leave mean_span out"
            )
        return self

    @property
    def raw(self) -> int:
        """How many tokens of text a sequence takes."""
        if self.variant == "span_corruption":
            return lengths(self.inputs, self.noise_density, self.mean_span)[0]
        if self.variant == "drop_tokens":
            return _longest(self.inputs, lambda raw: raw - self._single_tokens(raw) + 1)
        return self.inputs - 1

    @property
    def targets(self) -> int:
        """The length of the targets, the end token included; `replace_spans`: at most."""
        return self.lengths_of(self.raw)[1]

    def lengths_of(self, raw: int) -> tuple[int, int]:
        """Return the lengths of inputs and targets of a text, the end tokens included.

        `replace_spans`: at most.
        """
        if self.variant == "span_corruption":
            return _lengths(raw, self.noise_density, self.mean_span)
        single = self._single_tokens(raw)
        if self.variant == "replace_spans":
            return raw + 1, single + self._most_spans(raw) + 2
        return (raw - single + 1, single + 1) if self.variant == "drop_tokens" else (raw + 1,) * 2

    @property
    def most_spans(self) -> int:
        """The most noise spans that a text can have."""
        return self._most_spans(self.raw)

    def _most_spans(self, raw: int) -> int:
        if self.variant == "span_corruption":
            return noise.amount(raw, self.noise_density, self.mean_span).spans
        single = self._single_tokens(raw)
        return min(single, raw - single + 1)  # each span but the last has a token after it

    def _single_tokens(self, raw: int) -> int:
        return max(round(raw * self.noise_density), 1)


@final
class SpanCorruption:
    """Sequences of text as inputs and targets of an encoder-decoder, a PairSet.

    Features of a sequence: `input_ids`, `labels`, int32 [length] each; packed also `blocks` and
    `label_blocks` of the same lengths.
    """

    def __init__(
        self, store: Store, vocabulary: Vocabulary, config: SpanCorruptionConfig, seed: int
    ) -> None:
        self._eos = end_token(vocabulary)
        self._sentinels = _enough_sentinels(vocabulary, config)
        self._ordinary = ordinary_tokens(vocabulary)
        self._config = config
        self._seed = seed
        self._source: RunningText | Packing
        if config.packing:  # texts of at least a token of noise and a clean one
            sides = [
                (0, 0),
                (0, 0),
                *(config.lengths_of(size) for size in range(2, config.raw + 1)),
            ]
            inputs, targets = np.array(sides).T
            self._source = Packing(store, inputs=inputs, room=config.inputs, least=2, pairs=True)
            self.target_lengths = self._source.sums(targets)
            self.lengths = self._source.lengths + self.target_lengths
        else:
            self._source = RunningText(store, config.raw, self._eos)
            self.target_lengths = constant(config.targets, len(self._source))
            self.lengths = constant(config.inputs + config.targets, len(self._source))
        self.fingerprint = digest(config, seed, store.fingerprint, vocabulary.fingerprint)

    def __len__(self) -> int:
        return len(self._source)

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        """Build the given sequences of an epoch."""
        return self._source.features(indices, epoch, self._of_texts)

    def _of_texts(self, ids: Ints, numbers: Longs, epoch: int) -> list[Features]:
        """Make features of texts, int32 [texts, length]."""
        inputs, targets = self._inputs_and_targets(ids, numbers, epoch)
        pairs = zip(_texts(inputs), _texts(targets), strict=True)
        return [{"input_ids": source, "labels": target} for source, target in pairs]

    def _inputs_and_targets(
        self, ids: Ints, numbers: Longs, epoch: int
    ) -> tuple[Ragged | Ints, Ragged | Ints]:
        config, length = self._config, ids.shape[1]
        keys = order.sequence_keys((self._seed, order.SPANS, epoch), numbers)
        if config.variant == "span_corruption":
            spans = noise.random_spans(keys, length, config.noise_density, config.mean_span)
            return corrupt(ids, spans, self._sentinels, self._eos)
        if config.variant == "deshuffling":
            shuffled = np.take_along_axis(ids, noise.random_order(keys, length), axis=1)
            return _ended(shuffled, self._eos), _ended(ids, self._eos)
        chosen = noise.choose(keys, np.ones_like(ids, bool), config.noise_density)
        if config.variant == "replace_spans":
            return corrupt(ids, noise.spans_of(chosen), self._sentinels, self._eos)
        if config.variant == "drop_tokens":
            kept, dropped = (ids[mask].reshape(len(ids), -1) for mask in (~chosen, chosen))
            return _ended(kept, self._eos), _ended(dropped, self._eos)
        shares = _BERT_SHARES if config.variant == "bert_style" else _MASS_SHARES
        keys = order.sequence_keys((self._seed, order.REPLACED, epoch), numbers)
        mask_id = int(self._sentinels[0])
        hidden = noise.replaced(ids, chosen, keys, mask_id, self._ordinary, shares)
        return _ended(hidden, self._eos), _ended(ids, self._eos)


def lengths(inputs: int, density: float, mean_span: float) -> tuple[int, int]:
    """Return how many tokens of text fill `inputs`, and how many targets they give.

    As the published `random_spans_helper`: for 512 inputs, 568 tokens of text and 114 targets =
    85 of noise, 28 sentinels and the end. Both counts include the end token.
    """
    raw = _longest(inputs, lambda raw: _lengths(raw, density, mean_span)[0])
    if density == 0.5 and _lengths(raw, density, mean_span)[1] > inputs:
        raw -= 1  # the published code's own rule: with half of it noise, neither side is longer
    return raw, _lengths(raw, density, mean_span)[1]


def _lengths(raw: int, density: float, mean_span: float) -> tuple[int, int]:
    tokens, spans = noise.amount(raw, density, mean_span)
    return raw - tokens + spans + 1, tokens + spans + 1


def corrupt(ids: Ints, spans: noise.Spans, sentinels: Ints, eos_id: int) -> tuple[Ragged, Ragged]:
    """Return inputs and targets of texts [sequences, length] under any noise spans.

    Works on the flat batch, span by span rather than token by token: where each sentinel goes,
    and how many tokens it replaces (`_read`).
    """
    count, length = ids.shape
    sequences, sizes = spans.sequences, spans.stops - spans.starts
    per_sequence = np.bincount(sequences, minlength=count)
    first = _bounds(per_sequence)
    number = np.arange(len(sequences)) - first[sequences]  # which sentinel of its sequence
    before = _bounds(sizes)  # noise ahead of each span, over the batch
    noisy = np.diff(before[first])
    names = sentinels[number]

    bounds = _bounds(length - noisy + per_sequence + 1)
    clean = spans.starts - (before[:-1] - before[first[sequences]])  # ahead, in its sequence
    positions = bounds[sequences] + clean + number
    inputs = _read(ids, bounds, positions, sizes, names, eos_id)

    ends = np.zeros(count, np.int64)
    ends[sequences] = spans.stops  # of a sequence's spans the last one stays
    closing = np.flatnonzero(ends < length)
    bounds = _bounds(noisy + per_sequence + (ends < length) + 1)
    positions = bounds[sequences] + spans.starts - clean + number
    gaps = np.diff(clean, prepend=0)
    gaps[number == 0] = clean[number == 0]
    if len(closing):
        positions = np.concatenate((positions, bounds[closing + 1] - 2))
        gaps = np.concatenate((gaps, length - ends[closing]))
        names = np.concatenate((names, sentinels[per_sequence[closing]]))
    return inputs, _read(ids, bounds, positions, gaps, names, eos_id)


def _read(
    ids: Ints, bounds: Longs, positions: Longs, skipped: Longs, names: Ints, eos_id: int
) -> Ragged:
    """Read on through the flat texts, with a sentinel at each position for the tokens skipped
    there.

    A position reads one token on from the one before it; a sentinel's, as many as it replaces.
    """
    steps = np.ones(bounds[-1], np.int64)
    steps[positions] = skipped
    steps[bounds[1:] - 1] = 0
    steps[0] -= 1
    np.cumsum(steps, out=steps)
    values = ids.reshape(-1)[steps]
    values[positions] = names
    values[bounds[1:] - 1] = eos_id
    return Ragged(values, bounds)


def _bounds(sizes: Longs) -> Longs:
    bounds = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=bounds[1:])
    return bounds


def _ended(ids: Ints, eos_id: int) -> Ints:
    """Append the end token to each sequence."""
    return np.concatenate((ids, np.full((len(ids), 1), eos_id, np.int32)), axis=1)


def _texts(sequences: Ragged | Ints) -> list[Ints]:
    """Return the sequences as views."""
    if not isinstance(sequences, Ragged):
        return list(sequences)
    width = int(sequences.bounds[1])
    if (sequences.lengths == width).all():
        return list(sequences.values.reshape(-1, width))
    bounds = sequences.bounds.tolist()  # plain integers slice faster
    return [sequences.values[begin:end] for begin, end in pairwise(bounds)]


def _longest(inputs: int, needed: Callable[[int], int]) -> int:
    """Return the most tokens of text that need no more than `inputs` positions."""
    raw = max(2, inputs - 1)
    while raw <= noise.LONGEST and needed(raw + 1) <= inputs:
        raw += 1
    return raw


def _enough_sentinels(vocabulary: Vocabulary, config: SpanCorruptionConfig) -> Ints:
    """Return the sentinels; a UserError where a sequence could need more than there are."""
    found = np.array(sentinel_ids(vocabulary), np.int32)
    needed = {
        "span_corruption": config.most_spans,
        "replace_spans": config.most_spans + 1,  # one may close the targets
        "bert_style": 1,  # the mask
        "mass_style": 1,
    }.get(config.variant, 0)
    if len(found) < needed:
        raise UserError(
            f"{config.variant} with {config.inputs} inputs needs {needed} sentinels (<extra_id_0> "
            f"and so on), and this vocabulary has {len(found)}; take one that has more, as T5's, "
            "or give fewer inputs"
        )
    return found
