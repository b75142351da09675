"""The shape of an ELECTRA, and the published sizes. Free of torch.

Clark et al. 2020, "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators",
section 3.1 and table 6: a BERT whose token vectors may be narrower than its layers. The field names
are those of the published config.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from headwater.errors import UserError
from headwater.models.bert.config import BertConfig, bert_within


@dataclass(frozen=True, slots=True)
class ElectraConfig:
    """Sizes and rates of one encoder; the defaults are electra-small-discriminator."""

    model_type: Literal["electra"] = "electra"
    vocab_size: int = 30522
    embedding_size: int = 128
    """The width of the vectors of tokens, segments and positions."""
    hidden_size: int = 256
    num_hidden_layers: int = 12
    num_attention_heads: int = 4
    intermediate_size: int = 1024
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    initializer_range: float = 0.02
    pad_token_id: int = 0
    tie_word_embeddings: bool = field(default=True, repr=False)
    """One table for the inputs and the masked LM of a generator."""
    generator_hidden_size: int = 0
    """In pre-training on replaced tokens, the width of the generator; it is not saved."""
    classifier_dropout: float = 0.1
    """Dropout before a classifier: that of the body unless config.json says otherwise."""
    label_names: tuple[str, ...] = ("LABEL_0", "LABEL_1")
    """The classes of a classification head, in the order of its outputs."""

    def __post_init__(self) -> None:
        assert self.layer.longest > 0  # it checks the rest
        if self.generator_hidden_size:
            assert self.generator.longest > 0

    @property
    def layer(self) -> BertConfig:
        """The BERT that its layers are of."""
        return bert_within(self)

    @property
    def generator(self) -> BertConfig:
        """The BERT that the layers of its generator are of: as many, and in all narrower."""
        width = self.generator_hidden_size
        return replace(
            self.layer,
            hidden_size=width,
            num_attention_heads=max(1, self.num_attention_heads * width // self.hidden_size),
            intermediate_size=max(1, self.intermediate_size * width // self.hidden_size),
        )

    @property
    def embedding(self) -> BertConfig:
        """The BERT that its sum of vectors is of."""
        return replace(self.layer, hidden_size=self.embedding_size, num_attention_heads=1)


def refuse_objective(config: ElectraConfig, objective: str, packed: bool) -> None:
    """Raise UserError where replaced tokens are to be told without a generator, or the reverse."""
    if objective == "replaced_tokens" and not config.generator_hidden_size:
        raise UserError(
            "objective 'replaced_tokens' needs a generator, which no folder holds: start from "
            "network.preset, and set network.sizes.generator_hidden_size, such as a quarter of "
            f"the hidden_size {config.hidden_size}"
        )
    if objective != "replaced_tokens" and config.generator_hidden_size:
        raise UserError(f"generator_hidden_size: objective {objective!r} has no generator")


_SMALL = ElectraConfig()
_BASE = ElectraConfig(
    embedding_size=768, hidden_size=768, num_attention_heads=12, intermediate_size=3072
)
_LARGE = replace(
    _BASE,
    embedding_size=1024,
    hidden_size=1024,
    num_hidden_layers=24,
    num_attention_heads=16,
    intermediate_size=4096,
)

PRESETS: Mapping[str, ElectraConfig] = {
    "electra-small-discriminator": _SMALL,
    "electra-small-generator": _SMALL,
    "electra-base-discriminator": _BASE,
    "electra-base-generator": replace(
        _BASE, hidden_size=256, num_attention_heads=4, intermediate_size=1024
    ),
    "electra-large-discriminator": _LARGE,
    "electra-large-generator": replace(
        _LARGE, hidden_size=256, num_attention_heads=4, intermediate_size=1024
    ),
}
