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
    """The size of a micro-batch: `{ tokens = N }` or `{ examples = N }`.

    tokens: the most tokens, padding included.
    examples: the number of sequences.
    """

    tokens: PositiveInt | None = None
    examples: PositiveInt | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.tokens is None) == (self.examples is None):
            raise ValueError("give exactly one of tokens and examples, such as {tokens = 4096}")
        return self


class TrainingConfig(Config):
    """How long, how fast and on what; every key has a default that trains.

    steps, epochs: the length of training; give one of them. Neither: three epochs. A time limit
        never changes the schedule.
    batch: the size of a micro-batch. Of mixtures with heads and of vectors 32 examples, if left
        out.
    gradient_accumulation_steps: micro-batches in a step; k of them equal one batch k times as
        large, except for vectors (docs/embedding.md#batches-and-micro-batches), and for spans,
        whose published loss looks at padding, too.
    optimizer: Adafactor is the published one, whose step is relative to the size of each tensor.
    learning_rate: the peak of the schedule. With another optimizer than the family's 5e-5 for
        AdamW, 1e-3 for Adafactor, in pre-training 1e-4 and 1e-2.
    weight_decay: of weights; biases and norms have none. With another optimizer than the family's
        0.01 for AdamW, 0 for Adafactor.
    adam_beta1, adam_beta2: how slowly AdamW forgets gradients, and their squares.
    adam_epsilon: what AdamW adds to the root of the squares.
    schedule: that of T5 in fine-tuning is constant; its inverse square root stays level for 10,000
        steps, then falls.
    warmup: steps of rising rate: a number of them (whole number), or a share of all (fraction).
    max_grad_norm: gradients with a larger norm are scaled down to it.
    gradient_checkpointing: keep only what enters each layer, and compute the rest again in the
        backward pass: less memory, more time, the same gradients to the bit.
    shard: of several processes (`torchrun`) each has a part of every tensor, not the whole model
        (FSDP2; docs/scale.md).
    cpu_offload: with `shard`, keep parts, gradients and moments in host memory, and update them
        there: a card holds what it computes with. Slower; the same losses.
    ddp_timeout: seconds after which a process that does not answer is taken for lost.
    layer_decay: each layer below the head learns at this times the rate of the one above; 0.9 is
        usual (Howard and Ruder 2018, section 3.2; Clark et al. 2020, appendix B).
    group_rates: factors on the rate of parameters whose names begin so; the longest counts:
        `{ head = 10.0, "body.embeddings" = 0.0 }`.
    seed: that of order, dropout, new layers, the validation split and questions that are made.
    precision: `bf16` (autocast over float32 weights) where the processor has it, else `fp32`;
        `fp16` scales the loss, on CUDA.
    device: `auto` takes CUDA, then MPS, then the CPU; or `cpu`, `cuda:1`, `mps`.
    eval_steps: steps between evaluations; left out: at the end of each epoch. The last step is
        always evaluated.
    metric_for_best_model: by which the weights of `model/` are chosen; left out: the main one of
        the task, of a mixture the average.
    best_is: whether more of it is better; of a held-out loss `lowest`, if left out.
    early_stopping_patience: stop after so many evaluations without a better one; left out: never.
    save_steps: steps between states for `--resume`.
    logging_steps: steps between lines of log.jsonl.
    time_limit_minutes: stop then, with a saved state.
    tensorboard: also write TensorBoard files (the extra `tensorboard`).
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
    cpu_offload: bool = False
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
        if self.cpu_offload and not self.shard:
            raise ValueError("cpu_offload moves the parts of shard = true; set both or neither")
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
        free = {"time_limit_minutes", "save_steps", "device", "tensorboard"}
        free |= {"shard", "cpu_offload", "ddp_timeout"}
        return self.model_dump(exclude=free)
