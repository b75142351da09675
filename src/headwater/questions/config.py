"""The settings of question generation. Free of torch."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from headwater.config import Config

Kind = Literal["name", "date", "number", "phrase", "clause"]
KINDS: tuple[Kind, ...] = ("name", "date", "number", "phrase", "clause")


class QuestionConfig(Config):
    """Which questions are asked of which passages, and which are kept.

    min_characters: the fewest characters of a passage.
    max_characters: the most characters of a passage.
    passages: how many passages are drawn at most, by the seed; left out: all. When documents are
        added, most of the draw stays the same.
    per_passage: how many answers of a passage are asked for. Kinds and sentences take turns.
    answers: their kinds; a `clause` is what stands between two punctuation marks or
        conjunctions.
    min_f1: the least F1 of the reader's answer with the one asked for. At 1 the words are the
        same; case, articles and punctuation are ignored.
    sentence_removed: for this share of the kept questions, the same again on its passage without
        the sentence of the answer, as unanswerable.
    near_passage: for this share, the same again on the passage that shares most rare words with it
        and lacks the answer, as unanswerable.
    writing: how the writer writes, as the options of `LoadedModel.generate`; left out: as its
        folder says.
    seed: of what is drawn.
    """

    min_characters: int = Field(default=120, ge=1)
    max_characters: int = Field(default=1200, ge=1)
    passages: int | None = Field(default=None, ge=1)
    per_passage: int = Field(default=8, ge=1)
    answers: list[Kind] = Field(default=["name", "date", "number", "phrase"], min_length=1)
    min_f1: float = Field(default=1.0, gt=0, le=1)
    sentence_removed: float = Field(default=0.0, ge=0, le=1)
    near_passage: float = Field(default=0.0, ge=0, le=1)
    writing: dict[str, Any] = Field(default={})
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if self.min_characters > self.max_characters:
            raise ValueError(
                f"min_characters = {self.min_characters} is more than max_characters = "
                f"{self.max_characters}"
            )
        return self
