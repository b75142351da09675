"""A masked LM whose output matrix is not the embedding: it fills, and stops no other head."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from headwater.checkpoints.folder import load_model, save_model
from headwater.errors import UserError
from headwater.models.heads import ModelWithHead

SIZES = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
CONFIGS = {
    "Bert": transformers.BertConfig(**SIZES, intermediate_size=32, tie_word_embeddings=False),
    "Roberta": transformers.RobertaConfig(
        **SIZES, intermediate_size=32, tie_word_embeddings=False, type_vocab_size=1
    ),
    "DistilBert": transformers.DistilBertConfig(
        vocab_size=40, dim=16, n_layers=1, n_heads=2, hidden_dim=32, tie_word_embeddings=False
    ),
}
IDS = torch.arange(5, 15)[None]


def untied(folder: Path, name: str, kind: str = "MaskedLM") -> Any:
    torch.manual_seed(2)
    model = getattr(transformers, f"{name}For{kind}")(CONFIGS[name]).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.3)
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("told", [True, False])
def test_its_own_matrix_scores_and_is_saved(tmp_path: Path, name: str, told: bool) -> None:
    theirs = untied(tmp_path, name)
    if not told:  # only the tensors tell
        file = tmp_path / "config.json"
        content = json.loads(file.read_text())
        file.write_text(json.dumps(content | {"tie_word_embeddings": True}))
    ours = load_model(tmp_path)
    assert ours.new_parameters == () and ours.ignored == ()
    with torch.no_grad():
        want = theirs(IDS).logits
        assert torch.allclose(ours.model({"input_ids": IDS}), want, atol=1e-5)
    save_model(tmp_path / "saved", ours.model)
    again = type(theirs).from_pretrained(tmp_path / "saved")
    with torch.no_grad():
        assert torch.allclose(again(IDS).logits, want, atol=1e-5)
    assert load_model(tmp_path / "saved").new_parameters == ()


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("head", ["sequence", "token", "span"])
def test_it_does_not_stop_another_head(tmp_path: Path, name: str, head: str) -> None:
    theirs = untied(tmp_path, name)
    loaded = load_model(tmp_path, head)
    assert isinstance(loaded.model, ModelWithHead)
    assert any("decoder" in each or "projector" in each for each in loaded.ignored)
    mine, want = loaded.model.encode({"input_ids": IDS}), theirs.base_model(IDS).last_hidden_state
    assert torch.allclose(mine, want, atol=1e-5)
    save_model(tmp_path / "saved", loaded.model)
    assert load_model(tmp_path / "saved").new_parameters == ()


def test_both_objectives_of_pretraining(tmp_path: Path) -> None:
    theirs = untied(tmp_path, "Bert", "PreTraining")
    with torch.no_grad():
        mine, want = load_model(tmp_path).model({"input_ids": IDS}), theirs(IDS)
    assert torch.allclose(mine.masked_lm, want.prediction_logits, atol=1e-5)


def test_a_family_that_knows_only_tied_outputs(tmp_path: Path) -> None:
    config = transformers.GPT2Config(
        vocab_size=40, n_positions=16, n_embd=16, n_layer=1, n_head=2, tie_word_embeddings=False
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"lm_head\.weight differs .* is not supported"):
        load_model(tmp_path)
