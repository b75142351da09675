"""The models of a server: their names, and one body for those that share it."""

from collections.abc import Callable
from pathlib import Path

import pytest

import tiny
from headwater.errors import UserError
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune
from headwater.serving.models import Models, load_models
from headwater.serving.refusals import Refusal


def test_what_was_trained_on_a_body_shares_it(tmp_path: Path) -> None:
    words = tiny.wordpiece(tmp_path / "vocabulary", tiny.WORDS)
    base = tiny.model_folder(tmp_path / "base", words, "span", max_position_embeddings=64)
    train = str(tiny.sst2(tmp_path / "train.tsv", 4))
    values = {
        "model": str(base),
        "method": "lora",
        "task": "sst2",
        "data": {"train": [train]},
        "training": tiny.exact_training(1, 4),
    }
    finetune(Recipe.check(values, "test"), tmp_path / "judge")
    models = load_models([str(base), f"judge={tmp_path / 'judge'}"], "cpu", "auto")
    reader, judge = models
    assert [reader.name, judge.name] == ["base", "judge"]
    shared = [dict(each.loaded.network.body.named_parameters()) for each in models]
    pointers = [{name: value.data_ptr() for name, value in each.items()} for each in shared]
    same = set(pointers[0].items()) & set(pointers[1].items())
    assert len(same) > 20
    assert judge.first_task == "text-classification"


def test_names(tiny_models: Callable[..., Models]) -> None:
    folder = str(tiny_models("encoder").first.loaded.folder)
    with pytest.raises(UserError, match=r"two models are called encoder.*OTHER="):
        load_models([folder, folder], "cpu", "auto")
    models = load_models([folder, f"other={folder}"], "cpu", "auto")
    assert [each.name for each in models] == ["encoder", "other"]
    with pytest.raises(Refusal, match="no model 'third'; there are encoder, other"):
        models.named("third")


def test_the_model_and_task_of_a_request(tiny_models: Callable[..., Models]) -> None:
    models = tiny_models("reader", "t5", "tagger", "gpt")
    found = {
        (): ("t5", "text2text-generation"),
        ("question-answering",): ("reader", "question-answering"),
        ("token-classification",): ("tagger", "token-classification"),
        ("text-generation",): ("t5", "text-generation"),
        ("text-generation", "summarization"): ("t5", "summarization"),
    }
    for hints, expected in found.items():
        model, task = models.choose(hints)
        assert (model.name, task) == expected
    assert models.choose((), models.named("reader"))[1] == "feature-extraction"
    with pytest.raises(Refusal, match="request for fill-mask"):
        models.choose(("fill-mask",))
