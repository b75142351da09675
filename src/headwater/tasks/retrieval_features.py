"""A question, its passage and its hard negatives as one packed sequence: see `models.embedding`."""

from collections.abc import Callable, Sequence
from typing import final

import numpy as np

from headwater.data.config import SequenceConfig
from headwater.data.convert import Features
from headwater.data.example import RetrievalExample
from headwater.data.token_arrays import Longs, Ragged, encode_ids, fingerprint
from headwater.tasks.retrieval import passage_numbers
from headwater.text.sequence_layout import SequenceLayout
from headwater.text.vocabulary import Vocabulary

Asked = Callable[[list[str], str], list[str]]


@final
class RetrievalFeatures:
    """One feature for each example, a FeatureSet.

    A feature is `input_ids`, `token_type_ids` and `blocks`, int32 [length], and `passages`, int32
    [passages]: their numbers from 1, that of the right one first. `cut` is how many questions and
    passages lost an end.
    """

    def __init__(
        self,
        layout: SequenceLayout,
        questions: Ragged,
        passages: Ragged,
        chosen: Ragged,
        cut: int = 0,
    ) -> None:
        self._layout, self._questions = layout, questions
        self._passages, self._chosen = passages, chosen
        self.cut = cut
        ends = len(layout.before) + len(layout.after)
        tokens = np.concatenate(([0], np.cumsum((passages.lengths + ends)[chosen.values])))
        of_passages = tokens[chosen.bounds[1:]] - tokens[chosen.bounds[:-1]]
        self.lengths: Longs = questions.lengths + ends + of_passages

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> Features:
        chosen = self._chosen[index]
        texts = [self._questions[index], *(self._passages[each] for each in chosen.tolist())]
        sequences = [self._layout.sequence(text) for text in texts]
        lengths = [len(each["input_ids"]) for each in sequences]
        packed = {name: np.concatenate([each[name] for each in sequences]) for name in sequences[0]}
        blocks = np.repeat(np.arange(1, len(texts) + 1, dtype=np.int32), lengths)
        return {**packed, "blocks": blocks, "passages": chosen + np.int32(1)}

    def features(self, indices: Longs, epoch: int) -> list[Features]:
        return [self[index] for index in indices.tolist()]

    @property
    def fingerprint(self) -> str:
        parts = (self._questions, self._passages, self._chosen)
        return fingerprint(
            self._layout.identity, [array for each in parts for array in (each.values, each.bounds)]
        )


def encode_retrieval(
    vocabulary: Vocabulary,
    examples: Sequence[RetrievalExample],
    config: SequenceConfig,
    asked: Asked,
    layout: SequenceLayout,
) -> RetrievalFeatures:
    """Encode every example; equal passages are encoded once.

    Args:
        asked: puts the prompt of that name before texts.
    """
    numbers = passage_numbers(examples)
    room = config.max_length - len(layout.before) - len(layout.after)
    questions = encode_ids(
        vocabulary, asked([each.question for each in examples], "query"), room + 1
    )
    passages = encode_ids(vocabulary, asked(list(numbers), "document"), room + 1)
    chosen = Ragged.of(
        [
            np.array([numbers[text] for text in (each.passage, *each.negatives)], np.int32)
            for each in examples
        ]
    )
    both = (questions, passages)
    cut = sum(int((each.lengths > room).sum()) for each in both)
    first, second = (Ragged.of([each[n][:room] for n in range(len(each))]) for each in both)
    return RetrievalFeatures(layout, first, second, chosen, cut)
