"""Methods that add nothing to a model: they choose which of its parameters train."""

from dataclasses import dataclass
from typing import ClassVar, final

from torch import nn

from headwater.errors import UserError
from headwater.methods.config import UnfreezingConfig
from headwater.methods.layer_depth import depths
from headwater.methods.method import Method, head_of
from headwater.models.build import Model
from headwater.models.feature_model import FeatureModel
from headwater.models.text_to_text import TextToText


@final
class HeadOnly(Method):
    """Method `head_only`: the pre-trained body stays as it is, and only the head on it learns.

        body (frozen) -> hidden states -> head (trained)

    The weakest way to adapt a model, and what the others are measured against (Devlin et al. 2019,
    section 5.3, "feature-based"). A masked language model's head scores tokens by the body's own
    embedding, which stays as it is too. The head of a T5 is its output layer; where that is tied to
    the embedding, a copy of the embedding becomes an output layer of its own. That of an
    encoder-decoder is its decoder.
    """

    def attach(self, model: Model) -> None:
        head = head_of(model)
        if head is None and isinstance(model, TextToText):
            head = model.untied_output()
        if head is None:
            name = type(model).__name__
            raise UserError(f"method 'head_only': {name} models have no separate head")
        model.requires_grad_(False)
        head.requires_grad_(True)


@final
class Features(Method):
    """Method `features`: outputs of the frozen body, computed once, feed a small model.

        body (frozen) -> features (kept on disk) -> small model (trained)

    What ELMo was made for (Peters et al. 2018, section 3.3), and what BERT is compared with in its
    section 5.3 (Devlin et al. 2019). See `models.feature_model` for the small model and
    `runs.feature_cache` for what is kept.
    """

    saves_adapter_only: ClassVar[bool] = True

    def attach(self, model: Model) -> None:
        if not isinstance(model, FeatureModel):
            raise UserError("method 'features' is for headwater finetune, on one task")
        model.requires_grad_(False)
        for part in (model.mix, model.lstm, model.head):
            if part is not None:
                part.requires_grad_(True)


@final
@dataclass(frozen=True, slots=True)
class GradualUnfreezing(Method):
    """Method `gradual_unfreezing`: the top layer learns first, and one more below it joins every
    so often (Howard and Ruder 2018, section 3.3).

        steps       1-3     4-6     7-9     10-12
        layer 3     learns  learns  learns  learns
        layer 2             learns  learns  learns
        layer 1                     learns  learns
        embeddings                          learns

    A head learns throughout. In a T5 the layers of encoder and decoder join in parallel from the
    top, the steps are divided evenly among them, and the embedding, which is also the output,
    learns throughout (Raffel et al. 2020, section 3.5.1). A parameter has no moments until it
    joins.
    """

    config: UnfreezingConfig

    def before_step(self, model: nn.Module, step: int, total: int) -> None:
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
