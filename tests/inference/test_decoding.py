"""Decoding beside `transformers` and beside decoding without a cache."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import T5Config as TheirConfig
from transformers import T5ForConditionalGeneration

import tiny
from headwater.errors import UserError
from headwater.inference.decoding import generate_ids, keep_likely, pick
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.inference.running import evaluating
from headwater.models.t5.network import T5

TOKENS = DecoderTokens(start_id=0, eos_ids=(1,))
SIZES = {
    "vocab_size": 97, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_heads": 4, "num_layers": 2,
    "num_decoder_layers": 2, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False,
}  # fmt: skip


def spread(network: torch.nn.Module, seed: int) -> None:
    """Draw weights with which scores are far apart and every sequence writes something else."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in sorted(network.named_parameters()):
        if weight.ndim == 2:
            wide = "shared" in name or "relative" in name
            deviation = 1.0 if wide else 0.1 if "lm_head" in name else 0.35
            weight.data = torch.randn(weight.shape, generator=generator) * deviation
    network.get_parameter("lm_head.weight").data[1] *= 2  # so that texts end now and then


def fresh(seed: int, **sizes: Any) -> T5:
    """Draw a network of ours alone, with scores spread as above."""
    network = tiny.t5(seed=seed, **SIZES | sizes)
    assert isinstance(network, T5)
    for name, weight in network.named_parameters():
        if weight.ndim == 2 and "embedding" not in name:
            weight.data = torch.randn(weight.shape) * 0.35
    return network.eval()


def pair(seed: int, folder: Any) -> tuple[T5ForConditionalGeneration, T5]:
    """Make the same random network twice, theirs and ours (through a saved folder)."""
    from headwater.checkpoints.folder import load_model

    theirs = T5ForConditionalGeneration(TheirConfig(**SIZES, decoder_start_token_id=0)).eval()
    spread(theirs, seed)
    theirs.save_pretrained(folder)
    ours = load_model(folder).model
    assert isinstance(ours, T5)
    return theirs, ours


def prompts(seed: int, rows: int) -> tuple[Tensor, Tensor]:
    """Sequences of 2 to 12 random tokens and an end, padded on the right."""
    random = np.random.default_rng(seed)
    lengths = random.integers(3, 14, rows)
    ids = np.zeros((rows, lengths.max()), np.int64)
    for row, length in enumerate(lengths):
        ids[row, :length] = [*random.integers(2, 97, length - 1), 1]
    table = torch.from_numpy(ids)
    return table, table != 0


def written(network: T5, ids: Tensor, mask: Tensor, config: GenerationConfig) -> list[list[int]]:
    with evaluating(network):
        batch = {"input_ids": ids, "attention_mask": mask}
        return [texts[0].ids for texts in generate_ids(network, batch, TOKENS, config)]


def generated(network: Any, ids: Tensor, mask: Tensor, **options: Any) -> list[list[int]]:
    rows = network.generate(
        input_ids=ids,
        attention_mask=mask,
        do_sample=False,
        pad_token_id=0,
        eos_token_id=1,
        **options,
    ).tolist()
    return [row[1 : row.index(1)] if 1 in row else row[1:] for row in rows]


def padded_to(rows: list[list[int]], length: int) -> list[list[int]]:
    """Padding after a cut beam cannot be told from written padding: make both alike."""
    return [row + [0] * (length - len(row)) for row in rows]


def test_greedy_equals_transformers_on_200_prompts(tmp_path: Any) -> None:
    theirs, ours = pair(0, tmp_path)
    ids, mask = prompts(1, 200)
    mine = written(ours, ids, mask, GenerationConfig(max_new_tokens=24))
    reference = generated(theirs, ids, mask, max_new_tokens=24)
    assert padded_to(mine, 24) == padded_to(reference, 24)
    assert len({tuple(row) for row in mine}) > 150  # the texts are not all the same
    assert 20 < sum(len(row) < 24 for row in mine) < 200  # some end, some are cut


@pytest.mark.parametrize(
    ("penalty", "stop"),
    [(1.0, False), (1.0, True), (1.0, "never"), (0.0, False), (2.0, "never"), (-0.5, False)],
)
def test_beam_4_equals_transformers(tmp_path: Any, penalty: float, stop: Any) -> None:
    theirs, ours = pair(0, tmp_path)
    ids, mask = prompts(2, 200)
    config = GenerationConfig(
        max_new_tokens=16, num_beams=4, length_penalty=penalty, early_stopping=stop
    )
    mine = padded_to(written(ours, ids, mask, config), 16)
    reference = padded_to(
        generated(
            theirs, ids, mask, max_new_tokens=16, num_beams=4, length_penalty=penalty,
            early_stopping=stop,
        ),
        16,
    )  # fmt: skip
    same = sum(a == b for a, b in zip(mine, reference, strict=True))
    assert same >= 198, f"{same} of 200"
    assert len({tuple(row) for row in mine}) > 100


def test_padding_and_company_change_nothing(tmp_path: Any) -> None:
    _, ours = pair(3, tmp_path)
    ids, mask = prompts(3, 12)
    for config in (
        GenerationConfig(max_new_tokens=12),
        GenerationConfig(max_new_tokens=12, num_beams=3),
    ):
        together = written(ours, ids, mask, config)
        for row, length in enumerate(mask.sum(1).tolist()):
            alone = written(ours, ids[row : row + 1, :length], mask[row : row + 1, :length], config)
            assert alone == [together[row]]


@pytest.mark.parametrize("depths", [(1, 3), (3, 1)])
def test_decoder_depth_may_differ_from_encoder_depth(depths: tuple[int, int]) -> None:
    network = fresh(4, num_layers=depths[0], num_decoder_layers=depths[1])
    ids, mask = prompts(4, 10)
    texts = written(network, ids, mask, GenerationConfig(max_new_tokens=10))
    assert len({tuple(text) for text in texts}) > 5
    for row, text in enumerate(texts):
        labels = torch.tensor([[*text, 1][:10]])
        batch = {"input_ids": ids[row : row + 1], "attention_mask": mask[row : row + 1]}
        logits = network({**batch, "labels": labels})
        assert logits.argmax(-1).tolist() == labels.tolist()  # the same choices without a cache


def test_a_network_in_float64_writes_the_same() -> None:
    network = fresh(7)
    ids, mask = prompts(7, 20)
    for config in (
        GenerationConfig(max_new_tokens=8),
        GenerationConfig(max_new_tokens=8, num_beams=3),
    ):
        narrow = written(network.float(), ids, mask, config)
        wide = written(network.double(), ids, mask, config)
        assert sum(a == b for a, b in zip(narrow, wide, strict=True)) >= 19


def test_log_probabilities_are_those_of_the_network() -> None:
    network = fresh(5)
    ids, mask = prompts(5, 4)
    batch = {"input_ids": ids, "attention_mask": mask}
    for config in (
        GenerationConfig(max_new_tokens=6),
        GenerationConfig(max_new_tokens=6, num_beams=4, num_return_sequences=4),
    ):
        with evaluating(network):
            answers = generate_ids(network, batch, TOKENS, config)
        for row, texts in enumerate(answers):
            assert len(texts) == config.num_beams == len({tuple(text.ids) for text in texts})
            for text in texts:
                labels = torch.tensor([[*text.ids, 1][:6]])
                single = {name: value[row : row + 1] for name, value in batch.items()}
                logits = network({**single, "labels": labels}).log_softmax(-1)
                total = logits.gather(-1, labels[..., None]).sum().item()
                assert text.log_probability == pytest.approx(total, abs=1e-4)


def test_sampling_follows_from_seed_and_index_alone() -> None:
    network = fresh(6)
    ids, mask = prompts(6, 6)
    batch = {"input_ids": ids, "attention_mask": mask}
    config = GenerationConfig(max_new_tokens=8, do_sample=True, seed=7)
    with evaluating(network):
        first = [texts[0].ids for texts in generate_ids(network, batch, TOKENS, config)]
        again = [texts[0].ids for texts in generate_ids(network, batch, TOKENS, config)]
        some = {name: value[3:5] for name, value in batch.items()}
        part = [
            texts[0].ids for texts in generate_ids(network, some, TOKENS, config, indices=[3, 4])
        ]
        other = config.model_copy(update={"seed": 8})
        changed = [texts[0].ids for texts in generate_ids(network, batch, TOKENS, other)]
    assert first == again
    assert first[3:5] == part
    assert changed != first
    assert len({tuple(text) for text in first}) == 6


def test_what_may_be_drawn_equals_transformers() -> None:
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    logits = torch.randn(50, 97, generator=torch.Generator().manual_seed(8)) * 3
    ids = torch.zeros(50, 1, dtype=torch.long)
    for temperature, top_k, top_p in (
        (0.7, 10, 0.9),
        (1.3, 97, 0.5),
        (1.0, 1, 0.99),
        (2.0, 40, 0.05),
    ):
        reference = TemperatureLogitsWarper(temperature)(ids, logits)
        reference = TopPLogitsWarper(top_p)(ids, TopKLogitsWarper(top_k)(ids, reference))
        config = GenerationConfig(do_sample=True, temperature=temperature, top_k=top_k, top_p=top_p)
        assert torch.equal(keep_likely(logits, config), reference)


def test_draws_have_the_probabilities_and_never_the_impossible() -> None:
    logits = torch.tensor([0.5, 0.2, 0.0, 0.3, 0.0]).log()
    count = 20_000
    draws = torch.arange(count) / count
    chosen = pick(logits.expand(count, -1), draws)
    shares = torch.bincount(chosen, minlength=5) / count
    assert torch.allclose(shares, torch.tensor([0.5, 0.2, 0.0, 0.3, 0.0]), atol=1e-3)
    ends = pick(logits.expand(2, -1), torch.tensor([0.0, 1.0 - 1e-16], dtype=torch.float64))
    assert ends.tolist() == [0, 3]


@pytest.mark.parametrize(
    "values",
    [
        {"num_beams": 4, "do_sample": True},
        {"top_p": 0.9},
        {"temperature": 0.0, "do_sample": True},
        {"num_beams": 0},
    ],
)
def test_settings_that_contradict_each_other_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        GenerationConfig.check(values, "generate")


class _NoDouble(TorchDispatchMode):
    """A device without float64, as MPS is."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, (tuple, list)) else [result]:
            assert not isinstance(value, Tensor) or value.dtype != torch.float64, func
        return result


@pytest.mark.parametrize("options", [{}, {"do_sample": True}, {"num_beams": 3}])
def test_nothing_needs_float64(options: dict[str, Any]) -> None:
    network = fresh(9)
    ids, mask = prompts(9, 3)
    batch = {"input_ids": ids, "attention_mask": mask}
    with evaluating(network), _NoDouble():
        texts = generate_ids(network, batch, TOKENS, GenerationConfig(max_new_tokens=4, **options))
    assert len(texts) == 3


@pytest.mark.parametrize(
    ("chances", "top_p", "kept"),
    [
        ((0.3, 0.1, 0.1, 0.5), 0.8, [0, 3]),
        ((0.3, 0.1, 0.1, 0.5), 0.8001, [0, 1, 3]),
        ((0.2, 0.2, 0.2, 0.2, 0.2), 0.6, [0, 1, 2]),
        ((0.7, 0.1, 0.1, 0.1), 0.7, [0]),
        ((0.7, 0.1, 0.1, 0.1), 0.1, [0]),
    ],
)
def test_top_p_keeps_the_smallest_set(
    chances: tuple[float, ...], top_p: float, kept: list[int]
) -> None:
    logits = torch.tensor([chances]).log() + 3.0
    config = GenerationConfig(do_sample=True, top_p=top_p)
    assert keep_likely(logits, config)[0].isfinite().nonzero()[:, 0].tolist() == kept
