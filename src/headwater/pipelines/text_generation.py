"""`text-generation`: what follows a prompt, at once or one token after another."""

from collections.abc import Sequence
from typing import Any, Literal, final

from pydantic import Field, NonNegativeInt, PositiveInt

from headwater.config import Config
from headwater.inference.generation_config import SAMPLING, GenerationConfig
from headwater.inference.loaded import LoadedModel
from headwater.inference.running_batch import write_together
from headwater.inference.token_stream import check_one_text
from headwater.inference.written_text import GenerationInput, Token, WrittenText
from headwater.pipelines.task import first_or_all, texts_of
from headwater.pipelines.writing import OLD_NAMES, grows

TOGETHER = 16
"""Texts that are written at a time where their tokens are looked at."""


class GenerationOptions(Config):
    """What a caller may set; temperature, top_k and top_p draw tokens by themselves.

    return_full_text: whether the prompt stands before what follows it.
    stop: texts of which each ends the text, and stands in it.
    details: give the tokens with their log probabilities, and why the text ended.
    max_length: the most new tokens, as the old pipelines call them.
    min_length: the fewest new tokens, likewise.
    """

    details: bool = False
    return_full_text: bool = False
    stop: list[str] = Field(default=[])
    seed: NonNegativeInt = 0
    do_sample: bool | None = None
    temperature: float | None = None
    top_k: PositiveInt | None = None
    top_p: float | None = None
    max_new_tokens: PositiveInt | None = None
    min_new_tokens: NonNegativeInt | None = None
    max_length: PositiveInt | None = None
    min_length: NonNegativeInt | None = None
    num_beams: PositiveInt | None = None
    num_return_sequences: PositiveInt | None = None
    no_repeat_ngram_size: NonNegativeInt | None = None
    length_penalty: float | None = None
    early_stopping: bool | Literal["never"] | None = None
    repetition_penalty: float | None = None

    def generation(self) -> dict[str, Any]:
        """Return those of generation, by the names of `GenerationConfig`."""
        apart = {"details", "return_full_text", "stop"}
        values = self.model_dump(exclude=apart, exclude_none=True)
        given = {OLD_NAMES.get(key, key): value for key, value in values.items()}
        draws = any(given.get(name) is not None for name in SAMPLING)
        return {"do_sample": draws, **given} if draws else given

    @property
    def step_by_step(self) -> bool:
        """Whether tokens are looked at one after another."""
        return self.details or bool(self.stop)


@final
class TextGeneration:
    """Continues prompts; a text-to-text model writes for them."""

    options = GenerationOptions

    def __init__(self, model: LoadedModel) -> None:
        self._model, self.writer = model, model.predictors.writer()
        roles = ("pad_id", "unk_id", "eos_id", "cls_id", "sep_id", "mask_id")
        ids = (getattr(model.vocabulary, role) for role in roles)
        self._special = frozenset(id for id in ids if id is not None)

    def items(self, inputs: Any) -> tuple[list[str], bool]:
        return texts_of(inputs)

    def characters(self, item: str) -> int:
        return len(item)

    def run(self, items: Sequence[str], options: GenerationOptions) -> list[Any]:
        if options.step_by_step:
            inputs = self.inputs(items, options)
            written = write_together(self.writer.running_batch(), inputs, TOGETHER)
            return [
                self.result(item, texts, options)
                for item, texts in zip(items, written, strict=True)
            ]
        return [
            [self._shaped(item, each.text, options) for each in found]
            for item, found in zip(
                items, self.writer.generate(items, self._config(options)), strict=True
            )
        ]

    def outer(self, results: list[Any], one: bool) -> Any:
        return first_or_all(results, one)

    def check_stream(self, options: GenerationOptions) -> None:
        """Refuse options with which there is no one text that grows token by token."""
        check_one_text(self.writer.network, self._config(options))

    def stepwise(self, options: GenerationOptions) -> bool:
        if options.step_by_step:
            self.check_stream(options)
        return grows(self.writer, self._config(options))

    def inputs(self, items: Sequence[str], options: GenerationOptions) -> list[GenerationInput]:
        if options.step_by_step:
            self.check_stream(options)
        return self.writer.inputs(items, self._config(options), stop=options.stop)

    def result(self, item: str, texts: Sequence[WrittenText], options: GenerationOptions) -> Any:
        found = [self._shaped(item, each.text, options) for each in texts]
        if options.details:
            [text] = texts
            tokens = [self.token(each) for each in text.tokens]
            details = {**self.details(text, options), "prefill": [], "tokens": tokens}
            return [{**found[0], "details": details}]
        return found

    def token(self, token: Token) -> dict[str, Any]:
        """Return a token as clients read it."""
        special = token.id in self._special
        chance = token.log_probability
        return {"id": token.id, "text": token.text, "logprob": chance, "special": special}

    def details(self, text: WrittenText, options: GenerationOptions) -> dict[str, Any]:
        """Return why a text ended, and how long it is."""
        return {
            "finish_reason": text.finish_reason,
            "input_length": text.given.length,
            "generated_tokens": len(text.tokens),
            "seed": options.seed,
        }

    def _config(self, options: GenerationOptions) -> GenerationConfig:
        return self._model.predictors.decoding(options.generation())

    def _shaped(self, prompt: str, text: str, options: GenerationOptions) -> dict[str, Any]:
        return {"generated_text": prompt + text if options.return_full_text else text}
