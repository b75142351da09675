"""The options of generation beside `transformers`, for a T5 and a GPT-2."""

import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, T5Config, T5ForConditionalGeneration
from transformers.generation import (
    MinNewTokensLengthLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
)

import tiny
from headwater.checkpoints.folder import load_model
from headwater.errors import UserError
from headwater.inference.decoding import generate_ids, keep_likely
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.loaded import load
from headwater.inference.logits import constrain, first_history
from headwater.inference.running import evaluating
from headwater.text.vocabulary import Vocabulary

EOS = 1
ROWS, LONGEST = 40, 16
GREEDY: list[dict[str, Any]] = [
    {"repetition_penalty": 1.7},
    {"repetition_penalty": 0.6},
    {"no_repeat_ngram_size": 1},
    {"no_repeat_ngram_size": 2},
    {"no_repeat_ngram_size": 3},
    {"min_new_tokens": 6},
    {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "min_new_tokens": 4},
    {"forced_eos_token_id": EOS, "bad_words_ids": [[20], [31, 7], [8, 9, 10], [EOS]]},
    {"suppress_tokens": [*range(10, 40)], "begin_suppress_tokens": [5, 6, 44, 58]},
    {"eos_token_id": [EOS, *range(40, 55)]},
    {"eos_token_id": [*range(30, 50)], "min_new_tokens": 3, "forced_eos_token_id": [33]},
]
ENCODED: list[dict[str, Any]] = [
    {"forced_bos_token_id": 17, "begin_suppress_tokens": [*range(20, 60)]},
    {"decoder_start_token_id": 9, "forced_bos_token_id": 17, "forced_eos_token_id": EOS},
]
"""Options of an encoder-decoder."""
BEAMS: list[dict[str, Any]] = [
    {},
    {"early_stopping": True, "length_penalty": 0.5},
    {"early_stopping": "never", "length_penalty": 2.0},
    *GREEDY,
]


def networks(family: str, folder: Path) -> tuple[Any, Any]:
    """Make the same random network twice, theirs and ours; its texts repeat and end at times."""
    theirs: Any
    if family == "t5":
        theirs = T5ForConditionalGeneration(
            T5Config(
                vocab_size=61, d_model=32, d_kv=8, d_ff=64, num_heads=4, num_layers=2,
                decoder_start_token_id=0, tie_word_embeddings=False, eos_token_id=EOS,
            )
        )  # fmt: skip
    else:
        theirs = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=61, n_positions=64, n_embd=32, n_layer=2, n_head=4,
                bos_token_id=EOS, eos_token_id=EOS,
            )
        )  # fmt: skip
    generator = torch.Generator().manual_seed(4)
    for name, weight in sorted(theirs.named_parameters()):
        if weight.ndim == 2:
            wide = any(each in name for each in ("shared", "relative", "wte"))
            deviation = 1.0 if wide else 0.1 if "lm_head" in name else 0.35
            weight.data = torch.randn(weight.shape, generator=generator) * deviation
    theirs.get_output_embeddings().weight.data[EOS] *= 2  # so that texts end now and then
    theirs.eval().save_pretrained(folder)
    return theirs, load_model(folder).model


def inputs(family: str) -> dict[str, Tensor]:
    """Return `ROWS` inputs of one length, so that padding does not tell the two apart."""
    ids = torch.from_numpy(np.random.default_rng(5).integers(2, 61, (ROWS, 7)))
    if family == "t5":
        return {"input_ids": torch.cat([ids, torch.full((ROWS, 1), EOS)], 1)}
    return {"input_ids": ids}


def ours_ids(family: str, network: Any, options: dict[str, Any]) -> list[list[int]]:
    batch = inputs(family)
    if family == "gpt2":
        ids = batch["input_ids"]
        batch = {"input_ids": ids[:, :-1], "start_ids": ids[:, -1]}
    config = GenerationConfig(max_new_tokens=LONGEST, **options)
    special = DecoderTokens(0 if family == "t5" else EOS, (EOS,))
    with evaluating(network):
        found = generate_ids(network, batch, special, config)
    assert {len(each) for each in found} == {config.num_return_sequences}
    return [text.ids for each in found for text in each]


def their_ids(family: str, network: Any, options: dict[str, Any]) -> list[list[int]]:
    ids = inputs(family)["input_ids"]
    rows = network.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=LONGEST,
        **{"do_sample": False, "pad_token_id": 0, "eos_token_id": EOS, **options},
    ).tolist()  # fmt: skip
    rows = [row[1 if family == "t5" else ids.shape[1] :] for row in rows]
    given = options.get("eos_token_id", EOS)
    ends = given if isinstance(given, list) else [given]
    return [row[: next((n for n, id in enumerate(row) if id in ends), len(row))] for row in rows]


def same(mine: list[list[int]], theirs: list[list[int]]) -> int:
    """Count equal texts; padding after one that was cut cannot be told from generated padding."""
    pairs = zip(mine, theirs, strict=True)
    return sum(a + [0] * (LONGEST - len(a)) == b + [0] * (LONGEST - len(b)) for a, b in pairs)


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_greedy_search_equals_transformers(family: str, tmp_path: Path) -> None:
    theirs, ours = networks(family, tmp_path)
    plain = ours_ids(family, ours, {})
    for options in GREEDY + ENCODED * (family == "t5"):
        mine = ours_ids(family, ours, options)
        assert same(mine, their_ids(family, theirs, options)) == ROWS, options
        assert mine != plain, options  # the option does something here


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_beam_search_equals_transformers(family: str, tmp_path: Path) -> None:
    theirs, ours = networks(family, tmp_path)
    for options in BEAMS + ENCODED * (family == "t5"):
        options = {"num_beams": 4, "num_return_sequences": 3, **options}
        mine = ours_ids(family, ours, options)
        assert same(mine, their_ids(family, theirs, options)) >= 3 * ROWS - 1, options


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_what_may_be_drawn_equals_transformers(family: str, tmp_path: Path) -> None:
    theirs, ours = networks(family, tmp_path)
    options = {"temperature": 0.7, "top_k": 20, "top_p": 0.9, "repetition_penalty": 1.5}
    options |= {"no_repeat_ngram_size": 2, "min_new_tokens": 1}
    batch = inputs(family)
    wanted = theirs.generate(
        **batch, attention_mask=torch.ones_like(batch["input_ids"]), max_new_tokens=1,
        do_sample=True, output_scores=True, return_dict_in_generate=True, pad_token_id=0,
        eos_token_id=EOS, **options,
    ).scores[0]  # fmt: skip
    last = batch["input_ids"][:, -1:]
    if family == "t5":
        last = torch.zeros_like(last)
    else:
        batch = {"input_ids": batch["input_ids"][:, :-1], "start_ids": last[:, 0]}
    config = GenerationConfig(do_sample=True, **options)
    with evaluating(ours):
        logits = ours.step(last, ours.init_cache(ours.encode(batch["input_ids"])))
        logits = constrain(logits, first_history(batch, last), 0, (EOS,), config)
    mine = keep_likely(logits, config).softmax(-1)
    assert torch.allclose(mine, wanted.softmax(-1), atol=1e-5)
    assert torch.equal(mine > 0, wanted > -torch.inf)


@pytest.mark.parametrize("length", [1, 2, 9])
def test_logits_equal_transformers(length: int) -> None:
    generator = torch.Generator().manual_seed(length)
    logits = torch.randn(20, 13, generator=generator) * 3
    history = torch.randint(0, 13, (20, length), generator=generator)
    config = GenerationConfig(repetition_penalty=1.4, no_repeat_ngram_size=2, min_new_tokens=5)
    wanted = RepetitionPenaltyLogitsProcessor(1.4)(history, logits.clone())
    wanted = NoRepeatNGramLogitsProcessor(2)(history, wanted)
    wanted = MinNewTokensLengthLogitsProcessor(1, 5, torch.tensor([EOS]))(history, wanted)
    assert torch.equal(constrain(logits, history, length - 1, (EOS,), config), wanted)


def test_padding_of_prompts_does_not_count() -> None:
    prompts = [[3, 4, 3], [7, 3, 4, 5, 3], [2]]
    logits = torch.randn(3, 9, generator=torch.Generator().manual_seed(0))
    config = GenerationConfig(repetition_penalty=2.0, no_repeat_ngram_size=2)
    ids = torch.tensor([[*row[:-1], *[0] * (5 - len(row))] for row in prompts])
    mask = torch.tensor([[1] * (len(row) - 1) + [0] * (5 - len(row)) for row in prompts])
    starts = torch.tensor([row[-1] for row in prompts])
    batch = {"input_ids": ids, "attention_mask": mask, "start_ids": starts}
    together = constrain(logits, first_history(batch, starts[:, None]), 0, (EOS,), config)
    for row, prompt in enumerate(prompts):
        alone = constrain(logits[row : row + 1], torch.tensor([prompt]), 0, (EOS,), config)
        assert torch.equal(together[row], alone[0])
    assert together[0, 4] == together[1, 4] == -torch.inf  # "3 4" stood there before
    assert together[0, 0] == logits[0, 0]


def test_several_draws_follow_from_seed_and_input(tmp_path: Path) -> None:
    _, ours = networks("t5", tmp_path)
    one, three = ({"do_sample": True, "seed": 3, "num_return_sequences": n} for n in (1, 3))
    several = ours_ids("t5", ours, three)
    assert several[::3] == ours_ids("t5", ours, one)
    assert several == ours_ids("t5", ours, three)
    assert sum(several[row] != several[row + 1] for row in range(0, len(several), 3)) > ROWS // 2
    short = ours_ids("t5", ours, {**three, "no_repeat_ngram_size": 2})
    for text in short:
        assert len({*pairwise(text)}) == max(0, len(text) - 1)


def test_log_probabilities_are_those_of_the_network_under_a_penalty(tmp_path: Path) -> None:
    _, ours = networks("t5", tmp_path)
    batch = {"input_ids": inputs("t5")["input_ids"][:3]}
    for beams in ({}, {"num_beams": 3, "num_return_sequences": 3}):
        config = GenerationConfig(max_new_tokens=6, repetition_penalty=1.5, **beams)
        with evaluating(ours):
            found = generate_ids(ours, batch, DecoderTokens(0, (EOS,)), config)
            for row, texts in enumerate(found):
                for text in texts:
                    labels = torch.tensor([[*text.ids, EOS][:6]])
                    one = {"input_ids": batch["input_ids"][row : row + 1], "labels": labels}
                    total = ours(one).log_softmax(-1).gather(-1, labels[..., None]).sum().item()
                    assert text.log_probability == pytest.approx(total, abs=1e-4)


def test_generate_returns_one_list(t5_words: Vocabulary, tmp_path: Path) -> None:
    tiny.model_folder(tmp_path / "t5", t5_words, family="t5", num_layers=1, num_decoder_layers=1)
    model = load(tmp_path / "t5", "cpu")
    options = {"max_new_tokens": 4, "num_beams": 3}
    texts = model.generate(["bob", "eve"], num_return_sequences=2, **options)
    assert len(texts) == 4
    assert texts[::2] == model.generate(["bob", "eve"], **options)


def test_old_names_warn_for_one_version(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        config = GenerationConfig.check({"max_length": 5, "beams": 2}, "generate")
    assert (config.max_new_tokens, config.num_beams) == (5, 2)
    assert "max_length is now max_new_tokens" in caplog.text
    assert "beams is now num_beams" in caplog.text
    with pytest.raises(UserError, match="sample is the old name of do_sample"):
        GenerationConfig.check({"sample": True, "do_sample": True}, "generate")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_return_sequences": 2}, "needs as many num_beams, or do_sample"),
        ({"num_beams": 2, "num_return_sequences": 3}, "needs as many num_beams"),
        ({"max_new_tokens": 3, "min_new_tokens": 4}, "more than max_new_tokens = 3"),
        ({"repetition_penalty": 0.0}, "repetition_penalty"),
        ({"no_repeat_ngram_size": -1}, "no_repeat_ngram_size"),
        ({"early_stopping": "soon"}, "early_stopping"),
        ({"seed": 2**63}, "seed = .*: a number of at most"),
        ({"length_penalty": 11.0}, "length_penalty = 11.0: a number of at most 10"),
        ({"length_penalty": -11.0}, "length_penalty = -11.0: a number from -10 on"),
    ],
)
def test_options_that_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        GenerationConfig.check(values, "generate")


@pytest.mark.parametrize("given", [{"num_beams": 2, "length_penalty": -10.0}, {"seed": 2**63 - 1}])
def test_the_largest_values_write(
    given: dict[str, Any], t5_words: Vocabulary, tmp_path: Path
) -> None:
    model = load(tiny.model_folder(tmp_path / "t5", t5_words, family="t5"), "cpu")
    drawn = {"do_sample": True} if "seed" in given else {}
    assert len(model.generate("the spring", max_new_tokens=40, **given, **drawn)) == 1
