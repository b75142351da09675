"""`text-generation`: what follows a prompt, at once or one token after another."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, final

from pydantic import Field, NonNegativeInt, PositiveInt

from headwater.config import Config
from headwater.inference.generation_config import SAMPLING
from headwater.inference.loaded import LoadedModel
from headwater.inference.token_stream import Token, TokenStream
from headwater.pipelines.task import first_or_all, texts_of
from headwater.pipelines.text_to_text import OLD_NAMES


class GenerationOptions(Config):
    """What a caller may set; temperature, top_k and top_p draw tokens by themselves.

    return_full_text: whether the prompt stands before what follows it.
    stop: texts of which each ends the text, and stands in it.
    details: give the tokens with their log probabilities, and why the text ended.
    max_length, min_length: the most and the fewest new tokens, as the old pipelines call them.
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
        names = {**OLD_NAMES, "max_length": "max_new_tokens"}
        values = self.model_dump(exclude=apart, exclude_none=True)
        given = {names.get(key, key): value for key, value in values.items()}
        draws = any(given.get(name) is not None for name in SAMPLING)
        return {"do_sample": draws, **given} if draws else given

    @property
    def step_by_step(self) -> bool:
        """Whether tokens are looked at one after another."""
        return self.details or bool(self.stop)


@final
class Writing:
    """One text that is being generated: each step gives a token, as clients read it.

    Attributes:
        text: what is written so far, without the prompt.
        tokens: those so far.
        finish_reason: why it has ended; None: it has not.
    """

    def __init__(
        self,
        stream: TokenStream,
        options: GenerationOptions,
        special: frozenset[int],
        input_length: int,
    ) -> None:
        self._stream, self._options, self._special = stream, options, special
        self._input_length = input_length
        self.tokens: list[dict[str, Any]] = []
        self.finish_reason: str | None = None

    @property
    def text(self) -> str:
        return self._stream.text

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        if self.finish_reason is not None:
            raise StopIteration
        try:
            token = next(self._stream)
        except StopIteration:
            self.finish_reason = "eos_token"
            raise
        self.finish_reason = self._stream.finish_reason
        if any(each and each in self.text for each in self._options.stop):
            self.finish_reason = "stop_sequence"
        self.tokens.append(self._shaped(token))
        return self.tokens[-1]

    def _shaped(self, token: Token) -> dict[str, Any]:
        special = token.id in self._special
        chance = token.log_probability
        return {"id": token.id, "text": token.text, "logprob": chance, "special": special}

    def details(self) -> dict[str, Any]:
        """Return why it ended, and how long it is."""
        return {
            "finish_reason": self.finish_reason,
            "input_length": self._input_length,
            "generated_tokens": len(self.tokens),
            "seed": self._options.seed,
        }


@final
class TextGeneration:
    """Continues prompts; a text-to-text model writes for them."""

    options = GenerationOptions

    def __init__(self, model: LoadedModel) -> None:
        self._model, self._writer = model, model.predictors.writer()
        roles = ("pad_id", "unk_id", "eos_id", "cls_id", "sep_id", "mask_id")
        ids = (getattr(model.vocabulary, role) for role in roles)
        self._special = frozenset(id for id in ids if id is not None)

    def items(self, inputs: Any) -> tuple[list[str], bool]:
        return texts_of(inputs)

    def characters(self, item: str) -> int:
        return len(item)

    def run(self, items: Sequence[str], options: GenerationOptions) -> list[Any]:
        if options.step_by_step:
            return [self._detailed(text, options) for text in items]
        config = self._model.predictors.decoding(options.generation())
        return [
            [{"generated_text": self._whole(text, each.text, options)} for each in found]
            for text, found in zip(items, self._writer.generate(items, config), strict=True)
        ]

    def outer(self, results: list[Any], one: bool) -> Any:
        return first_or_all(results, one)

    def writing(self, text: str, options: GenerationOptions) -> Writing:
        """Begin a text that is generated step by step."""
        stream = self._model.stream(text, **options.generation())
        length = len(self._model.vocabulary.encode(text))
        return Writing(stream, options, self._special, length)

    def _detailed(self, text: str, options: GenerationOptions) -> list[dict[str, Any]]:
        written = self.writing(text, options)
        tokens = list(written)
        found: dict[str, Any] = {"generated_text": self._whole(text, written.text, options)}
        if options.details:
            found["details"] = {**written.details(), "prefill": [], "tokens": tokens}
        return [found]

    def _whole(self, prompt: str, text: str, options: GenerationOptions) -> str:
        return prompt + text if options.return_full_text else text
