"""What a method is: all of it happens to a built model, which never knows.

    method.attach(model)                    once, before the optimizer is built
    method.before_step(model, step, total)  before each step

What trains is what requires a gradient. The optimizer takes every parameter that does after
`attach`, so that a method which lets parameters join later attaches with them and freezes them
before the first step: they get their moments when they get their first gradient.
"""

from typing import ClassVar

from torch import nn

from headwater.errors import UserError
from headwater.models.build import Model
from headwater.models.heads import ModelWithHead
from headwater.models.multi_task import MultiTask
from headwater.models.text_to_text import TextToText


class Method:
    """One way to adapt a model. As it stands here every parameter trains: method `all`.

    This is fine-tuning in the plain sense (Devlin et al. 2019, section 4). The T5 paper finds it
    best where there is data enough (Raffel et al. 2020, section 3.5.1).

    saves_adapter_only: what was trained is saved without the body, with the body's name.
    """

    saves_adapter_only: ClassVar[bool] = False

    def attach(self, model: Model) -> None:
        """Add what is added, and let require gradients what trains at any time."""

    def before_step(self, model: nn.Module, step: int, total: int) -> None:
        """Let require gradients what trains in a step, counted from 1, of so many.

        It follows from these numbers alone, so that a run can be continued at any of them.
        """


def head_of(model: Model) -> nn.Module | None:
    """Return the head of an encoder, all of its heads, or its decoder; None where it has none."""
    match model:
        case ModelWithHead() | TextToText():
            return model.head
        case MultiTask():
            return model.heads
        case _:
            return None


def freeze_body(model: Model, method: str) -> None:
    """Let nothing train but the heads."""
    head = head_of(model)
    if head is None and not isinstance(model, TextToText):
        name = type(model).__name__
        raise UserError(f"method {method!r} adapts a T5 or a BERT with a head, not a bare {name}")
    model.requires_grad_(False)
    if head is not None:
        head.requires_grad_(True)


def layer_linears(model: nn.Module) -> dict[str, nn.Linear]:
    """Return the linear modules inside the layers of the model's stacks, by name.

    Those of a decoder that is the head on an encoder are not among them.
    """
    head = model.head if isinstance(model, TextToText) else None
    own = set() if head is None else set(head.modules())
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and "layers" in name.split(".") and module not in own
    }
