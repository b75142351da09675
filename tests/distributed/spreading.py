"""Work in several processes with torchrun's environment, forked from one that has loaded torch."""

import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch._dynamo  # the first optimizer imports it otherwise, in every child

import headwater.pictures.curves as curves


def spare() -> None:
    """Leave out, in the children, what takes long and is not tested."""
    curves.draw_curves = lambda lines, picture: None
    os.fsync = lambda handle: None
    torch.set_num_threads(1)


def start(world: int, work: Callable[[], None], errors: Path) -> list[int]:
    """Start processes that work; return their numbers by rank. They write errors to a file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sys.stdout.flush()
    return [_child(rank, world, port, work, errors) for rank in range(world)]


def wait(children: Sequence[int]) -> list[int]:
    """Return the exit codes of all, by rank; killed by a signal, its number below zero."""
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def spread(world: int, work: Callable[[], None], folder: Path) -> None:
    """Work in so many processes, and wait until all are done; one alone has no others."""
    folder.mkdir(parents=True, exist_ok=True)
    errors = folder / "stderr"
    if world == 1:
        work()
        return
    codes = wait(start(world, work, errors))
    assert codes == [0] * world, f"{codes}\n{errors.read_text()[-3000:]}"


def _child(rank: int, world: int, port: int, work: Callable[[], None], errors: Path) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        ranks = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world}
        os.environ.update({name: str(value) for name, value in (address | ranks).items()})
        work()
        status = 0
    except SystemExit as stopped:
        status = stopped.code if isinstance(stopped.code, int) else 1
    except BaseException:
        print(f"process {rank}, {time.monotonic():.1f}", file=sys.stderr)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
