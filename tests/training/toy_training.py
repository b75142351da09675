"""A tiny model, tiny data and a run of them, shared by the tests of training."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from headwater.files import replace_file
from headwater.pictures import curves
from headwater.training.config import BatchSize, TrainingConfig
from headwater.training.hooks import Hooks, Outcome
from headwater.training.log import read_log
from headwater.training.trainer import Trainer

WORDS = 50


class ToyFeatures:
    """Random features: tokens with a class for each sequence and a label for each token."""

    fingerprint = "toy-1"

    def __init__(self, rows: int = 120, seed: int = 0, longest: int = 12) -> None:
        generator = np.random.default_rng(seed)
        self.lengths = generator.integers(3, longest + 1, rows).astype(np.int64)
        self._ids = [generator.integers(1, WORDS, n).astype(np.int32) for n in self.lengths]

    def __len__(self) -> int:
        return len(self._ids)

    def features(self, rows: np.ndarray, epoch: int) -> list[dict[str, np.ndarray]]:
        return [self[row] for row in rows.tolist()]

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        ids = self._ids[row]
        labels = np.where(ids % 3 == 0, ids, -100).astype(np.int32)
        return {"input_ids": ids, "labels": labels, "kind": np.int32(ids.sum() % 2)}


class ToyModel(nn.Module):
    """Mean of embeddings -> two classes, and each token -> itself: two losses, two counts."""

    def __init__(self, dropout: float = 0.1, width: int = 16) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, width)
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(width, width)
        self.kind = nn.Linear(width, 2)

    def loss_sums(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        hidden = torch.tanh(self.dense(self.dropout(self.embedding(batch["input_ids"]))))
        mask = batch["attention_mask"].unsqueeze(-1)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        logits = hidden @ self.embedding.weight.T
        word = nn.functional.cross_entropy(
            logits.flatten(0, 1).to(self.kind.weight.dtype),
            batch["labels"].flatten(),
            ignore_index=-100,
            reduction="sum",
        )
        kind = self.kind(mean).to(self.kind.weight.dtype)
        return {
            "word": word,
            "kind": nn.functional.cross_entropy(kind, batch["kind"], reduction="sum"),
        }

    def loss_counts(self, batch: dict[str, Tensor]) -> dict[str, int]:
        return {"word": int((batch["labels"] != -100).sum()), "kind": len(batch["kind"])}


def toy_evaluate(model: nn.Module) -> dict[str, float]:
    """Some number that rises and falls with the weights; draws random numbers on purpose."""
    torch.rand(3)
    weight = dict(model.named_parameters())["dense.weight"]
    return {"score": float(torch.sin(40 * weight.sum())), "sum": float(weight.sum())}


def toy_config(**changes: Any) -> TrainingConfig:
    settings: dict[str, Any] = {
        "steps": 60,
        "batch": BatchSize(examples=8),
        "gradient_accumulation_steps": 2,
        "learning_rate": 1e-2,
        "precision": "fp32",
        "device": "cpu",
        "eval_steps": 7,
        "save_steps": 5,
        "logging_steps": 3,
    }
    return TrainingConfig(**{**settings, **changes})


Evaluate = Callable[[nn.Module], dict[str, float]]


class ToyHooks(Hooks):
    def __init__(
        self,
        model: nn.Module,
        evaluate: Evaluate | None = toy_evaluate,
        identity: Mapping[str, str] | None = None,
    ) -> None:
        self._model, self._evaluate = model, evaluate
        self._identity = identity or {"vocabulary": "v1"}

    @property
    def identity(self) -> Mapping[str, str]:
        return self._identity

    @property
    def metric_names(self) -> tuple[str, ...]:
        return ("score", "sum") if self._evaluate else ()

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        assert self._evaluate is not None
        return self._evaluate(model)

    def on_begin(self, folder: Path) -> None:
        replace_file(folder / "config.toml", "# the recipe\n")

    def save_model(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        tensors = self._model.state_dict().values()
        data = b"".join(value.detach().numpy().tobytes() for value in tensors)
        (folder / "weights.bin").write_bytes(data)

    def on_end(self, folder: Path) -> None:
        curves.draw_curves(read_log(folder / "log.jsonl"), folder / "curves.png")


def toy_trainer(
    folder: Path,
    config: TrainingConfig | None = None,
    *,
    model: nn.Module | None = None,
    features: Any = None,
    evaluate: Evaluate | None = toy_evaluate,
    identity: Mapping[str, str] | None = None,
) -> Trainer:
    torch.manual_seed(1)
    made = model or ToyModel()

    return Trainer(
        made,
        ToyFeatures() if features is None else features,
        config or toy_config(),
        folder,
        pad_id=0,
        hooks=ToyHooks(made, evaluate, identity),
    )


def toy_run(folder: Path, resume: bool = False, **changes: Any) -> Outcome:
    return toy_trainer(folder, toy_config(**changes)).run(resume)
