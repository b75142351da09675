"""Features: the outputs of the frozen body, computed once, feed a small model of their own.

    body (frozen) -> features (kept on disk) -> small model (trained)

What ELMo was made for (Peters et al. 2018, section 3.3), and what BERT is compared with in its
section 5.3 (Devlin et al. 2019). See `models.featured` for the small model and
`runs.feature_cache` for what is kept.
"""

from dataclasses import dataclass
from typing import ClassVar, final

from headwater.errors import UserError
from headwater.methods.method import Method
from headwater.models.build import Model
from headwater.models.feature_model import FeatureModel


@final
@dataclass(frozen=True, slots=True)
class Features(Method):
    """Method `features`."""

    saves_adapter_only: ClassVar[bool] = True

    def attach(self, model: Model) -> None:
        """Freeze the body."""
        if not isinstance(model, FeatureModel):
            raise UserError("method 'features' is for headwater finetune, on one task")
        model.requires_grad_(False)
        for part in (model.mix, model.lstm, model.head):
            if part is not None:
                part.requires_grad_(True)
