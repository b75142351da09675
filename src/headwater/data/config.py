"""The settings by which files become examples, and texts the inputs of a model."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, model_validator

from headwater.config import Config, as_list

Files = Annotated[list[str], BeforeValidator(as_list)]

MOST_FOLDS = 1000
MOST_SPECIAL_TOKENS = 4  # RoBERTa's <s> question </s></s> context </s>; BERT has 3


class DataConfig(Config):
    """What is trained on, and how it is prepared, in this order.

    Args:
        train: the task's files, read as one set.
        held_out: files whose texts must not be trained on: training texts (the paragraphs of
            questions) that share more than 20% of their 8-grams with them are dropped and
            reported.
        validation: files to evaluate on during the run.
        validation_share: where no `validation` is given: the share of the texts (of questions: of
            the articles) split off.
        folds: or else: divide the texts (the articles) into so many parts, and hold out one of
            them: one run of a cross-validation. `headwater tune --folds` runs all.
        fold: which part is held out, from 0.
        most: train on so many examples at most, drawn by the seed.

    Of span tasks only:
        longest_context: leave out training questions on longer contexts, in characters.
        longest_answer: leave out training questions with a longer answer, in characters.
        unanswerable: questions without an answer to make, as a share of the questions. Three ways
            take turns: a name, number or word of the question is altered; it gets a similar
            paragraph; it gets another one.
    """

    train: Files = Field(min_length=1)
    held_out: Files = Field(default=[])
    validation: Files = Field(default=[])
    validation_share: float = Field(default=0.0, ge=0, lt=1)
    folds: int | None = Field(default=None, ge=2, le=MOST_FOLDS)
    fold: NonNegativeInt | None = None
    most: PositiveInt | None = None
    longest_context: PositiveInt | None = None
    longest_answer: PositiveInt | None = None
    unanswerable: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _one_validation(self) -> Self:
        if self.validation and self.validation_share:
            raise ValueError("give validation files or a validation_share, not both")
        if (self.folds is None) != (self.fold is None):
            raise ValueError("folds, how many parts there are, and fold, one of them, go together")
        if self.folds is not None and self.fold is not None:
            if self.validation or self.validation_share:
                own = "validation" if self.validation else "validation_share"
                raise ValueError(f"folds hold out a part of train; leave {own} out")
            if self.fold >= self.folds:
                raise ValueError(f"fold = {self.fold}: counts from 0 to {self.folds - 1}")
        return self

    @property
    def measures(self) -> bool:
        """Whether something is held out to measure on."""
        return bool(self.validation or self.validation_share or self.folds)


class TextConfig(Config):
    """Text to text.

    max_inputs: the longest input in tokens; in a GPT inputs and targets share the positions.
    max_targets: the longest target in tokens, and the longest answer that is written.
    pad_punctuation: put spaces around the punctuation of questions, contexts and answers, as T5's
        own checkpoints read them; it is saved with the model (docs/tasks.md#other-tasks).
    """

    max_inputs: PositiveInt = 512
    max_targets: PositiveInt = 64
    pad_punctuation: bool = False

    def fitting(self, longest: int, written: int, *, together: bool) -> Self:
        """Shorten inputs and targets to what a network can read and write.

        Args:
            together: whether the longest input holds the targets, too.
        """
        targets = min(self.max_targets, written, longest // 2 if together else written)
        room = longest - targets if together else longest
        fitting = {"max_inputs": min(self.max_inputs, room), "max_targets": targets}
        return self.model_copy(update=fitting)


class SpanConfig(Config):
    """How contexts are cut into windows and spans are chosen; all counts are in tokens.

    Defaults follow BERT's SQuAD runs (Devlin et al. 2019, section 4.2 and its code).

    max_length: the longest model input, special tokens included.
    stride: how far each window of a long context begins after the previous one (BERT's
        `doc_stride`). Left out: half of the room that the question leaves, or less where that is
        needed for every answer of `max_answer_length` tokens to stand whole in some window.
    max_query_length: questions are cut after so many tokens.
    max_answer_length: the longest answer that is chosen.
    n_best: how many candidates are kept per question.
    """

    max_length: int = Field(default=384, ge=1)
    stride: int | None = Field(default=None, ge=1)
    max_query_length: int = Field(default=64, ge=1)
    max_answer_length: int = Field(default=30, ge=1)
    n_best: int = Field(default=20, ge=1)

    @model_validator(mode="after")
    def _leave_room(self) -> Self:
        least = self.max_query_length + MOST_SPECIAL_TOKENS + 1
        if self.max_length < least:
            raise ValueError(
                f"max_length = {self.max_length}: at least {least} was expected, so that a "
                f"question of max_query_length = {self.max_query_length} leaves room for the text"
            )
        return self

    def step(self, room: int) -> int:
        """How far apart windows begin when `room` context tokens fit into each (room >= 1).

        Windows overlap by `room - step` tokens, and an answer of up to `room - step + 1` tokens
        stands whole in one of them wherever it is.
        """
        if self.stride is not None:
            return min(self.stride, room)  # a longer one would leave tokens out
        return max(1, min(room // 2, room - self.max_answer_length + 1))

    def fitting(self, longest: int) -> Self:
        """Shorten windows, and questions where needed, to what a network can read."""
        if self.max_length <= longest:
            return self
        query = max(1, min(self.max_query_length, (longest - MOST_SPECIAL_TOKENS) // 2))
        return self.model_copy(update={"max_length": longest, "max_query_length": query})


class SequenceConfig(Config):
    """How a text or a pair becomes one model input (Devlin et al. 2019, section 4.1).

    max_length: the longest input in tokens, special ones included. Of a longer text the end is
        cut, of a pair that of the longer one; the sentences of tagging go on in another input.
        For vectors it is by default that of the model's folder, or 256.
    """

    max_length: int = Field(default=128, ge=8)

    def fitting(self, longest: int) -> Self:
        """Shorten inputs to what a network can read."""
        if self.max_length <= longest:
            return self
        return self.model_copy(update={"max_length": longest})
