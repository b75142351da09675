"""What torchrun says, and what it does not."""

import os
import subprocess
import sys
from typing import Any

import pytest

from headwater.distributed import joining
from headwater.distributed.joining import joined
from headwater.distributed.place import LostProcess, Place, place
from headwater.distributed.processes import ONE, added, agreed, first_of
from headwater.errors import UserError

TOLD = {
    "RANK": "3",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "host",
    "MASTER_PORT": "29500",
}


def test_the_place_is_what_torchrun_says() -> None:
    assert place(TOLD) == Place(3, 8, 1)
    assert place(TOLD | {"TORCHELASTIC_RESTART_COUNT": "2"}) == Place(3, 8, 1, restarts=2)
    assert place(TOLD | {"LOCAL_WORLD_SIZE": "4"}) == Place(3, 8, 1, on_one_machine=False)


RANKS = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"}


@pytest.mark.parametrize("name", TOLD)
def test_without_torchrun_there_is_none(name: str) -> None:
    """A scheduler may set RANK alone."""
    assert place({key: value for key, value in TOLD.items() if key != name}) is None


@pytest.mark.parametrize("world", ["2", "x"])
def test_what_should_be_many_does_not_train_alone(
    world: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some schedulers start several processes and leave out LOCAL_RANK."""
    for name, value in (TOLD | {"WORLD_SIZE": world}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("LOCAL_RANK")
    with pytest.raises(UserError, match=f"WORLD_SIZE={world} without LOCAL_RANK"), joined("cpu"):
        pass
    monkeypatch.setenv("WORLD_SIZE", "1")
    with joined("cpu") as processes:
        assert processes is ONE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RANK", "x"),
        ("RANK", "8"),
        ("RANK", "-1"),
        ("LOCAL_RANK", "4"),
        ("WORLD_SIZE", "-1"),
        ("MASTER_PORT", "x"),
        ("MASTER_PORT", "99999"),
    ],
)
def test_what_torchrun_does_not_set_is_refused(name: str, value: str) -> None:
    with pytest.raises(UserError, match=f"{name}={value}.*: not what torchrun sets"):
        place(TOLD | {name: value})


def test_no_verb_gives_a_traceback_for_it() -> None:
    environment = os.environ | TOLD | {"RANK": "x", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "headwater", "tasks"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "RANK=x WORLD_SIZE=8 LOCAL_RANK=1 " in line and "not what torchrun sets" in line


def test_one_process_asks_nobody() -> None:
    assert ONE.gather("a") == ["a"]
    assert ONE.first(lambda: 3) == 3


class WithAnother:
    """The first process, beside one that gives the same each time."""

    def __init__(self, others: object) -> None:
        self.rank, self.world, self.step = 0, 2, 0
        self._others = others

    def gather(self, value: Any) -> list[Any]:
        return [value, self._others]

    first, sent = ONE.first, ONE.sent


def test_what_one_process_refuses_all_refuse_at_once() -> None:
    fine: list[object] = [None, None]
    assert agreed(WithAnother(fine), lambda: 3) == 3
    missing = WithAnother([None, UserError("data.tsv: no such file")])
    with pytest.raises(UserError, match=r"^process 1: data\.tsv: no such file$"):
        agreed(missing, lambda: 3)

    def refuse() -> None:
        raise UserError("own.tsv: no such file")

    with pytest.raises(UserError, match=r"^own\.tsv: no such file$"):
        agreed(missing, refuse)


def test_numbers_are_added_by_name_in_the_order_in_which_they_come() -> None:
    assert list(added([{"b": 1}, {"a": 2, "b": 3}]).items()) == [("b", 4), ("a", 2)]
    assert first_of([None, 0, 1]) == 0
    assert first_of([None]) is None


def test_who_waits_for_the_others_says_where(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No one listens at the address: after a while there is a word, and then an end."""
    for name, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "9", **RANKS}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(joining, "_PATIENCE", 0.2)
    with pytest.raises(LostProcess, match="process 1 of 2: cannot reach"), joined("cpu", 2):
        pass
    assert "process 1 of 2: still waiting for the others at 127.0.0.1:9" in caplog.text


@pytest.mark.parametrize(
    ("here", "address", "told"),
    [("1", "127.0.1.1", True), ("1", "10.0.0.1", False), ("2", "127.0.1.1", False)],
)
def test_a_machine_whose_name_means_itself_alone_is_told_what_helps(
    here: str, address: str, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What gloo says when it is sent to an address where the other machine is not."""

    def refused(*given: object, **named: object) -> None:
        raise RuntimeError(f"SO_ERROR: Connection refused, remote=[{address}]:12211$1")

    monkeypatch.setattr(joining, "rendezvous", refused)
    environment = {"MASTER_ADDR": "n1", "MASTER_PORT": "9", "LOCAL_WORLD_SIZE": here, **RANKS}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LostProcess, match="cannot reach the others") as lost, joined("cpu", 2):
        pass
    assert ("set GLOO_SOCKET_IFNAME" in str(lost.value)) is told
