"""`AutoTokenizer` puts the special tokens of what we save where we put them."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoModel, AutoTokenizer

import tiny
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune
from headwater.text.loading import load_vocabulary
from headwater.text.sequence_layout import encoder_layout
from headwater.text.vocabulary import Vocabulary

FIRST, SECOND = "the good mill", "a river is bad"
ROBERTA = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def _laid_out(vocabulary: Vocabulary) -> tuple[list[int], list[int]]:
    """Ids and segments of a pair, as a head reads it."""
    first, second = (vocabulary.encode(text).ids for text in (FIRST, SECOND))
    found = encoder_layout(vocabulary).sequence(first, second)
    return found["input_ids"].tolist(), found["token_type_ids"].tolist()


def _saved(folder: Path, vocabulary: Vocabulary, model_type: str) -> Any:
    vocabulary.save(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    return AutoTokenizer.from_pretrained(folder)


def _opened(folder: Path, tokenizer: Tokenizer, **config: str) -> Vocabulary:
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return load_vocabulary(folder)


def _words(special: tuple[str, ...], model: Any = models.WordLevel) -> Tokenizer:
    """A tokenizer.json that says nothing of special tokens but their ids."""
    tokens = [*special, *tiny.WORDS]
    ids = {token: id for id, token in enumerate(tokens)}
    unknown = next(token for token in special if "unk" in token.lower())
    tokenizer = Tokenizer(model(ids, unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def test_a_pair_for_bert(tmp_path: Path) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "made", tiny.WORDS)
    found = _saved(tmp_path / "saved", vocabulary, "bert")(FIRST, SECOND)
    assert (found["input_ids"], found["token_type_ids"]) == _laid_out(vocabulary)


@pytest.mark.parametrize("family", list(tiny.ENCODERS))
def test_a_pair_of_a_bert_vocabulary_beside_each_encoder(family: str, tmp_path: Path) -> None:
    """A body of one segment gets no ids of a second one, which it could not read."""
    vocabulary = tiny.wordpiece(tmp_path / "made", tiny.WORDS)
    folder = tiny.model_folder(tmp_path / "model", vocabulary, **tiny.ENCODERS[family])
    opened = AutoTokenizer.from_pretrained(folder)
    found = opened(FIRST, SECOND, return_tensors="pt")
    assert found["input_ids"][0].tolist() == _laid_out(vocabulary)[0]
    assert ("token_type_ids" in found) is (family == "bert")
    theirs = AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        assert torch.isfinite(theirs(**found).last_hidden_state).all()


@pytest.mark.parametrize("special", [BERT, ROBERTA], ids=["bert", "roberta"])
@pytest.mark.parametrize("model", [models.WordLevel, models.WordPiece])
def test_a_layout_that_no_file_states_is_written(
    special: tuple[str, ...], model: Any, tmp_path: Path
) -> None:
    tokenizer = _words(special, model)
    tokenizer.normalizer = normalizers.NFC()
    roles = dict(zip(("pad", "unk", "cls", "sep"), special, strict=False))
    if special is ROBERTA:
        roles = {"pad": "<pad>", "unk": "<unk>", "cls": "<s>", "sep": "</s>"}
    named = {f"{role}_token": token for role, token in roles.items()}
    vocabulary = _opened(tmp_path / "found", tokenizer, **named)
    opened = _saved(tmp_path / "saved", vocabulary, "bert")
    found = opened(FIRST, SECOND)
    ids, segments = _laid_out(vocabulary)
    assert found["input_ids"] == ids
    assert found.get("token_type_ids", [0] * len(ids)) == segments
    assert ("token_type_ids" in found) is (special is BERT)
    assert opened(FIRST)["input_ids"][0] == vocabulary.cls_id


def test_a_written_layout_is_no_part_of_the_vocabulary(tmp_path: Path) -> None:
    """What is saved twice is the same, and has the fingerprint that it was found with."""
    named = {"cls_token": "[CLS]", "sep_token": "[SEP]"}
    vocabulary = _opened(tmp_path / "found", _words(BERT), **named)
    vocabulary.save(tmp_path / "saved")
    again = load_vocabulary(tmp_path / "saved")
    assert again.fingerprint == vocabulary.fingerprint
    again.save(tmp_path / "again")
    for file in (tmp_path / "saved").iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_a_layout_that_the_file_states_stays(tmp_path: Path) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "made", tiny.WORDS)
    vocabulary.save(tmp_path / "saved")
    file = tmp_path / "saved/tokenizer.json"
    content = json.loads(file.read_text("utf-8"))
    content["normalizer"] = {"type": "NFC"}  # for which the generic class is named
    file.write_text(json.dumps(content))
    load_vocabulary(file).save(tmp_path / "again")
    again = json.loads((tmp_path / "again/tokenizer.json").read_text("utf-8"))
    assert again["post_processor"] == content["post_processor"]


def test_what_t5_reads_ends_with_its_end_token(tmp_path: Path) -> None:
    scores = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((c, -1.0) for c in "▁abdegilmorst")]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=2))
    for prepended in ("always", "never"):
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prepended)
        vocabulary = _opened(tmp_path / f"found-{prepended}", tokenizer)
        opened = _saved(tmp_path / prepended, vocabulary, "t5")
        found = opened(FIRST)
        assert found["input_ids"] == [*vocabulary.encode(FIRST).ids.tolist(), vocabulary.eos_id]
        assert "token_type_ids" not in found


def test_a_pair_for_roberta(tmp_path: Path) -> None:
    vocabulary = tiny.byte_pairs(tmp_path / "made")
    found = _saved(tmp_path / "saved", vocabulary, "roberta")(FIRST, SECOND)
    assert found["input_ids"] == _laid_out(vocabulary)[0]
    assert "token_type_ids" not in found


def test_what_gpt_reads_has_no_special_tokens(shared: Path, tmp_path: Path) -> None:
    vocabulary = load_vocabulary(shared / "data/tokenizers/gpt2")
    found = _saved(tmp_path / "saved", vocabulary, "gpt2")(FIRST)
    assert found["input_ids"] == vocabulary.encode(FIRST).ids.tolist()
    assert "token_type_ids" not in found


def test_a_run_on_another_tokenizer_opens_there_as_it_is(tmp_path: Path) -> None:
    """A generic class and a flag that it does not follow: the letters keep their case."""
    made = tiny.wordpiece(tmp_path / "made", ["Apple", "apple", "pie", "good", "bad"])
    folder = tiny.model_folder(tmp_path / "model", made)
    content = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    content["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(content))
    named = {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    (folder / "vocab.txt").unlink()
    (folder / "manifest.json").unlink()
    file = tiny.rte(tmp_path / "rte.tsv", 8)
    training = {"steps": 2, "batch": {"examples": 2}, "device": "cpu", "precision": "fp32"}
    values = {"model": str(folder), "task": "rte", "training": training}
    values |= {"data": {"train": [str(file)], "validation": [str(file)]}}
    finetune(Recipe.check(values, "test"), tmp_path / "run")
    opened = AutoTokenizer.from_pretrained(tmp_path / "run/model")
    assert opened.tokenize("Apple pie") == ["Apple", "pie"]
    vocabulary = load_vocabulary(tmp_path / "run")
    assert opened("Apple Pie", add_special_tokens=False)["input_ids"] == (
        vocabulary.encode("Apple Pie").ids.tolist()
    )
