"""A path or a bundled name opens no socket; what cannot be had is one clear line."""

import socket
from pathlib import Path
from typing import NoReturn

import pytest

from headwater.checkpoints.hub import resolve
from headwater.errors import UserError


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_sockets")
def test_local_names_open_no_socket(tmp_path: Path) -> None:
    (tmp_path / "run" / "model").mkdir(parents=True)
    (tmp_path / "run" / "model" / "config.json").write_text("{}")
    assert resolve(str(tmp_path / "run" / "model")) == tmp_path / "run" / "model"
    assert resolve(str(tmp_path / "run")) == tmp_path / "run" / "model"
    assert resolve("reader").name == "reader"


@pytest.mark.usefixtures("no_sockets")
def test_a_hub_id_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(UserError, match="the hub did not give it") as caught:
        resolve("nobody/no-such-model-at-all")
    assert "\n" not in str(caught.value)


def test_a_file_or_a_folder_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="this is a file"):
        resolve(str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"neither config\.json"):
        resolve(str(tmp_path))
    with pytest.raises(UserError, match="no such folder"):
        resolve(str(tmp_path / "nothing" / "here"))
