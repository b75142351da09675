"""The papers' own settings, run dry: first batches of official files, one step at a small width."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny
from headwater.checkpoints.hub import BUNDLED
from headwater.config import read_toml
from headwater.runs.recipe import Recipe
from headwater.runs.run import begin, finetune
from headwater.tasks.glue import GLUE
from headwater.text.loading import load_vocabulary
from headwater.training.plan import Plan

ROOT = Path(__file__).resolve().parents[1]
PAPERS_IN = ROOT / "recipes" / "papers"
PAPERS = sorted(PAPERS_IN.glob("*.toml"))
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


LONG = "the mill by the river " * 120
"""More tokens than any of the recipes reads."""


def official_files(folder: Path) -> None:
    """Make GLUE and SQuAD in their official layouts: more than a batch to train on, 4 to measure.

    Row 0 of each file of GLUE and each text of SQuAD is longer than what is read of it.
    """
    for task in GLUE:
        if task.name in (*COLUMNS, "cola"):
            assert task.files.splits
            for split, count in (("train", 150), ("validation", 4)):
                for name in task.files.splits.get(split, ()):
                    path = folder / "glue" / task.files.folder / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(glue(task.name, count), encoding="utf-8")
    (folder / "squad").mkdir()
    for name, count in (("train", 30), ("dev", 4)):
        path = folder / "squad" / f"{name}-v1.1.json"
        path.write_text(json.dumps(squad(count)), encoding="utf-8")


def glue(task: str, count: int) -> str:
    columns = COLUMNS.get(task, ("source", "label", "mark", "sentence"))
    label = LABELS.get(task, "1")
    rows = [] if task == "cola" else ["\t".join(columns)]
    for row in range(count):
        text = f"the mill by the river number {row} {'' if row else LONG}"
        texts = dict.fromkeys(columns, text)
        texts |= {each: str(row) for each in ("index", "id", "#1 ID", "#2 ID")}
        texts |= dict.fromkeys(("label", "gold_label", "score", "is_duplicate"), label)
        texts |= {"Quality": label}
        rows.append("\t".join(texts[name] for name in columns))
    return "\n".join(rows) + "\n"


def squad(count: int) -> dict[str, Any]:
    questions = [tiny.question(f"q{n}", "Who built?", "Ada") for n in range(count)]
    return tiny.squad(tiny.paragraph(f"Ada built the mill. {LONG}", *questions))


def small_model(folder: Path, t5: bool) -> Path:
    """Save a model of the family at a small width."""
    if t5:
        sizes = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_layers": 1, "num_decoder_layers": 1}
        return tiny.model_folder(folder / "small", tiny.example_unigram(), family="t5", **sizes)
    vocabulary = load_vocabulary(BUNDLED["reader"])
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 16}
    return tiny.model_folder(folder / "small", vocabulary, **sizes)


def small_recipe(path: Path, folder: Path) -> Recipe:
    """Return the recipe with that model, one step of it, on the CPU."""
    values = read_toml(path)
    values["model"] = str(small_model(folder, "t5" in path.stem))
    values["training"] = values["training"] | {"device": "cpu", "precision": "fp32"}
    return Recipe.check(values, str(path))


SHAPES = {
    "t5-base": (128, 512, 114),
    "bert-base-glue": (32, 128, None),
    "bert-base-squad": (32, 384, None),
}
"""Examples of a step, the longest input, the longest target."""


def test_the_recipes_say_what_the_papers_say() -> None:
    t5, glue, squad = (Recipe.check(read_toml(PAPERS_IN / f"{name}.toml"), name) for name in SHAPES)
    training = t5.training
    assert training.steps == 2**18 and training.warmup == 0
    assert (training.schedule, training.learning_rate) == ("constant", 1e-3)
    assert training.eval_steps == training.save_steps == 5000
    assert (t5.text.max_inputs, t5.text.max_targets) == (512, 114)
    assert t5.mixture and t5.mixture.best_each and t5.mixture.rates == "proportional"
    assert t5.mixture.cap is None and len(t5.mixture.tasks) == 8
    assert glue.training.epochs == squad.training.epochs == 3
    assert glue.training.learning_rate in (5e-5, 4e-5, 3e-5, 2e-5)
    assert squad.training.learning_rate == 5e-5 and squad.task == "squad"


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_one_step_and_the_first_batches(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    official_files(tmp_path)
    recipe = small_recipe(path, tmp_path)
    run = begin(recipe)
    training = run.recipe.training
    plan = Plan(run.features(), training)
    rows, (size, inputs, targets) = plan.features(0), SHAPES[path.stem]
    parts = [part for step in plan.epoch(0) for part in step]
    found = [row for part in parts for row in rows.features(np.asarray(part), 0)]
    assert max(len(row["input_ids"]) for row in found) == inputs  # longer ones were cut
    assert targets is None or max(len(row["labels"]) for row in found) <= targets
    assert max(sum(map(len, step)) for step in plan.epoch(0)) == size
    one = training.model_dump(exclude_unset=True) | {"steps": 1, "eval_steps": 1}
    one.pop("epochs", None)
    values = recipe.model_dump(exclude_unset=True) | {"training": one}
    outcome = finetune(Recipe.check(values, "one step"), tmp_path / "run")
    assert outcome.step == 1
