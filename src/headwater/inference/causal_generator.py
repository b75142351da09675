"""Continuing a prompt with a decoder (Radford et al. 2019, "Language Models are Unsupervised
Multitask Learners", section 3).

    next(CausalGenerator(gpt, vocabulary).generate(["The spring"]))[0].text      # " flows again"

The prompt and its continuation make one text: nothing is stripped between them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import final

import numpy as np
import torch

from headwater.arguments import check_count
from headwater.data.convert import Features
from headwater.data.example import SpanExample
from headwater.data.token_arrays import Ints
from headwater.errors import UserError
from headwater.inference.answer import Answer, Prediction
from headwater.inference.batches import chunks
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.running_batch import RunningBatch
from headwater.inference.text_generator import CHUNK, GeneratedText, generate_batches
from headwater.inference.token_stream import TokenStream
from headwater.inference.written_text import GenerationInput
from headwater.models.body import GeneratingBody
from headwater.models.families import sizes_of
from headwater.text.special_tokens import document_end
from headwater.text.vocabulary import Vocabulary


@final
class CausalGenerator:
    """Generates continuations of each prompt. Calls may come from many threads at once.

    Args:
        network: a decoder.
        vocabulary: the one it was trained with. Without a token that ends a document, as in the
            first GPT's, a continuation ends with `max_new_tokens`.
        decoding: the options of generation, where none are given.
        precision: of the matrix products; None: see `running.running`.
    """

    def __init__(
        self,
        network: GeneratingBody,
        vocabulary: Vocabulary,
        decoding: GenerationConfig | None = None,
        *,
        precision: torch.dtype | None = None,
    ) -> None:
        end = document_end(vocabulary)
        self.network, self.vocabulary = network, vocabulary
        self._longest = sizes_of(network.config).longest_input
        # What ends a document stands before the next one.
        self._start = end
        self._special = DecoderTokens(0, ()) if end is None else DecoderTokens(end, (end,))
        self._decoding, self._precision = decoding or GenerationConfig(), precision

    def generate(
        self, texts: Iterable[str], config: GenerationConfig | None = None
    ) -> Iterator[list[GeneratedText]]:
        """Yield for each prompt its `num_return_sequences` continuations, the best first, in order.

        An empty prompt begins a new document. A prompt that leaves no room for `max_new_tokens` is
        a UserError.
        """
        config = config or self._decoding
        begin = 0
        for chunk in chunks(texts, CHUNK):
            yield from self._chunk(chunk, config, begin)
            begin += len(chunk)

    def ask(
        self, text: str, contexts: Mapping[str, str] | str | None = None, top_k: int = 1
    ) -> list[Answer]:
        """Return the `top_k` likeliest continuations of a prompt, as long as there is room for."""
        if contexts is not None:
            raise _reads_no_context()
        if not text.strip():
            raise UserError("the text to continue is empty")
        check_count(top_k, "top_k")
        usual = self._decoding
        room = max(1, min(usual.max_new_tokens, self._room(self.vocabulary.encode(text).ids)))
        beams = 1 if usual.do_sample else max(top_k, usual.num_beams)
        changes = {"max_new_tokens": room, "num_beams": beams, "num_return_sequences": top_k}
        found = next(self.generate([text], usual.model_copy(update=changes)))
        return [Answer(each.text, math.exp(min(0.0, each.log_probability))) for each in found]

    def predict(self, examples: Iterable[SpanExample], top_k: int = 1) -> Iterator[Prediction]:
        """Refuse questions on a text."""
        raise _reads_no_context()

    def unread(self, question: str) -> int:
        """Return 0: a prompt that is too long is refused."""
        return 0

    def _room(self, ids: Ints) -> int:
        """Return how many tokens can be generated after these."""
        return self._longest - max(len(ids), 1) + 1

    def _chunk(
        self, texts: Sequence[str], config: GenerationConfig, begin: int
    ) -> list[list[GeneratedText]]:
        prompts = self._encoded(texts, config, begin)
        features = [self._features(ids) for ids in prompts]
        given = (self.network, features, self._special, config, begin)
        generated = generate_batches(*given, precision=self._precision)
        return [
            [GeneratedText(self._after(ids, each.ids), each.log_probability) for each in several]
            for ids, several in zip(prompts, generated, strict=True)
        ]

    def inputs(
        self, texts: Sequence[str], config: GenerationConfig, *, stop: Sequence[str] = ()
    ) -> list[GenerationInput]:
        """Return what a `RunningBatch` reads to continue each prompt."""
        return [
            GenerationInput(
                self._features(ids),
                *(len(ids), self._special, config, partial(self._after, ids), index, stop),
            )
            for index, ids in enumerate(self._encoded(texts, config, 0))
        ]

    def running_batch(self) -> RunningBatch:
        """Return what writes continuations that join and leave between two steps."""
        return RunningBatch(self.network, self._precision)

    def stream(self, text: str, config: GenerationConfig) -> TokenStream:
        """Return the continuation of a prompt, one token after another."""
        [given] = self.inputs([text], config)
        return TokenStream(self.network, given, self._precision)

    def _encoded(self, texts: Sequence[str], config: GenerationConfig, begin: int) -> list[Ints]:
        """Return the ids of prompts that leave room for what is to be written."""
        prompts = [each.ids for each in self.vocabulary.encode_batch(texts)]
        for index, ids in enumerate(prompts, start=begin):
            self._check(index, ids, config)
        return prompts

    def _features(self, ids: Ints) -> Features:
        last = ids[-1] if len(ids) else self._special.start_id
        return {"input_ids": ids[:-1], "start_ids": np.array(last)}

    def _check(self, index: int, ids: Ints, config: GenerationConfig) -> None:
        if not len(ids) and self._start is None:
            raise UserError(
                f"text {index}: empty; this model has no token that begins a document, so "
                "that it needs a text to continue"
            )
        if self._room(ids) < config.max_new_tokens:
            raise UserError(
                f"text {index}: {len(ids)} tokens, and {config.max_new_tokens} to write, are "
                f"more than the {self._longest} that this model reads; give "
                "a shorter text or a smaller max_new_tokens"
            )

    def _after(self, prompt: Ints, ids: Sequence[int]) -> str:
        """Return the text of generated ids with the space, or without, that the prompt leaves."""
        before = self.vocabulary.decode(prompt.tolist())
        whole = self.vocabulary.decode([*prompt.tolist(), *ids])
        return whole[len(before) :] if whole.startswith(before) else self.vocabulary.decode(ids)


def _reads_no_context() -> UserError:
    return UserError(
        "this is a GPT, which continues a text and does not answer from one; give it no context, "
        "or train it to answer: headwater finetune --model MODEL --task squad --data FILE"
    )
