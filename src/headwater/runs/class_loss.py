"""Letting the head of a model count its examples as `[loss]` of a recipe says."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch

from headwater.errors import UserError, did_you_mean
from headwater.models.build import Model
from headwater.models.heads import ModelWithHead
from headwater.models.loss_config import LossConfig

_CHOOSING = ("sequence", "token")


def set_loss(config: LossConfig, model: Model, examples: Sequence[Any]) -> None:
    """Let the head of a model count as a recipe says.

    Args:
        examples: those that train, which balanced weights are counted from.
    """
    if config.usual:
        return
    if not isinstance(model, ModelWithHead) or model.head_name not in _CHOOSING:
        raise UserError(
            "[loss] is for one task whose head chooses a class: of a whole text, or of each word"
        )
    model.head.smoothing = config.label_smoothing
    weights = config.class_weights
    if weights is None:
        return
    labels = model.labels
    if weights == "balanced":
        if model.head_name != "sequence":
            raise UserError('loss.class_weights = "balanced" is for classes of whole texts')
        counts = Counter(each.label for each in examples)
        found = [len(examples) / (len(labels) * max(1, counts[label])) for label in labels]
    else:
        for name in weights:
            if name not in labels:
                raise UserError(
                    f"loss.class_weights: no class {name!r}; {did_you_mean(name, labels)}"
                )
        found = [float(weights.get(label, 1.0)) for label in labels]
        if not any(found):
            raise UserError("loss.class_weights: all are 0, so nothing would be learned")
    model.head.class_weights = torch.tensor(found)
