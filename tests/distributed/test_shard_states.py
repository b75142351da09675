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
