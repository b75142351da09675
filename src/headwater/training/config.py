"""The settings of a training run, checked before any data is read. Imports no torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

from headwater.config import Config
from headwater.methods.config import MethodName

DEFAULT_EPOCHS = 3.0
MOST_EPOCHS = 100_000  # each is planned beforehand
MOST_STEPS = 10**8 - 1  # the names of states sort by eight digits
# BERT (Devlin et al. 2019, appendix A.3) and T5 (Raffel et al. 2020, section 3.1.2).
_LEARNING_RATE = {"adamw": 5e-5, "adafactor": 1e-3}
_WEIGHT_DECAY = {"adamw": 0.01, "adafactor": 0.0}

PRETRAINING_RATE: Mapping[str, float] = {"adamw": 1e-4, "adafactor": 1e-2}
"""From random weights, by the optimizer, unless the family has its own: the same papers, appendix
A.2 and section 3.1.2."""

FEATURES_DEFAULTS: dict[str, Any] = {
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "schedule": "linear",
    "warmup": 0.05,
    "weight_decay": 0.0,
}
"""Of the small model on a body's features, whatever the body's family: an LSTM."""

# Adafactor's step is relative to a tensor's size, and hardly moves one that begins at zero; what is
# new learns at a higher rate than what was pre-trained (docs/methods.md).
_FROM_ZERO = {"optimizer": "adamw", "learning_rate": 1e-3}
METHOD_DEFAULTS: dict[MethodName, dict[str, Any]] = {
    "adapters": _FROM_ZERO,
    "lora": _FROM_ZERO,
    "head_only": _FROM_ZERO,
}
"""What is laid over the family's, where the recipe does not name another optimizer."""

HEADS_BATCH = {"examples": 32}
"""Of a body with several heads: each step is of one task, and only steps of as many examples come
as often as the rates of a mixture say. Also of vectors: the other examples are the negatives."""


class BatchSize(Config):
    """`{tokens = N}`: padded tokens at most; `{examples = N}`: sequences, per micro-batch."""

    tokens: PositiveInt | None = None
    examples: PositiveInt | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.tokens is None) == (self.examples is None):
            raise ValueError("give exactly one of tokens and examples, such as {tokens = 4096}")
        return self


class TrainingConfig(Config):
    """How long, how fast and on what; every field has a default that trains.

    Give `steps` or `epochs`, not both (neither: three epochs). `warmup` is a number of steps
    (whole number) or a share of all steps (fraction). `learning_rate` and `weight_decay` follow
    the optimizer when left out: 5e-5 and 0.01 for AdamW, 1e-3 and 0 for Adafactor, whose step is
    relative to each tensor's size. `eval_steps` left out: at the end of each epoch.

    Of several processes (`torchrun`) each has the whole model, and with `shard` a part of each
    tensor. `ddp_timeout`: seconds after which one that does not answer is taken for lost.

    With `gradient_checkpointing` layers compute again in the backward pass: less memory, more time.

    Groups of parameters may learn at other rates: each layer below the head at `layer_decay` times
    that of the one above (Howard and Ruder 2018, section 3.2; Clark et al. 2020, appendix B), and
    those whose names begin like a key of `group_rates` (`body.embeddings`, the longest counts) at
    so many times the rate.
    """

    old_names: ClassVar[Mapping[str, str]] = {
        "accumulate": "gradient_accumulation_steps",
        "clip": "max_grad_norm",
        "beta1": "adam_beta1",
        "beta2": "adam_beta2",
        "eps": "adam_epsilon",
        "evaluate_every": "eval_steps",
        "save_every": "save_steps",
        "log_every": "logging_steps",
        "best_metric": "metric_for_best_model",
        "early_stop": "early_stopping_patience",
    }

    steps: int | None = Field(default=None, ge=1, le=MOST_STEPS)
    epochs: float | None = Field(default=None, gt=0, le=MOST_EPOCHS)
    batch: BatchSize = BatchSize(tokens=4096)
    gradient_accumulation_steps: PositiveInt = 1

    optimizer: Literal["adamw", "adafactor"] = "adamw"
    learning_rate: NonNegativeFloat | None = None
    weight_decay: NonNegativeFloat | None = None
    adam_beta1: float = Field(default=0.9, ge=0, lt=1)
    adam_beta2: float = Field(default=0.999, ge=0, lt=1)
    adam_epsilon: float = Field(default=1e-8, gt=0)
    schedule: Literal["linear", "cosine", "inverse_square_root", "constant"] = "linear"
    warmup: int | float = Field(default=0.1, ge=0)
    max_grad_norm: float | None = Field(default=1.0, gt=0)
    gradient_checkpointing: bool = False
    shard: bool = False
    ddp_timeout: PositiveInt = 1800
    layer_decay: float | None = Field(default=None, gt=0, le=1)
    group_rates: dict[str, NonNegativeFloat] = Field(default={})

    seed: int = Field(default=0, ge=0, lt=2**63)
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    device: str = "auto"

    eval_steps: PositiveInt | None = None
    metric_for_best_model: str | None = None
    best_is: Literal["highest", "lowest"] = "highest"
    early_stopping_patience: PositiveInt | None = None
    save_steps: PositiveInt = 200
    logging_steps: PositiveInt = 10
    time_limit_minutes: float | None = Field(default=None, gt=0)
    tensorboard: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give steps or epochs, not both")
        if isinstance(self.warmup, float) and self.warmup >= 1:
            raise ValueError("warmup is a share below 1.0 or a whole number of steps")
        return self

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate at the top of the schedule."""
        given = self.learning_rate
        return _LEARNING_RATE[self.optimizer] if given is None else given

    @property
    def decay(self) -> float:
        """The weight decay in force."""
        return _WEIGHT_DECAY[self.optimizer] if self.weight_decay is None else self.weight_decay

    def identity(self) -> dict[str, Any]:
        """The settings that shape the weights or the log: a resumed run must keep them."""
        free = {"time_limit_minutes", "save_steps", "device", "tensorboard", "shard", "ddp_timeout"}
        return self.model_dump(exclude=free)
