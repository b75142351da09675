"""All tasks of the pipelines by name, and which of them a model does."""

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from headwater.errors import UserError, did_you_mean, listed
from headwater.inference.loaded import LoadedModel
from headwater.inference.text_generator import TextGenerator
from headwater.models.families import kind_of
from headwater.pipelines.task import PipelineTask

WHERE: Mapping[str, str] = {
    "question-answering": "question_answering.QuestionAnswering",
    "token-classification": "token_classification.TokenClassification",
    "text-classification": "text_classification.TextClassification",
    "zero-shot-classification": "zero_shot.ZeroShotClassification",
    "fill-mask": "fill_mask.FillMask",
    "summarization": "text_to_text.TextToTextTask",
    "translation": "text_to_text.TextToTextTask",
    "text2text-generation": "text_to_text.TextToTextTask",
    "text-generation": "text_generation.TextGeneration",
    "feature-extraction": "vectors.FeatureExtraction",
    "sentence-similarity": "vectors.SentenceSimilarity",
}
"""By name: the module in this room and the class there."""

NAMES = tuple(WHERE)

ALIASES: Mapping[str, str] = {
    "ner": "token-classification",
    "sentiment-analysis": "text-classification",
}

_TRANSLATION = re.compile(r"translation_([a-zA-Z]+)_to_([a-zA-Z]+)")


def full_name(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the name of a task, and the languages that `translation_xx_to_yy` names."""
    languages: tuple[str, ...] = ()
    if match := _TRANSLATION.fullmatch(name):
        name, languages = "translation", match.groups()
    name = ALIASES.get(name, name)
    if name not in WHERE:
        raise UserError(f"unknown task {name!r:.60}; {did_you_mean(name, NAMES, 'known tasks:')}")
    return name, languages


def pipeline_task(name: str, model: LoadedModel) -> PipelineTask:
    """Return a task over a model; a UserError says why the model does not do it."""
    name, languages = full_name(name)
    module, _, kind = WHERE[name].partition(".")
    build = cast(
        Callable[..., PipelineTask], getattr(import_module(f"headwater.pipelines.{module}"), kind)
    )
    if kind == "TextToTextTask":
        return build(model, name, languages)
    return build(model)


def tasks_of(model: LoadedModel) -> dict[str, PipelineTask]:
    """Return what a model does by name, what it is mostly asked for first."""
    found = {}
    for name in _likely(model):
        try:
            found[name] = pipeline_task(name, model)
        except UserError:
            continue  # such as zero-shot-classification by other labels
    if not found:
        raise UserError(f"{model.name}: does none of the tasks {listed(NAMES, len(NAMES))}")
    return found


def _likely(model: LoadedModel) -> list[str]:
    kinds = set(model.predictors.kinds)
    by_head = {
        "question-answering": {"span"},
        "text-classification": {"sequence", "multi_label", "regression"},
        "zero-shot-classification": {"sequence"},
        "token-classification": {"token"},
        "fill-mask": {"masked_lm", "pretraining"},
    }
    names = [name for name, heads in by_head.items() if kinds & heads]
    match kind_of(model.config):
        case "text_to_text" | "causal_lm" if not kinds:
            writes = isinstance(model.predictors.writer(), TextGenerator)
            if writes:
                names += ["text2text-generation", "summarization", "translation"]
            names += ["text-generation"]
            names += ["question-answering"] if writes else []
        case "encoder":
            names += ["feature-extraction", "sentence-similarity"]
    if "embedding" in kinds:
        names = ["feature-extraction", "sentence-similarity"]
    return names
