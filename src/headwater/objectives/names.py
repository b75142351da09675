"""All objectives of pre-training, with their settings and how their features are made.

    OBJECTIVES["mlm"].build(config, store, vocabulary, seed, False)

Which families learn an objective is in their records (`models/FAMILY/family.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, Self, final

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from headwater.config import Config, as_list
from headwater.data.convert import FeatureSet
from headwater.objectives.cbow import WordWindows, WordWindowsConfig
from headwater.objectives.lm import LanguageModel, LanguageModelConfig, SplitText
from headwater.objectives.mlm import ENDS, MaskedLM, MaskedLMConfig
from headwater.objectives.sequences import Store
from headwater.objectives.span_corruption import SpanCorruption, SpanCorruptionConfig
from headwater.text.vocabulary import Vocabulary

MOST_REPEATS = 1000  # readings of a store in one epoch; each takes memory

ObjectiveName = Literal[
    "bilm", "cbow", "mlm", "lm", "prefix_lm", "replaced_tokens", "span_corruption"
]

FeatureKind = Literal["mlm", "lm", "bilm", "cbow", "text", "span_corruption", "whole_text"]
"""How a feature is shown. `text`: any inputs and targets of an encoder-decoder; `span_corruption`:
those where sentinels take the place of spans; `whole_text`: those whose targets are all of it.
`lm`: of a decoder, with a prefix or without."""


class CorpusConfig(Config):
    """The token stores of a run, as `headwater corpus build` makes them.

    train: one store, or a list of stores that one vocabulary made, which are read as one.
    repeats: how often each of them is read per epoch; empty: once.
    validation: another store, to measure the held-out loss on.
    validation_rows: the most sequences of it that are measured.
    """

    train: Annotated[list[str], BeforeValidator(as_list), Field(min_length=1)]
    repeats: list[Annotated[int, Field(ge=1, le=MOST_REPEATS)]] = Field(default=[])
    validation: str | None = None
    validation_rows: PositiveInt = 512

    @model_validator(mode="after")
    def _one_number_each(self) -> Self:
        if self.repeats and len(self.repeats) != len(self.train):
            raise ValueError(
                f"repeats: {len(self.repeats)} numbers for {len(self.train)} stores; "
                "give one for each"
            )
        return self


class ObjectiveConfig(Config):
    """An objective over token stores; the table named like it shapes its sequences.

    objective: what is predicted (docs/pretraining.md); `prefix_lm` and `bilm` have the table `lm`,
        `replaced_tokens` has `mlm`.
    """

    objective: ObjectiveName
    corpus: CorpusConfig
    cbow: WordWindowsConfig = Field(default_factory=WordWindowsConfig)
    mlm: MaskedLMConfig = Field(default_factory=MaskedLMConfig)
    lm: LanguageModelConfig = Field(default_factory=LanguageModelConfig)
    span_corruption: SpanCorruptionConfig = Field(default_factory=SpanCorruptionConfig)


def _no_head(config: ObjectiveConfig) -> str | None:
    return None


@final
@dataclass(frozen=True, slots=True)
class Objective:
    """One objective.

    Attributes:
        build: makes the features of a token store under a seed; the flag tells whether the model
            writes text.
        shown: how `inspect batch` shows a feature, with the same flag.
        head: the head of an encoder that learns it.
        length: the recipe's key of the longest sequence, which the model must be able to read.
        whole_words: whether its vocabulary must be one of whole words.
        text: how many tokens of running text each sequence takes, with the same flag; None: texts
            of many lengths become sequences.
    """

    build: Callable[[ObjectiveConfig, Store, Vocabulary, int, bool], FeatureSet]
    shown: Callable[[ObjectiveConfig, bool], FeatureKind]
    head: Callable[[ObjectiveConfig], str | None] = _no_head
    length: str = ""
    whole_words: bool = False
    text: Callable[[ObjectiveConfig, bool], int | None] = lambda *_: None


def _language_model(
    config: ObjectiveConfig, store: Store, vocabulary: Vocabulary, seed: int, writes_text: bool
) -> FeatureSet:
    assert config.objective in ("bilm", "lm", "prefix_lm")
    if writes_text and config.objective != "bilm":
        return SplitText(store, vocabulary, config.lm, seed, config.objective)
    return LanguageModel(store, vocabulary, config.lm, seed, config.objective)


def _language_model_text(config: ObjectiveConfig, writes_text: bool) -> int | None:
    varied = config.lm.packing or (writes_text and config.objective == "prefix_lm")
    return None if varied else config.lm.length


def _masked_text(config: ObjectiveConfig, writes_text: bool) -> int | None:
    pairs = config.mlm.next_sentence and config.objective == "mlm"
    return None if pairs or config.mlm.packing else config.mlm.max_length - ENDS


def _corrupted_text(config: ObjectiveConfig, writes_text: bool) -> int | None:
    return None if config.span_corruption.packing else config.span_corruption.raw


def _shown_language_model(config: ObjectiveConfig, writes_text: bool) -> FeatureKind:
    return "text" if writes_text else "lm"


def _shown_corruption(config: ObjectiveConfig, writes_text: bool) -> FeatureKind:
    variant = config.span_corruption.variant
    if variant in ("span_corruption", "replace_spans"):
        return "span_corruption"
    return "text" if variant in ("drop_tokens", "deshuffling") else "whole_text"


def _replaced_tokens(
    config: ObjectiveConfig, store: Store, vocabulary: Vocabulary, seed: int, writes_text: bool
) -> FeatureSet:
    """What a generator fills is masked as for a masked LM; there are no pairs."""
    return MaskedLM(store, vocabulary, config.mlm.model_copy(update={"next_sentence": False}), seed)


_LANGUAGE_MODEL = Objective(
    _language_model, _shown_language_model, length="lm.length", text=_language_model_text
)

OBJECTIVES: Mapping[str, Objective] = MappingProxyType(
    {
        "bilm": Objective(
            _language_model, lambda *_: "bilm", whole_words=True, text=_language_model_text
        ),
        "cbow": Objective(
            lambda config, store, *_: WordWindows(store, config.cbow),
            lambda *_: "cbow",
            whole_words=True,
        ),
        "mlm": Objective(
            lambda config, store, vocabulary, seed, _: MaskedLM(
                store, vocabulary, config.mlm, seed
            ),
            lambda *_: "mlm",
            head=lambda config: "pretraining" if config.mlm.next_sentence else "masked_lm",
            length="mlm.max_length",
            text=_masked_text,
        ),
        "lm": _LANGUAGE_MODEL,
        "prefix_lm": _LANGUAGE_MODEL,
        "replaced_tokens": Objective(
            _replaced_tokens,
            lambda *_: "mlm",
            head=lambda config: "replaced_token",
            length="mlm.max_length",
            text=_masked_text,
        ),
        "span_corruption": Objective(
            lambda config, store, vocabulary, seed, _: SpanCorruption(
                store, vocabulary, config.span_corruption, seed
            ),
            _shown_corruption,
            text=_corrupted_text,
        ),
    }
)
