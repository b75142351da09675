"""Noise as pure functions of (seed, epoch, sequence, position), drawn for a whole batch at once.

Two kinds, each with an exact count per sequence:

    random spans    T5's `random_spans_noise_mask` (Raffel et al. 2020, section 3.3.4, and its
                    code): the noisy tokens and the clean ones are split into equally many spans
                    of random lengths, which take turns. A sequence starts clean and ends in noise.
    single tokens   BERT's masks (Devlin et al. 2019, section 3.1): a random subset of the tokens,
                    or of the words (`choose_words`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headwater.data.order import position_hashes
from headwater.data.token_arrays import Ints, Longs

Keys = NDArray[np.uint64]
"""uint64 [sequences]: `order.sequence_keys` of seed, what is drawn, epoch, and sequences."""
Chances = NDArray[np.uint32]
Mask = NDArray[np.bool_]
LONGEST = 1 << 16  # tokens in a sequence: its numbers then leave 15 bits of 32 and more to chance


class Amount(NamedTuple):
    """How many tokens of a sequence are noise, and how many spans they form."""

    tokens: int
    spans: int


@dataclass(frozen=True, slots=True)
class Spans:
    """The noise spans of a batch in reading order, int64 [spans] each; no two touch.

    Span j holds the positions `starts[j]` to `stops[j] - 1` of sequence `sequences[j]`; there are
    `count` sequences.
    """

    sequences: Longs
    starts: Longs
    stops: Longs
    count: int

    def mask(self, length: int) -> Mask:
        """Return bool [count, length], true on noise."""
        edges = np.zeros((self.count, length + 1), np.int8)
        edges[self.sequences, self.starts] = 1
        edges[self.sequences, self.stops] = -1
        return np.cumsum(edges, axis=1, dtype=np.int8)[:, :length].astype(bool)


def spans_of(mask: Mask) -> Spans:
    """Return the runs of true positions of a mask [sequences, length]."""
    count, length = mask.shape
    padded = np.zeros((count, length + 2), np.int8)
    padded[:, 1:-1] = mask
    turns = np.diff(padded, axis=1)
    sequences, starts = np.nonzero(turns == 1)
    return Spans(sequences, starts, np.nonzero(turns == -1)[1], count)


def amount(length: int, density: float, mean_span: float) -> Amount:
    """Return the noise of `length` tokens (at least 2), as the published code rounds it.

    There is always some noise and something clean, and as many clean spans as noisy ones.
    """
    assert length >= 2
    tokens = min(max(round(length * density), 1), length - 1)
    spans = max(round(tokens / mean_span), 1)
    return Amount(tokens, min(spans, tokens, length - tokens))


def random_spans(keys: Keys, length: int, density: float, mean_span: float) -> Spans:
    """Draw the noise spans of sequences of `length` tokens, one sequence for each key."""
    tokens, spans = amount(length, density, mean_span)
    chances = _chances(keys, length - 2)  # one for each position where noise or text could be cut
    noise = _cuts(chances[:, : tokens - 1], spans)
    clean = _cuts(chances[:, tokens - 1 :], spans)[:, 1:]
    starts, stops = clean + noise[:, :-1], clean + noise[:, 1:]
    return Spans(np.repeat(np.arange(len(keys)), spans), starts.ravel(), stops.ravel(), len(keys))


def random_order(keys: Keys, size: int) -> Longs:
    """Return a permutation of `range(size)` for each key, int64 [sequences, size]."""
    sort_keys, low = _sort_keys(_chances(keys, size))
    sort_keys.sort(axis=1)
    return (sort_keys & low).astype(np.int64)


def choose(keys: Keys, allowed: Mask, density: float) -> Mask:
    """Choose single tokens: `density` of the allowed positions of each sequence, at least one.

    What is chosen depends on the width of `allowed`: keep that the same for all batches.
    """
    sort_keys, _ = _sort_keys(_chances(keys, allowed.shape[1]))
    sort_keys[~allowed] = np.uint32(0xFFFFFFFF)  # greater than any key
    last = np.sort(sort_keys, axis=1)[np.arange(len(keys)), _counts(allowed, density) - 1]
    mask: Mask = (sort_keys <= last[:, None]) & allowed
    return mask


def choose_words(keys: Keys, allowed: Mask, begins: Mask, density: float) -> Mask:
    """Choose whole words: in random order, each that still fits into `density` of the positions.

    As BERT's whole-word masks: nothing is chosen where no word is so short. `begins` is true where
    a word begins; a position that is not allowed separates words too.
    """
    sequences, width = allowed.shape
    split = np.ones_like(allowed)
    split[:, 1:] = begins[:, 1:] | ~allowed[:, :-1]
    word = np.maximum(np.cumsum(split & allowed, axis=1) - 1, 0)  # its number in the sequence
    flat = (word + np.arange(sequences)[:, None] * width)[allowed]
    sizes = np.bincount(flat, minlength=sequences * width).reshape(sequences, width)
    sort_keys, low = _sort_keys(_chances(keys, width))
    sort_keys[sizes == 0] |= ~low  # numbers of no word come last
    order = (np.sort(sort_keys, axis=1) & low).astype(np.int64)
    chosen = np.zeros_like(allowed)
    taken = _fitting(np.take_along_axis(sizes, order, axis=1), _counts(allowed, density))
    np.put_along_axis(chosen, order, taken, axis=1)
    return np.take_along_axis(chosen, word, axis=1) & allowed


def replaced(
    ids: Ints, chosen: Mask, keys: Keys, mask_id: int, ordinary: Ints, shares: tuple[float, float]
) -> Ints:
    """Return ids [sequences, length] with the chosen tokens hidden.

    shares: of the mask token, and of a random one out of `ordinary`; the rest stays as it is.
    """
    sequences, positions = np.nonzero(chosen)
    hashes = position_hashes(keys[sequences], positions)
    draws = (hashes >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)
    others = ordinary[below(hashes, len(ordinary))]
    others = np.where(draws < sum(shares), others, ids[sequences, positions])
    result = ids.copy()
    result[sequences, positions] = np.where(draws < shares[0], mask_id, others)
    return result


def below(hashes: NDArray[np.uint64], bounds: Longs | int) -> Longs:
    """Return whole numbers from 0 to `bounds - 1`, each as likely; from the hashes' low 32 bits."""
    low = hashes & np.uint64(0xFFFFFFFF)
    return (low * np.asarray(bounds).astype(np.uint64) >> np.uint64(32)).astype(np.int64)


def _cuts(chances: Chances, segments: int) -> Longs:
    """Split one item more than there are chances into segments of at least one, uniformly.

    Return where the segments begin, and the end: int64 [sequences, segments + 1].
    """
    sequences, positions = chances.shape
    sort_keys, low = _sort_keys(chances)
    sort_keys.sort(axis=1)
    chosen = sort_keys[:, : segments - 1] & low
    chosen.sort(axis=1)
    cuts = np.zeros((sequences, segments + 1), np.int64)
    np.add(chosen, 1, out=cuts[:, 1:-1])
    cuts[:, -1] = positions + 1
    return cuts


def _chances(keys: Keys, size: int) -> Chances:
    """Return 32 random bits a position, uint32 [sequences, size]; a hash serves two neighbors."""
    hashes = position_hashes(keys[:, None], np.arange((size + 1) // 2)[None])
    return hashes.astype("<u8", copy=False).view("<u4")[:, :size]


def _sort_keys(chances: Chances) -> tuple[Chances, np.uint32]:
    """Write the number of each position into its low bits, in place; return also the mask of those.

    No two keys of a sequence are equal, and none has all bits set.
    """
    size = chances.shape[1]
    low = (1 << size.bit_length()) - 1
    chances &= np.uint32(0xFFFFFFFF - low)
    chances |= np.arange(size, dtype=np.uint32)
    return chances, np.uint32(low)


def _counts(allowed: Mask, density: float) -> Longs:
    """BERT's count: `max(1, round(density x allowed positions))`, int64 [sequences]."""
    counts: Longs = np.rint(allowed.sum(axis=1) * density).astype(np.int64)
    return np.maximum(counts, 1)


def _fitting(sizes: Longs, room: Longs) -> Mask:
    """Take words in order, each where it still fits."""
    taken: Mask = (np.cumsum(sizes, axis=1) <= room[:, None]) & (sizes > 0)
    room = room - np.where(taken, sizes, 0).sum(axis=1)
    while True:
        fits = ~taken & (sizes > 0) & (sizes <= room[:, None])
        sequences = np.flatnonzero(fits.any(axis=1))
        if not len(sequences):
            return taken
        first = fits[sequences].argmax(axis=1)
        taken[sequences, first] = True
        room[sequences] -= sizes[sequences, first]
