"""States in shards: `shard_rounds.py` trains in parts, and this looks at what it left."""

from pathlib import Path

import pytest
from rounds import outcome


@pytest.mark.timeout(900)
def test_a_sharded_run_goes_on_to_the_bit_and_its_state_becomes_a_model(tmp_path: Path) -> None:
    found = outcome("shard_rounds.py", tmp_path, timeout=800)
    assert found["same"][0] == found["same"][1] == found["converted"]
    assert found["logs"][0] == found["logs"][1]
    assert {"config.json", "vocab.txt"} <= set(found["others"])
    shards = [f"shard-0000{rank}-model-00001-of-00001.safetensors" for rank in (1, 2)]
    files = ["manifest.json", *shards, "state.json"]
    assert [each for each in found["files"] if "step-00000006/" in each] == [
        f"step-00000006/{name}" for name in files
    ]
    assert "step-00000001/" not in "".join(found["files"])
    assert not [each for each in found["files"] if "distcp" in each or ".metadata" in each]


def survives(folder: Path, kills: int, steps: int) -> dict[str, int]:
    """Kill so often; nothing that is saved may be half there or lost."""
    found: dict[str, int] = outcome("shard_kill_rounds.py", folder, kills, steps, timeout=1500)
    assert found["kills"] == found["stepping"] == kills  # each met a step under way
    assert found["writing"] >= kills // 3  # and these a process that wrote its part
    assert found["resumed"] > kills // 2  # starts from a saved state
    assert found["same"] == found["runs"] > 0
    return found


@pytest.mark.timeout(900)
def test_a_kill_of_one_process_costs_no_state(tmp_path: Path) -> None:
    survives(tmp_path, kills=3, steps=8)


@pytest.mark.slow
@pytest.mark.timeout(1600)
def test_fifty_kills_of_one_process_cost_no_state(tmp_path: Path) -> None:
    found = survives(tmp_path, kills=50, steps=24)
    assert found["unfinished"] > 5  # a folder was left half written
    assert 10 < found["first"] < 40  # both processes were killed
