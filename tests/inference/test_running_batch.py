"""Texts that join and leave a running batch are those that each would be alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from headwater.inference.decoding import generate_ids
from headwater.inference.generated import DecoderTokens, Generated
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.running import evaluating
from headwater.inference.running_batch import RunningBatch, write_together
from headwater.inference.written_text import GenerationInput, WrittenText
from headwater.models.bart.config import BartConfig
from headwater.models.body import GeneratingBody

TOKENS = DecoderTokens(start_id=2, eos_ids=(1, 3))
BART = BartConfig(
    vocab_size=40, d_model=16, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32,
    decoder_layers=2, decoder_attention_heads=2, decoder_ffn_dim=32, max_position_embeddings=24,
)  # fmt: skip

FAMILIES: dict[str, Callable[[], Any]] = {
    "t5": tiny.t5,
    "t5 of one stack": lambda: tiny.t5(architecture="language_model"),
    "t5 of one stack, prefix": lambda: tiny.t5(architecture="prefix_lm"),
    "t5 of shared layers": lambda: tiny.t5(architecture="shared"),
    "umt5": lambda: tiny.t5(model_type="umt5"),
    "gpt": tiny.gpt,
    "encoder-decoder": lambda: tiny.model(tiny.encoder_decoder_config()),
    "bart": lambda: tiny.model(BART),
}

OPTIONS: tuple[dict[str, Any], ...] = (
    {"max_new_tokens": 12},
    {"max_new_tokens": 5, "do_sample": True, "seed": 3, "top_k": 8},
    {"max_new_tokens": 1},
    {"max_new_tokens": 16, "min_new_tokens": 6, "repetition_penalty": 1.3},
    {"max_new_tokens": 9, "do_sample": True, "temperature": 1.7, "seed": 4, "top_p": 0.9},
    {"max_new_tokens": 14, "do_sample": True, "seed": 5, "num_return_sequences": 3},
    {"max_new_tokens": 7, "no_repeat_ngram_size": 2, "do_sample": True},
)


def spread(network: GeneratingBody) -> GeneratingBody:
    """Draw weights with which every sequence writes something else."""
    generator = torch.Generator().manual_seed(1)
    for weight in network.parameters():
        if weight.ndim == 2:
            weight.data = torch.randn(weight.shape, generator=generator) * 0.35
    return network.eval()


def inputs(network: GeneratingBody, count: int = 14) -> list[GenerationInput]:
    """Inputs of 1 to 15 tokens, each with its own options."""
    random = np.random.default_rng(0)
    found = []
    for index in range(count):
        ids = random.integers(4, 40, random.integers(2, 16)).astype(np.int32)
        features = {"input_ids": ids}
        if not hasattr(network, "start_id"):  # a prompt is continued
            features = {"input_ids": ids[:-1], "start_ids": np.array(ids[-1])}
        config = GenerationConfig(**OPTIONS[index % len(OPTIONS)])
        given = (features, len(ids), TOKENS, config, lambda ids: " ".join(map(str, ids)))
        found.append(GenerationInput(*given, index=index % 3))
    return found


def alone(network: GeneratingBody, given: GenerationInput) -> list[Generated]:
    """What an input gets by itself, of which nothing else is read."""
    ids = torch.from_numpy(given.features["input_ids"][None].astype(np.int64))
    batch = {"input_ids": ids}
    if "start_ids" in given.features:
        batch["start_ids"] = torch.tensor([int(given.features["start_ids"])])
    with evaluating(network):
        [found] = generate_ids(network, batch, TOKENS, given.config, [given.index])
    return found


def same(texts: list[WrittenText], expected: list[Generated]) -> None:
    assert [[each.id for each in text.tokens] for text in texts] == [each.ids for each in expected]
    chances = [each.log_probability for each in expected]
    assert [text.log_probability for text in texts] == pytest.approx(chances, abs=1e-4)
    for text, (ids, _) in zip(texts, expected, strict=True):
        assert text.text == " ".join(map(str, ids))
        assert text.finish_reason in ("length", "eos_token")


@pytest.mark.parametrize("family", FAMILIES)
def test_each_text_is_that_which_it_is_alone(family: str) -> None:
    network = spread(FAMILIES[family]())
    given = inputs(network)
    expected = [alone(network, each) for each in given]
    assert len({tuple(each.ids) for several in expected for each in several}) > 12
    batch, texts = RunningBatch(network), []
    for number, each in enumerate(given):  # some meet others at the beginning, some in between
        texts.append(batch.join(each))
        for _ in range(number % 3):
            batch.step()
    while len(batch):
        batch.step()
    for found, wanted in zip(texts, expected, strict=True):
        same(found, wanted)


@pytest.mark.parametrize("family", ["t5", "gpt", "bart"])
def test_who_leaves_changes_nothing_for_the_others(family: str) -> None:
    network = spread(FAMILIES[family]())
    given = inputs(network, 7)
    batch = RunningBatch(network)
    texts = [batch.join(each) for each in given]
    batch.step()
    batch.step()
    gone = [texts[0][0], texts[5][1]]
    batch.drop(gone)
    while len(batch):
        batch.step()
    assert all(each.finish_reason is None and len(each.tokens) == 2 for each in gone)
    for number in (1, 2, 3, 4, 6):
        same(texts[number], alone(network, given[number]))
    same(texts[5][::2], alone(network, given[5])[::2])


def test_the_cache_is_as_long_as_its_longest_text() -> None:
    """A decoder of 32 positions writes to its end beside any others, before and after them."""
    network = spread(tiny.gpt())
    never = DecoderTokens(2, ())
    ids = np.arange(4, 20, dtype=np.int32)

    def given(count: int, new: int) -> GenerationInput:
        features = {"input_ids": ids[: count - 1], "start_ids": np.array(ids[count - 1])}
        config = GenerationConfig(max_new_tokens=new)
        return GenerationInput(features, count, never, config, str)

    every = [given(16, 17), given(1, 32), given(9, 20)]
    batch = RunningBatch(network)
    assert batch.room() == 0 and batch.room(*every) == 3 * (16 + 32)
    for texts in write_together(batch, [*every, *every], 2):
        assert [len(text.tokens) for text in texts] == [texts[0].given.config.max_new_tokens]
    assert batch.room() == 0 and not batch.step()


def test_a_text_ends_with_what_stops_it_and_with_half_a_character() -> None:
    network = spread(tiny.t5())
    pieces = ["a", "b", "\ufffd", "c\ufffd", "cd", "cde", "cdef"]
    config = GenerationConfig(max_new_tokens=6)
    features = {"input_ids": np.array([5, 6], np.int32)}

    def written(stop: tuple[str, ...], eos: tuple[int, ...] = ()) -> WrittenText:
        tokens = DecoderTokens(2, eos)
        given = (features, 2, tokens, config, lambda ids: pieces[len(ids)], 0, stop)
        [[text]] = write_together(RunningBatch(network), [GenerationInput(*given)], 1)
        return text

    whole = written(())
    assert [each.text for each in whole.tokens] == ["b", "", "", "cd", "e", "f"]
    assert whole.finish_reason == "length"
    stopped = written(("x", "cd"))
    assert stopped.text == "cd" and stopped.finish_reason == "stop_sequence"
    third = whole.tokens[2].id
    ended = written((), (third,))
    assert ended.finish_reason == "eos_token" and len(ended.tokens) < 3
