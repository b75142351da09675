"""How a model trains on several processes: as it is, in copies, or in parts.

    Alone        one process, which has everything
    Copies       each process has the whole model, and gradients are averaged: DDP
    Parts        each process has a part of each tensor (`training.sharding`): FSDP2

Each process computes its part of a step's losses, divided by the counts of the whole step. The sum
over processes is what one process would have, and gradients are averages over them, hence
`Stepper` multiplies by their number.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, cast, final

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from headwater.distributed.processes import ONE, Processes
from headwater.models.losses import Batch, LossModel
from headwater.training.state_writers import StateWriter, WholeWriter


class Parallel(Protocol):
    """A model on the processes of a run.

    Attributes:
        model: has the parameters that train, by the names of the model that was given.
        in_parts: whether this process has a part of each tensor.
    """

    processes: Processes
    model: nn.Module
    in_parts: bool

    def loss_sums(self, batch: Batch) -> Mapping[str, Tensor]:
        """Return `LossModel.loss_sums` of this process's sequences."""
        ...

    def turn(self, *, last: bool) -> AbstractContextManager[object]:
        """Return the context of one micro-batch; gradients must be complete after the last."""
        ...

    def whole(self, *, everywhere: bool) -> AbstractContextManager[object]:
        """Return a context in which the model that was given has all its weights.

        Args:
            everywhere: in each process; otherwise in the first alone.
        """
        ...

    def full(self, tensor: Tensor) -> Tensor:
        """Return a tensor without parts, in each process."""
        ...

    def local(self, tensor: Tensor) -> Tensor:
        """Return the part of a tensor that this process has."""
        ...

    def placed(self, tensor: Tensor, like: Tensor) -> Tensor:
        """Return what this process has of a whole tensor, where `like` is where it goes."""
        ...

    def writer(self) -> StateWriter:
        """Return what writes states; called once, by all processes."""
        ...


@final
class Copies:
    """The whole model in each process; one process alone has the one copy."""

    def __init__(self, model: nn.Module, processes: Processes) -> None:
        self.model, self.processes, self.in_parts = model, processes, False
        self._together: DistributedDataParallel | None = None
        if processes is not ONE:
            loss = Loss(model)
            # what buffers hold each process has made of the vocabulary itself
            own = [name for name, _ in loss.named_buffers()]
            ignore = DistributedDataParallel._set_params_and_buffers_to_ignore_for_model
            ignore(loss, own)  # type: ignore[no-untyped-call]
            # heads of other tasks, and layers that are frozen for some steps, have no gradient
            self._together = DistributedDataParallel(loss, find_unused_parameters=True)

    def loss_sums(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute the losses."""
        if self._together is None:
            return cast(LossModel, self.model).loss_sums(batch)
        found: Mapping[str, Tensor] = self._together(batch)
        return found

    def turn(self, *, last: bool) -> AbstractContextManager[object]:
        """Exchange gradients after the last micro-batch of a step alone."""
        return nullcontext() if last or self._together is None else self._together.no_sync()

    def whole(self, *, everywhere: bool) -> AbstractContextManager[object]:
        """It always is."""
        return nullcontext()

    def full(self, tensor: Tensor) -> Tensor:
        """Return it."""
        return tensor

    def local(self, tensor: Tensor) -> Tensor:
        """Return it: this process has all."""
        return tensor

    def placed(self, tensor: Tensor, like: Tensor) -> Tensor:
        """Return it."""
        return tensor

    def writer(self) -> StateWriter:
        """Let the first process write."""
        return WholeWriter(self.processes)


class Loss(nn.Module):
    """A model whose call gives its losses, as what distributes models asks."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return dict(cast(LossModel, self.model).loss_sums(batch))
