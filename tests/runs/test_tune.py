"""`tune` finds the better of two learning rates on held-out data, and goes on where it stopped."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.errors import UserError
from headwater.runs.recipe import Recipe, load_recipe
from headwater.runs.tune import identity_of, tune

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


def unlike_sentences(file: Path) -> None:
    """Sentences that a split can tell apart."""
    words = ("bad", "good")
    rows = [("gj04", n % 2, "", f"the mill {n} is {words[n % 2]} .") for n in range(40)]
    tiny.tab_separated(file, rows)


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
    assert lines[0] == "| training.learning_rate | matthews | deviation | trials |"
    assert lines[2].startswith("| 1e-2 |") and len(lines) == 4


def test_a_training_that_diverges_is_last_and_ends_nothing(
    recipe: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    over = ["learning_rate=1e30,1e-2", "max_grad_norm=1e30,1.0"]
    found = tune(recipe, over, 1, tmp_path / "tune")
    assert found.reason == "finished" and len(found.rows) == 4
    assert [row.mean is None for row in found.rows] == [False, False, True, True]
    assert {row.settings["training.learning_rate"] for row in found.rows[:2]} == {"1e-2"}
    assert "is not finite" in caplog.text
    table = (tmp_path / "tune" / "table.md").read_text().splitlines()
    assert table[-1].endswith("| diverged | diverged | 1 |")
    caplog.clear()
    assert tune(recipe, over, 1, tmp_path / "tune") == found
    assert "is not finite" not in caplog.text  # nothing was run again


def test_of_a_loss_the_lowest_is_first(tmp_path: Path) -> None:
    words = tiny.example_words(tmp_path / "words")
    store = tiny.token_store(tmp_path / "store", words)
    sizes = "".join(f"{name} = {size}\n" for name, size in tiny.PRESET_SIZES["gpt2"].items())
    file = tmp_path / "pretrain.toml"
    file.write_text(
        f'''
objective = "lm"
lm = {{ length = 16 }}
[network]
preset = "gpt2"
[network.sizes]
{sizes}
[corpus]
train = "{store}"
validation = "{store}"
validation_rows = 4
[training]
steps = 12
batch = {{ examples = 4 }}
eval_steps = 12
precision = "fp32"
device = "cpu"
'''
    )
    found = tune(file, ["learning_rate=1e-7,1e-2"], 1, tmp_path / "tune")
    assert [row.settings["training.learning_rate"] for row in found.rows] == ["1e-2", "1e-7"]
    assert found.rows[0].mean < found.rows[1].mean


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


def test_a_key_of_a_later_version_makes_no_other_recipe(recipe: Path) -> None:
    class Later(Recipe):
        added: int = 0

    now = load_recipe(Recipe, recipe, {}, [])
    chosen = now.model_dump(exclude_defaults=True)
    later = [Later.check({**chosen, **more}, "") for more in ({}, {"added": 1})]
    assert [identity_of(each) == identity_of(now) for each in later] == [True, False]
    assert identity_of(now) != identity_of(load_recipe(Recipe, recipe, {}, ["training.steps=9"]))


def test_killed_it_goes_on_to_the_same_result(recipe: Path, tmp_path: Path) -> None:
    longer = ["training.steps=40", "training.eval_steps=40"]
    command = [sys.executable, "-m", "headwater", "tune", recipe, "--over", RATES]
    command += ["--output", tmp_path / "killed", *(x for each in longer for x in ("--set", each))]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL) as running:
        second = tmp_path / "killed" / "trials" / "learning_rate=1e-7,seed=0"
        while not any(second.glob("state/step-*")):  # pytest's time limit ends it otherwise
            assert running.poll() is None
            time.sleep(0.005)
        os.kill(running.pid, signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
    assert len(list((tmp_path / "killed" / "results").iterdir())) == 1
    assert not (tmp_path / "killed" / "table.md").exists()
    again = tune(recipe, [RATES], 1, tmp_path / "killed", longer)
    whole = tune(recipe, [RATES], 1, tmp_path / "whole", longer)
    assert again == whole
    own = Path("trials") / second.name / "model" / "model.safetensors"
    assert (tmp_path / "killed" / own).read_bytes() == (tmp_path / "whole" / own).read_bytes()


def test_each_part_of_the_training_data_is_held_out_once(recipe: Path, tmp_path: Path) -> None:
    unlike_sentences(tmp_path / "train.tsv")
    text = recipe.read_text()
    recipe.write_text("\n".join(x for x in text.splitlines() if "validation" not in x))
    found = tune(recipe, [RATES], 1, tmp_path / "tune", folds=3)
    assert [len(row.values) for row in found.rows] == [3, 3]
    assert found.rows[0].settings == {"training.learning_rate": "1e-2"}
    names = {each.name for each in (tmp_path / "tune" / "trials").iterdir()}
    assert {f"learning_rate=1e-2,seed=0,fold={fold}" for fold in range(3)} < names
    alone = tune(recipe, [], 1, tmp_path / "alone", ["training.learning_rate=1e-2"], folds=3)
    assert alone.rows == (replace(found.rows[0], settings={}),)
    assert (tmp_path / "alone" / "table.md").read_text().startswith("| matthews | deviation |")


def test_nothing_but_the_training_data_is_opened(recipe: Path, tmp_path: Path) -> None:
    folder = tmp_path / "glue" / "CoLA"
    folder.mkdir(parents=True)
    for name in ("train", "dev", "test"):
        unlike_sentences(folder / f"{name}.tsv")
    lines = [x for x in recipe.read_text().splitlines() if "validation" not in x]
    recipe.write_text("\n".join(lines).replace(f"{tmp_path}/train.tsv", f"{tmp_path}/glue"))
    opened: list[str] = []

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and listening:
            opened.append(str(arguments[0]))

    listening = True
    sys.addaudithook(hear)  # for the rest of the process; it stops listening
    tune(recipe, [RATES], 1, tmp_path / "share", ["data.validation_share=0.3"])
    tune(recipe, [], 1, tmp_path / "folds", folds=2)
    listening = False
    assert str(folder / "train.tsv") in opened
    assert not {str(folder / "dev.tsv"), str(folder / "test.tsv")} & {*opened}


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ("learning_rate", "expected KEY=VALUE,VALUE"),
        ("learning_rate=", "expected KEY=VALUE,VALUE"),
        ("learning_rate=1e-3,1e-3", "given twice"),
        ("seed=1,2", "counted by --seeds"),
        ("learning_rte=1e-3,1e-4", "learning_rte"),
    ],
)
def test_what_cannot_be_varied_is_refused(
    over: str, message: str, recipe: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        tune(recipe, [over], 1, tmp_path / "tune")


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (["learning_rate=1e-2,fast"], "'fast': a number"),
        (["learning_rate=1e-2,-1"], "-1: a number from 0"),
        (["method=all,some"], "method = 'some'"),
        (["model={bert},nowhere/at/all"], "nowhere/at/all"),
        (["device=cpu,gpux"], "gpux"),
        (["learning_rate=1e-2,0.01"], "learning_rate=1e-2 and training.learning_rate=0.01 are one"),
        (["steps=1,2", "training.steps=3,4"], "steps=3 and training.steps=3 are one setting"),
    ],
)
def test_a_wrong_value_is_refused_before_the_first_trial(
    over: list[str], message: str, recipe: Path, tmp_path: Path
) -> None:
    over = [each.replace("{bert}", f"{tmp_path}/bert") for each in over]
    with pytest.raises(UserError, match=message):
        tune(recipe, over, 1, tmp_path / "tune")
    assert not (tmp_path / "tune" / "trials").exists()


def test_more_folds_than_texts_are_refused_before_the_first_trial(
    recipe: Path, tmp_path: Path
) -> None:
    unlike_sentences(tmp_path / "train.tsv")
    text = recipe.read_text()
    recipe.write_text("\n".join(x for x in text.splitlines() if "validation" not in x))
    with pytest.raises(UserError, match=r"data.folds = 60: only \d+ of the parts"):
        tune(recipe, [], 1, tmp_path / "tune", folds=60)
    assert not (tmp_path / "tune" / "trials").exists()


def test_one_run_is_no_comparison(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="one run is no comparison"):
        tune(recipe, ["learning_rate=1e-3"], 1, tmp_path / "tune")


def test_folds_are_of_the_data_of_one_task(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="leave validation out"):
        tune(recipe, [RATES], 1, tmp_path / "tune", folds=3)
    other = tmp_path / "pretraining.toml"
    other.write_text('objective = "mlm"')
    with pytest.raises(UserError, match=r"line 1: --folds divides the data of one task"):
        tune(other, [RATES], 1, tmp_path / "tune", folds=3)


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
