"""Several tasks at once: one body for all of them, and a head for each.

Caruana 1997, "Multitask Learning", section 1; of BERT, Liu et al. 2019, "Multi-Task Deep Neural
Networks for Natural Language Understanding", section 3 and figure 1:

    cola      class      stsb    number     mrpc     class
         \\                |                /
           hidden states of the shared body

A batch is of one task, whose number it carries as `task`; what the body learns from it serves all
the others. With a single task the model is that body with that head, to the bit.
"""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from torch import Tensor, nn

from headwater.errors import UserError, listed
from headwater.models.body import Body
from headwater.models.config import ModelConfig
from headwater.models.heads import Head, ModelWithHead
from headwater.models.losses import Batch

T = TypeVar("T", Tensor, int)


class MultiTask(nn.Module):
    """A body with a head for each task.

    A batch is that of `ModelWithHead`, with `task` `[batch]`: the index of its task in
    `names`, once for each sequence.

    Args:
        body: shared.
        heads: by the name of their task.
        labels: by task, the classes of its head in the order of the outputs; none where a head
            chooses among no classes.
    """

    head_name: None = None
    labels: tuple[str, ...] = ()

    def __init__(
        self, body: Body, heads: Mapping[str, Head], labels: Mapping[str, tuple[str, ...]]
    ) -> None:
        super().__init__()
        if not heads:
            raise UserError("a multi-task model has one task at least")
        self.body = body
        self.heads = nn.ModuleDict()
        for name, head in heads.items():
            if not name or "." in name or hasattr(self.heads, name):
                raise UserError(f"task {name!r}: no head can have this name; rename the task")
            self.heads[name] = head
        self.task_labels = {name: tuple(labels.get(name, ())) for name in heads}

    @property
    def config(self) -> ModelConfig:
        """The body's sizes."""
        return self.body.config

    @property
    def names(self) -> tuple[str, ...]:
        """The tasks; the index of one is what its batches carry."""
        return tuple(self.task_labels)

    def for_task(self, task: str) -> ModelWithHead:
        """Return the body with the head of one task: the same parameters, in the same mode."""
        if task not in self.task_labels:
            raise UserError(f"no head for task {task}; there are {listed(self.names)}")
        # Not `train`, which would also switch what others share with this model.
        view = ModelWithHead(self.body, cast(Head, self.heads[task]), self.task_labels[task])
        view.training = self.training
        return view

    def forward(self, batch: Batch, task: str | None = None) -> Any:
        """Return the outputs of the head of `task`, or of the task that the batch names."""
        return self.for_task(task or self._task(batch))(batch)

    def loss_sums(self, batch: Batch) -> dict[str, Tensor]:
        """Return the loss of the batch's task by its name, as a sum over what is counted.

        Those of a head with several are named `task/loss`.
        """
        name = self._task(batch)
        return _named(name, self.for_task(name).loss_sums(batch))

    def loss_counts(self, batch: Batch) -> dict[str, int]:
        """Count the labels of the batch's task; the other tasks are absent."""
        name = self._task(batch)
        return _named(name, self.for_task(name).loss_counts(batch))

    def _task(self, batch: Batch) -> str:
        numbers = batch["task"]
        number = int(numbers[0])
        assert bool((numbers == number).all()), "a batch is of one task"
        return self.names[number]


def _named(task: str, terms: Mapping[str, T]) -> dict[str, T]:
    return {task if len(terms) == 1 else f"{task}/{name}": term for name, term in terms.items()}
