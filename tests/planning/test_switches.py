"""Which switches are advised, and which a run would refuse."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.planning.switches import changed, switches_that_fit
from headwater.runs.recipe import RunRecipe

NONE: Mapping[str, Any] = {}
BF16 = {"precision": "bf16"}
SHARD = {"shard": True}


class Never:
    """A plan that does not fit, and has nothing to make smaller."""

    rows = 1

    class memory:
        peak = activations = 0

    def fits(self, room: int) -> bool:
        return False


@pytest.mark.parametrize(
    ("gpus", "bf16", "changes", "method", "advised"),
    [
        (1, True, NONE, "full", BF16),
        (1, False, NONE, "full", NONE),
        (2, True, NONE, "full", {**BF16, **SHARD}),
        (2, False, NONE, "full", SHARD),
        (2, True, {"precision": "bf16"}, "full", SHARD),
        (2, True, {"precision": "fp16"}, "full", NONE),
        (2, True, NONE, "features", BF16),
    ],
)
def test_what_no_run_could_do_is_not_advised(
    gpus: int,
    bf16: bool,
    changes: Mapping[str, Any],
    method: str,
    advised: Mapping[str, Any],
    tmp_path: Path,
) -> None:
    recipe = changed(tiny.pretrain_recipe("mlm", "bert-base-uncased", tmp_path), changes)
    recipe = recipe.model_copy(update={"method": method})
    tried: dict[str, Any] = {}

    def planned(each: RunRecipe) -> Any:
        old, new = recipe.training.model_dump(), each.training.model_dump()
        tried.update({key: value for key, value in new.items() if value != old[key]})
        return Never()

    assert switches_that_fit(recipe, gpus, 1, planned, bf16=bf16) is None
    assert tried == {**advised, "gradient_checkpointing": True}
