"""Every study's grid, a smallest real cell, the command, and a study that is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from headwater.checkpoints.folder import save_model
from headwater.errors import UserError
from headwater.models.build import build_model
from headwater.models.families import preset
from headwater.studies import full, quick, run_study
from headwater.studies.job import Job
from headwater.studies.names import STUDIES
from headwater.studies.report import write_report
from headwater.studies.study import GridRun, Result, StudyContext
from headwater.training.log import read_log

BODIES = Path(__file__).resolve().parents[2] / "studies" / "bodies"
ALL_BODIES = tuple(str(BODIES / name) for name in ("t5", "bert", "gpt", "elmo", "cbow"))


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Empty files under the names of the official ones: the grids only look whether they exist."""
    folder = tmp_path_factory.mktemp("official")
    for where, *names in full.FILES.values():
        for name in names:
            file = folder / where / name.replace("*", "-x" if name.endswith("json") else ".gz")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    (folder / "text" / "sentinels").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("budget", ["quick", "full"])
@pytest.mark.parametrize("name", STUDIES)
def test_every_grid_is_made_of_recipes_and_holds_its_claims(
    name: str, budget: str, official: Path, tmp_path: Path
) -> None:
    study = STUDIES[name]
    context = StudyContext(tmp_path, "quick" if budget == "quick" else "full", official, ALL_BODIES)
    trials = study.trials(context)
    runs = {run.name: run for trial in trials for run in trial.run.with_ancestors()}
    for run in runs.values():
        run.checked()
    assert all(run == runs[run.name] for trial in trials for run in trial.run.with_ancestors())
    assert len({trial.name for trial in trials}) == len(trials)
    for setting in {trial.setting for trial in trials}:
        assert {trial.seed for trial in trials if trial.setting == setting} == {0, 1, 2}
    settings = {trial.setting for trial in trials}
    for claim in study.claims[context.budget]:
        assert {claim.better, claim.worse} <= settings, claim.text


@pytest.mark.parametrize("name", STUDIES)
def test_a_full_grid_is_scaled_in_all_its_steps(name: str, official: Path, tmp_path: Path) -> None:
    context = StudyContext(tmp_path, "full", official, ALL_BODIES)
    grids = (STUDIES[name].trials(each) for each in (context, replace(context, scale=0.1)))
    for whole, tenth in zip(*grids, strict=True):
        trainings = [each.run.recipe["training"] for each in (whole, tenth)]
        for key in ("steps", "eval_steps"):
            assert trainings[1][key] == round(trainings[0][key] / 10)
        tenth.run.checked()


@pytest.mark.parametrize("name", STUDIES)
def test_a_given_rate_is_that_of_all_parameters(name: str, official: Path, tmp_path: Path) -> None:
    context = StudyContext(tmp_path, "full", official, ALL_BODIES)
    grids = (STUDIES[name].trials(replace(context, learning_rate=x)) for x in (2e-3, 4e-3))
    for one, twice in zip(*grids, strict=True):
        rates = [each.run.recipe["training"]["learning_rate"] for each in (one, twice)]
        features = name == "context" and one.run.recipe.get("method") == "features"
        assert rates[1] == pytest.approx(rates[0] if features else 2 * rates[0])
        if one.run.recipe.get("method", "all") == "all":
            assert rates[0] == 2e-3


@pytest.mark.parametrize("kind", ["roberta-base", "distilbert-base-uncased"])
def test_a_roberta_and_a_distilbert_are_berts(kind: str, official: Path, tmp_path: Path) -> None:
    """What is like it and random has its own sizes."""
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 40}
    given = replace(preset(kind), **sizes)
    body = tmp_path / "body"
    save_model(body, build_model(given, "span"))
    context = StudyContext(tmp_path / "study", "full", official, (str(body),))
    random = next(c for c in STUDIES["transfer"].trials(context) if c.setting == "random start")
    network = random.run.checked().network
    assert network is not None and network.preset == kind
    del sizes["vocab_size"]  # the vocabulary says it
    assert sizes.items() <= network.sizes.items()


@pytest.mark.parametrize("budget", ["quick", "full"])
def test_bodies_of_the_data_study_read_different_text(
    budget: str, official: Path, tmp_path: Path
) -> None:
    context = StudyContext(tmp_path, "quick" if budget == "quick" else "full", official, ALL_BODIES)
    bodies = [run for trial in STUDIES["data"].trials(context) for run in trial.run.after]
    read = {(run.name, run.recipe["corpus"]["train"]) for run in bodies}
    assert len(read) == 12
    assert len({text for _, text in read}) == 4


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_reports_made_up_results(name: str, tmp_path: Path) -> None:
    """A table, a plot and a page, whose verdicts follow from the numbers."""
    study = replace(STUDIES[name], derive=None)
    context = StudyContext(tmp_path, "quick")
    study = replace(study, claims={"quick": [c for c in study.claims["quick"] if not c.lowest]})
    results = [
        Result(trial.setting, trial.column, trial.seed, float(number), 1.0, 2, 3, 4)
        for number, trial in enumerate(study.trials(context))
    ]
    found = write_report(study, context, results, "It cost nothing.", "headwater study")
    assert {each.claim for each in found} == set(study.claims["quick"])
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    for text in (
        study.text.question,
        "It cost nothing.",
        *(each.source for each in study.text.published),
    ):
        assert text in page
    assert all(each.claim.text in page for each in found)
    assert (tmp_path / "table.md").read_text(encoding="utf-8") in page
    assert (tmp_path / "plot.png").stat().st_size > 5000
    for setting in {each.setting for each in results}:
        assert f"| {setting} |" in page


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_of_one_column_reports_that_alone(
    name: str, official: Path, tmp_path: Path
) -> None:
    study = replace(STUDIES[name], derive=None)
    context = StudyContext(tmp_path, "full", official, ALL_BODIES)
    grid = study.trials(context)
    column = grid[-1].column
    trials = run_study._of_columns(grid, (column,))
    assert 0 < len(trials) < len(grid)
    results = [
        Result(trial.setting, trial.column, trial.seed, float(number), 1.0, 2, 3, 4)
        for number, trial in enumerate(trials)
    ]
    found = write_report(study, replace(context, columns=(column,)), results, "No cost.", "none")
    named = [claim for claim in study.claims["full"] if claim.columns]
    assert len(found) >= len(study.claims["full"]) - len(named)
    assert f"Only these columns were run: {column}." in (tmp_path / "README.md").read_text()
    with pytest.raises(UserError, match=r"--column nothing: there are .+; "):
        run_study._of_columns(grid, ("nothing",))


def test_the_smallest_trial_of_a_study_end_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "DOCUMENTS", 60)
    monkeypatch.setattr(quick, "EXAMPLES", {"train": 40, "validation": 8, "test": 8})
    context = StudyContext(tmp_path, "quick", seeds=(0,))
    study = STUDIES["methods"]
    quick.prepare(context)
    if study.prepare:
        study.prepare(context)
    trial = next(c for c in study.trials(context) if c.setting == "gradual unfreezing")
    for run in trial.run.with_ancestors():
        assert Job(run.name, _short(run), tmp_path).perform() is None
    result = Job(trial.name, trial, tmp_path).perform()
    assert isinstance(result, Result)
    assert (result.setting, result.seed, result.steps) == (trial.setting, 0, 2)
    assert 0 <= result.value <= 100
    assert result.trained == result.parameters > 100_000
    assert "evaluation: accuracy" in (tmp_path / "output" / f"{trial.run.name}.txt").read_text()
    log = read_log(tmp_path / "runs" / trial.run.name / "log.jsonl")
    assert all(line["processor_seconds"] > 0 for line in log if "evaluation" in line)


def test_the_command_lists_them_and_names_the_nearest(headwater) -> None:  # type: ignore[no-untyped-def]
    listed = headwater("study", "--json")
    assert listed.code == 0
    assert json.loads(listed.out) == {name: study.text.question for name, study in STUDIES.items()}
    wrong = headwater("study", "trasnfer")
    assert wrong.code == 2
    assert "did you mean 'transfer'" in wrong.err
    missing = headwater("study", "transfer", "--budget", "full")
    assert (missing.code, missing.out) == (2, "")
    assert "--data DIR" in missing.err
    for option in ("--data=tests", "--budget=full", "--output=x", "--scale=0.1"):
        unnamed = headwater("study", option)
        assert (unnamed.code, unnamed.out) == (2, "")
        assert "which study? there are transfer" in unnamed.err
    given = {"--scale": "0.1", "--learning-rate": "0.1", "--data": "tests", "--model": "reader"}
    for option, value in given.items():
        changed = headwater("study", "transfer", option, value)
        assert (changed.code, changed.out) == (2, "")
        assert f"{option} is for --budget full" in changed.err


SMALL = """
import sys
from pathlib import Path
from headwater.studies import quick, run_study
from headwater.studies.names import STUDIES
from headwater.studies.study import StudyContext, Trial
from dataclasses import replace

def trials(context, seed):
    training = {"steps": 40, "eval_steps": 20, "save_steps": 10}
    weights = quick.random_weights(context, "bert")
    runs = [quick.finetuned(context, name, "kind", seed, None, training=training, **weights)
            for name in ("one", "two")]
    return [Trial(run.name, "kind", 0, run, quick.measure(context, "kind")) for run in runs]

if __name__ == "__main__":
    quick.DOCUMENTS, quick.EXAMPLES = 60, {"train": 40, "validation": 8, "test": 8}
    small = replace(STUDIES["transfer"], quick=trials, claims={"quick": []}, derive=None)
    STUDIES["transfer"] = small
    context = StudyContext(Path(sys.argv[1]), "quick", seeds=(0,))
    run_study.run_study("transfer", context, 2, "small.py")
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
def test_a_study_that_is_killed_goes_on(number: signal.Signals, tmp_path: Path) -> None:
    script, folder = tmp_path / "small.py", tmp_path / "study"
    script.write_text(SMALL, encoding="utf-8")
    command = [sys.executable, str(script), str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment) as process:
        log = folder / "runs" / "one-0" / "log.jsonl"
        while not (log.exists() and log.stat().st_size):  # a line every 20 steps
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        code = process.wait()
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 143)
    for _ in range(20):  # the worker that was left saves its state, then it is gone
        if subprocess.run(command, env=environment, check=False).returncode == 0:
            break
        time.sleep(0.2)
    steps = [json.loads(line)["step"] for line in log.read_text(encoding="utf-8").splitlines()]
    assert steps == sorted(steps)
    assert steps[-1] == 40
    jobs = [json.loads(line) for line in (folder / "jobs.jsonl").read_text().splitlines()]
    names = {job["job"] for job in jobs}  # twice where the signal met one between line and result
    assert sorted(names) == ["one-0", "one-0-kind-0", "two-0", "two-0-kind-0"]
    assert "| one-0 |" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_every_setting_of_a_study_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two steps each: that what the recipes ask for can be trained and measured."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(quick, "DOCUMENTS", 60)
    monkeypatch.setattr(quick, "EXAMPLES", {"train": 40, "validation": 8, "test": 8})
    context = StudyContext(tmp_path, "quick", seeds=(0,))
    study = STUDIES[name]
    quick.prepare(context)
    if study.prepare:
        study.prepare(context)
    trials = {trial.setting: trial for trial in study.trials(context)}
    done: set[str] = set()
    for trial in trials.values():
        for run in trial.run.with_ancestors():
            if run.name not in done:
                assert Job(run.name, _short(run), tmp_path).perform() is None
                done.add(run.name)
        result = Job(trial.name, replace(trial, run=_short(trial.run)), tmp_path).perform()
        assert isinstance(result, Result)
        assert result.steps == 2


def _short(run: GridRun) -> GridRun:
    training = {key: value for key, value in run.recipe["training"].items()
                if key != "eval_steps"}  # fmt: skip
    return replace(run, recipe=dict(run.recipe) | {"training": training | {"steps": 2}})
