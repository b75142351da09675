"""The settings: strict, and cheap to import."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from headwater.errors import UserError
from headwater.models.families import FAMILIES
from headwater.training.config import MOST_STEPS, BatchSize, TrainingConfig
from headwater.training.identity import compare


@pytest.mark.parametrize(
    "bad",
    [
        {"steps": 0},
        {"steps": "10"},
        {"steps": 5, "epochs": 1.0},
        {"epochs": -1.0},
        {"batch": {}},
        {"batch": {"tokens": 10, "examples": 2}},
        {"batch": {"token": 10}},
        {"warmup": 1.5},
        {"warmup": -1},
        {"learning_rate": -1.0},
        {"learning_rate": float("nan")},
        {"optimizer": "sgd"},
        {"max_grad_norm": 0.0},
        {"cpu_offload": True},
        {"seed": -1},
        {"seed": 2**63},
        {"unknown": 1},
    ],
    ids=str,
)
def test_mistakes_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrainingConfig.model_validate(bad)


def test_defaults_follow_the_optimizer() -> None:
    assert (TrainingConfig().peak_learning_rate, TrainingConfig().decay) == (5e-5, 0.01)
    t5 = TrainingConfig(**FAMILIES["t5"].training)
    assert (t5.peak_learning_rate, t5.decay) == (1e-3, 0.0)
    assert TrainingConfig(learning_rate=0.0).peak_learning_rate == 0.0


def test_identity_holds_what_shapes_the_result_and_nothing_else() -> None:
    base = TrainingConfig(steps=5).identity()
    free = {"time_limit_minutes": 1.0, "save_steps": 3, "device": "cpu", "tensorboard": True}
    assert TrainingConfig.model_validate({"steps": 5, **free}).identity() == base
    for change in (
        {"steps": 6},
        {"steps": 5, "seed": 1},
        {"steps": 5, "gradient_accumulation_steps": 2},
    ):
        assert TrainingConfig(**change).identity() != base
    other = TrainingConfig(steps=5, batch=BatchSize(examples=3)).identity()
    assert {k for k in base if base[k] != other[k]} == {"batch"}
    with pytest.raises(UserError, match=r"training\.batch\.examples was not set, is now 3; "):
        compare({"training": base}, {"training": other})


def test_settings_import_no_torch() -> None:
    code = "import headwater.training.config, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_steps_end_where_the_names_of_states_would_no_longer_sort() -> None:
    assert len(f"{MOST_STEPS:08d}") == 8 and len(f"{MOST_STEPS + 1:08d}") == 9
    with pytest.raises(ValidationError, match="less than or equal to 99999999"):
        TrainingConfig(steps=MOST_STEPS + 1)
