"""Names for the labels of a model whose config.json has none, or others (LABEL_0, LABEL_1)."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from headwater.errors import UserError, listed
from headwater.models.build import Model
from headwater.models.config import CHOOSING, unnamed, with_labels
from headwater.models.heads import ModelWithHead

if TYPE_CHECKING:
    from headwater.data.task import Task

logger = logging.getLogger(__name__)


def name_labels(model: Model, names: Sequence[str], of: str) -> None:
    """Give names to the labels of a model, in the order of its outputs.

    Args:
        of: what the model was loaded by; begins the error.
    """
    if not isinstance(model, ModelWithHead) or model.head_name not in CHOOSING:
        raise UserError(f"{of}: label names are for a model with one head that chooses labels")
    if len(names) != len(model.labels):
        raise UserError(
            f"{of}: {len(names)} label names are given, and it has {len(model.labels)} labels: "
            f"{listed(model.labels)}"
        )
    model.body.config = with_labels(model.config, names)


def by_order(labels: Sequence[str], task: "Task[Any]", of: str) -> Sequence[str]:
    """Return names for labels that have none: those of the task, aloud. Names that there are stay.

    Args:
        labels: of the model `of`.
    """
    if not unnamed(labels):
        return labels
    if not task.labels:
        logger.warning(
            f"{of}: its labels have no names, and come as {listed(labels[:2])}; give them in the "
            "order of its outputs: --label-names A,B,C"
        )
    if len(task.labels) != len(labels):
        return labels
    names = listed(f"{index} = {name}" for index, name in enumerate(task.labels))
    logger.info(
        f"{of}: its labels have no names; taken in the order of task {task.name}: {names} "
        "(--label-names gives others)"
    )
    return task.labels
