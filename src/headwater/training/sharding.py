"""A model in parts: each process keeps a part of every tensor, of its gradient and its moments.

FSDP2 (Zhao et al. 2023, "PyTorch FSDP"; Rajbhandari et al. 2020, "ZeRO", stage 3). A layer's
weights are gathered when it computes and let go after; its gradients are summed where they are
kept. What stands outside of layers, such as embeddings, is gathered once a step. In bf16 runs what
is gathered of layers is in bf16, and gradients are summed in float32.

What trains is a twin of the model that was given: its modules again, with parts for weights. The
given model has weights only inside of `whole`, where it is evaluated and saved like any other.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import final

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import (
    CPUOffloadPolicy,
    MixedPrecisionPolicy,
    OffloadPolicy,
    fully_shard,
)
from torch.distributed.tensor import DTensor, distribute_tensor

from headwater.device import return_freed_memory
from headwater.distributed.processes import Processes
from headwater.errors import UserError
from headwater.models.losses import Batch
from headwater.training.gathering import gathered_apart
from headwater.training.parallel import Loss
from headwater.training.part_writer import PartWriter
from headwater.training.state_writers import StateWriter


@final
class Parts:
    """A part of the model in each process.

    Args:
        model: on any device; its layers go to `device` one after another.
        device: where parts are computed with.
        dtype: of the products.
        timeout: seconds in which the others answer.
        cpu_offload: whether parts, gradients and moments stay in host memory.
    """

    def __init__(
        self,
        model: nn.Module,
        processes: Processes,
        device: torch.device,
        dtype: torch.dtype,
        timeout: int,
        *,
        cpu_offload: bool = False,
    ) -> None:
        if dtype == torch.float16:
            raise UserError("training.shard: fp16 needs a loss scaler of its own; use bf16 or fp32")
        self.processes, self._given, self._timeout = processes, model, timeout
        self.in_parts = True
        same = {id(each): each for each in (*model.parameters(), *model.buffers())}
        self.model = copy.deepcopy(model, same)
        if device.type == "cpu":
            return_freed_memory()
        mesh = init_device_mesh(device.type, (processes.world,))
        policy = MixedPrecisionPolicy(cast_forward_inputs=False)
        if dtype == torch.bfloat16:
            policy = MixedPrecisionPolicy(dtype, torch.float32, cast_forward_inputs=False)
        kept = OffloadPolicy()
        if cpu_offload:  # pinned memory, which copies read faster, needs a card
            kept = CPUOffloadPolicy(pin_memory=device.type == "cuda")
        for part in gathered_apart(self.model):
            given = [each for each in part.parameters() if id(each) in same]
            fully_shard(part, mesh=mesh, mp_policy=policy, offload_policy=kept)
            _release(given)
        root = MixedPrecisionPolicy(cast_forward_inputs=False)
        self._loss = Loss(self.model)
        fully_shard(self._loss, mesh=mesh, mp_policy=root, offload_policy=kept)
        _release(model.parameters())

    def loss_sums(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute the losses."""
        found: Mapping[str, Tensor] = self._loss(batch)
        return found

    def turn(self, *, last: bool) -> AbstractContextManager[object]:
        """Exchange gradients after each micro-batch: kept whole they take a model's memory."""
        return nullcontext()

    @contextmanager
    def whole(self, *, everywhere: bool) -> Iterator[None]:
        """Give the model its weights for a while."""
        parts = dict(self.model.named_parameters())
        kept = everywhere or self.processes.rank == 0
        try:
            for name, parameter in self._given.named_parameters():
                full = self.full(parts[name].detach())
                if kept:
                    parameter.data = full.to(parameter.device)
            yield
        finally:
            _release(self._given.parameters())

    def full(self, tensor: Tensor) -> Tensor:
        """Gather a tensor."""
        if not isinstance(tensor, DTensor):
            return tensor
        full: Tensor = tensor.full_tensor()
        return full

    def local(self, tensor: Tensor) -> Tensor:
        """Return this process's part."""
        return tensor.to_local() if isinstance(tensor, DTensor) else tensor

    def placed(self, tensor: Tensor, like: Tensor) -> Tensor:
        """Take this process's part of a tensor that all have; what is a part already is taken."""
        if not isinstance(like, DTensor) or isinstance(tensor, DTensor):
            return tensor
        mesh, placements = like.device_mesh, like.placements
        here = tensor.to(like.device)
        return distribute_tensor(here, mesh, placements, src_data_rank=None)

    def writer(self) -> StateWriter:
        """Let each process write its part."""
        return PartWriter(self.processes, self._timeout)


def _release(parameters: Iterable[nn.Parameter]) -> None:
    """Let weights go; the parameters stay."""
    for parameter in parameters:
        parameter.data = parameter.data.new_empty(0)
