"""`headwater corpus build` and `show`, by their exit codes and what they print."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def store(call: Any, letters_folder: Path, tmp_path: Path) -> Path:
    lines = [{"body": f"The mill {word}. " * 100} for word in ("abc", "river\x1b", "x")]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    output = tmp_path / "store"
    code, out, err = call(
        *("build", tmp_path / "a.jsonl", "--vocabulary", letters_folder),
        *("--output", output, "--text-field", "body"),
    )
    assert code == 0, err
    assert out == f"{output}\n"
    assert "documents: 3, sentences: 300, tokens: " in err
    return output


def test_show_for_a_script(call: Any, store: Path) -> None:
    code, out, err = call("show", store, "--json", "--verify")
    assert code == 0, err
    found = json.loads(out)
    assert found["documents"] == 3
    assert found["sentences"] == 300
    assert found["vocabulary"]["size"] == 63
    assert len(found["fingerprint"]) == 64
    assert [each["document"] for each in found["texts"]] == [0, 1, 2]
    assert found["texts"][0]["sentences"] == 100
    assert found["texts"][0]["text"].endswith(" ...")
    whole = json.loads(call("show", store, "--json", "--document", 2, "--count", 5)[1])["texts"]
    assert [each["document"] for each in whole] == [2]
    assert whole[0]["text"].count("mill") == 100
    assert json.loads(call("show", store, "--json", "--count", 0)[1])["texts"] == []


def test_show_for_a_person(call: Any, store: Path) -> None:
    code, out, _ = call("show", store, "--document", 1)
    assert code == 0
    assert "documents   3" in out
    assert "document 1: " in out
    assert "the mill" in out
    assert "document 2" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "STORE", "--document", 3), "has 0 to 2"),
        (("show", "STORE", "--document", -1), "has 0 to 2"),
        (("show", "HERE"), "not a token store"),
        (("show", "HERE/absent"), "not a token store"),
        (("build", "HERE/a.jsonl", "--vocabulary", "HERE", "--output", "HERE/o"), "no vocabulary"),
        (("build", "HERE/no", "--vocabulary", "LETTERS", "--output", "HERE/o"), "no such file"),
        (("build", "HERE/a.jsonl", "--vocabulary", "LETTERS", "--output", "STORE"), "exists"),
        (("build", "HERE/a.jsonl", "--vocabulary", "LETTERS", "--output", "HERE/o"), "nothing to"),
        (
            *(("build", "HERE/a.jsonl", "--vocabulary", "LETTERS", "--output", "HERE/o",
               "--without", "HERE/no.json"), "no such file"),
        ),
        (("build",), "missing argument"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_exit_code_2(
    call: Any, store: Path, letters_folder: Path, tmp_path: Path, arguments: Any, said: str
) -> None:
    paths = {"STORE": store, "HERE": tmp_path, "LETTERS": letters_folder}
    given = [str(argument) for argument in arguments]
    for name, path in paths.items():
        given = [argument.replace(name, str(path)) for argument in given]
    code, out, err = call(*given)
    assert code == 2
    assert not out
    assert said in err
    if said != "Missing argument":
        assert err.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_a_changed_store_is_refused_when_asked(call: Any, store: Path) -> None:
    content = bytearray((store / "tokens.bin").read_bytes())
    content[5] ^= 1
    (store / "tokens.bin").write_bytes(content)
    assert call("show", store, "--count", 0)[0] == 0
    code, _, err = call("show", store, "--verify")
    assert code == 2
    assert "differs from its checksum" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line_and_exit_code_2(
    call: Any, letters_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("the mill")
    monkeypatch.setattr("headwater.corpus.store.TOKENS", "/dev/full")
    code, out, err = call(
        *("build", tmp_path / "a.txt", "--vocabulary", letters_folder),
        *("--output", tmp_path / "out"),
    )
    assert code == 2
    assert not out
    assert "No space left on device" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["build"], ["show"]])
def test_no_help_imports_a_heavy_library(arguments: list[str]) -> None:
    code = (
        "import sys; sys.argv = ['headwater', 'corpus', *sys.argv[1:], '--help']\n"
        "from headwater import cli\n"
        "try: cli.main()\n"
        "except SystemExit as stop: assert stop.code in (0, None), stop.code\n"
        "heavy = {'torch', 'numpy', 'pyarrow', 'tokenizers', 'sentencepiece', 'zstandard'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)


def test_building_imports_no_torch() -> None:
    code = "import sys, headwater.corpus.build; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
