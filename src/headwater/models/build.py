"""From a config or a preset's name and a head's name to a model with fresh weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from torch import nn

from headwater.errors import UserError, did_you_mean
from headwater.models.bert import config as bert_config
from headwater.models.bert import network as bert
from headwater.models.bert.config import BertConfig
from headwater.models.bert.network import Bert, Pooler
from headwater.models.cbow import config as cbow_config
from headwater.models.cbow import network as cbow
from headwater.models.cbow.config import CBOWConfig
from headwater.models.cbow.network import CBOW
from headwater.models.elmo import config as elmo_config
from headwater.models.elmo import network as elmo
from headwater.models.elmo.config import ELMoConfig
from headwater.models.elmo.network import ELMo
from headwater.models.feature_model import FeatureModel
from headwater.models.gpt import config as gpt_config
from headwater.models.gpt import network as gpt
from headwater.models.gpt.config import GPTConfig
from headwater.models.gpt.network import GPT
from headwater.models.heads import (
    Head,
    MaskedLMHead,
    ModelWithHead,
    PooledHead,
    PreTrainingHead,
    SpanHead,
    TokenHead,
)
from headwater.models.losses import cross_entropy_sum, squared_error_sum
from headwater.models.multi_task import MultiTask
from headwater.models.t5 import config as t5_config
from headwater.models.t5 import network as t5
from headwater.models.t5.config import T5Config
from headwater.models.t5.decoder_only import DecoderOnlyT5
from headwater.models.t5.network import T5

HeadName = Literal[
    "span", "sequence", "regression", "token", "masked_lm", "pretraining", "next_sentence"
]
HEADS: tuple[HeadName, ...] = get_args(HeadName)
ModelConfig = BertConfig | CBOWConfig | ELMoConfig | GPTConfig | T5Config
Model = ModelWithHead | MultiTask | FeatureModel | Bert | CBOW | ELMo | GPT | T5 | DecoderOnlyT5
PRESETS: Mapping[str, ModelConfig] = {
    **bert_config.PRESETS,
    **cbow_config.PRESETS,
    **elmo_config.PRESETS,
    **gpt_config.PRESETS,
    **t5_config.PRESETS,
}


def preset(name: str) -> ModelConfig:
    """Return the published sizes of that name.

    Raises:
        UserError: no such preset; the nearest name is given.
    """
    if name in PRESETS:
        return PRESETS[name]
    raise UserError(f"{name}: no such preset; {did_you_mean(name, PRESETS)}")


def check_head(name: str) -> HeadName:
    """Return `name` if there is such a head, else raise UserError with the names there are."""
    for head in HEADS:
        if head == name:
            return head
    raise UserError(f"head {name!r}: there are {', '.join(HEADS)}")


@dataclass(frozen=True, slots=True)
class TaskHead:
    """The head of one task of a `MultiTask`, and its classes where it chooses among some.

    Raises:
        UserError: there are no classes to choose among.
    """

    head: HeadName
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.head in ("sequence", "token") and not self.labels:
            raise UserError(f"a {self.head} head chooses among labels, and none are given")


def with_labels(config: ModelConfig, labels: Sequence[str] | None) -> ModelConfig:
    """Return `config` with classes of those names; with its own where none are given.

    Raises:
        UserError: two of them are the same.
    """
    if not isinstance(config, BertConfig) or not labels:
        return config
    twice = [name for place, name in enumerate(labels) if name in labels[:place]]
    if twice:
        raise UserError(f"label {twice[0]!r} is given twice; each class has its own name")
    return replace(config, label_names=tuple(labels))


def bare_model(config: ModelConfig, head: HeadName | None, *, pooler: bool = True) -> Model:
    """Build the modules with whatever weights torch gives them; see `build_model`."""
    if isinstance(config, BertConfig):
        if head is None:
            return Bert(config, pooler=pooler and config.model_type != "distilbert")
        return ModelWithHead(Bert(config), build_head(config, head))
    model = _headless(config)
    if head is not None:
        raise UserError(f"a {type(model).__name__} has its own output and takes no {head} head")
    return model


def _headless(
    config: CBOWConfig | ELMoConfig | GPTConfig | T5Config,
) -> CBOW | ELMo | GPT | T5 | DecoderOnlyT5:
    match config:
        case CBOWConfig():
            return CBOW(config)
        case ELMoConfig():
            return ELMo(config)
        case GPTConfig():
            return GPT(config)
        case T5Config():
            return text_to_text(config)


def text_to_text(config: T5Config) -> T5 | DecoderOnlyT5:
    """Build a T5 of its architecture with empty weights."""
    return DecoderOnlyT5(config) if config.decoder_only else T5(config)


def build_model(
    config: ModelConfig | str, head: str | None = None, *, labels: Sequence[str] | None = None
) -> Model:
    """Build a model with fresh weights, drawn from torch's global generator.

    Args:
        config: sizes, or the name of a preset.
        head: one of HEADS; None for all but a BERT, or for its body alone, with its pooler.
        labels: the classes of a "sequence" or "token" head, in the order of its outputs; None or
            empty: those of the config.
    """
    config = with_labels(preset(config) if isinstance(config, str) else config, labels)
    model = bare_model(config, None if head is None else check_head(head))
    match config:
        case T5Config():
            t5.initialize(model, config)
        case CBOWConfig():
            cbow.initialize(model)
        case ELMoConfig():
            elmo.initialize(model, config)
        case GPTConfig():
            gpt.initialize(model, config)
        case BertConfig():
            bert.initialize(model, config.initializer_range)
    return model


def bare_multi_task(config: BertConfig, tasks: Mapping[str, TaskHead]) -> MultiTask:
    """Build the modules with whatever weights torch gives them; see `build_multi_task`."""
    body = Bert(config)
    heads: dict[str, Head] = {}
    for name, task in tasks.items():
        own = with_labels(config, task.labels)
        assert isinstance(own, BertConfig)
        heads[name] = build_head(own, check_head(task.head))
    return MultiTask(body, heads, {name: task.labels for name, task in tasks.items()})


def build_multi_task(config: ModelConfig | str, tasks: Mapping[str, TaskHead]) -> MultiTask:
    """Build a body with a head for each task, with fresh weights from torch's global generator.

    Args:
        config: sizes of a BERT, or the name of a preset.
        tasks: by name; a batch's `task` is the place of its name here.

    Raises:
        UserError: the config is of another family, or a task or its head cannot be.
    """
    config = preset(config) if isinstance(config, str) else config
    if not isinstance(config, BertConfig):
        raise UserError(
            f"a head for each task needs a BERT, not a {config.model_type}; a T5 tells tasks apart "
            "by their text and needs no heads"
        )
    model = bare_multi_task(config, tasks)
    bert.initialize(model, config.initializer_range)
    return model


def config_of(model: Model) -> ModelConfig:
    """Return the config that a model was built from; of a `MultiTask` its body's."""
    return model.body.config if isinstance(model, ModelWithHead | MultiTask) else model.config


def build_head(config: BertConfig, head: HeadName) -> Head:
    """Build one head for a body of that config."""
    width = config.hidden_size
    match head:
        case "span":
            return SpanHead(width, config.span_dropout)
        case "token":
            distilled = config.model_type == "distilbert"  # drops less before a token's class
            dropout = config.hidden_dropout_prob if distilled else config.classifier_dropout
            return TokenHead(width, len(config.label_names), dropout)
        case "masked_lm":
            return _masked_lm(config)
        case "pretraining":
            return PreTrainingHead(_masked_lm(config), _next_sentence(config))
        case "next_sentence":
            return _next_sentence(config)
        case "sequence":
            return PooledHead(
                _classifier_pooler(config),
                nn.Linear(width, len(config.label_names)),
                config.classifier_dropout,
                name="sequence",
                label="labels",
                loss=cross_entropy_sum,
            )
        case "regression":
            return PooledHead(
                _classifier_pooler(config),
                nn.Linear(width, 1),
                config.classifier_dropout,
                name="regression",
                label="labels",
                loss=squared_error_sum,
            )


def _classifier_pooler(config: BertConfig) -> Pooler:
    match config.model_type:
        case "bert":
            return Pooler(config.hidden_size, "tanh")
        case "roberta":
            return Pooler(config.hidden_size, "tanh", config.classifier_dropout)
        case "distilbert":
            return Pooler(config.hidden_size, "relu")


def _masked_lm(config: BertConfig) -> MaskedLMHead:
    return MaskedLMHead(
        config.hidden_size, config.vocab_size, config.hidden_act, config.layer_norm_eps
    )


def _next_sentence(config: BertConfig) -> PooledHead:
    return PooledHead(
        Pooler(config.hidden_size, "tanh"),
        nn.Linear(config.hidden_size, 2),
        0.0,
        name="next_sentence",
        label="next_sentence_label",
        loss=cross_entropy_sum,
    )


def head_name(model: nn.Module) -> HeadName | None:
    """Return the name under which `build_head` builds the head of that model; None: a bare body."""
    match getattr(model, "head", None):
        case SpanHead():
            return "span"
        case TokenHead():
            return "token"
        case MaskedLMHead():
            return "masked_lm"
        case PreTrainingHead():
            return "pretraining"
        case PooledHead() as head:
            return check_head(head.name)
        case _:
            return None
