"""A path or a bundled name opens no socket; what cannot be had is one clear line."""

import socket
from pathlib import Path
from typing import NoReturn
from unittest.mock import MagicMock

import pytest

from headwater.checkpoints.hub import BUNDLED, bundled, resolve
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
    with pytest.raises(UserError, match="the hub cannot be reached") as caught:
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
    (tmp_path / "adapter_config.json").write_text("{}")
    assert resolve(str(tmp_path)) == tmp_path


def test_a_bundled_name_without_its_files_is_not_listed_and_not_asked_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("reader", "sentiment"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text("")
    (tmp_path / "reader" / "config.json").write_text("{}")
    found = bundled(tmp_path)
    assert found == {"reader": tmp_path / "reader"}
    monkeypatch.setattr("headwater.checkpoints.hub.BUNDLED", found)
    monkeypatch.chdir(tmp_path / "reader")
    with pytest.raises(UserError, match=r"^sentiment: a bundled model, whose files are missing"):
        resolve("sentiment")


def test_a_name_that_can_be_none(tmp_path: Path) -> None:
    for name in ("long " * 200, "nul\0"):
        with pytest.raises(UserError, match="not a folder name"):
            resolve(name)


def test_a_bundled_name_comes_before_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reader").mkdir()
    (tmp_path / "reader" / "config.json").write_text("{}")
    assert resolve("reader") == BUNDLED["reader"]
    assert resolve("./reader") == Path("reader")


def test_a_hub_id_is_fetched_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub

    asked: list[tuple[str, list[str]]] = []

    def snapshot(model: str, *, allow_patterns: list[str]) -> str:
        asked.append((model, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert resolve("someone/small-bert") == tmp_path
    [(model, patterns)] = asked
    assert model == "someone/small-bert"
    assert "*.safetensors" in patterns
    assert not any("bin" in pattern for pattern in patterns)  # pickled weights stay where they are


@pytest.mark.usefixtures("no_sockets")
def test_a_misspelt_name_or_path_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "squad").mkdir(parents=True)
    nearest = {"readr": "reader", "Reader": "reader", "runs/squd": "runs/squad"}
    for name, near in nearest.items():
        with pytest.raises(UserError, match=f"^{name}: no such .*; did you mean '{near}'") as line:
            resolve(name)
        assert len(str(line.value)) < 80
    with pytest.raises(UserError, match=r"^runs/nope: no such folder, and runs is one here"):
        resolve("runs/nope")


def _answers(kind: str) -> Exception:
    from huggingface_hub import errors

    if kind == "OfflineModeIsEnabled":
        return errors.OfflineModeIsEnabled("offline\nand more")
    if kind == "LocalEntryNotFoundError":
        return errors.LocalEntryNotFoundError("nothing\nand more")
    error: Exception = getattr(errors, kind)("said\nmuch", response=MagicMock())
    return error


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("GatedRepoError", "accept its terms"),
        ("RepositoryNotFoundError", "the hub has none of that name"),
        ("LocalEntryNotFoundError", "cannot be reached"),
        ("OfflineModeIsEnabled", "cannot be reached"),
        ("HfHubHTTPError", r"did not give it \(said\)"),
    ],
)
def test_why_the_hub_gave_nothing(monkeypatch: pytest.MonkeyPatch, kind: str, said: str) -> None:
    import huggingface_hub

    def snapshot(*_: object, **__: object) -> NoReturn:
        raise _answers(kind)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    with pytest.raises(UserError, match=f"^nobody/bert: no such folder, .*{said}") as line:
        resolve("nobody/bert")
    assert "\n" not in str(line.value)
