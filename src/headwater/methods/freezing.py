"""What a pre-trained model is made of, seen by the methods: a body, and the heads on it."""

from torch import nn

from headwater.errors import UserError
from headwater.models.build import Model
from headwater.models.heads import ModelWithHead
from headwater.models.multi_task import MultiTask
from headwater.models.text_to_text import TextToText


def head_of(model: Model) -> nn.Module | None:
    """Return the head of an encoder, or all of its heads; None where it has none."""
    match model:
        case ModelWithHead():
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
    """Return the linear modules inside the layers of the model's stacks, by name."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and "layers" in name.split(".")
    }
