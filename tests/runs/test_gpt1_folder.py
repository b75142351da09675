"""A folder of the first GPT, whose vocabulary has no token that ends a document."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import headwater
import tiny
from headwater.checkpoints.folder import save_model
from headwater.errors import UserError
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune, pretrain

SIZES = tiny.PRESET_SIZES["gpt2"]
MERGES = ("t h", "th e</w>", "i s</w>", "m i", "g o")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A random model with its files as they are published: no class, no special tokens."""
    vocabulary = tiny.gpt1(tmp_path / "words", *MERGES)
    network = tiny.gpt(
        model_type="openai-gpt",
        activation_function="gelu",
        vocab_size=vocabulary.size,
        n_positions=48,
        bos_token_id=None,
        eos_token_id=None,
    )
    for weight in network.parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, 0.0, 0.3)
    folder = tmp_path / "gpt1"
    save_model(folder, network)
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / "words" / name).rename(folder / name)
    return folder


def test_it_writes_until_the_limit(folder: Path) -> None:
    texts = ["The mill is", "a river ."]
    model = headwater.load(folder)
    found = model.generate(texts, max_new_tokens=9)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    reference = AutoModelForCausalLM.from_pretrained(folder)
    for text, written in zip(texts, found, strict=True):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        mask = torch.ones_like(ids)
        wanted = reference.generate(
            ids, attention_mask=mask, max_new_tokens=9, do_sample=False, pad_token_id=0
        )[0]
        assert len(wanted) == ids.shape[1] + 9
        assert tokenizer.decode(ids[0]) + written == tokenizer.decode(wanted)
    assert model.answer("the mill", top_k=2)[0].text
    assert model.generate(texts, max_new_tokens=9, min_new_tokens=3) == found
    with pytest.raises(UserError, match="text 1: empty; this model has no token that begins"):
        model.generate(["the", ""], max_new_tokens=2)


def test_a_classifier_is_trained_on_it(folder: Path, tmp_path: Path) -> None:
    file = tiny.rte(tmp_path / "rte.tsv", 12)
    training = {"steps": 4, "batch": {"examples": 2}, "device": "cpu", "precision": "fp32"}
    values = {"model": str(folder), "task": "rte", "method": "features", "training": training}
    values |= {"data": {"train": [str(file)], "validation": [str(file)]}, "features": {"lstm": 0}}
    finetune(Recipe.check(values, "test"), tmp_path / "run")
    assert headwater.load(tmp_path / "run").vocabulary.eos_id is None


def test_pretraining_says_what_it_needs(folder: Path, tmp_path: Path) -> None:
    vocabulary = headwater.load_vocabulary(folder)
    store = tiny.token_store(tmp_path / "store", vocabulary)
    recipe = tiny.pretrain_recipe("lm", "gpt", store, sizes=SIZES, lm={"length": 32})
    with pytest.raises(UserError, match=r"no token that ends a document.* added_tokens\.json"):
        pretrain(recipe, tmp_path / "run")
    (folder / "added_tokens.json").write_text(json.dumps({"</s>": vocabulary.size}))
    (folder / "special_tokens_map.json").write_text('{"eos_token": "</s>"}')
    store = tiny.token_store(tmp_path / "ended", headwater.load_vocabulary(folder))
    recipe = tiny.pretrain_recipe("lm", "gpt", store, sizes=SIZES, lm={"length": 32})
    pretrain(recipe, tmp_path / "run")
    assert headwater.load(tmp_path / "run").vocabulary.eos_id == vocabulary.size
