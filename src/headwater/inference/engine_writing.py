"""Generating with CTranslate2, which has a search of its own: our options in its words.

Greedy search gives our texts. Beam search ends by CTranslate2's own rule, as soon as `num_beams`
texts are finished, and `repetition_penalty` changes logits there too. An option that it does not
have is refused by name.
"""

from collections.abc import Sequence
from typing import Any

from headwater.data.convert import Features
from headwater.engines.ctranslate2_network import EngineNetwork, Written
from headwater.errors import UserError, listed
from headwater.inference.generated import DecoderTokens, Generated
from headwater.inference.generation_config import GenerationConfig
from headwater.models.text_to_text import TextToText

_LACKS = ("forced_bos_token_id", "forced_eos_token_id", "begin_suppress_tokens", "seed")


def engine_texts(
    network: EngineNetwork,
    features: Sequence[Features],
    special: DecoderTokens,
    config: GenerationConfig,
    tokens: int,
) -> list[list[Generated]]:
    """Generate for all features, as `text_generator.generate_batches` does.

    Args:
        tokens: the most input tokens in a batch, padding included.
    """
    special, engine = special.changed(config), network.engine
    _refuse(network, special, config)
    starts = [int(each.get("start_ids", special.start_id)) for each in features]
    options = _options(config, engine.tokens)
    found = engine.write(
        [each["input_ids"] for each in features],
        starts,
        most=config.max_new_tokens,
        least=config.min_new_tokens,
        beams=config.num_beams,
        length_penalty=config.length_penalty,
        end_token=list(special.eos_ids),
        max_batch_size=tokens,
        **options,
    )
    return [[_without_end(each, special.eos_ids) for each in several] for several in found]


def _options(config: GenerationConfig, tokens: Sequence[str]) -> dict[str, Any]:
    """Return what both ways of generating take, by the names of CTranslate2."""
    never = [*(config.bad_words_ids or ()), *([id] for id in config.suppress_tokens or ())]
    options = {
        "num_hypotheses": config.num_return_sequences,
        "repetition_penalty": config.repetition_penalty,
        "no_repeat_ngram_size": config.no_repeat_ngram_size,
        "suppress_sequences": [[tokens[id] for id in word] for word in never],
    }
    if config.do_sample:
        options |= {
            "sampling_topk": config.top_k or 0,
            "sampling_topp": 1.0 if config.top_p is None else config.top_p,
            "sampling_temperature": config.temperature,
        }
    return options


def _refuse(network: EngineNetwork, special: DecoderTokens, config: GenerationConfig) -> None:
    """Refuse what CTranslate2 cannot follow."""
    names = [name for name in _LACKS if getattr(config, name)]
    if config.early_stopping == "never":
        names.append("early_stopping = 'never'")
    own_start = not network.engine.one_stack and isinstance(network, TextToText)
    if own_start and special.start_id != network.start_id:
        names.append("decoder_start_token_id")
    if not special.eos_ids:
        names.append("eos_token_id = []")
    if len(special.eos_ids) > 1 and config.num_beams > 1:  # it goes on with texts that have ended
        names.append("num_beams with several tokens that end a text")
    if names:
        raise UserError(f"CTranslate2 does not have {listed(names)}; use the model it was made of")


def _without_end(text: Written, ends: Sequence[int]) -> Generated:
    ended = bool(text.ids) and text.ids[-1] in ends
    return Generated(text.ids[:-1] if ended else text.ids, text.log_probability)
