"""The loss of vectors: that of sentence-transformers, however texts are packed."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import tiny
from headwater.data.batching import collate
from headwater.models.embedding import SCALE
from headwater.models.heads import ModelWithHead

TEXTS = {"a": [2, 5, 6, 3], "b": [2, 7, 3], "c": [2, 8, 9, 10, 11, 3], "d": [2, 5, 3]}
QUESTIONS = [[2, 20, 3], [2, 21, 22, 23, 3], [2, 24, 3]]


def batch(*examples: tuple[list[int], list[str]]) -> dict[str, Tensor]:
    """A packed batch of questions with their passages, the right one first."""
    features = []
    for question, passages in examples:
        texts = [question, *(TEXTS[name] for name in passages)]
        blocks = np.repeat(np.arange(1, len(texts) + 1), [len(text) for text in texts])
        ids = np.concatenate(texts)
        numbers = np.array([1 + list(TEXTS).index(name) for name in passages])
        features.append(
            {"input_ids": ids, "token_type_ids": 0 * ids, "blocks": blocks, "passages": numbers}
        )
    return collate(features, 0)


def model(kind: str = "bert", **changes: Any) -> ModelWithHead:
    made = tiny.bert("embedding", dropout=0.0, **tiny.ENCODERS[kind], **changes)
    assert isinstance(made, ModelWithHead)
    return made


def vector(network: ModelWithHead, text: list[int]) -> Tensor:
    ids = torch.tensor([text])
    found: Tensor = network({"input_ids": ids, "attention_mask": torch.ones_like(ids)})
    return found[0]


@pytest.mark.parametrize("kind", tiny.ENCODERS)
def test_packed_texts_have_the_vectors_they_have_alone(kind: str) -> None:
    network = model(kind)
    packed = batch((QUESTIONS[0], ["a", "c", "d"]), (QUESTIONS[1], ["b"]))
    found = network(packed)
    assert found.shape == (2, 4, 16)
    for place, text in (((0, 0), QUESTIONS[0]), ((0, 2), TEXTS["c"]), ((1, 1), TEXTS["b"])):
        torch.testing.assert_close(found[place], vector(network, text), atol=1e-6, rtol=1e-5)


def test_the_loss_and_its_gradient_equal_theirs() -> None:
    losses = pytest.importorskip("sentence_transformers.sentence_transformer.losses")
    network = model()
    examples = [(QUESTIONS[0], ["a", "d"]), (QUESTIONS[1], ["b", "d"]), (QUESTIONS[2], ["c", "d"])]
    # the same hard negative of all is one passage of each of them, as theirs counts it
    sums = network.loss_sums(batch(*examples))
    assert network.loss_counts(batch(*examples)) == {"embedding": 3}
    ours = torch.autograd.grad(sums["embedding"] / 3, list(network.parameters()))
    columns = [
        [QUESTIONS[0], QUESTIONS[1], QUESTIONS[2]],
        [TEXTS[x] for x in "abc"],
        [TEXTS["d"]] * 3,
    ]
    vectors = [torch.stack([vector(network, text) for text in each]) for each in columns]
    theirs = losses.MultipleNegativesRankingLoss(None, scale=SCALE)
    loss = theirs.compute_loss_from_embeddings(vectors, torch.zeros(3))
    torch.testing.assert_close(sums["embedding"] / 3, loss, atol=1e-6, rtol=1e-5)
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    for one, other in zip(ours, gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_copies_of_the_right_passage_are_no_negatives() -> None:
    network = model()
    examples = [(QUESTIONS[0], ["a"]), (QUESTIONS[1], ["a"]), (QUESTIONS[2], ["b", "a"])]
    found = network.loss_sums(batch(*examples))["embedding"]
    texts = [TEXTS["a"], TEXTS["b"]]
    asked, passages = (
        F.normalize(torch.stack([vector(network, text) for text in each]), dim=-1)
        for each in (QUESTIONS, texts)
    )
    scores = SCALE * asked @ passages.T
    a, b = scores[:, :1], scores[:, 1:]
    expected = F.cross_entropy(torch.cat((a, b), 1)[:2], torch.tensor([0, 0]), reduction="sum")
    # to the third question the passage of the first two is three negatives
    third = torch.cat((b, a, a, a), 1)[2:]
    expected = expected + F.cross_entropy(third, torch.tensor([0]))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_packed_sequence_may_be_longer_than_the_positions() -> None:
    network = model(max_position_embeddings=8)
    long = batch((QUESTIONS[0], ["a", "b", "c", "d"]), (QUESTIONS[1], ["a"]))
    assert long["input_ids"].shape[1] == 19
    torch.testing.assert_close(
        network(long)[0, 3], vector(network, TEXTS["c"]), atol=1e-6, rtol=1e-5
    )
    with pytest.raises(ValueError, match="6 tokens in a sequence; this model takes 5"):
        model(max_position_embeddings=5)(long)


def test_max_pooling_without_a_second_passage_has_finite_gradients() -> None:
    network = model()
    head: Any = network.head
    head.config = replace(head.config, pooling=("max",))
    packed = batch((QUESTIONS[0], ["a", "c"]), (QUESTIONS[1], ["b"]))
    network.loss_sums(packed)["embedding"].backward()  # type: ignore[no-untyped-call]
    assert all(each.grad is None or each.grad.isfinite().all() for each in network.parameters())
