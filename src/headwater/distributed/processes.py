"""What a run asks of the processes that it is spread over; one process alone is one of them.

`Together` talks through torch.distributed. Everything here is called by all processes, in the same
order: who calls it alone waits until the time is over.
"""

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, final, runtime_checkable

import torch
from torch import Tensor
from torch import distributed as dist

from headwater.errors import UserError

T = TypeVar("T")
N = TypeVar("N", int, float)


class Processes(Protocol):
    """The processes of a run.

    Attributes:
        rank: which of them this is, from 0; the first alone logs and writes.
        world: how many there are.
        step: the step that is under way, for what is said when another process is lost.
    """

    rank: int
    world: int
    step: int

    def gather(self, value: T) -> list[T]:
        """Return the values of all processes, by rank."""
        ...

    def first(self, work: Callable[[], T]) -> T:
        """Let the first process work; all return its result, or raise its error."""
        ...

    def sent(self, tensors: Mapping[str, Tensor] | None) -> Mapping[str, Tensor]:
        """Return the first process's tensors, each sent when it is asked for.

        All ask for the same in the same order. The others give None.
        """
        ...


@runtime_checkable
class Described(Protocol):
    """Tensors by name that are only read when they are asked for.

    Attributes:
        like: the names, shapes and types, as tensors without memory.
    """

    like: Mapping[str, Tensor]


@final
class OneProcess:
    """A process without others."""

    def __init__(self) -> None:
        self.rank, self.world, self.step = 0, 1, 0

    def gather(self, value: T) -> list[T]:
        """Return the value alone."""
        return [value]

    def first(self, work: Callable[[], T]) -> T:
        """Do the work."""
        return work()

    def sent(self, tensors: Mapping[str, Tensor] | None) -> Mapping[str, Tensor]:
        """Return the tensors."""
        assert tensors is not None
        return tensors


@final
class Together:
    """The processes of torch.distributed.

    Args:
        group: by which they talk, PyTorch's default one if left out. What talks in a thread of its
            own needs its own.
    """

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        self.rank, self.world, self.step = dist.get_rank(), dist.get_world_size(), 0
        self._group = group

    def gather(self, value: T) -> list[T]:
        """Return the values of all processes, pickled on their way."""
        found: list[Any] = [None] * self.world
        dist.all_gather_object(found, value, group=self._group)
        return found

    def first(self, work: Callable[[], T]) -> T:
        """Let the first process work, and send what came of it."""
        result: Any = None
        failed: Exception | None = None
        if self.rank == 0:
            try:
                result = work()
            except Exception as error:
                failed = error
        shared, refused = self._broadcast((result, None if failed is None else _told(failed)))
        if failed is not None or refused is not None:
            raise failed or refused
        done: T = result if self.rank == 0 else shared
        return done

    def sent(self, tensors: Mapping[str, Tensor] | None) -> "Sent":
        """Return the first process's tensors."""
        return Sent(self._broadcast(like({} if tensors is None else tensors)), tensors)

    def _broadcast(self, value: Any) -> Any:
        shared = [value]
        dist.broadcast_object_list(shared, src=0, group=self._group)
        return shared[0]


@final
class Sent(Mapping[str, Tensor]):
    """Tensors that the first process has, sent one by one; see `Described`."""

    def __init__(self, like: Mapping[str, Tensor], own: Mapping[str, Tensor] | None) -> None:
        self.like, self._own = like, own

    def __getitem__(self, name: str) -> Tensor:
        own, like = self._own, self.like[name]
        tensor = torch.empty_like(like, device="cpu") if own is None else own[name].contiguous()
        dist.broadcast(tensor, src=0)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self.like)

    def __len__(self) -> int:
        return len(self.like)


def like(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return tensors of the same shapes and types without memory; none is read or sent."""
    if isinstance(tensors, Described):
        return tensors.like
    return {name: torch.empty_like(each, device="meta") for name, each in tensors.items()}


def each(processes: Processes, work: Callable[[], T]) -> list[T]:
    """Let every process work, and return all results; what one refuses, all refuse."""
    result: Any = None
    failed: Exception | None = None
    try:
        result = work()
    except Exception as error:
        failed = error
    found = processes.gather((result, None if failed is None else _told(failed)))
    refused = failed or first_of([_named(error, rank) for rank, (_, error) in enumerate(found)])
    if refused is not None:
        raise refused
    return [value for value, _ in found]


def agreed(processes: Processes, work: Callable[[], T]) -> T:
    """Let every process work, and return its own result; what one refuses, all refuse."""
    done: list[T] = []
    each(processes, lambda: done.append(work()))
    return done[0]


def added(parts: Iterable[Mapping[str, N]]) -> dict[str, N]:
    """Add up numbers by name, in the order in which they come."""
    total: dict[str, N] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total[name] + value if name in total else value
    return total


def first_of(values: Sequence[T | None]) -> T | None:
    """Return the first value that is one."""
    return next((value for value in values if value is not None), None)


def _named(error: Exception | None, rank: int) -> Exception | None:
    """Return an error of another process as this one tells it."""
    return UserError(f"process {rank}: {error}") if isinstance(error, UserError) else error


def _told(error: Exception) -> Exception:
    """Return an error that can be sent: itself, or its text where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


ONE = OneProcess()
"""The process that has no others."""
