"""How the loss of a head that chooses a class counts its examples: `[loss]` of a recipe. Free of
torch.

    label_smoothing = 0.1                   the target has 0.9, all classes share 0.1
    class_weights = "balanced"              examples / (classes x examples of the class)
    class_weights = { fault = 2.0 }         a fault counts twice; the others once

Smoothing: Szegedy et al. 2016, section 7. Balanced weights are scikit-learn's; their mean over the
training examples is 1, so that the loss of a step is still divided by its examples.
"""

from typing import Annotated, Literal

from pydantic import Field

from headwater.config import Config


class LossConfig(Config):
    """How the examples of a head that chooses a class count in its loss, not in measuring.

    label_smoothing: the share of each label that all classes have in equal parts.
    class_weights: how often the examples of a class count: `{ fault = 2.0 }`, the others once; or
        `balanced`, scikit-learn's weights by the rarity of a class, for classes of whole texts.
    """

    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    class_weights: Literal["balanced"] | dict[str, Annotated[float, Field(ge=0, le=1e6)]] | None = (
        None
    )

    @property
    def usual(self) -> bool:
        """Whether it says nothing."""
        return not self.label_smoothing and self.class_weights is None
