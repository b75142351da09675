"""The weights that are shown are those that the network mixes with."""

from typing import Any

import numpy as np
import pytest
import torch

from headwater.errors import UserError
from headwater.inspection.attention import attention, patterns, strongest
from headwater.inspection.reading import read


def test_weights_are_the_softmax_of_the_scaled_products(made: Any) -> None:
    model = made("bert", "masked_lm")
    maps = attention(model, "the old mill")
    ids = torch.tensor([read(model.vocabulary, model.config, "the old mill").ids])
    body = model.network.body
    layer = body.layers[0].attention.layer
    with torch.no_grad():
        hidden = body.embeddings(ids, torch.zeros_like(ids))[0]
        queries, keys = (part(hidden).view(-1, 2, 8) for part in (layer.query, layer.key))
    for head in range(2):
        scores = queries[:, head] @ keys[:, head].T / 8**0.5
        np.testing.assert_allclose(maps[head].weights, scores.softmax(-1).numpy(), atol=1e-6)
    assert maps[0].queries == maps[0].keys == ("[CLS]", "the", "old", "mill", "[SEP]")


def test_looking_changes_nothing(made: Any) -> None:
    model = made("bert", "masked_lm").network
    before = {name: value.clone() for name, value in model.state_dict().items()}
    attention(made("bert", "masked_lm"), "the old mill")
    assert not any(part._forward_pre_hooks for part in model.modules())
    assert not model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_an_encoder_decoder_has_three_parts(made: Any) -> None:
    maps = attention(made("t5"), "the old mill", "was driven by")
    counts = {part: sum(each.part == part for each in maps) for part in ("encoder", "decoder")}
    assert counts == {"encoder": 3 * 2, "decoder": 2 * 2}
    assert [each.part for each in maps[-4:]] == ["cross"] * 4
    for each in maps:
        assert each.weights.shape == (len(each.queries), len(each.keys))
        np.testing.assert_allclose(each.weights.sum(1), 1, atol=1e-6)
    encoder, decoder, cross = maps[0], maps[6], maps[-1]
    assert encoder.keys[-1] == "</s>"
    assert decoder.queries[0] == "<pad>"
    assert np.triu(decoder.weights, 1).max() == 0
    assert (cross.queries, cross.keys) == (decoder.queries, encoder.keys)


def test_borrowed_layers_are_told_apart_by_their_order(made: Any) -> None:
    maps = attention(made("t5", architecture="shared", num_decoder_layers=3), "the mill", "by")
    assert [each.part for each in maps] == ["encoder"] * 6 + ["decoder"] * 6 + ["cross"] * 6
    decoder = [each for each in maps if each.part == "decoder"]
    assert [each.layer for each in decoder] == [0, 0, 1, 1, 2, 2]
    assert all(np.triu(each.weights, 1).max() == 0 for each in decoder)


@pytest.mark.parametrize("architecture", ["language_model", "prefix_lm"])
def test_one_stack_reads_inputs_and_targets(made: Any, architecture: str) -> None:
    model = made("t5", architecture=architecture, num_decoder_layers=3)
    maps = attention(model, "the mill", "by")
    inputs = len(read(model.vocabulary, model.config, "the mill").ids)
    assert {each.part for each in maps} == {"decoder"}
    above = np.triu(maps[0].weights, 1)
    assert maps[0].queries[inputs] == "<pad>"
    assert (above[:inputs, :inputs].max() > 0) == (architecture == "prefix_lm")
    assert above[:, inputs:].max() == 0


def test_a_t5_looks_back_from_what_it_writes(made: Any) -> None:
    model = made("t5")
    [written] = model.generate(["the mill"], max_length=6)
    queries = attention(model, "the mill")[-1].queries
    text = model.vocabulary.decode([model.vocabulary.id_of(token) for token in queries])
    assert written.startswith(text.strip())
    assert len(queries) > 1


def test_a_gpt_sees_what_stands_before(made: Any) -> None:
    maps = attention(made("gpt"), "the old mill", layer=1)
    assert {(each.part, each.layer) for each in maps} == {("decoder", 1)}
    assert np.triu(maps[0].weights, 1).max() == 0


def test_layers_and_heads_are_chosen(made: Any) -> None:
    model = made("t5")
    whole = attention(model, "the mill", "by")
    chosen = attention(model, "the mill", "by", layer=1, head=1)
    expected = [each for each in whole if (each.layer, each.head) == (1, 1)]
    for one, other in zip(chosen, expected, strict=True):
        assert np.array_equal(one.weights, other.weights)
    # The encoder has a layer more than the decoder.
    assert {each.part for each in attention(model, "the mill", "by", layer=2)} == {"encoder"}


@pytest.mark.parametrize(
    ("family", "given", "said"),
    [
        ("bert", {"layer": 2}, "--layer 2: bert has layers 0 to 1"),
        ("bert", {"layer": -1}, "--layer -1"),
        ("gpt", {"head": 9}, "--head 9: gpt has heads 0 to 1"),
        ("elmo", {}, "elmo, which has no attention"),
    ],
)
def test_what_is_not_there_is_reported(
    made: Any, family: str, given: dict[str, int], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        attention(made(family), "the mill", **given)


def test_the_strongest_positions_are_named(made: Any) -> None:
    maps = attention(made("bert"), "the old mill")
    table = strongest(maps, "bert").elements[1]
    mean = np.mean([each.weights for each in maps], axis=0)
    position = int(mean[2].argmax())
    assert table.rows[2][1].text == f"{maps[0].keys[position]} {mean[2, position]:.2f}"


def test_what_the_mask_hides_is_not_named(made: Any) -> None:
    model = made("gpt")
    heading, table = strongest(attention(model, "the old mill", layer=1, head=0), "gpt").elements
    assert heading.text == "decoder: layer 1, head 0"
    assert [sum(bool(span.text) for span in row[1:]) for row in table.rows] == [1, 2, 3]
    heading, _ = strongest(attention(model, "the old mill"), "gpt").elements
    assert heading.text == "decoder: the mean of 4 heads"


def test_patterns_are_those_of_the_figure() -> None:
    found = patterns()
    assert found["Fully-visible"].all()
    assert np.array_equal(found["Causal"], np.tri(5, dtype=bool))
    prefix = np.tri(5, dtype=bool)
    prefix[:, :3] = True
    assert np.array_equal(found["Causal with prefix"], prefix)
    packed = np.tri(5, dtype=bool)
    packed[3:, :3] = False
    assert np.array_equal(found["Causal, two texts packed"], packed)
