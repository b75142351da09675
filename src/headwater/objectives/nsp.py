"""Next sentence prediction: does B follow A in the text?

Half of the sequences hold two neighboring spans of a document, the other half a span and one from
another document (Devlin et al. 2019, section 3.1, task 2). Sentences are any spans of text:

    [CLS] A A A A [SEP] B B B [SEP]      next_sentence_label 0: B is next; 1: B is random

As in the published `create_pretraining_data`, a run of whole sentences is filled up to the length,
A is a random number of its sentences, and what is too long is cut from the longer of A and B (here
at the far ends, so that a true pair stays seamless). Two things differ, because sequences are made
when they are needed and not written out beforehand (32 MB of text became 697 MB so):

- A run is the same in every epoch, whichever B it gets; the sentences that a random B displaces are
  not put into another run.
- A random B begins at any sentence of the other documents, is no longer than the true one and,
  where the run ends with its document, ends with a sentence as that does. The published one comes
  from any document, however short, and fills the sequence: its length can give it away.
"""

from itertools import pairwise
from typing import NamedTuple, final

import numpy as np

from headwater.data import order
from headwater.data.token_arrays import Ints, Longs
from headwater.errors import UserError
from headwater.objectives.noise import Keys, Mask, below
from headwater.objectives.sequences import Store
from headwater.text.vocabulary import Vocabulary

IS_NEXT, IS_RANDOM = 0, 1


class Pairs(NamedTuple):
    """Sentence pairs: ids and segments int32 [sequences, max_length], lengths int64 [sequences] and
    labels int32 [sequences]; positions past a sequence's length mean nothing."""

    ids: Ints
    segments: Ints
    lengths: Longs
    labels: Ints


@final
class SentencePairs:
    """Runs of sentences as pairs of at most `max_length` tokens, special tokens included.

    `lengths`, int64 [sequences], are those of the true pairs; a random B may be shorter.
    """

    def __init__(self, store: Store, vocabulary: Vocabulary, max_length: int, seed: int) -> None:
        assert max_length >= 5
        if vocabulary.cls_id is None or vocabulary.sep_id is None:
            raise UserError("this vocabulary has no tokens like [CLS] and [SEP], which pairs need")
        self._cls, self._sep = vocabulary.cls_id, vocabulary.sep_id
        self.max_length = max_length
        self._room = max_length - 3
        self._seed = seed
        self._tokens = np.asarray(store.tokens)
        self._bounds = np.unique(store.sentences)
        self._documents = np.unique(store.documents)
        # The first sentence of each document, and after the last one the end.
        self._firsts = np.searchsorted(self._bounds, self._documents)
        self._begin, self._end, self._document = self._plan()
        if not len(self._begin) or len(self._documents) < 3:
            raise UserError(
                "next sentence pairs need at least two documents, one of them of two "
                "sentences; add text, or set mlm.next_sentence = false"
            )
        sizes = self._bounds[self._end] - self._bounds[self._begin]
        self.lengths = np.minimum(sizes, self._room) + 3

    def __len__(self) -> int:
        return len(self._begin)

    def pairs(self, indices: Longs, epoch: int) -> Pairs:
        """Build the given sequences of an epoch."""
        keys = order.sequence_keys((self._seed, order.PAIRS, epoch), indices)
        draws = order.position_hashes(keys[:, None], np.arange(3)[None])
        begin, end, document = self._begin[indices], self._end[indices], self._document[indices]
        middle = begin + 1 + below(draws[:, 0], end - begin - 1)
        size_a, size_b = self._cut(self._bounds[middle], begin, end)
        random = (draws[:, 1] >> np.uint64(63)).astype(bool)
        full = self._bounds[end] - self._bounds[begin] > self._room
        other_start, other_end = self._in_other_documents(document, size_b, full, draws[:, 2])
        bound = self._bounds[middle]
        start_b = np.where(random, other_start, bound)
        stop_b = np.where(random, other_end, bound + size_b)
        return self._assemble(bound - size_a, size_a, start_b, stop_b - start_b, random)

    def _plan(self) -> tuple[Longs, Longs, Longs]:
        """Cut documents into runs that fill a sequence, of two sentences at least.

        Return int64 [sequences]: the first sentence, the one after the last, and the document. A
        last sentence that would be alone is added to the run before it.
        """
        filled = np.searchsorted(self._bounds, self._bounds + self._room)
        begins, ends, documents = [], [], []
        for document, (begin, stop) in enumerate(pairwise(self._firsts.tolist())):
            while begin + 2 <= stop:
                end = min(max(int(filled[begin]), begin + 2), stop)
                if end + 1 == stop:
                    end = stop
                begins.append(begin)
                ends.append(end)
                documents.append(document)
                begin = end
        return np.array(begins, np.int64), np.array(ends, np.int64), np.array(documents, np.int64)

    def _cut(self, middle: Longs, begin: Longs, end: Longs) -> tuple[Longs, Longs]:
        """Cut the longer of A and B until both fit, as the published `truncate_seq_pair`."""
        size_a, size_b = middle - self._bounds[begin], self._bounds[end] - middle
        half = self._room - self._room // 2
        size_a = np.minimum(size_a, np.maximum(self._room - size_b, half))
        return size_a, np.minimum(size_b, self._room - size_a)

    def _in_other_documents(
        self, document: Longs, longest: Longs, full: Mask, draws: Keys
    ) -> tuple[Longs, Longs]:
        """Return the bounds of a span of at most `longest` tokens in another document.

        All sentences of other documents are alike, so that a document comes up as often as its
        text does in true pairs.
        """
        own = self._firsts[document]
        others = len(self._bounds) - 1 - (self._firsts[document + 1] - own)
        sentence = below(draws, others)
        sentence = np.where(sentence < own, sentence, sentence + self._firsts[document + 1] - own)
        other = np.searchsorted(self._firsts, sentence, side="right") - 1
        stop = self._documents[other + 1]
        # So early that `longest` tokens follow, if the document has so many.
        last = np.searchsorted(self._bounds, stop - longest, side="right") - 1
        start = self._bounds[np.maximum(np.minimum(sentence, last), self._firsts[other])]
        reach = np.minimum(start + longest, stop)
        whole = self._bounds[np.searchsorted(self._bounds, reach, side="right") - 1]
        return start, np.where(full | (whole <= start), reach, whole)

    def _assemble(
        self, start_a: Longs, size_a: Longs, start_b: Longs, size_b: Longs, random: Mask
    ) -> Pairs:
        sequences, column = np.arange(len(size_a)), np.arange(self.max_length)
        second = column >= (size_a + 2)[:, None]
        source = column + np.where(second, (start_b - size_a - 2)[:, None], start_a[:, None] - 1)
        ids = np.take(self._tokens, source, mode="clip").astype(np.int32)
        lengths = size_a + size_b + 3
        ids[:, 0] = self._cls
        ids[sequences, size_a + 1] = self._sep
        ids[sequences, lengths - 1] = self._sep
        labels = np.where(random, IS_RANDOM, IS_NEXT).astype(np.int32)
        return Pairs(ids, second.astype(np.int32), lengths, labels)
