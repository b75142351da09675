"""A packed batch is exactly its examples one by one: the same loss, for every family."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import tiny
from headwater.data.batching import collate
from headwater.models.build import build_model
from headwater.nn.masks import block_positions, visible
from headwater.objectives.packing import join

WORDS, PAD = 40, 0
IGNORED = -100
# The examples of three sequences, by their lengths; the shorter sequences are padded.
ROWS = [[7, 1, 5], [13], [2, 3, 4, 2]]
DTYPES = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-9)], ids=["32", "64"]
)
Example = dict[str, np.ndarray]
Make = Callable[[np.random.Generator, int], Example]


def masked(chance: np.random.Generator, length: int) -> Example:
    ids = chance.integers(5, WORDS, length).astype(np.int32)
    labels = np.where(np.arange(length) % 3 == 0, ids, IGNORED).astype(np.int32)
    return {"input_ids": np.where(labels == IGNORED, ids, 4).astype(np.int32), "labels": labels}


def running(chance: np.random.Generator, length: int) -> Example:
    ids = chance.integers(5, WORDS, length + 1).astype(np.int32)
    labels = ids.copy()
    labels[0] = IGNORED
    return {"input_ids": ids, "labels": labels}


def prefixed(chance: np.random.Generator, length: int) -> Example:
    ids = chance.integers(5, WORDS, length + 1).astype(np.int32)
    prefix = np.int32(chance.integers(1, length + 1))
    labels = np.where(np.arange(length + 1) < prefix, IGNORED, ids).astype(np.int32)
    return {"input_ids": ids, "labels": labels, "prefix_length": np.asarray(prefix)}


def pair(chance: np.random.Generator, length: int) -> Example:
    targets = int(chance.integers(1, 6))
    return {
        "input_ids": chance.integers(5, WORDS, length).astype(np.int32),
        "labels": chance.integers(5, WORDS, targets).astype(np.int32),
    }


T5 = {
    "d_kv": 5,
    "d_ff": 24,
    "num_heads": 3,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 20,
}
bert = partial(
    tiny.bert_config,
    vocab_size=WORDS,
    intermediate_size=24,
    max_position_embeddings=32,
    dropout=0.0,
)
gpt = partial(tiny.gpt_config, vocab_size=WORDS, dropout=0.0)
t5 = partial(tiny.t5_config, vocab_size=WORDS, dropout=0.0, **T5)
CASES: dict[str, tuple[Any, str | None, Make]] = {
    "bert": (bert(), "masked_lm", masked),
    "roberta": (bert(model_type="roberta", pad_token_id=0), "masked_lm", masked),
    "gpt2 lm": (gpt(), None, running),
    "gpt lm": (gpt(model_type="openai-gpt", activation_function="gelu"), None, running),
    "gpt2 prefix": (gpt(), None, prefixed),
    "gpt prefix": (gpt(model_type="openai-gpt", activation_function="gelu"), None, prefixed),
    "t5": (t5(), None, pair),
    "t5 gated": (t5(feed_forward_proj="gated-gelu", tie_word_embeddings=False), None, pair),
    "t5 shared": (t5(architecture="shared"), None, pair),
}


def built(config: Any, head: str | None, dtype: torch.dtype) -> Any:
    torch.manual_seed(3)
    model: Any = build_model(config, head)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 1.0 if parameter.dim() == 1 else 0.0, 0.4)
    return model.to(dtype).eval()


def packed(rows: list[list[Example]]) -> dict[str, Tensor]:
    pairs = len(rows[0][0]["input_ids"]) != len(rows[0][0]["labels"])
    return collate([join(row, pairs) for row in rows], PAD)


@DTYPES
@pytest.mark.parametrize("case", CASES)
def test_the_loss_and_gradient_are_those_of_the_examples(
    case: str, dtype: torch.dtype, tolerance: float
) -> None:
    config, head, make = CASES[case]
    chance = np.random.default_rng(1)
    rows = [[make(chance, length) for length in row] for row in ROWS]
    model = built(config, head, dtype)
    batch = packed(rows)
    losses, gradients = [], []
    for batches in ([batch], [collate([example], PAD) for row in rows for example in row]):
        model.zero_grad()
        total = torch.stack([sum(model.loss_sums(each).values()) for each in batches]).sum()
        count = sum(sum(model.loss_counts(each).values()) for each in batches)
        (total / count).backward()
        losses.append(total.item() / count)
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert losses[0] == pytest.approx(losses[1], abs=tolerance)
    assert torch.allclose(*gradients, rtol=0, atol=10 * tolerance)
    together = {name: values for name, values in batch.items() if not name.endswith("blocks")}
    if "prefix_length" in together:
        together["prefix_length"] = together["prefix_length"][:, 0]
    assert abs(sum(model.loss_sums(together).values()).item() / count - losses[0]) > 20 * tolerance


def test_each_example_keeps_its_own_scores() -> None:
    model = built(gpt(), None, torch.float64)
    chance = np.random.default_rng(2)
    first, second = running(chance, 6), running(chance, 9)
    scores = model(packed([[first, second]]))[0]
    alone = [model(collate([example], PAD))[0] for example in (first, second)]
    assert torch.allclose(scores, torch.cat(alone), atol=1e-12)


def test_a_change_in_one_example_changes_no_other() -> None:
    model = built(t5(), None, torch.float64)
    chance = np.random.default_rng(2)
    one, two, three = (pair(chance, length) for length in (4, 6, 5))
    before = model(packed([[one, two, three]]))[0]
    two["input_ids"][0] += 1
    two["labels"][:] = 6
    after = model(packed([[one, two, three]]))[0]
    bounds = np.cumsum([len(each["labels"]) for each in (one, two, three)])
    same = (before == after).all(-1)
    assert same[: bounds[0]].all() and same[bounds[1] :].all()
    assert not same[bounds[0] : bounds[1]].any()


def test_the_pattern_of_two_packed_texts() -> None:
    blocks = torch.tensor([[1, 1, 1, 2, 2, 0]])
    position = block_positions(blocks)
    assert position.tolist() == [[0, 1, 2, 0, 1, 0]]
    allowed = visible(blocks > 0, position, position, query_blocks=blocks, key_blocks=blocks)
    assert allowed is not None
    drawn = ["".join(".x"[seen] for seen in row) for row in allowed[0, 0].int().tolist()]
    assert drawn == ["x.....", "xx....", "xxx...", "...x..", "...xx.", "......"]
    prefix = torch.tensor([[2, 2, 2, 2, 2, 0]])
    allowed = visible(None, position, position, prefix, query_blocks=blocks, key_blocks=blocks)
    assert allowed is not None
    drawn = ["".join(".x"[seen] for seen in row) for row in allowed[0, 0].int().tolist()]
    assert drawn == ["xx....", "xx....", "xxx...", "...xx.", "...xx.", ".....x"]
    apart = torch.tensor([[1, 2, 1, 2, 2]])
    assert block_positions(apart).tolist() == [[0, 0, 1, 1, 2]]
