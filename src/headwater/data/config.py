"""The settings of a run's data. Imports no torch."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from headwater.config import Config, as_list

Files = Annotated[list[str], BeforeValidator(as_list)]


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
        most: train on so many examples at most, drawn by the seed.

    Of span tasks only:
        longest_context: leave out training questions on longer contexts, in characters.
        longest_answer: leave out training questions with a longer answer, in characters.
        unanswerable: questions without an answer to make, as a share of the questions.
    """

    train: Files = Field(min_length=1)
    held_out: Files = Field(default=[])
    validation: Files = Field(default=[])
    validation_share: float = Field(default=0.0, ge=0, lt=1)
    most: PositiveInt | None = None
    longest_context: PositiveInt | None = None
    longest_answer: PositiveInt | None = None
    unanswerable: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _one_validation(self) -> Self:
        if self.validation and self.validation_share:
            raise ValueError("give validation files or a validation_share, not both")
        return self


class TextConfig(Config):
    """Text to text: the longest input and target, in tokens."""

    max_inputs: PositiveInt = 512
    max_targets: PositiveInt = 64
