"""From a config or a preset's name and a head's name to a model with fresh weights."""

from collections.abc import Mapping, Sequence

import torch

from headwater.errors import UserError, with_article
from headwater.models.body import Body
from headwater.models.config import HeadName, ModelConfig, TaskHead, check_head, with_labels
from headwater.models.families import family_of, preset
from headwater.models.feature_model import FeatureModel
from headwater.models.heads import ModelWithHead
from headwater.models.multi_task import MultiTask

Model = ModelWithHead | MultiTask | FeatureModel | Body


def build_model(
    config: ModelConfig | str, head: str | None = None, *, labels: Sequence[str] | None = None
) -> Model:
    """Build a model with fresh weights, drawn from torch's global generator.

    Args:
        config: sizes, or the name of a preset.
        head: one of HEADS; None for a family without heads, or for the body alone.
        labels: the classes of a head that chooses, in the order of its outputs; None or empty:
            those of the config.
    """
    config = with_labels(preset(config) if isinstance(config, str) else config, labels)
    model = empty_model(config, None if head is None else check_head(head))
    family_of(config).network.initialize(model, config)
    return model


def build_multi_task(config: ModelConfig | str, tasks: Mapping[str, TaskHead]) -> MultiTask:
    """Build a body with a head for each task, with fresh weights from torch's global generator.

    Args:
        config: sizes of an encoder, or the name of a preset.
        tasks: by name; a batch's `task` is the index of its name here.
    """
    config = preset(config) if isinstance(config, str) else config
    family = family_of(config)
    if family.kind != "encoder":
        raise UserError(
            f"a head for each task needs an encoder such as BERT, not "
            f"{with_article(config.model_type)}; a T5 or a GPT tells tasks apart by their text"
        )
    model = empty_multi_task(config, tasks)
    family.network.initialize(model, config)
    return model


def empty_model(config: ModelConfig, head: HeadName | None) -> ModelWithHead | Body:
    """Build the modules with whatever weights torch gives them; see `build_model`."""
    family = family_of(config)
    body = family.network.build_body(config, head is None)
    if head is None:
        return body
    return ModelWithHead(body, family.build_head(config, head))


def as_described(body: Body, config: ModelConfig) -> Body:
    """Return the network that a config describes, over the parameters of one of its tensors."""
    with torch.device("meta"):
        other = family_of(config).network.build_body(config, True)
    other.load_state_dict(body.state_dict(keep_vars=True), assign=True)
    return other


def empty_multi_task(config: ModelConfig, tasks: Mapping[str, TaskHead]) -> MultiTask:
    """Build the modules with whatever weights torch gives them; see `build_multi_task`."""
    family = family_of(config)
    body = family.network.build_body(config, False)
    heads = {
        name: family.build_head(with_labels(config, task.labels), check_head(task.head))
        for name, task in tasks.items()
    }
    return MultiTask(body, heads, {name: task.labels for name, task in tasks.items()})
