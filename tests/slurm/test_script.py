"""The batch script: what is asked of Slurm, quoting, and what is refused."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

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
    assert "processes=8 " in script
    assert "--max-restarts 3 --shutdown-timeout 480 " in script


def test_without_gpus_a_node_has_one_process() -> None:
    script = batch_script(Job(name="a", gpus=0), ["pretrain", "a.toml"])
    assert "gpus-per-node" not in script
    assert "processes=1 " in script


@pytest.mark.parametrize(
    "word",
    ["a b.toml", "it's.toml", '$(touch "x")`y`.toml', "ü;&|<>*?.toml", "a\nb.toml", "{x}.toml"],
)
def test_what_is_given_reaches_headwater_as_it_is(word: str, tmp_path: Path) -> None:
    script = batch_script(Job(name=word), ["pretrain", word, "--set", f"network.preset={word}"])
    words = run(script, tmp_path)["srun"]
    assert words[words.index("headwater") + 1 :] == [
        "pretrain", word, "--set", f"network.preset={word}", "--resume",
    ]  # fmt: skip
    assert "first:20007" in words
    assert not list(tmp_path.rglob("x"))


@pytest.mark.parametrize(
    ("gpus", "given", "threads"),
    [
        (8, {"SLURM_CPUS_PER_TASK": "64"}, "8"),
        (8, {"SLURM_CPUS_PER_TASK": "4"}, "1"),
        (0, {"SLURM_CPUS_PER_TASK": "4"}, "4"),
        (2, {}, "1"),
        (2, {"SLURM_CPUS_PER_TASK": "8", "OMP_NUM_THREADS": "3"}, "3"),
    ],
)
def test_processes_of_a_node_share_its_processors(
    gpus: int, given: dict[str, str], threads: str, tmp_path: Path
) -> None:
    script = batch_script(Job(name="a", gpus=gpus), ["pretrain", "a.toml"])
    told = run(script, tmp_path, **given)
    assert told["OMP_NUM_THREADS"] == [threads]
    assert told["SRUN_CPUS_PER_TASK"] == [given.get("SLURM_CPUS_PER_TASK", "")]
    words = told["srun"]
    assert words[words.index("--nproc-per-node") + 1] == str(max(1, gpus))


def test_each_torchrun_is_known_by_the_name_of_its_node(tmp_path: Path) -> None:
    """A machine's own name may mean itself alone, as Debian's 127.0.1.1 does."""
    told = run(batch_script(Job(name="a"), ["pretrain", "a.toml"]), tmp_path, SLURMD_NODENAME="n1")
    assert told["srun"][told["srun"].index("--local-addr") + 1] == "n1"


def test_what_the_script_writes_is_in_its_folder_and_gone_at_the_end(tmp_path: Path) -> None:
    told = run(batch_script(Job(name="a"), ["pretrain", "a.toml"]), tmp_path, SLURMD_NODENAME="n1")
    assert told["written"] == [".headwater-7.n1"]
    assert not list((tmp_path / "here").iterdir())


def run(script: str, folder: Path, **given: str) -> dict[str, list[str]]:
    """Run a script; return what its srun was given, and what there was while torchrun ran."""
    (folder / "bin").mkdir()
    (folder / "here").mkdir()
    python = folder / "bin" / "python"
    programs = {
        python: _TORCHRUN,
        folder / "bin" / "srun": '#!/bin/bash\nexec "$@"\n',
        folder / "bin" / "scontrol": "#!/bin/bash\necho first\n",
    }
    for program, content in programs.items():
        program.write_text(content)
        program.chmod(0o755)
    environment = {
        "PATH": f"{folder / 'bin'}:/usr/bin:/bin", "SLURM_JOB_NODELIST": "one",
        "SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "1", **given,
    }  # fmt: skip
    script = script.replace(shlex.quote(sys.executable), shlex.quote(str(python)))
    done = subprocess.run(
        ["bash"], input=script, env=environment, cwd=folder / "here", capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    found: dict[str, list[str]] = {}
    for line in done.stdout.split("\0\n")[:-1]:
        name, *values = line.split("\0")
        found[name] = values
    return found


_TORCHRUN = r"""#!/bin/bash
printf '%s\0' srun "$@"; echo
printf '%s\0' OMP_NUM_THREADS "$OMP_NUM_THREADS"; echo
printf '%s\0' SRUN_CPUS_PER_TASK "$SRUN_CPUS_PER_TASK"; echo
printf '%s\0' written "$(ls -A)"; echo
"""


@pytest.mark.parametrize("time", ["9", "9:59", "0:9:59", "0-0:9"])
def test_no_job_ends_before_it_has_trained(time: str) -> None:
    with pytest.raises(UserError, match="--notice 300 are for saving"):
        Job(name="a", time=time)


@pytest.mark.parametrize("time", ["10", "10:00", "0:10:00", "0-0:10"])
def test_a_job_of_twice_the_notice_trains(time: str) -> None:
    Job(name="a", time=time)


@pytest.mark.parametrize("given", [{"partition": "a b"}, {"account": "x\n#SBATCH -x"}, {"mem": ""}])
def test_a_value_of_several_words_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(UserError, match="one word was expected"):
        Job(name="a", **given)


@pytest.mark.parametrize("time", ["tomorrow", "99:99:99", "10:60", "1-0:0:60"])
def test_a_time_that_slurm_does_not_know_is_refused(time: str) -> None:
    with pytest.raises(UserError, match="expected minutes, HH:MM:SS"):
        Job(name="a", time=time)


@pytest.mark.parametrize(
    ("given", "told"), [({"nodes": 65_537}, "--nodes 65537"), ({"time": "367-0"}, "366 days")]
)
def test_more_than_any_cluster_has_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        Job(name="a", **given)


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
