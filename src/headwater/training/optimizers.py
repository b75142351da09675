"""Building the optimizer: weight decay on matrices only, biases and norms are left alone."""

import torch
from torch import nn

from headwater.errors import UserError
from headwater.training.adafactor import Adafactor
from headwater.training.config import TrainingConfig


def build_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return AdamW (Loshchilov & Hutter 2019) or Adafactor over the trainable parameters.

    Raises:
        UserError: the model has no parameter to train.
    """
    trainable = [p for p in model.parameters() if p.requires_grad]
    if not trainable:
        raise UserError("the model has no parameter that may change; nothing to train")
    matrices = [p for p in trainable if p.ndim >= 2]
    vectors = [p for p in trainable if p.ndim < 2]
    groups = [
        {"params": group, "weight_decay": decay}
        for group, decay in ((matrices, config.decay), (vectors, 0.0))
        if group
    ]
    rate = config.peak_learning_rate
    if config.optimizer == "adafactor":
        return Adafactor(groups, lr=rate)
    return torch.optim.AdamW(
        groups,
        lr=rate,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        fused=True,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the rate of this step."""
    for group in optimizer.param_groups:
        group["lr"] = rate
