"""Gradual unfreezing: the top layer learns first, and one more below it joins every so often
(Howard and Ruder 2018, section 3.3).

    steps       1-3     4-6     7-9     10-12
    layer 3     learns  learns  learns  learns
    layer 2             learns  learns  learns
    layer 1                     learns  learns
    embeddings                          learns

A head learns throughout. In a T5 the layers of encoder and decoder join in parallel from the top,
the steps are divided evenly among them, and the embedding, which is also the output, learns
throughout (Raffel et al. 2020, section 3.5.1). A parameter has no moments until it joins.
"""

from dataclasses import dataclass
from typing import final

from torch import nn

from headwater.errors import UserError
from headwater.methods.config import UnfreezingConfig
from headwater.methods.method import Method
from headwater.models.layer_depth import depths


@final
@dataclass(frozen=True, slots=True)
class GradualUnfreezing(Method):
    """Method `gradual_unfreezing`."""

    config: UnfreezingConfig

    def before_step(self, model: nn.Module, step: int, total: int) -> None:
        """Freeze what lies deeper than the layers that have joined."""
        depth = depths(name for name, _ in model.named_parameters())
        depth |= {name: 0 for name in depth if "embedding" in name.split(".")}  # a T5's
        deepest = max(depth.values())
        every = self.config.every
        if every and every * (deepest - 1) >= total:
            raise UserError(
                f"gradual_unfreezing.every = {every}: {deepest} layers do not all join in {total} "
                "steps; give fewer, or leave it out"
            )
        joined = (step - 1) // every if every else (step - 1) * deepest // total
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(depth[name] <= 1 + joined)
