"""What a model is asked by which verb, and what is said where it does not fit. Free of torch.

The verbs are those of the command line; `ask` is `LoadedModel.answer`.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from headwater.errors import UserError, with_article
from headwater.models.config import HeadName, ModelConfig
from headwater.models.families import family_of, kind_of
from headwater.models.family import Kind

Name = Literal["generate", "ask", "classify", "tag", "fill"]


class Verb(NamedTuple):
    """The heads that it asks, families that do the same without a head, and how to train one."""

    heads: tuple[HeadName, ...]
    families: tuple[Kind, ...]
    training: str


_FINETUNE = "headwater finetune --model {} --task"

VERBS: Mapping[Name, Verb] = {
    "generate": Verb((), ("text_to_text", "causal_lm"), ""),
    "ask": Verb(("span",), ("text_to_text",), f"{_FINETUNE} squad --data FILE"),
    "classify": Verb(
        ("sequence", "multi_label", "regression"), (), f"{_FINETUNE} TASK --data FILE"
    ),
    "tag": Verb(("token",), (), f"{_FINETUNE} ner --data FILE"),
    "fill": Verb(
        ("masked_lm", "pretraining"),
        ("text_to_text", "word_vectors"),
        "headwater pretrain --model {} --objective mlm --corpus STORE",
    ),
}

_DOES: Mapping[Kind, str] = {
    "encoder": "has no head",
    "text_to_text": "is {}, which does a task by writing",
    "causal_lm": "is {}, which continues a text",
    "word_vectors": "is {}, which gives vectors of words",
}


def what_it_does(config: ModelConfig) -> str:
    """Return what a model without a head is and does: "is a GPT, which continues a text"."""
    return _DOES[kind_of(config)].format(with_article(family_of(config).title))


def unfit(
    name: str,
    body_name: str,
    config: ModelConfig,
    heads: Sequence[HeadName],
    verb: Name,
    sentinels: bool = True,
) -> UserError:
    """Return the error for a verb that a model cannot do, with the one that fits.

    Args:
        name: of the model. body_name: what to train from.
        heads: those of the model; none of a bare body.
        sentinels: whether its vocabulary has them; a text-to-text model fills nothing else.
    """
    kind, wanted = kind_of(config), VERBS[verb]
    has = what_it_does(config)
    if heads:
        has = f"has a head of kind {', '.join(dict.fromkeys(heads))}"
    fitting = [
        other
        for other, each in VERBS.items()
        if (any(head in each.heads for head in heads) if heads else kind in each.families)
    ]
    if kind == "text_to_text" and not sentinels:
        fitting.remove("fill")
    fixes = [f"use {_any(fitting)}"] if fitting else []
    masked = "masked_lm" in wanted.heads
    if wanted.training and (kind == "encoder" or (kind == "causal_lm" and not masked)):
        fixes.append(f"train one: {wanted.training.format(body_name)}")
    needs = f"a head of kind {_any(wanted.heads)}" if wanted.heads else "a T5 or a GPT"
    said = f"{name} {has}, and {verb} needs {needs}"
    return UserError("; ".join([said, ", or ".join(fixes)] if fixes else [said]))


def _any(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
