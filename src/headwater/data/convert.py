"""Examples as features: the integer arrays that batches are made of.

A FeatureSet is what the batcher and the trainer see of the data: how long each sequence is, its
features, and a fingerprint. It knows nothing of tasks or models.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from headwater.data.example import TextExample
from headwater.data.token_arrays import Ints, Ragged, encode_ids
from headwater.data.unknown import unknown_in
from headwater.errors import UserError
from headwater.text.framing import Framing, framing_of
from headwater.text.vocabulary import Vocabulary

IGNORED = -100
"""The label of a position without a target, which the losses pass over."""

Features = dict[str, Ints]
"""Those of one sequence by name: int32 [length], or an int32 scalar for a label."""


class FeatureSet(Protocol):
    """Sequences of features by index."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """int64 [sequences]: the tokens a sequence costs, by which sequences are bucketed."""
        ...

    @property
    def fingerprint(self) -> str:
        """A digest that differs whenever a sequence differs."""
        ...

    def __len__(self) -> int: ...

    def features(self, indices: NDArray[np.int64], epoch: int) -> list[Features]:
        """Make the features of these sequences together; each epoch has noise of its own."""
        ...


def digest(*parts: object) -> str:
    """SHA-256 of the parts as written by `repr`: a fingerprint of what features are made from."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@runtime_checkable
class PairSet(FeatureSet, Protocol):
    """Sequences of an encoder-decoder, padded on either side."""

    @property
    def target_lengths(self) -> NDArray[np.int64]:
        """int64 [sequences]: the share of `lengths` that stands on the side of the targets."""
        ...


def all_pairs(sets: Sequence[FeatureSet]) -> list[PairSet] | None:
    """Return the sets as those of an encoder-decoder; None unless all are."""
    pairs = [each for each in sets if isinstance(each, PairSet)]
    return pairs if len(pairs) == len(sets) else None


def made_by_group(
    groups: NDArray[np.int64], make: Callable[[int, NDArray[np.int64]], Iterable[Features]]
) -> list[Features]:
    """Make the sequences of each group together, and return all in their own order.

    Args:
        groups: int64 [sequences], the group of each.
        make: from a group and the indices of its members, int64 [members], to as many features.
    """
    made: list[Features] = [{}] * len(groups)
    for group in np.unique(groups).tolist():
        members = np.flatnonzero(groups == group)
        for member, features in zip(members.tolist(), make(group, members), strict=True):
            made[member] = features
    return made


@final
class EncodedPairs:
    """Inputs and targets of an encoder-decoder: `input_ids` and `labels`, int32 [length] each.

    A sequence costs the tokens of both. `cut` counts the inputs and the targets that were too long,
    `unknown` says what the vocabulary does not know in targets.
    """

    def __init__(
        self,
        inputs: Ragged,
        targets: Ragged,
        framing: Framing,
        cut: tuple[int, int] = (0, 0),
        unknown: str | None = None,
    ) -> None:
        self.cut, self.unknown = cut, unknown
        self._inputs = inputs
        self._targets = targets
        self._framing = framing
        self._end = np.array([framing.end], np.int32)
        self.target_lengths = targets.lengths + 1
        self.lengths = inputs.lengths + framing.special_tokens + self.target_lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> Features:
        return {
            "input_ids": self._framing.around(self._inputs[index]),
            "labels": np.concatenate((self._targets[index], self._end)),
        }

    def features(self, indices: NDArray[np.int64], epoch: int) -> list[Features]:
        """Return sequences; they are the same in every epoch."""
        return [self[index] for index in indices.tolist()]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all inputs and targets."""
        digest = hashlib.sha256(self._end.tobytes())
        digest.update(np.array(self._framing.before, np.int32).tobytes())
        for side in (self._inputs, self._targets):
            digest.update(side.values.tobytes())
            digest.update(side.bounds.tobytes())
        return digest.hexdigest()


def encode_text_pairs(
    vocabulary: Vocabulary,
    examples: Sequence[TextExample],
    max_inputs: int = 512,
    max_targets: int = 64,
    *,
    framing: Framing | None = None,
) -> EncodedPairs:
    """Encode inputs and the first target of each example (Raffel et al. 2020, section 2.4).

    Each side has its special tokens (see `text.framing`). What exceeds `max_inputs` or
    `max_targets` tokens, special ones included, is cut off the end of the text.
    """
    framing = framing or framing_of(vocabulary)
    for example in examples:
        if not example.targets:
            raise UserError(f"example {example.id!r} has no target to train on")

    def encode(texts: list[str], limit: int) -> tuple[Ragged, int]:
        found = encode_ids(vocabulary, texts, limit + 1)  # one more shows what is too long
        cut = int((found.lengths > limit).sum())
        return Ragged.of([found[index][:limit] for index in range(len(found))]), cut

    inputs, cut_inputs = encode(
        [each.inputs for each in examples], max_inputs - framing.special_tokens
    )
    written = [each.targets[0] for each in examples]
    targets, cut_targets = encode(written, max_targets - 1)
    unknown = unknown_in(vocabulary, written, targets)
    return EncodedPairs(inputs, targets, framing, (cut_inputs, cut_targets), unknown)
