"""How a vector of a text is made of an encoder's outputs, in the words of sentence-transformers.

tokens -> encoder -> pooling -> dense layers, normalization -> the vector

Reimers and Gurevych 2019, "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", section
3. Free of torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from headwater.errors import UserError, did_you_mean

Pooling = Literal["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)

PROMPTS: Mapping[str, tuple[str, ...]] = {
    "query": ("query",),
    "document": ("document", "passage", "corpus"),
}
"""The prompts that every model is asked for, and what folders call them; without one it is ""."""


@dataclass(frozen=True, slots=True)
class DenseConfig:
    """A dense layer on a vector, and the activation after it as `torch.nn` names it."""

    inputs: int
    outputs: int
    bias: bool = True
    activation: str = "Tanh"


@dataclass(frozen=True, slots=True)
class EmbeddingConfig:
    """What stands on an encoder to give vectors; the default is the mean of its outputs.

    Attributes:
        pooling: how outputs become one vector; several stand side by side.
        layers: what follows, in order.
        prompts: texts that are put before a text, by name.
        default_prompt: the name of the one that is put there where none is named.
        max_length: the most tokens of a text, special ones included; None: as many as are read.
        lower_case: whether texts are lower-cased before they are tokenized.
        pools_prompt: whether the tokens of a prompt are pooled, too.
    """

    pooling: tuple[Pooling, ...] = ("mean",)
    layers: tuple[DenseConfig | Literal["normalize"], ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    max_length: int | None = None
    lower_case: bool = False
    pools_prompt: bool = True

    def prompt(self, name: str | None) -> str:
        """Return what is put before a text; None: by default."""
        if name is None:
            return self.prompts.get(self.default_prompt or "", "")
        if name not in PROMPTS and name not in self.prompts:
            known = dict.fromkeys((*PROMPTS, *self.prompts))
            raise UserError(f"prompt {name!r}: {did_you_mean(name, known)}")
        found = (self.prompts.get(each) for each in PROMPTS.get(name, (name,)))
        return next(filter(None, found), "")  # newer folders write "document": "" beside "passage"

    def asked(self, texts: list[str], name: str | None) -> list[str]:
        """Return texts as they are tokenized, after the prompt of that name."""
        prompt = self.prompt(name)
        if prompt and not self.pools_prompt:
            raise UserError(
                "this model leaves the tokens of a prompt out of its pooling (include_prompt = "
                "false), which is not supported; give no prompt"
            )
        texts = [f"{prompt}{text}" for text in texts] if prompt else texts
        return [text.lower() for text in texts] if self.lower_case else texts
