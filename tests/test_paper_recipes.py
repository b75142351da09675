"""The papers' own settings, run dry: first batches of official files, one step at a small width."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headwater.checkpoints.folder import save_model
from headwater.config import read_toml
from headwater.finetuning import begin, finetune
from headwater.models.bert_config import BertConfig
from headwater.models.build import build_model
from headwater.models.t5_config import T5Config
from headwater.recipe import Recipe
from headwater.tasks.glue import GLUE
from headwater.text.vocabulary import load_vocabulary
from headwater.training.plan import Plan

ROOT = Path(__file__).resolve().parents[1]
PAPERS = sorted((ROOT / "recipes" / "papers").glob("*.toml"))
COLUMNS = {
    "sst2": ("sentence", "label"),
    "mrpc": ("Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"),
    "stsb": ("index", "sentence1", "sentence2", "score"),
    "qqp": ("id", "question1", "question2", "is_duplicate"),
    "mnli": ("index", "sentence1", "sentence2", "gold_label"),
    "qnli": ("index", "question", "sentence", "label"),
    "rte": ("index", "sentence1", "sentence2", "label"),
}
LABELS = {"stsb": "2.5", "mnli": "neutral", "qnli": "entailment", "rte": "entailment"}


def official_files(folder: Path) -> None:
    """Make GLUE and SQuAD in their official layouts, with 150 rows each: more than a batch."""
    for task in GLUE:
        if task.name not in (*COLUMNS, "cola"):
            continue
        columns = COLUMNS.get(task.name, ("source", "label", "mark", "sentence"))
        label = LABELS.get(task.name, "1")
        rows = [] if task.name == "cola" else ["\t".join(columns)]
        for row in range(150):
            texts = dict.fromkeys(columns, f"the mill by the river number {row}")
            texts |= {each: str(row) for each in ("index", "id", "#1 ID", "#2 ID")}
            texts |= dict.fromkeys(("label", "gold_label", "score", "is_duplicate"), label)
            texts |= {"Quality": label}
            rows.append("\t".join(texts[name] for name in columns))
        assert task.layout.files
        for split in ("train", "validation"):
            for name in task.layout.files.get(split, ()):
                path = folder / "glue" / task.layout.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    questions = (ROOT / "examples" / "questions.json").read_text(encoding="utf-8")
    (folder / "squad").mkdir()
    for name in ("train-v1.1.json", "dev-v1.1.json"):
        (folder / "squad" / name).write_text(questions, encoding="utf-8")


def small_model(folder: Path, t5: bool) -> Path:
    """Save a model of the family at a small width."""
    torch.manual_seed(0)
    if t5:
        vocabulary = load_vocabulary(ROOT / "examples" / "vocabulary")
        sizes = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_layers": 1, "num_decoder_layers": 1}
        config: Any = T5Config(vocab_size=vocabulary.size, num_heads=2, **sizes)
    else:
        vocabulary = load_vocabulary(ROOT / "src" / "headwater" / "assets" / "reader")
        sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
        config = BertConfig(vocab_size=vocabulary.size, intermediate_size=16, **sizes)
    save_model(folder / "small", build_model(config), vocabulary=vocabulary)
    return folder / "small"


def small_recipe(path: Path, folder: Path) -> Recipe:
    """Return the recipe with that model, one step of it, on the CPU."""
    values = read_toml(path)
    values["model"] = str(small_model(folder, "t5" in path.stem))
    values["training"] = values["training"] | {"device": "cpu", "precision": "fp32"}
    if "squad" in path.stem:  # the example questions are of v2.0, which holds unanswerable ones
        values["task"] = "squad_v2"
    return Recipe.check(values, str(path))


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_one_step_and_the_first_batches(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    official_files(tmp_path)
    recipe = small_recipe(path, tmp_path)
    run = begin(recipe, print)
    training = run.recipe.training
    plan = Plan(run.features(), training)
    if "t5" in path.stem:
        assert plan.total == training.steps == 2**18
        assert training.schedule == "constant" and training.learning_rate == 1e-3
    rows = plan.rows(0)
    for step in plan.epoch(0)[:3]:
        size = (training.batch.examples or 0) * training.accumulate
        assert sum(map(len, step)) <= size
        for part in step:
            for row in rows.features(np.asarray(part), 0):
                assert len(row["input_ids"]) <= 512
    one = training.model_dump(exclude_unset=True) | {"steps": 1, "evaluate_every": 1}
    one.pop("epochs", None)
    values = recipe.model_dump(exclude_unset=True) | {"training": one}
    outcome = finetune(Recipe.check(values, "one step"), tmp_path / "run")
    assert outcome.step == 1
