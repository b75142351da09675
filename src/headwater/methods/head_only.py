"""Adding a layer: the pre-trained body stays as it is, and only the head on it learns.

    body (frozen) -> hidden states -> head (trained)

The weakest way to adapt a model, and what the others are measured against (Devlin et al. 2019,
section 5.3, "feature-based"). A masked language model's head scores pieces by the body's own
embedding, which stays as it is too.
"""

from typing import TYPE_CHECKING, Literal

from headwater.errors import UserError

if TYPE_CHECKING:
    from headwater.models.build import Model

MethodName = Literal["all", "head_only"]


def freeze(model: "Model", method: MethodName) -> None:
    """Let only those parameters train that the method trains: all of them, or the head's.

    Raises:
        UserError: there is no head to train.
    """
    if method == "all":
        return
    head = getattr(model, "head", None) or getattr(model, "heads", None)
    if head is None:
        raise UserError(f"method 'head_only': {type(model).__name__} models have no separate head")
    model.requires_grad_(False)
    head.requires_grad_(True)
