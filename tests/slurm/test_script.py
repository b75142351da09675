"""The batch script: what is asked of Slurm, quoting, and what is refused."""

import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headwater.cli import app
from headwater.errors import UserError
from headwater.slurm import Job, batch_script


def test_the_script_asks_for_what_was_given() -> None:
    job = Job(
        name="t5 base", nodes=4, gpus=8, time="2-00:00:00", partition="gpu", account="lab",
        qos="long", mem="256G", cpus_per_task=16, notice=600,
    )  # fmt: skip
    script = batch_script(job, ["pretrain", "t5.toml"])
    asked = {line.removeprefix("#SBATCH --") for line in script.splitlines() if "#SBATCH" in line}
    assert asked == {
        "job-name=t5-base", "nodes=4", "ntasks-per-node=1", "gpus-per-node=8", "cpus-per-task=16",
        "mem=256G", "time=2-00:00:00", "partition=gpu", "account=lab", "qos=long",
        "signal=B:USR1@600", "open-mode=append", "requeue",
    }  # fmt: skip
    assert "--nproc-per-node 8 " in script
    assert "--max-restarts 3 --shutdown-timeout 480 " in script


def test_without_gpus_a_node_has_one_process() -> None:
    script = batch_script(Job(name="a", gpus=0), ["pretrain", "a.toml"])
    assert "gpus-per-node" not in script
    assert "--nproc-per-node 1 " in script


@pytest.mark.parametrize(
    "word",
    ["a b.toml", "it's.toml", '$(touch "x")`y`.toml', "ü;&|<>*?.toml", "a\nb.toml", "{x}.toml"],
)
def test_what_is_given_reaches_headwater_as_it_is(word: str, tmp_path: Path) -> None:
    script = batch_script(Job(name=word), ["pretrain", word, "--set", f"network.preset={word}"])
    shown = tmp_path / "srun"
    shown.write_text('#!/bin/bash\nprintf "%s\\0" "$@"\n')
    (tmp_path / "scontrol").write_text("#!/bin/bash\necho first\n")
    for each in tmp_path.iterdir():
        each.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_JOB_NODELIST": "one", "SLURM_JOB_ID": "7",
        "SLURM_JOB_NUM_NODES": "1",
    }  # fmt: skip
    done = subprocess.run(
        ["bash"], input=script, env=environment, capture_output=True, text=True, check=True
    )
    words = done.stdout.split("\0")
    assert words[words.index("headwater") + 1 : -1] == [
        "pretrain", word, "--set", f"network.preset={word}", "--resume",
    ]  # fmt: skip
    assert "first:20007" in words
    assert not list(tmp_path.glob("x"))


@pytest.mark.parametrize("time", ["10", "09:59", "0:9:59", "0-0:9"])
def test_no_job_ends_before_it_has_trained(time: str) -> None:
    with pytest.raises(UserError, match="--notice 300 are for saving"):
        Job(name="a", time="9:59" if time == "10" else time)
    Job(name="a", time="10:00")


@pytest.mark.parametrize("given", [{"partition": "a b"}, {"account": "x\n#SBATCH -x"}, {"mem": ""}])
def test_a_value_of_several_words_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(UserError, match="one word was expected"):
        Job(name="a", **given)


def test_a_time_that_slurm_does_not_know_is_refused() -> None:
    with pytest.raises(UserError, match="expected minutes, HH:MM:SS"):
        Job(name="a", time="tomorrow")


def test_the_verb_follows_from_the_recipe(tmp_path: Path) -> None:
    recipe = tmp_path / "of mine.toml"
    recipe.write_text('task = "squad"\nmodel = "m"\ndata = { train = "a.json" }\n')
    done = CliRunner().invoke(
        app, ["launch", "slurm", str(recipe), "--output", "runs/x", "--set", "training.steps=9"]
    )
    assert done.exit_code == 0, done.output
    call = f"finetune {shlex.quote(str(recipe))} --output runs/x --set training.steps=9 --resume &"
    assert f"-m headwater {call}" in done.output


def test_a_wrong_recipe_is_refused_before_it_is_queued(tmp_path: Path) -> None:
    recipe = tmp_path / "a.toml"
    recipe.write_text('task = "squad"\nmodle = "m"\ndata = { train = "a.json" }\n')
    done = CliRunner().invoke(app, ["launch", "slurm", str(recipe)])
    assert isinstance(done.exception, UserError)
