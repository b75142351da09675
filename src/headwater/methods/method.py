"""What a way to adapt a model is: all of it happens to a built model, which never knows.

    method.attach(model)                    once, before the optimizer is built
    method.before_step(model, step, total)  before each step

What trains is what requires a gradient. The optimizer takes every parameter that does after
`attach`, so that a method which lets parameters join later attaches with them and freezes them
before the first step: they get their moments when they get their first gradient.
"""

from typing import ClassVar

from torch import nn

from headwater.models.build import Model


class Method:
    """One way to adapt a model; where a method leaves a hook as it is, nothing changes.

    saves_adapter_only: what was trained is saved without the body, with the body's name.
    """

    saves_adapter_only: ClassVar[bool] = False

    def attach(self, model: Model) -> None:
        """Add what is added, and let require gradients what trains at any time."""

    def before_step(self, model: nn.Module, step: int, total: int) -> None:
        """Let require gradients what trains in a step, counted from 1, of so many.

        It follows from these numbers alone, so that a run can be continued at any of them.
        """
