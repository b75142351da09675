"""The options of text generation, by the names of `transformers`: those that a user gives lie over
those that a model's folder sets. Free of torch.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from headwater.config import Config
from headwater.errors import UserError

TokenId = Annotated[int, Field(ge=0)]


def _several(value: Any) -> Any:
    return [value] if type(value) is int else value


TokenIds = Annotated[list[TokenId], BeforeValidator(_several)]
"""Token ids; one alone may stand without its list."""

_MOST = 10**6  # beyond it nothing ends, or fits into memory

SAMPLING = ("temperature", "top_k", "top_p")
"""The options of sampling alone."""


class GenerationConfig(Config):
    """How the next token is chosen. The defaults are greedy: always the likeliest.

    max_new_tokens: the most tokens generated, the end token included.
    min_new_tokens: the fewest, the end token not counted.
    num_beams: how many partial texts beam search keeps; 1 is greedy search.
    length_penalty: the p of `log probability / length ** p`, by which finished texts are compared.
        This is the rule of `transformers`; the T5 paper used that of GNMT, with alpha 0.6. From
        -10 to 10, so that no score overflows.
    early_stopping: when a search may end. `true`: as soon as `num_beams` texts are finished.
        `false`: when the best unfinished one, ended now, would not be better. `"never"`: when none
        could become better at any length.
    do_sample: draw the next token instead.
    temperature: divides the logits before drawing; below 1 the likely tokens gain.
    top_k: draw among the k likeliest tokens only (Fan et al. 2018); left out: among all.
    top_p: draw among the fewest likeliest tokens with that much probability together (Holtzman et
        al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1).
    num_return_sequences: texts for each input: the best of the beams, or as many draws.
    repetition_penalty: divides the positive logits of earlier tokens and multiplies the negative
        ones (Keskar et al. 2019, "CTRL", section 4.1). Earlier tokens are a T5's own output; of a
        GPT the prompt counts too. Beam search applies it to log probabilities.
    no_repeat_ngram_size: no sequence of so many tokens comes twice; 0: any may.
    eos_token_id: what ends a text, one token or several; left out: the vocabulary's end token.
    decoder_start_token_id: what a T5 begins its text with; left out: as in config.json.
    forced_bos_token_id: what follows that start; of a GPT, a prompt of one token.
    forced_eos_token_id: the last token of a text that has not ended.
    bad_words_ids: words, each of one token or several, that may not come.
    suppress_tokens: tokens that may not come.
    begin_suppress_tokens: tokens that may not come first.
    seed: with it a drawn text follows from the index of its input alone; below 2**63.
    """

    old_names: ClassVar[Mapping[str, str]] = {
        "max_length": "max_new_tokens",
        "beams": "num_beams",
        "sample": "do_sample",
    }

    max_new_tokens: int = Field(default=64, ge=1, le=_MOST)
    min_new_tokens: int = Field(default=0, ge=0)
    num_beams: int = Field(default=1, ge=1, le=_MOST)
    length_penalty: float = Field(default=1.0, ge=-10, le=10)
    early_stopping: bool | Literal["never"] = False
    do_sample: bool = False
    temperature: float = Field(default=1.0, gt=0)
    top_k: int | None = Field(default=None, ge=1)
    top_p: float | None = Field(default=None, gt=0, le=1)
    num_return_sequences: int = Field(default=1, ge=1, le=_MOST)
    repetition_penalty: float = Field(default=1.0, gt=0)
    no_repeat_ngram_size: int = Field(default=0, ge=0)
    eos_token_id: TokenIds | None = None
    decoder_start_token_id: TokenId | None = None
    forced_bos_token_id: TokenId | None = None
    forced_eos_token_id: TokenIds | None = None
    bad_words_ids: list[Annotated[list[TokenId], Field(min_length=1)]] | None = None
    suppress_tokens: list[TokenId] | None = None
    begin_suppress_tokens: list[TokenId] | None = None
    seed: int = Field(default=0, ge=0, le=2**63 - 1)

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        if self.do_sample and self.num_beams > 1:
            raise ValueError(
                f"do_sample with num_beams = {self.num_beams}: beam sampling is not supported; "
                "give num_beams = 1, or do_sample = false"
            )
        sampling = self.temperature != 1 or self.top_k is not None or self.top_p is not None
        if sampling and not self.do_sample:
            raise ValueError("temperature, top_k and top_p are for sampling; add do_sample = true")
        if self.num_return_sequences > self.num_beams and not self.do_sample:
            raise ValueError(
                f"num_return_sequences = {self.num_return_sequences} needs as many num_beams, or "
                "do_sample = true"
            )
        if self.min_new_tokens > self.max_new_tokens:
            raise ValueError(
                f"min_new_tokens = {self.min_new_tokens} is more than max_new_tokens = "
                f"{self.max_new_tokens}"
            )
        return self

    @property
    def constrained(self) -> bool:
        """Whether logits are changed before the next token is chosen (see `logits.py`)."""
        return self.repetition_penalty != 1 or any(getattr(self, name) for name in _CONSTRAINTS)


_CONSTRAINTS = (
    "min_new_tokens",
    "no_repeat_ngram_size",
    "bad_words_ids",
    "suppress_tokens",
    "begin_suppress_tokens",
    "forced_eos_token_id",
    "forced_bos_token_id",
)

_IDS = ("_id", "_ids", "suppress_tokens")
"""How the options end that are ids of tokens."""


def laid_over(
    file: Mapping[str, Any], given: Mapping[str, Any], where: str, tokens: int
) -> GenerationConfig:
    """Return the options that a user gives, over those of a model's file.

    Args:
        where: begins the error where they are wrong.
        tokens: how many the model has.
    """
    new = {GenerationConfig.old_names.get(key, key) for key in given}
    values = {key: value for key, value in file.items() if key not in new}
    if not given.get("do_sample", values.get("do_sample")):
        values = {key: value for key, value in values.items() if key not in SAMPLING}
    bounds = {"max_new_tokens": "min_new_tokens", "num_beams": "num_return_sequences"}
    for most, least in bounds.items():  # of the file, where the user gives the other
        if least in values and isinstance(given.get(most), int):
            values[least] = min(values[least], given[most])
    config = GenerationConfig.check({**values, **given}, where)
    for key in (key for key in config.model_fields_set if key.endswith(_IDS)):
        if not within(value := getattr(config, key), tokens):
            raise UserError(f"{where}: {key} = {value!r:.40}; tokens are 0 to {tokens - 1}")
    return config


def within(ids: Any, size: int) -> bool:
    """Tell whether ids, one or several or words of them, are those of tokens; None is."""
    if isinstance(ids, list):
        return all(within(each, size) for each in ids)
    return ids is None or (type(ids) is int and 0 <= ids < size)
