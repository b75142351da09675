"""`headwater convert`: a saved state becomes the model that the run wrote."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import tiny
from headwater.cli import app
from headwater.errors import UserError
from headwater.runs.convert import convert
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("convert")
    model = tiny.model_folder(base / "bert", tiny.wordpiece(base, tiny.WORDS))
    files: dict[str, Any] = {"train": [str(tiny.cola(base / "cola.tsv", 8))]}
    training = {"steps": 2, "batch": {"examples": 4}, "precision": "fp32", "device": "cpu"}
    values = {"model": str(model), "task": "cola", "data": files, "method": "lora"}
    finetune(Recipe.check({**values, "training": training}, "test"), base / "run")
    return base / "run"


def test_the_newest_state_of_a_run_becomes_its_model(run: Path, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["convert", str(run), "--output", str(tmp_path / "model")])
    assert ran.exit_code == 0, ran.output
    made = {file.name: file.read_bytes() for file in (tmp_path / "model").iterdir()}
    assert made == {file.name: file.read_bytes() for file in (run / "model").iterdir()}


def test_a_damaged_state_that_is_passed_over_is_named(
    run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(run, tmp_path / "run")
    states = tmp_path / "run" / "state"
    shutil.copytree(states / "step-00000002", states / "step-00000003")
    (states / "latest").write_text("step-00000003\n")
    (states / "step-00000003" / "state.json").write_text("{}")
    convert(tmp_path / "run", tmp_path / "model")
    assert "step-00000003: state.json does not match its checksum; using the state" in caplog.text


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("run/model", "RUN/state/step-N, was expected"),
        ("run/state/step-00000002", "model.safetensors does not match its checksum; a run folder"),
        ("run", r"none of the saved states \(step-00000002\) is whole"),
        ("moved/step-00000002", "config.toml: missing; leave a state where its run wrote it"),
    ],
)
def test_what_is_no_whole_state_is_refused(
    where: str, told: str, run: Path, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    shutil.copytree(run / "state", tmp_path / "moved")
    file = tmp_path / "run" / "state" / "step-00000002" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(UserError, match=told):
        convert(tmp_path / where, tmp_path / "model")
    assert not (tmp_path / "model").exists()
