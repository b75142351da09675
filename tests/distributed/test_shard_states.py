"""States in shards: `shard_rounds.py` trains in parts, and this looks at what it left."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = Path(__file__).with_name("shard_rounds.py")


@pytest.mark.timeout(900)
def test_a_sharded_run_goes_on_to_the_bit_and_its_state_becomes_a_model(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(ROUNDS), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    found = json.loads(ran.stdout.splitlines()[-1])
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
