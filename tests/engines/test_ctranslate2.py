"""T5 and GPT-2 write in CTranslate2 what they write here."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from headwater.data.convert import Features
from headwater.engines.ctranslate2_network import EngineNetwork, open_ctranslate2
from headwater.engines.ctranslate2_spec import build_spec, token_names
from headwater.errors import UserError
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.text_generator import generate_batches
from headwater.models.body import GeneratingBody
from headwater.models.build import Model
from headwater.text.vocabulary import Vocabulary

pytest.importorskip("ctranslate2", reason="needs the extra ctranslate2")

T5S: dict[str, dict[str, Any]] = {
    "v1.0": {},
    "v1.1": {
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": False,
        "scale_decoder_outputs": False,
    },
    "gated, tied": {"feed_forward_proj": "gated-silu"},
    "other sizes": {"num_decoder_layers": 3, "num_heads": 4, "d_kv": 5},
}
GPTS: dict[str, dict[str, Any]] = {
    "GPT-2": {},
    "inner width": {"n_inner": 24, "activation_function": "relu"},
    "writes targets": {"target_start_token_id": 3},
}
TEXTS = ("the spring flows", "a", "who owned the quarry when the river was low ?")
OPTIONS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "beams": {"num_beams": 4, "num_return_sequences": 3, "early_stopping": True},
    "length penalty": {"num_beams": 3, "length_penalty": 0.3, "early_stopping": True},
    "shortest": {"min_new_tokens": 6},
    "no bigram twice": {"no_repeat_ngram_size": 2, "suppress_tokens": [0]},  # 0 is the start
    "without some": {"suppress_tokens": [7, 9], "bad_words_ids": [[11, 12]]},
}


def spread(network: Model) -> GeneratingBody:
    """Draw weights that all count, and no token is likely whatever was read."""
    torch.manual_seed(5)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, 1.0 if weight.dim() == 1 else 0.0, 0.3)
    assert isinstance(network, GeneratingBody)
    return network.eval()


def opened(
    network: GeneratingBody, vocabulary: Vocabulary, folder: Path, quantization: str = "float32"
) -> EngineNetwork:
    spec = build_spec(network, vocabulary)
    spec.optimize(quantization)
    spec.save(str(folder))
    return open_ctranslate2(folder, network.config, 1)


def read(vocabulary: Vocabulary, prompts: bool) -> list[Features]:
    ids = [each.ids for each in vocabulary.encode_batch(TEXTS)]
    if prompts:
        return [{"input_ids": each[:-1], "start_ids": np.array(each[-1])} for each in ids]
    return [{"input_ids": np.append(each, np.int32(1))} for each in ids]


def check_texts(
    network: GeneratingBody, other: EngineNetwork, features: list[Features], options: dict[str, Any]
) -> None:
    config = GenerationConfig(max_new_tokens=10, **options)
    first = generate_batches(network, features, DecoderTokens(0, ()), config, 0)
    ends = tuple({several[0].ids[5] for several in first[1:]})  # so that some end early
    several = ends if config.num_beams == 1 else ends[:1]
    for special in (DecoderTokens(0, (2,)), DecoderTokens(0, several)):
        ours = generate_batches(network, features, special, config, 0)
        theirs = generate_batches(other, features, special, config, 0)
        for a, b in zip(ours, theirs, strict=True):
            assert [each.ids for each in b] == [each.ids for each in a]
            if not config.constrained:
                expected = [each.log_probability for each in a]
                found = [each.log_probability for each in b]
                assert found == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", T5S)
def test_a_t5_writes_the_same(name: str, options: str, tmp_path: Path) -> None:
    words = tiny.example_unigram()
    network = spread(tiny.t5(vocab_size=words.size + 28, **T5S[name]))
    other = opened(network, words, tmp_path)
    assert not list(other.parameters())
    check_texts(network, other, read(words, prompts=False), OPTIONS[options])


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", GPTS)
def test_a_gpt2_writes_the_same(name: str, options: str, tmp_path: Path) -> None:
    words = tiny.byte_pairs(tmp_path, "Ġ t", "h e")
    sizes = {"vocab_size": words.size + 3, "n_positions": 80}
    network = spread(tiny.gpt(**sizes, **GPTS[name]))
    other = opened(network, words, tmp_path)
    features = read(words, prompts="target_start_token_id" not in GPTS[name])
    check_texts(network, other, features, OPTIONS[options])


def test_log_probabilities_are_those_of_our_network(tmp_path: Path) -> None:
    words = tiny.example_unigram()
    network = spread(tiny.t5(vocab_size=words.size))
    other = opened(network, words, tmp_path)
    ids, target = np.array([5, 6, 7, 1], np.int32), np.array([9, 8, 3], np.int32)
    labels = torch.from_numpy(target)[None].long()
    with torch.no_grad():
        logits = network({"input_ids": torch.from_numpy(ids)[None].long(), "labels": labels})
    expected = logits.log_softmax(-1).gather(-1, labels[..., None])[0, :, 0]
    [found] = other.engine.log_probabilities([ids], [0], [target])
    assert found == pytest.approx(expected.numpy(), abs=1e-4)


def test_sampling_keeps_to_the_likely(tmp_path: Path) -> None:
    words = tiny.example_unigram()
    network = spread(tiny.t5(vocab_size=words.size))
    other = opened(network, words, tmp_path)
    features = read(words, prompts=False)
    drawn = GenerationConfig(
        max_new_tokens=6, do_sample=True, top_k=40, temperature=1.5, num_return_sequences=8
    )
    texts = generate_batches(other, features, DecoderTokens(0, (1,)), drawn, 0)
    assert [len(several) for several in texts] == [8, 8, 8]
    assert len({tuple(each.ids) for each in texts[0]}) > 1
    greedy = GenerationConfig(max_new_tokens=6)
    [[best], *_] = generate_batches(other, features, DecoderTokens(0, (1,)), greedy, 0)
    one = drawn.model_copy(update={"top_k": 1, "num_return_sequences": 1})
    [[likeliest], *_] = generate_batches(other, features, DecoderTokens(0, (1,)), one, 0)
    assert likeliest.ids == best.ids


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"do_sample": True, "seed": 3}, "seed"),
        ({"num_beams": 2, "early_stopping": "never"}, "early_stopping = 'never'"),
        ({"forced_bos_token_id": 4}, "forced_bos_token_id"),
        ({"forced_eos_token_id": [4]}, "forced_eos_token_id"),
        ({"begin_suppress_tokens": [4]}, "begin_suppress_tokens"),
        ({"decoder_start_token_id": 4}, "decoder_start_token_id"),
        ({"eos_token_id": []}, r"eos_token_id = \[\]"),
        ({"eos_token_id": [1, 4], "num_beams": 2}, "num_beams with several tokens that end a text"),
    ],
)
def test_options_that_it_lacks_are_refused(
    options: dict[str, Any], named: str, tmp_path: Path
) -> None:
    words = tiny.example_unigram()
    other = opened(spread(tiny.t5(vocab_size=words.size)), words, tmp_path)
    with pytest.raises(UserError, match=f"CTranslate2 does not have {named}; use the model"):
        generate_batches(
            *(other, read(words, prompts=False), DecoderTokens(0, (1,))),
            GenerationConfig(**options),
            0,
        )


@pytest.mark.parametrize("quantization", ["int8", "int8_float32", "int16", "bfloat16"])
def test_quantized_weights_are_near(quantization: str, tmp_path: Path) -> None:
    words = tiny.example_unigram()
    network = tiny.t5(vocab_size=words.size, d_model=64, d_kv=32).eval()
    assert isinstance(network, GeneratingBody)
    before = {name: each.clone() for name, each in network.state_dict().items()}
    other = opened(network, words, tmp_path, quantization)
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, before[name]), name
    ids, target = [np.array([5, 6, 7, 1], np.int32)], [np.array([9, 8, 3], np.int32)]
    exact = opened(network, words, tmp_path, "float32")
    [expected] = exact.engine.log_probabilities(ids, [0], target)
    [found] = other.engine.log_probabilities(ids, [0], target)
    assert 0 < np.abs(found - expected).max() < 0.1


@pytest.mark.parametrize(
    "network",
    [
        tiny.t5(architecture="shared"),
        tiny.t5(architecture="prefix_lm"),
        tiny.gpt(model_type="openai-gpt"),
        tiny.model(tiny.gpt_config(), "span"),
        tiny.model(tiny.encoder_decoder_config()),
        tiny.bert("span"),
    ],
    ids=["shared", "prefix LM", "first GPT", "GPT with a head", "encoder-decoder", "BERT"],
)
def test_other_networks_are_refused(network: Model, tmp_path: Path) -> None:
    words = tiny.wordpiece(tmp_path, ["the"], tiny.LETTERS[:10])
    with pytest.raises(UserError, match="export a T5 of architecture encoder_decoder, or a GPT-2"):
        build_spec(network, words)


def test_a_vocabulary_without_an_end_is_refused(tmp_path: Path) -> None:
    words = tiny.gpt1(tmp_path)
    with pytest.raises(UserError, match="no token of this vocabulary ends a text"):
        build_spec(tiny.gpt(vocab_size=words.size), words)


def test_every_row_has_a_name_of_its_own() -> None:
    words = tiny.example_unigram()
    names = token_names(words, words.size + 28)
    assert len(set(names)) == words.size + 28
    assert names[words.ids["▁the"]] == "▁the"
