"""One reversible table per family between our names and those of the published checkpoints.

A table pairs *modules*; the leaf (`weight`, `bias`) is the same on both sides and `{n}` stands for
a layer's number. So `body.layers.3.attention.norm.weight` is
`bert.encoder.layer.3.attention.output.LayerNorm.weight`, in both directions.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from headwater.models.build import HeadName

Modules = Mapping[str, str]
"""Our module name -> theirs."""


@dataclass(frozen=True, slots=True)
class HeadKeys:
    """A head's own modules, and the class that the published code gives to body and head."""

    architecture: str
    modules: Modules


@dataclass(frozen=True, slots=True)
class Family:
    """Everything that is peculiar to how one family's checkpoints are written.

    Attributes:
        prefix: of the body's keys when a head stands on it; a bare body is written without.
        body: the body's modules.
        heads: by our head's name; None is the bare body.
        tied: a second name of a tensor -> the tensor itself. May be absent; if present, equal.
        ignored: keys (whole, regular expressions) that hold nothing to load.
        bodies: further classes that hold all tensors of the model without a head, where that is
            more than a body: its output is tied. It is written with the prefix.
        transposed: modules whose weight stands as `[inputs, outputs]` in the file.
        fused: modules that stand as one in the file, along the outputs: its name -> its parts, of
            which the tables speak as modules inside it; see `layout.py`.
    """

    prefix: str
    body: Modules
    heads: Mapping[HeadName | None, HeadKeys]
    tied: Mapping[str, str]
    ignored: tuple[str, ...]
    bodies: tuple[str, ...] = ()
    transposed: frozenset[str] = frozenset()
    fused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def modules(self, head: HeadName | None) -> dict[str, str]:
        """Return our module name -> theirs for a body with that head."""
        return {**self.body, **self.heads[head].modules}

    def known(self) -> set[str]:
        """Return all their module names, of every head."""
        names = set(self.body.values())
        for head in self.heads.values():
            names.update(head.modules.values())
        return names

    def ignores(self, name: str) -> bool:
        """Tell whether a tensor of that name holds nothing to load."""
        return any(re.fullmatch(pattern, name) for pattern in self.ignored)

    def head_of(self, architecture: str) -> HeadName | None:
        """Return the head that a published class has; KeyError when it is not in the table."""
        if architecture in self.bodies:
            return None
        for name, head in self.heads.items():
            if head.architecture == architecture:
                return name
        raise KeyError(architecture)

    def architectures(self) -> list[str]:
        """Return the published classes that can be read."""
        return sorted({*self.bodies, *(head.architecture for head in self.heads.values())})


_POOLED = {"head.pooler.dense": "bert.pooler.dense"}
_PREDICTIONS = {
    "": "cls.predictions",
    ".dense": "cls.predictions.transform.dense",
    ".norm": "cls.predictions.transform.LayerNorm",
}


def _encoder(prefix: str) -> Modules:
    """Return the body's modules as BERT and RoBERTa name them."""
    return {
        "body.embeddings.token": f"{prefix}.embeddings.word_embeddings",
        "body.embeddings.position": f"{prefix}.embeddings.position_embeddings",
        "body.embeddings.segment": f"{prefix}.embeddings.token_type_embeddings",
        "body.embeddings.norm": f"{prefix}.embeddings.LayerNorm",
    } | {
        f"body.layers.{{n}}.{ours}": f"{prefix}.encoder.layer.{{n}}.{theirs}"
        for ours, theirs in {
            "attention.layer.query": "attention.self.query",
            "attention.layer.key": "attention.self.key",
            "attention.layer.value": "attention.self.value",
            "attention.layer.output": "attention.output.dense",
            "attention.norm": "attention.output.LayerNorm",
            "feedforward.layer.inner": "intermediate.dense",
            "feedforward.layer.outer": "output.dense",
            "feedforward.norm": "output.LayerNorm",
        }.items()
    }


BERT = Family(
    prefix="bert.",
    body=_encoder("bert"),
    heads={
        None: HeadKeys("BertModel", {"body.pooler.dense": "bert.pooler.dense"}),
        "span": HeadKeys("BertForQuestionAnswering", {"head.dense": "qa_outputs"}),
        "sequence": HeadKeys(
            "BertForSequenceClassification", {**_POOLED, "head.dense": "classifier"}
        ),
        "regression": HeadKeys(
            "BertForSequenceClassification", {**_POOLED, "head.dense": "classifier"}
        ),
        "token": HeadKeys("BertForTokenClassification", {"head.dense": "classifier"}),
        "masked_lm": HeadKeys(
            "BertForMaskedLM", {f"head{ours}": theirs for ours, theirs in _PREDICTIONS.items()}
        ),
        "next_sentence": HeadKeys(
            "BertForNextSentencePrediction", {**_POOLED, "head.dense": "cls.seq_relationship"}
        ),
        "pretraining": HeadKeys(
            "BertForPreTraining",
            {f"head.masked_lm{ours}": theirs for ours, theirs in _PREDICTIONS.items()}
            | {
                "head.next_sentence.pooler.dense": "bert.pooler.dense",
                "head.next_sentence.dense": "cls.seq_relationship",
            },
        ),
    },
    tied={
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
    ignored=(r"bert\.embeddings\.position_ids",),
)

ROBERTA = Family(
    prefix="roberta.",
    body=_encoder("roberta"),
    heads={
        None: HeadKeys("RobertaModel", {"body.pooler.dense": "roberta.pooler.dense"}),
        "span": HeadKeys("RobertaForQuestionAnswering", {"head.dense": "qa_outputs"}),
        "sequence": HeadKeys(
            "RobertaForSequenceClassification",
            {"head.pooler.dense": "classifier.dense", "head.dense": "classifier.out_proj"},
        ),
        "regression": HeadKeys(
            "RobertaForSequenceClassification",
            {"head.pooler.dense": "classifier.dense", "head.dense": "classifier.out_proj"},
        ),
        "token": HeadKeys("RobertaForTokenClassification", {"head.dense": "classifier"}),
        "masked_lm": HeadKeys(
            "RobertaForMaskedLM",
            {"head": "lm_head", "head.dense": "lm_head.dense", "head.norm": "lm_head.layer_norm"},
        ),
    },
    tied={
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    },
    ignored=(r"roberta\.embeddings\.position_ids",),
)

DISTILBERT = Family(
    prefix="distilbert.",
    body={
        "body.embeddings.token": "distilbert.embeddings.word_embeddings",
        "body.embeddings.position": "distilbert.embeddings.position_embeddings",
        "body.embeddings.norm": "distilbert.embeddings.LayerNorm",
    }
    | {
        f"body.layers.{{n}}.{ours}": f"distilbert.transformer.layer.{{n}}.{theirs}"
        for ours, theirs in {
            "attention.layer.query": "attention.q_lin",
            "attention.layer.key": "attention.k_lin",
            "attention.layer.value": "attention.v_lin",
            "attention.layer.output": "attention.out_lin",
            "attention.norm": "sa_layer_norm",
            "feedforward.layer.inner": "ffn.lin1",
            "feedforward.layer.outer": "ffn.lin2",
            "feedforward.norm": "output_layer_norm",
        }.items()
    },
    heads={
        None: HeadKeys("DistilBertModel", {}),
        "span": HeadKeys("DistilBertForQuestionAnswering", {"head.dense": "qa_outputs"}),
        "sequence": HeadKeys(
            "DistilBertForSequenceClassification",
            {"head.pooler.dense": "pre_classifier", "head.dense": "classifier"},
        ),
        "regression": HeadKeys(
            "DistilBertForSequenceClassification",
            {"head.pooler.dense": "pre_classifier", "head.dense": "classifier"},
        ),
        "token": HeadKeys("DistilBertForTokenClassification", {"head.dense": "classifier"}),
        "masked_lm": HeadKeys(
            "DistilBertForMaskedLM",
            {
                "head": "vocab_projector",
                "head.dense": "vocab_transform",
                "head.norm": "vocab_layer_norm",
            },
        ),
    },
    tied={"vocab_projector.weight": "distilbert.embeddings.word_embeddings.weight"},
    ignored=(r"distilbert\.embeddings\.position_ids",),
)

_ATTENTION = {"query": "q", "key": "k", "value": "v", "output": "o"}
_FEED_FORWARD = {"inner": "wi", "gate": "wi_0", "linear": "wi_1", "outer": "wo"}


def _stack(name: str, layers: Sequence[tuple[str, str, Modules]]) -> dict[str, str]:
    """Return one stack's modules: in each block, layer after layer, (ours, theirs, its parts)."""
    table = {
        f"body.{name}.norm": f"{name}.final_layer_norm",
        f"body.{name}.positions.table": (
            f"{name}.block.0.layer.0.SelfAttention.relative_attention_bias"
        ),
    }
    for number, (ours, theirs, parts) in enumerate(layers):
        left, right = f"body.{name}.layers.{{n}}.{ours}", f"{name}.block.{{n}}.layer.{number}"
        table[f"{left}.norm"] = f"{right}.layer_norm"
        for mine, published in parts.items():
            table[f"{left}.layer.{mine}"] = f"{right}.{theirs}.{published}"
    return table


_SELF = ("attention", "SelfAttention", _ATTENTION)
_CROSS = ("cross", "EncDecAttention", _ATTENTION)
_LAST = ("feedforward", "DenseReluDense", _FEED_FORWARD)

T5 = Family(
    prefix="",
    body={"body.embedding": "shared"}
    | _stack("encoder", (_SELF, _LAST))
    | _stack("decoder", (_SELF, _CROSS, _LAST)),
    heads={None: HeadKeys("T5ForConditionalGeneration", {"body.output": "lm_head"})},
    tied={
        "encoder.embed_tokens.weight": "shared.weight",
        "decoder.embed_tokens.weight": "shared.weight",
    },
    ignored=(r"decoder\.block\.\d+\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight",),
)


def _gpt(embeddings: Modules, architecture: str, body: str) -> Family:
    """Return the table of GPT or GPT-2, which differ only outside the layers."""
    layer = "transformer.h.{n}"
    parts = ("query", "key", "value")
    table = {
        "attention.norm": "ln_1",
        **{f"attention.layer.{part}": f"attn.c_attn.{part}" for part in parts},
        "attention.layer.output": "attn.c_proj",
        "feedforward.norm": "ln_2",
        "feedforward.layer.inner": "mlp.c_fc",
        "feedforward.layer.outer": "mlp.c_proj",
    }
    return Family(
        prefix="transformer.",
        body={f"body.{ours}": f"transformer.{theirs}" for ours, theirs in embeddings.items()}
        | {f"body.layers.{{n}}.{ours}": f"{layer}.{theirs}" for ours, theirs in table.items()},
        heads={None: HeadKeys(architecture, {})},
        tied={"lm_head.weight": f"transformer.{embeddings['token']}.weight"},
        ignored=(r"transformer\.position_ids", r"transformer\.h\.\d+\.attn\.(masked_)?bias"),
        bodies=(body,),
        transposed=frozenset(
            f"{layer}.{name}" for name in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
        ),
        fused={f"{layer}.attn.c_attn": parts},
    )


GPT = _gpt(
    {"token": "tokens_embed", "position": "positions_embed"},
    "OpenAIGPTLMHeadModel",
    "OpenAIGPTModel",
)
GPT2 = _gpt({"token": "wte", "position": "wpe", "norm": "ln_f"}, "GPT2LMHeadModel", "GPT2Model")

CBOW = Family(
    prefix="",
    body={"body.token": "input", "body.output": "output"},
    heads={None: HeadKeys("HeadwaterCBOW", {})},
    tied={},
    ignored=(),
)
"""Names of our own: the input table, which holds the word vectors, and the output one."""

ELMO = Family(
    prefix="",
    body={
        f"body.{name}": name
        for name in (
            "token.cnn.embedding",
            "token.cnn.convolutions.{n}",
            "token.highway.{n}.gate",
            "token.highway.{n}.transform",
            "token.projection",
            "lstm.{n}",
            "softmax",
        )
    },
    heads={None: HeadKeys("HeadwaterELMo", {})},
    tied={},
    ignored=(),
)
"""Names of our own; the published format, which is none of tensors alone, is `elmo.py`'s."""

OUR_BERT = replace(BERT, body={**BERT.body, "body.norm": "bert.encoder.LayerNorm"})
"""BERT with pre-norm blocks: the names of BERT, and the norm after the last block."""

OUR_T5 = replace(T5, heads={None: HeadKeys("HeadwaterT5", T5.heads[None].modules)})
"""T5's other architectures, each with those of T5's tensors that it has."""

FAMILIES: Mapping[str, Family] = {
    "bert": BERT,
    "roberta": ROBERTA,
    "distilbert": DISTILBERT,
    "t5": T5,
    "openai-gpt": GPT,
    "gpt2": GPT2,
    "cbow": CBOW,
    "elmo": ELMO,
    "headwater-bert": OUR_BERT,
    "headwater-t5": OUR_T5,
}
"""By `model_type` of config.json."""


def numbered(module: str) -> tuple[str, str]:
    """Split a layer's number off: "h.3.ln_1" -> ("h.{n}.ln_1", "3"); "" where there is none."""
    number = re.search(r"(?<=\.)\d+(?=\.|$)", module)
    if number is None:
        return module, ""
    return f"{module[: number.start()]}{{n}}{module[number.end() :]}", number.group()


def translate(name: str, modules: Modules) -> str | None:
    """Return the other side's name of a tensor, or None when its module is not in the table."""
    module, _, leaf = name.rpartition(".")
    if module in modules:
        return f"{modules[module]}.{leaf}"
    pattern, number = numbered(module)
    other = modules.get(pattern)
    return None if other is None else f"{other.replace('{n}', number)}.{leaf}"


def published_name(name: str, family: Family) -> str:
    """Bring a key of a file to the full modern form: the body's prefix, no gamma and beta."""
    for old, new in ((".gamma", ".weight"), (".beta", ".bias")):
        if name.endswith(old):
            name = name.removesuffix(old) + new
    whole = family.prefix + name
    bare = dict.fromkeys([*family.modules(None).values(), *family.fused], "")
    if translate(whole, bare) or family.ignores(whole):
        return whole
    return name


def their_name(name: str, family: Family, head: HeadName | None) -> str:
    """Return the published name of a tensor of a model with that head."""
    whole = name if head is not None else f"body.{name}"
    theirs = translate(whole, family.modules(head))
    assert theirs is not None, whole
    return theirs if head is not None or family.bodies else theirs.removeprefix(family.prefix)
