"""The outputs of all layers are the published ones; the small model reads positions and pairs."""

from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import tiny
from headwater.checkpoints.folder import save_model
from headwater.errors import UserError
from headwater.models.build import build_model
from headwater.models.families import sizes_of
from headwater.models.feature_model import FeatureModel, Kind
from headwater.models.features_config import FeaturesConfig

BERT = tiny.bert_config(num_hidden_layers=3, max_position_embeddings=32)
GPT = tiny.gpt_config(n_positions=24)
T5 = tiny.t5_config(num_decoder_layers=1)
CBOW = tiny.cbow_config(vector_size=12)


def rows() -> dict[str, Tensor]:
    ids = torch.tensor([[5, 6, 7, 8, 9], [9, 5, 6, 0, 0]])
    mask = ids > 0
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": (ids > 7).long()}


@pytest.mark.parametrize("config", [BERT, GPT, T5], ids=["bert", "gpt", "t5"])
def test_the_outputs_of_all_layers_are_the_published_ones(config: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    body = build_model(config).eval().body
    save_model(tmp_path / "body", body)
    theirs = transformers.AutoModel.from_pretrained(tmp_path / "body").eval()
    given_rows = rows()
    if config is not BERT:
        given_rows.pop("token_type_ids")
    reader = theirs.encoder if config is T5 else theirs
    wanted = reader(**given_rows, output_hidden_states=True).hidden_states
    found = body.layer_outputs(rows())
    assert len(found) == len(wanted) == sizes_of(config).layers + 1
    real = given_rows["attention_mask"]
    for one, other in zip(found, wanted, strict=True):
        assert one.shape[-1] == sizes_of(config).hidden_size
        assert torch.allclose(one[real], other[real], atol=1e-5)


def test_words_have_one_output_and_an_elmo_one_more_than_layers() -> None:
    cbow = build_model(CBOW).body
    [vectors] = cbow.layer_outputs(rows())
    assert torch.equal(vectors[0, 1], cbow.token.weight[6]) and sizes_of(CBOW).hidden_size == 12
    elmo = build_model(tiny.elmo_config(cells=8))
    elmo.know_words(torch.randint(1, 200, (40, 10)))
    found = elmo.eval().layer_outputs(rows())
    assert torch.equal(torch.stack(found), elmo(rows()))
    sizes = sizes_of(elmo.config)
    assert (len(found), found[0].shape[-1]) == (sizes.layers + 1, sizes.hidden_size) == (3, 16)


def test_sequences_are_as_long_as_positions_go() -> None:
    assert [sizes_of(config).longest_input for config in (BERT, GPT)] == [32, 24]
    assert all(sizes_of(config).longest_input > 10**9 for config in (T5, CBOW))


def test_threads_that_share_a_body_do_not_see_each_other() -> None:
    body = build_model(BERT).eval().body
    batches = [{"input_ids": torch.randint(5, 40, (2, 8 + n))} for n in range(4)]
    alone = [body.layer_outputs(batch) for batch in batches]
    wrong: list[int] = []

    def read(number: int) -> None:
        for _ in range(20):
            found = body.layer_outputs(batches[number])
            if len(found) != 4 or not all(map(torch.equal, found, alone[number])):
                wrong.append(number)

    threads = [Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert all(not layer._forward_pre_hooks for layer in body.layers)


def small(kind: Kind = "sequence", *, pairs: bool = False, **features: Any) -> FeatureModel:
    torch.manual_seed(0)
    labels = ("no", "yes", "may") if kind in ("sequence", "token") else ()
    config = FeaturesConfig.check({"lstm": 0, **features}, "test")
    return FeatureModel(build_model(CBOW).body, config, kind, labels, pairs=pairs).eval()


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
def test_a_pair_is_the_means_of_its_texts_and_how_they_compare(
    lengths: list[tuple[int, int]], seed: int
) -> None:
    model = small(pairs=True)
    longest = max(first + second for first, second in lengths)
    ids = torch.from_numpy(np.random.default_rng(seed).integers(1, 40, (len(lengths), longest)))
    position = torch.arange(longest)[None]
    first = torch.tensor([[each] for each, _ in lengths])
    whole = torch.tensor([[sum(each)] for each in lengths])
    batch = {"input_ids": ids, "attention_mask": position < whole}
    batch["token_type_ids"] = ((position >= first) & (position < whole)).long()
    found = model.hidden(batch)
    table = model.body.token.weight
    for row, (one, two) in enumerate(lengths):
        u = table[ids[row, :one]].mean(0)
        v = table[ids[row, one : one + two]].mean(0) if two else torch.zeros(12)
        wanted = torch.cat((u, v, (u - v).abs(), u * v))
        assert torch.allclose(found[row], wanted, atol=1e-6)


@pytest.mark.parametrize("kind", ["sequence", "regression", "token", "span"])
@pytest.mark.parametrize("lstm", [0, 4])
def test_padding_changes_nothing(kind: Kind, lstm: int) -> None:
    model, batch = small(kind, lstm=lstm), rows()
    alone = {name: each[1:, :3] for name, each in batch.items()}
    both, one = model(batch), model(alone)
    if kind == "span":
        both, one = both.start_logits, one.start_logits
    wanted = both[1:, :3] if kind in ("token", "span") else both[1:]
    assert torch.allclose(one, wanted, atol=1e-6)


def test_the_body_is_never_in_training_mode() -> None:
    model = small(dropout=0.5)
    model.train()
    assert model.dropout.training and not model.body.training


@pytest.mark.parametrize(
    ("layers", "said"),
    [("last_four", "this body has 1 outputs"), (1, "0 to 0"), (-1, "0 to 0")],
)
def test_layers_that_are_not_there_are_refused(layers: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        small(layers=layers)


def test_a_t5_without_an_encoder_is_refused() -> None:
    model = tiny.t5(architecture="language_model")
    with pytest.raises(UserError, match="this model has none"):
        FeatureModel(model, FeaturesConfig(), "sequence", ("no", "yes"))
