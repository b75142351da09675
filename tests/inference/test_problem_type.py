"""`problem_type` of config.json: one label, several by their sigmoids, or a number."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.errors import UserError
from headwater.inference.loaded import load
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune
from headwater.tasks.glue import SST2
from headwater.text.vocabulary import Vocabulary

LABELS = ("joy", "anger", "fear")
TEXTS = ["the mill is good .", "a river is bad", "the the bad"]


def published(folder: Path, vocabulary: Vocabulary, problem: str | None, labels: int) -> Any:
    config = BertConfig(
        vocab_size=vocabulary.size, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, problem_type=problem, num_labels=labels,
    )  # fmt: skip
    if labels == len(LABELS):
        config.id2label = dict(enumerate(LABELS))
        config.label2id = {name: id for id, name in enumerate(LABELS)}
    torch.manual_seed(1)
    model = BertForSequenceClassification(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.5)
    model.save_pretrained(folder)
    return model


@pytest.fixture
def words(tmp_path: Path) -> Vocabulary:
    return tiny.wordpiece(tmp_path / "model", tiny.WORDS)


def test_several_labels_are_told_by_their_sigmoids(tmp_path: Path, words: Vocabulary) -> None:
    theirs = published(tmp_path / "model", words, "multi_label_classification", 3)
    ours = load(tmp_path / "model", "cpu")
    cls, sep = words.ids["[CLS]"], words.ids["[SEP]"]
    for text, found in zip(TEXTS, ours.classify(TEXTS), strict=True):
        ids = torch.tensor([[cls, *words.encode(text).ids.tolist(), sep]])
        with torch.no_grad():
            want = theirs(ids).logits[0].sigmoid().numpy()
        by_label = {each.label: each.score for each in found}
        assert np.allclose([by_label[name] for name in LABELS], want, atol=1e-5)
    total = sum(each.score for each in ours.classify(TEXTS[0]))
    assert not 0.99 < total < 1.01  # no softmax


def test_it_goes_to_disk_and_back(tmp_path: Path, words: Vocabulary) -> None:
    published(tmp_path / "model", words, "multi_label_classification", 3)
    loaded = load_model(tmp_path / "model")
    assert loaded.model.head_name == "multi_label"
    save_model(tmp_path / "saved", loaded.model)
    content = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert content["problem_type"] == "multi_label_classification"
    assert load_model(tmp_path / "saved").model.head_name == "multi_label"
    again = BertForSequenceClassification.from_pretrained(tmp_path / "saved")
    assert again.config.problem_type == "multi_label_classification"
    assert again.config.id2label == dict(enumerate(LABELS))


@pytest.mark.parametrize(
    ("problem", "labels", "head"),
    [
        (None, 1, "regression"),
        ("regression", 1, "regression"),
        ("single_label_classification", 3, "sequence"),
        ("multi_label_classification", 1, "multi_label"),
        (None, 3, "sequence"),
    ],
)
def test_what_each_means(
    tmp_path: Path, words: Vocabulary, problem: str | None, labels: int, head: str
) -> None:
    published(tmp_path / "model", words, problem, labels)
    loaded = load_model(tmp_path / "model")
    assert loaded.model.head_name == head and loaded.new_parameters == ()
    save_model(tmp_path / "saved", loaded.model)
    content = json.loads((tmp_path / "saved" / "config.json").read_text())
    wanted = "single_label_classification" if head == "sequence" else problem or head
    assert content["problem_type"] == wanted


def test_what_it_cannot_be_is_one_line(tmp_path: Path, words: Vocabulary) -> None:
    folder = tmp_path / "model"
    published(folder, words, "regression", 3)
    with pytest.raises(UserError, match=r"config\.json: problem_type regression with 3 labels"):
        load_model(folder)
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | {"problem_type": "ranking"}))
    with pytest.raises(UserError, match=r"problem_type 'ranking'; known are single_label_class"):
        load_model(folder)


def test_a_task_of_one_label_is_refused(tmp_path: Path, words: Vocabulary) -> None:
    folder = tmp_path / "model"
    published(folder, words, "multi_label_classification", 2)
    with pytest.raises(UserError, match="a head of kind multi_label, and task sst2 needs one of"):
        load(folder, "cpu").predictor(SST2)
    recipe = {
        "model": str(folder),
        "task": "sst2",
        "data": {"train": [str(tiny.sst2(tmp_path / "train.tsv", 8))]},
        "training": {"steps": 1, "batch": {"examples": 4}, "device": "cpu"},
    }
    with pytest.raises(UserError, match=r"its head gives any number of labels .* one label of a"):
        finetune(Recipe.check(recipe, "test"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
