"""The shape of a GPT, and the published sizes. Free of torch.

GPT: Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section
4.1. GPT-2: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", table 2. The
field names are those of the published config.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from headwater.errors import UserError

ModelType = Literal["gpt2", "openai-gpt"]


@dataclass(frozen=True, slots=True)
class GPTConfig:
    """Sizes and rates of one decoder; the defaults are gpt2.

    n_positions: the most tokens of a text.
    n_embd: the width of the model, that of each token's vector.
    n_layer: the number of layers.
    n_head: the heads of each attention, which share the width evenly.
    resid_pdrop: dropout of each sublayer's output.
    embd_pdrop: dropout of the embeddings.
    attn_pdrop: dropout of the attention weights.
    layer_norm_epsilon: what is added to the variance in a norm.
    initializer_range: the standard deviation of fresh weights.
    """

    model_type: ModelType = "gpt2"
    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int = 0
    """The feed-forward's inner width; 0: four times n_embd, as in all published models."""
    activation_function: str = "gelu_new"
    """An activation of `nn.feedforward`; in the first GPT "gelu" is the tanh one, as published."""
    resid_pdrop: float = 0.1
    embd_pdrop: float = 0.1
    attn_pdrop: float = 0.1
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    bos_token_id: int | None = 50256
    eos_token_id: int | None = 50256
    pad_token_id: int | None = None
    """Padding has no token of its own: it is masked, whatever id it carries."""
    classifier_dropout: float = field(default=0.1, repr=False)
    """Before the layer of a head that chooses: Radford et al. 2018, section 4.1."""
    target_start_token_id: int | None = field(default=None, repr=False)
    """Parts inputs from targets in a GPT that learned to write these; None: it learned none."""
    label_names: tuple[str, ...] = field(default=("LABEL_0", "LABEL_1"), repr=False)

    def __post_init__(self) -> None:
        if self.n_embd % self.n_head:
            raise UserError(f"n_embd {self.n_embd} is not a multiple of n_head {self.n_head}")
        if self.model_type == "openai-gpt" and self.n_inner not in (0, 4 * self.n_embd):
            raise UserError(f"n_inner {self.n_inner}: the first GPT knows only 4 * n_embd; omit it")

    @property
    def writes(self) -> bool:
        """Whether it reads inputs and writes targets, in place of continuing a text."""
        return self.target_start_token_id is not None

    @property
    def inner(self) -> int:
        """The feed-forward's inner width."""
        return self.n_inner or 4 * self.n_embd

    @property
    def activation(self) -> str:
        """The activation's name in `nn.feedforward`."""
        first = self.model_type == "openai-gpt"
        tanh = first and self.activation_function == "gelu"
        return "gelu_new" if tanh else self.activation_function

    @property
    def pre_norm(self) -> bool:
        """Whether norms stand before each layer and once after the last, as from GPT-2 on."""
        return self.model_type == "gpt2"


def _gpt2(width: int, layers: int, heads: int) -> GPTConfig:
    return GPTConfig(n_embd=width, n_layer=layers, n_head=heads)


PRESETS: Mapping[str, GPTConfig] = {
    "gpt": GPTConfig(
        model_type="openai-gpt",
        vocab_size=40478,
        n_positions=512,
        activation_function="gelu",
        bos_token_id=None,
        eos_token_id=None,
    ),
    "gpt2": _gpt2(768, 12, 12),
    "gpt2-medium": _gpt2(1024, 24, 16),
    "gpt2-large": _gpt2(1280, 36, 20),
    "gpt2-xl": _gpt2(1600, 48, 25),
}
