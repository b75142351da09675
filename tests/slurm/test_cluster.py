"""Jobs of a real Slurm on one node and on two: told that the time is over, cut off, going on."""

import os
from pathlib import Path

import pytest

from cluster import cluster, missing, until
from job import STEPS, Job, headwater, losses, recipe

MISSING = missing()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
]
LOOPBACK = "set GLOO_SOCKET_IFNAME to the interface of their network"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe, beside what one process makes of it in `alone`."""
    folder = tmp_path_factory.mktemp("a run")
    file = recipe(folder)
    headwater("pretrain", file, "--output", folder / "alone")
    return file


def assert_trained_as_alone(run: Path, output: Path) -> None:
    """Each step once, with the loss that one process has, in float32."""
    alone = losses(run.parent / "alone")
    assert list(alone) == list(range(1, STEPS + 1))
    assert losses(output) == pytest.approx(alone, abs=5e-5)


@pytest.mark.parametrize("nodes", [1, 2])
def test_a_job_that_is_queued_again_goes_on_where_it_was(
    nodes: int, run: Path, tmp_path: Path
) -> None:
    output = tmp_path / "it's a run"
    with cluster(tmp_path / "slurm", nodes) as on:
        job = Job(on, run, output, nodes)
        job.until_step(3)
        job.signal()
        job.until("Restarts=1")
        stopped_at = max(losses(output))
        assert 3 <= stopped_at < STEPS
        assert f"step-{stopped_at:08d}" in job.states(), "the state was not saved"
        job.until("JobState=COMPLETED")
        assert f"continuing after step {stopped_at}\n" in job.log()
    assert_trained_as_alone(run, output)


@pytest.mark.parametrize("node", ["n1", "n2"])  # that of the script, and another
def test_a_job_goes_on_after_a_node_was_lost(node: str, run: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    with cluster(tmp_path / "slurm", 2) as on:
        job = Job(on, run, output, 2)
        job.until_saved()
        on.cut(node)
        job.until("Restarts=1")
        assert max(losses(output)) < STEPS
        on.switch_on(node)
        job.until("JobState=COMPLETED")
        assert "continuing after step" in job.log()
    assert_trained_as_alone(run, output)


@pytest.mark.parametrize("node", ["n1", "n2"])
def test_both_nodes_start_again_when_a_process_dies(node: str, run: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    with cluster(tmp_path / "slurm", 2) as on:
        job = Job(on, run, output, 2)
        job.until_saved()
        on.kill(node, "-u -m headwater")
        job.until("JobState=COMPLETED")
        assert "continuing after step" in job.log()
        assert "Restarts=0" in job.record()
    assert_trained_as_alone(run, output)


def test_nodes_whose_names_mean_themselves_alone_need_an_interface(
    run: Path, tmp_path: Path
) -> None:
    """As on Debian, where /etc/hosts has 127.0.1.1 for a machine's own name."""
    output = tmp_path / "run"
    with cluster(tmp_path / "slurm", 2, loopback=True) as on:
        job = Job(on, run, output, 2)
        until(lambda: LOOPBACK in job.log(), job.log)
        job.cancel()
        job = Job(on, run, output, 2, GLOO_SOCKET_IFNAME="eth0")
        job.until("JobState=COMPLETED")
    assert_trained_as_alone(run, output)


def test_nothing_is_left_of_a_cluster(tmp_path: Path) -> None:
    with cluster(tmp_path / "slurm", 2) as on:
        on.says("sbatch", given="#!/bin/bash\nsleep 1000\n")
        until(lambda: "sleep" in programs(tmp_path), on.logs)
    assert not programs(tmp_path)


def programs(folder: Path) -> set[str]:
    """Return the programs that run with an environment that names a folder."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(folder) in (process / "environ").read_bytes():
                found.add((process / "comm").read_text().strip())
        except OSError:
            continue
    return found
