"""Files of the hub, from a stand-in for its client; a path opens no socket."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.data.hub_files import with_hub
from headwater.data.official_files import TaskFiles
from headwater.errors import UserError

RTE = TaskFiles("RTE", {"validation": ("dev.tsv",)}, ("nyu-mll/glue", "rte"))
MNLI = TaskFiles("MNLI", {"validation": ("dev_matched.tsv",)}, ("nyu-mll/glue", "mnli"))
Asked = list[dict[str, Any]]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Asked]:
    """Make the client give folders, by revision, with the files that match what is asked for."""
    import huggingface_hub

    def serve(**revisions: list[str]) -> Asked:
        asked: Asked = []

        def snapshot(dataset: str, **options: Any) -> str:
            revision = options.get("revision") or "main"
            asked.append({"dataset": dataset, **options})
            folder = tmp_path / revision
            for name in revisions["converted" if "/" in revision else "main"]:
                if any(Path(name).match(pattern) for pattern in options["allow_patterns"]):
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (folder / name).write_bytes(b"PAR1")
            return str(folder)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
        monkeypatch.chdir(tmp_path)
        return asked

    return serve


def test_the_split_of_the_configuration_is_fetched(hub: Callable[..., Asked]) -> None:
    names = [f"rte/validation-0000{n}-of-00002.parquet" for n in (1, 0)]
    asked = hub(main=[*names, "rte/train-0.parquet", "cola/validation-0.parquet", "README.md"])
    found = with_hub("rte", RTE, ["own.tsv", "hub"], "validation")
    assert [path.name for path in found] == ["own.tsv", *(Path(n).name for n in sorted(names))]
    assert all(path.is_file() for path in found[1:])
    assert [each["dataset"] for each in asked] == ["nyu-mll/glue"]
    assert asked[0]["repo_type"] == "dataset" and "*" not in asked[0]["allow_patterns"]


def test_the_hubs_own_conversion_serves_where_there_is_no_parquet(
    hub: Callable[..., Asked],
) -> None:
    asked = hub(main=["glue.py"], converted=["mnli/validation_matched/0000.parquet"])
    (found,) = with_hub("mnli", MNLI, ["hub"], "validation")
    assert found.parts[-3:] == ("mnli", "validation_matched", "0000.parquet")
    assert [each["revision"] for each in asked] == [None, "refs/convert/parquet"]


def test_what_the_hub_lacks_is_one_line(
    hub: Callable[..., Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub(main=["rte/train-0.parquet"], converted=[])
    with pytest.raises(UserError, match="nyu-mll/glue has no validation files of rte"):
        with_hub("rte", RTE, ["hub"], "validation")
    with pytest.raises(UserError, match="task own has no dataset on the hub"):
        with_hub("own", None, ["hub"], "validation")

    def offline(*_: object, **__: object) -> str:
        raise OSError("no route\nto host")

    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(UserError, match=r"did not give nyu-mll/glue \(no route\)") as caught:
        with_hub("rte", RTE, ["hub"], "train")
    assert "\n" not in str(caught.value)


def test_a_file_of_that_name_comes_first(hub: Callable[..., Asked]) -> None:
    asked = hub(main=[])
    Path("hub").write_text("")
    assert with_hub("rte", RTE, ["hub", "~"], "validation") == [Path("hub"), Path.home()]
    assert asked == []


def test_paths_import_no_client() -> None:
    code = (
        "import sys\n"
        "from headwater.data.hub_files import with_hub\n"
        "with_hub('rte', None, ['dev.tsv'], 'validation')\n"
        "assert 'huggingface_hub' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
