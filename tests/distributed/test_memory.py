"""What a process of a sharded run holds beside one with a copy of the model."""

from pathlib import Path

import pytest
from benchmarks.processes import train

import tiny


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_process_of_a_sharded_run_holds_less(tmp_path: Path) -> None:
    store = tiny.token_store(tmp_path / "store", tiny.example_unigram())
    recipe = tmp_path / "run.toml"
    recipe.write_text(
        f"""
        objective = "lm"
        network = {{ preset = "gpt2" }}
        corpus = {{ train = "{store}" }}
        lm = {{ length = 32 }}
        [training]
        batch = {{ examples = 4 }}
        device = "cpu"
        precision = "fp32"
        """
    )
    copied = train("copied", recipe, [], 3, tmp_path / "copied")
    sharded = train("sharded", recipe, [], 3, tmp_path / "sharded")
    weights = 4 * 85_000_000  # of the layers alone
    # half of weights, gradients, moments and of the sums that are exchanged
    assert max(sharded.memory) < min(copied.memory) - 1.5 * weights
    assert max(sharded.memory) < 0.7 * min(copied.memory)
