"""`tune` finds the better of two learning rates on held-out data, and goes on where it stopped."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.errors import UserError
from headwater.runs.tune import tune

RATES = "learning_rate=1e-2,1e-7"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A tiny BERT that learns to tell sentences by a word; a rate of 1e-7 learns nothing."""
    words = tiny.wordpiece(tmp_path / "words", tiny.WORDS)
    tiny.model_folder(tmp_path / "bert", words, dropout=0.0, initializer_range=0.2)
    tiny.cola(tmp_path / "train.tsv", 16)
    tiny.cola(tmp_path / "dev.tsv", 8)
    file = tmp_path / "recipe.toml"
    file.write_text(
        f'''
model = "{tmp_path}/bert"
task = "cola"
[data]
train = "{tmp_path}/train.tsv"
validation = "{tmp_path}/dev.tsv"
[training]
steps = 12
batch = {{ examples = 16 }}
eval_steps = 12
save_steps = 4
precision = "fp32"
device = "cpu"
'''
    )
    return file


def test_the_better_rate_is_first(recipe: Path, tmp_path: Path) -> None:
    found = tune(recipe, [RATES], 2, tmp_path / "tune")
    assert [row.settings for row in found.rows] == [
        {"training.learning_rate": "1e-2"},
        {"training.learning_rate": "1e-7"},
    ]
    assert found.metric == "matthews" and found.reason == "finished"
    assert found.rows[0].mean > found.rows[1].mean
    assert all(len(row.values) == 2 for row in found.rows)
    lines = (tmp_path / "tune" / "table.md").read_text().splitlines()
    assert lines[0] == "| training.learning_rate | matthews | deviation | seeds |"
    assert lines[2].startswith("| 1e-2 |") and len(lines) == 4


def test_what_has_ended_is_not_run_again_and_what_was_stopped_goes_on(
    recipe: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tune"
    first = tune(recipe, [RATES], 1, folder)
    trial = folder / "trials" / "learning_rate=1e-7,seed=0"
    done = folder / "trials" / "learning_rate=1e-2,seed=0"
    before = (done / "log.jsonl").stat().st_mtime_ns
    (folder / "results" / f"{trial.name}.json").unlink()  # as if killed before it was written
    shutil.rmtree(trial / "model")
    again = tune(recipe, [RATES], 1, folder)
    assert again == first
    assert (done / "log.jsonl").stat().st_mtime_ns == before
    with pytest.raises(UserError, match="is of another recipe"):
        tune(recipe, [RATES], 1, folder, ["training.weight_decay=0.5"])


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ("learning_rate", "expected KEY=VALUE,VALUE"),
        ("learning_rate=", "expected KEY=VALUE,VALUE"),
        ("learning_rate=1e-3,1e-3", "given twice"),
        ("seed=1,2", "counted by --seeds"),
        ("learning_rte=1e-3", "learning_rte"),
    ],
)
def test_what_cannot_be_varied_is_refused(
    over: str, message: str, recipe: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        tune(recipe, [over], 1, tmp_path / "tune")


def test_without_held_out_data_nothing_is_compared(recipe: Path, tmp_path: Path) -> None:
    text = recipe.read_text()
    recipe.write_text("\n".join(x for x in text.splitlines() if "validation" not in x))
    with pytest.raises(UserError, match="no held-out data"):
        tune(recipe, [RATES], 1, tmp_path / "tune", ["training.eval_steps=12"])


def test_the_command(recipe: Path, tmp_path: Path, headwater: Callable[..., Any]) -> None:
    sizes = "training.batch={examples=8},{examples=16}"
    ran = headwater("tune", recipe, "--over", sizes, "--output", tmp_path / "tune", "--json")
    assert ran.code == 0, ran.err
    rows = json.loads(ran.out)["rows"]
    assert {row["settings"]["training.batch"] for row in rows} == {"{examples=8}", "{examples=16}"}
