"""A network that CTranslate2 runs: it writes whole texts, in place of one token at a time.

network = open_ctranslate2(folder, described, threads=2)
network.engine.write([[13, 5, 1]], [0], beam_size=4, num_hypotheses=1)
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np

from headwater.data.token_arrays import Ints
from headwater.engines.library import imported
from headwater.errors import UserError
from headwater.files import read_json
from headwater.models.body import GeneratingBody
from headwater.models.config import ModelConfig
from headwater.models.families import kind_of, sizes_of
from headwater.models.text_to_text import TextToText

_TOKENS = {"Translator": "shared_vocabulary.json", "Generator": "vocabulary.json"}


class Written(NamedTuple):
    """The ids of a text, with what ended it where something did, and its log probability."""

    ids: list[int]
    log_probability: float


@final
class Engine:
    """A Translator of CTranslate2, or a Generator. Calls may come from many threads at once.

    Args:
        folder: holds model.bin, config.json and the tokens.
        one_stack: whether inputs and what follows are one text, as for a GPT.
        threads: of one batch.
    """

    def __init__(self, folder: Path, *, one_stack: bool, threads: int) -> None:
        library = imported("ctranslate2", "ctranslate2")
        kind = "Generator" if one_stack else "Translator"
        self.one_stack = one_stack
        self.tokens = _tokens(folder / _TOKENS[kind])
        self._ids = {token: id for id, token in enumerate(self.tokens)}
        try:
            self._model = getattr(library, kind)(str(folder), device="cpu", intra_threads=threads)
        except (RuntimeError, ValueError) as error:
            raise UserError(f"{folder}: CTranslate2 cannot open it: {error}") from None

    def write(
        self,
        inputs: Sequence[Ints],
        starts: Sequence[int],
        *,
        most: int,
        least: int,
        beams: int = 1,
        length_penalty: float = 1.0,
        **options: Any,
    ) -> list[list[Written]]:
        """Write for each input, the best text first.

        Args:
            inputs: the ids of each, int32 [length]; padding is CTranslate2's own affair.
            starts: the id after which each text begins.
            most, least: how many tokens are written.
            options: further ones of `translate_batch` and `generate_batch`.
        """
        power = length_penalty if beams > 1 else 0.0
        shared = {"beam_size": beams, "length_penalty": power, "return_scores": True, **options}
        shared |= {"return_end_token": True, "batch_type": "tokens"}
        if self.one_stack:
            prompts = [
                self._names([*ids, start]) for ids, start in zip(inputs, starts, strict=True)
            ]
            found = self._continued(prompts, max_length=most, min_length=least, **shared)
        else:
            found = self._model.translate_batch(
                [self._names(ids) for ids in inputs],
                max_input_length=0,
                max_decoding_length=most,
                min_decoding_length=least,
                **shared,
            )
        return [self._written(each, power) for each in found]

    def _continued(self, prompts: Sequence[list[str]], **options: Any) -> list[Any]:
        """Continue prompts, those of one length together: beside a shorter one, others may lose
        texts that end at once, or begin with their own prompt."""
        found: dict[int, Any] = {}
        for length in {len(each) for each in prompts}:
            chosen = [index for index, each in enumerate(prompts) if len(each) == length]
            results = self._model.generate_batch(
                [prompts[index] for index in chosen], include_prompt_in_result=False, **options
            )
            found.update(zip(chosen, results, strict=True))
        return [found[index] for index in range(len(prompts))]

    def log_probabilities(
        self, inputs: Sequence[Ints], starts: Sequence[int], targets: Sequence[Ints]
    ) -> list[np.ndarray]:
        """Return the log probability of each target token given those before it, `[targets]`."""
        if self.one_stack:
            texts = [
                self._names([*ids, start, *target])
                for ids, start, target in zip(inputs, starts, targets, strict=True)
            ]
            scored = self._model.score_batch(texts, max_input_length=0)
        else:
            sides = ([self._names(ids) for ids in each] for each in (inputs, targets))
            scored = self._model.score_batch(*sides, max_input_length=0)
        return [
            np.array(
                each.log_probs[-len(target) :] if self.one_stack else each.log_probs[: len(target)]
            )
            for each, target in zip(scored, targets, strict=True)
        ]

    def _names(self, ids: Iterable[int]) -> list[str]:
        return [self.tokens[id] for id in ids]

    def _written(self, result: Any, power: float) -> list[Written]:
        texts = result.sequences if self.one_stack else result.hypotheses
        return [
            Written([self._ids[token] for token in text], score * max(1, len(text)) ** power)
            for text, score in zip(texts, result.scores, strict=True)
        ]


def _tokens(file: Path) -> list[str]:
    """Read the name of every row of the embedding."""
    found = read_json(file)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise UserError(f"{file}: a list of tokens was expected")
    return found


class EngineTextToText(TextToText):
    """A T5, or a GPT that learned to write targets, as CTranslate2 runs it."""

    def __init__(self, config: ModelConfig, engine: Engine) -> None:
        super().__init__()
        self.config, self.engine = config, engine


class EngineCausalLM(GeneratingBody):
    """A GPT as CTranslate2 runs it."""

    def __init__(self, config: ModelConfig, engine: Engine) -> None:
        super().__init__()
        self.config, self.engine = config, engine


EngineNetwork = EngineTextToText | EngineCausalLM


def open_ctranslate2(folder: Path, config: ModelConfig, threads: int) -> EngineNetwork:
    """Open an export; its inputs and outputs are those of the family that `config` is of."""
    sizes = sizes_of(config)
    writes = sizes.decoder_start_id is not None
    one_stack = sizes.one_stack or kind_of(config) == "causal_lm"
    engine = Engine(folder, one_stack=one_stack, threads=threads)
    return EngineTextToText(config, engine) if writes else EngineCausalLM(config, engine)
