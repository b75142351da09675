"""The token at each gap of a text: of a masked LM (Devlin et al. 2019, section 3.1, task 1), or of
a model that tells a word from those around it."""

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from headwater.data.batching import collate
from headwater.data.convert import Features
from headwater.errors import UserError
from headwater.inference.batches import batch_tokens, batches, chunks
from headwater.inference.gaps import GAP, Filling, with_masks
from headwater.inference.running import device_of, evaluating, running
from headwater.models.body import WordBody
from headwater.text.sequence_layout import SequenceLayout
from headwater.text.vocabulary import Vocabulary

CHUNK = 256  # texts in memory at once: enough to sort by length
SMALLER = 8  # than other batches: each token is scored against the whole vocabulary


@final
class MaskFiller:
    """Fills gaps by a masked LM. Calls may come from many threads at once.

    Args:
        network: called with a batch, gives logits `[batch, length, vocabulary]`, or a tuple that
            begins with them.
        layout: the special tokens of a sequence.
        longest: the most tokens of a sequence.
        precision: of the matrix products; None: see `running.running`.
    """

    def __init__(
        self,
        network: nn.Module,
        vocabulary: Vocabulary,
        layout: SequenceLayout,
        longest: int,
        precision: torch.dtype | None = None,
    ) -> None:
        if vocabulary.mask_id is None:
            raise UserError("this vocabulary has no mask token, which stands for a gap")
        self._network, self._vocabulary, self._layout = network, vocabulary, layout
        self._mask, self._longest = vocabulary.mask_id, longest
        self._precision = precision

    def __call__(
        self, texts: Sequence[str], top_k: int, among: Sequence[int] | None = None
    ) -> Iterator[list[list[Filling]]]:
        """Yield for each text the `top_k` likeliest tokens of each gap, in order.

        Args:
            among: the ids of the tokens that may be given; None: all.
        """
        for chunk in chunks(enumerate(texts), CHUNK):
            yield from self._chunk([self._features(*each) for each in chunk], top_k, among)

    def _features(self, number: int, text: str) -> Features:
        ids = self._vocabulary.encode(with_masks(self._vocabulary, text)).ids
        if self._mask not in ids:
            raise no_gap(number, self._vocabulary.token(self._mask))
        features = self._layout.sequence(ids)
        check_length(number, len(features["input_ids"]), self._longest)
        return features

    def _chunk(
        self, features: Sequence[Features], top_k: int, among: Sequence[int] | None
    ) -> list[list[list[Filling]]]:
        device = device_of(self._network)
        lengths = np.array([len(each["input_ids"]) for each in features])
        found: list[list[list[Filling]]] = [[] for _ in features]
        with running(self._network, self._precision) as network:
            for indices in batches(lengths, batch_tokens(device) // SMALLER):
                pad_id = self._vocabulary.pad_id or 0
                batch = collate([features[index] for index in indices], pad_id, device)
                logits = network(batch)
                logits = logits[0] if isinstance(logits, tuple) else logits
                rows, positions = (batch["input_ids"] == self._mask).nonzero(as_tuple=True)
                filled = likeliest(self._vocabulary, logits[rows, positions], top_k, among)
                for row, fillings in zip(rows.tolist(), filled, strict=True):
                    found[indices[row]].append(fillings)
        return found


@final
class WordFiller:
    """Fills gaps by a model of words, which reads an unknown word there."""

    def __init__(self, network: WordBody, vocabulary: Vocabulary) -> None:
        if vocabulary.unk_id is None:
            raise UserError("this vocabulary has no unknown word, which stands for a gap")
        self._network, self._vocabulary, self._unknown = network, vocabulary, vocabulary.unk_id

    def __call__(self, texts: Sequence[str], top_k: int) -> Iterator[list[list[Filling]]]:
        """Yield for each text the `top_k` likeliest words of each gap, in order."""
        device = next(self._network.parameters()).device
        for number, text in enumerate(texts):
            ids, gaps = self._ids(text)
            if not gaps or len(ids) < 2:
                raise no_gap(number, "[MASK]")
            with evaluating(self._network):
                logits = self._network.neighbor_logits(torch.tensor([ids], device=device))
            yield likeliest(self._vocabulary, logits[gaps], top_k)

    def _ids(self, text: str) -> tuple[list[int], list[int]]:
        first, *others = (self._vocabulary.encode(part.strip()).ids for part in GAP.split(text))
        ids, gaps = first.tolist(), []
        for part in others:
            gaps.append(len(ids))
            ids += [self._unknown, *part.tolist()]
        return ids, gaps


def likeliest(
    vocabulary: Vocabulary, logits: Tensor, top_k: int, among: Sequence[int] | None = None
) -> list[list[Filling]]:
    """Return the likeliest tokens by logits `[gaps, rows]`; rows without a token are left out.

    Args:
        among: the ids of the tokens that may be given; None: all.
    """
    chances = logits.float().softmax(-1)[:, : vocabulary.size]
    ids = torch.arange(vocabulary.size) if among is None else torch.tensor(among)
    ids = ids.to(chances.device)
    best = chances[:, ids].topk(min(top_k, len(ids)))
    tokens = ids[best.indices].tolist()
    return [
        [
            Filling(vocabulary.decode([id], skip_special=False), score, id)
            for id, score in zip(found, scores, strict=True)
        ]
        for found, scores in zip(tokens, best.values.tolist(), strict=True)
    ]


def no_gap(number: int, mask: str) -> UserError:
    """Return the error for a text without a gap, or with nothing else."""
    return UserError(f"text {number} has no gap among other words: write {mask} or ___ where it is")


def check_length(number: int, length: int, longest: int) -> None:
    """Refuse a text that is too long to be read with its gaps."""
    if length > longest:
        raise UserError(
            f"text {number} has {length} tokens, special ones included, and this model reads "
            f"{longest}: shorten it"
        )
