"""`text2text-generation`, `summarization` and `translation`: a text for a text.

A T5 reads what to do before the text (Raffel et al. 2020, section 2.4). What that is, a model says
that was trained on one task here, or whose config.json has `task_specific_params`; for a
translation, the languages do.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

from pydantic import Field, model_validator

from headwater.config import Config
from headwater.errors import UserError, listed
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.loaded import LoadedModel
from headwater.inference.text_generator import TextGenerator
from headwater.inference.written_text import GenerationInput, WrittenText
from headwater.models.families import family_of, sizes_of
from headwater.pipelines.clean_up import clean_up
from headwater.pipelines.task import texts_of
from headwater.pipelines.writing import OLD_NAMES, grows

Name = Literal["text2text-generation", "summarization", "translation"]

KEYS: Mapping[Name, str] = {
    "text2text-generation": "generated_text",
    "summarization": "summary_text",
    "translation": "translation_text",
}
"""Under which key each gives its text."""

LANGUAGES: Mapping[str, str] = {"de": "German", "en": "English", "fr": "French", "ro": "Romanian"}
"""Those that the published T5 translates between, by their codes."""


class TextOptions(Config):
    """What a caller may set.

    generate_parameters: those of generation, by the names of `GenerationConfig`; they may stand
        beside the others, too.
    truncation: whether the end of a text that is too long is cut.
    clean_up_tokenization_spaces: take spaces before punctuation out of what is written.
    src_lang: from which language is translated, as a code or a name in English.
    tgt_lang: into which; both are given, or neither.
    """

    generate_parameters: dict[str, Any] = Field(default={})
    truncation: bool | Literal["do_not_truncate", "longest_first", "only_first"] = False
    clean_up_tokenization_spaces: bool = False
    src_lang: str | None = None
    tgt_lang: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, values: Any) -> Any:
        """Take options of generation that stand beside the others, as old pipelines have them."""
        if not isinstance(values, dict):
            return values
        own = {key: value for key, value in values.items() if key in cls.model_fields}
        rest = {key: value for key, value in values.items() if key not in own}
        inside = own.get("generate_parameters", {})
        if rest and isinstance(inside, dict):
            own["generate_parameters"] = {**inside, **rest}
        return own


@final
class TextToTextTask:
    """Writes a text for each text."""

    options = TextOptions

    def __init__(self, model: LoadedModel, name: Name, languages: Sequence[str] = ()) -> None:
        """languages: those of a translation, source and target; empty: as options say."""
        writer = model.predictors.writer()
        if not isinstance(writer, TextGenerator):
            raise UserError(f"{model.name}: continues a text; {name} is for text-to-text models")
        self._model, self.writer, self._name = model, writer, name
        self._languages = tuple(languages)
        self._usual_prefix = _known_prefix(model, name)

    def items(self, inputs: Any) -> tuple[list[str], bool]:
        return texts_of(inputs)

    def characters(self, item: str) -> int:
        return len(item)

    def run(self, items: Sequence[str], options: TextOptions) -> list[Any]:
        texts, most = self._texts(items, options), self._most(options)
        return [
            [self._shaped(each.text, options) for each in found]
            for found in self.writer.generate(texts, self._config(options), most)
        ]

    def stepwise(self, options: TextOptions) -> bool:
        return grows(self.writer, self._config(options))

    def inputs(self, items: Sequence[str], options: TextOptions) -> list[GenerationInput]:
        texts, most = self._texts(items, options), self._most(options)
        return self.writer.inputs(texts, self._config(options), most)

    def result(self, item: str, texts: Sequence[WrittenText], options: TextOptions) -> Any:
        return [self._shaped(each.text, options) for each in texts]

    def outer(self, results: list[Any], one: bool) -> Any:
        """Return a flat list where each text has one result, as the old pipelines do."""
        if one:
            return results[0]
        if all(len(each) == 1 for each in results):
            return [each[0] for each in results]
        return results

    def _shaped(self, text: str, options: TextOptions) -> dict[str, str]:
        cleaned = clean_up(text) if options.clean_up_tokenization_spaces else text
        return {KEYS[self._name]: cleaned}

    def _config(self, options: TextOptions) -> GenerationConfig:
        return generation(self._model, options.generate_parameters)

    def _texts(self, items: Sequence[str], options: TextOptions) -> list[str]:
        """Say before each text what is to be done."""
        prefix = self._prefix(options)
        return [text if text.startswith(prefix) else prefix + text for text in items]

    def _most(self, options: TextOptions) -> int | None:
        """Return how many tokens of each text are read; None: all."""
        if options.truncation in (False, "do_not_truncate"):
            return None
        saved = self._model.extra.get("text")
        trained = saved.get("max_inputs", 512) if isinstance(saved, dict) else 512
        return min(int(trained), sizes_of(self._model.config).longest_input)

    def _prefix(self, options: TextOptions) -> str:
        given = [each for each in (options.src_lang, options.tgt_lang) if each is not None]
        if len(given) == 1:
            raise UserError("parameters: give src_lang and tgt_lang, or none of them")
        languages = tuple(given) or self._languages
        if languages and self._name != "translation":
            raise UserError("parameters: src_lang and tgt_lang are for translation")
        if languages and _reads_prefixes(self._model):
            source, target = map(_language, languages)
            return f"translate {source} to {target}: "
        return self._usual_prefix


def _reads_prefixes(model: LoadedModel) -> bool:
    return family_of(model.config).prefixes(model.config)


def _known_prefix(model: LoadedModel, name: Name) -> str:
    """Return what a model was trained to read first, of a task of ours or its config's."""
    from headwater.tasks.names import DECLARED, task

    if name == "text2text-generation" or not _reads_prefixes(model):
        return ""
    found: Any = None
    trained, folder = model.extra.get("task"), model.folder
    if isinstance(trained, str) and trained in DECLARED:
        found = getattr(task(trained), "prefix", None)
    elif folder is not None and (folder / "config.json").is_file():  # an adapter has none
        values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        params = values.get("task_specific_params")
        own = params.get(name) if isinstance(params, dict) else None
        found = own.get("prefix") if isinstance(own, dict) else None
    return found if isinstance(found, str) else ""


def generation(model: LoadedModel, given: Mapping[str, Any]) -> GenerationConfig:
    """Return the options of generation that a caller gives, over those of the model."""
    return model.predictors.decoding(
        {OLD_NAMES.get(key, key): value for key, value in given.items()}
    )


def _language(given: str) -> str:
    """Return the English name of a language that T5 translates."""
    name = LANGUAGES.get(given.casefold().split("_")[0].split("-")[0])
    names = {each.casefold(): each for each in LANGUAGES.values()}
    found = name or names.get(given.casefold())
    if found is None:
        known = listed(f"{code} ({each})" for code, each in LANGUAGES.items())
        raise UserError(f"language {given!r:.40}: T5 translates {known}")
    return found
