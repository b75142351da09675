"""Training equals a plain `transformers` loop: the same losses step by step, the same dropout."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from headwater.checkpoints.folder import load_model
from headwater.models.build import Model
from headwater.training.config import TrainingConfig
from headwater.training.optimizers import build_optimizer, set_learning_rate
from headwater.training.schedules import learning_rate
from headwater.training.step import Stepper

STEPS = 30
SIZES = {"num_labels": 3, "vocab_size": 60}
CONFIGS = {
    "bert": lambda **extra: transformers.BertConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40, **extra
    ),
    "roberta": lambda **extra: transformers.RobertaConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
        type_vocab_size=1, **extra,
    ),
    "distilbert": lambda **extra: transformers.DistilBertConfig(
        dim=24, n_layers=2, n_heads=3, hidden_dim=40, **extra
    ),
}  # fmt: skip
NO_DROPOUT = {
    "distilbert": {"dropout": 0.0, "attention_dropout": 0.0, "seq_classif_dropout": 0.0},
    "bert": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
}


def both(family: str, folder: Path, **extra: Any) -> tuple[Any, Model]:
    """Return one classifier of large random weights twice: theirs and ours."""
    torch.manual_seed(3)
    config = CONFIGS[family](**SIZES, initializer_range=0.2, **extra)
    theirs = transformers.AutoModelForSequenceClassification.from_config(config)
    theirs.save_pretrained(folder)
    return theirs, load_model(folder, "sequence", labels=("a", "b", "c")).model


def made_up(rows: int, length: int) -> dict[str, Tensor]:
    ids = torch.randint(5, 60, (rows, length))
    mask = torch.arange(length) < torch.randint(length // 2, length + 1, (rows, 1))
    labels = torch.randint(0, 3, (rows,))
    return {"input_ids": ids * mask + ~mask, "attention_mask": mask, "labels": labels}


@pytest.mark.parametrize("family", CONFIGS)
def test_a_run_has_the_losses_of_a_plain_loop(family: str, tmp_path: Path) -> None:
    theirs, ours = both(family, tmp_path, **NO_DROPOUT.get(family, NO_DROPOUT["bert"]))
    theirs, ours = theirs.double(), ours.double()
    config = TrainingConfig(
        optimizer="adamw", steps=STEPS, batch={"examples": 8}, learning_rate=3e-3, weight_decay=0.1,
        warmup=5, schedule="linear", max_grad_norm=1.0,
    )  # fmt: skip
    optimizer = build_optimizer(ours, config)
    stepper = Stepper(ours, optimizer, config, torch.device("cpu"), torch.float32)
    matrices = [each for each in theirs.parameters() if each.ndim >= 2]
    vectors = [each for each in theirs.parameters() if each.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    plain = torch.optim.AdamW(groups, lr=3e-3)
    batches = [made_up(8, length) for length in (6, 9, 12)]
    found, expected = [], []
    theirs.train()
    for step in range(1, STEPS + 1):
        batch = batches[step % 3]
        rate = learning_rate(config, step, STEPS)
        set_learning_rate(optimizer, rate)
        found += stepper.run([batch], step, step).losses.values()
        loss = theirs(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        for group in plain.param_groups:
            group["lr"] = rate
        plain.step()
        plain.zero_grad()
        expected.append(loss.item())
    assert found == pytest.approx(expected, rel=1e-8)
    assert expected[-1] < expected[2] * 0.7  # it did learn


@pytest.mark.parametrize("family", CONFIGS)
def test_dropout_scatters_the_outputs_as_theirs_does(family: str, tmp_path: Path) -> None:
    """Every dropout adds to the deviation of the outputs."""
    theirs, ours = both(family, tmp_path)
    row = {name: part[:1].expand(8_000, -1) for name, part in made_up(1, 8).items()
           if name != "labels"}  # fmt: skip
    with torch.no_grad():
        found, expected = ours.train()(row), theirs.train()(**row).logits
    error = expected.std(0) / 8_000**0.5
    assert ((found.mean(0) - expected.mean(0)).abs() < 6 * error).all()
    assert found.std(0).tolist() == pytest.approx(expected.std(0).tolist(), rel=0.05)
    assert (expected.std(0) > 0.05).all()
