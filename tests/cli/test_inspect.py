"""`headwater inspect`, by its exit codes, what it prints and what it writes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

HEAVY = ("torch", "tokenizers", "matplotlib")


def test_inputs_for_a_script_and_a_person(headwater: Any, reader: Path, tmp_path: Path) -> None:
    ran = headwater("inspect", "inputs", reader, "where is it?", "by the mill", "--json")
    assert ran.code == 0, ran.err
    tokens = json.loads(ran.out)["tokens"]
    assert tokens[0] == {"token": "[CLS]", "id": 2, "segment": 0, "position": 0}
    assert [each["segment"] for each in tokens][-5:] == [0, 1, 1, 1, 1]
    shown = headwater("inspect", "inputs", reader, "where is it?", "by the mill").out
    assert "segment   A      A" in shown
    for ending in ("png", "html"):
        output = tmp_path / f"a.{ending}"
        ran = headwater("inspect", "inputs", reader, "the mill", "--output", output)
        assert (ran.code, ran.out) == (0, f"{output}\n")
    assert imread(tmp_path / "a.png").shape[1] == 1000
    assert "mill" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_attention(headwater: Any, reader: Path, tmp_path: Path) -> None:
    ran = headwater("inspect", "attention", reader, "the mill", "--head", 1, "--json")
    assert ran.code == 0, ran.err
    [shown] = json.loads(ran.out)
    assert (shown["part"], shown["layer"], shown["head"]) == ("encoder", 0, 1)
    assert shown["keys"] == ["[CLS]", "the", "mill", "[SEP]"]
    assert sum(shown["weights"][0]) == pytest.approx(1, abs=1e-6)
    assert "attends most to" in headwater("inspect", "attention", reader, "the mill").out
    for ending in ("png", "html"):
        output = tmp_path / f"a.{ending}"
        ran = headwater("inspect", "attention", reader, "the mill", "--output", output)
        assert (ran.code, ran.out) == (0, f"{output}\n")
        assert output.stat().st_size > 1000


def test_patterns_need_no_model(headwater: Any, tmp_path: Path) -> None:
    ran = headwater("inspect", "attention", "--patterns", "--json")
    assert json.loads(ran.out)["Causal"][1] == [True, True, False, False, False]
    assert "Causal with prefix" in headwater("inspect", "attention", "--patterns").out
    for ending in ("png", "html"):
        output = tmp_path / f"p.{ending}"
        assert headwater("inspect", "attention", "--patterns", "--output", output).code == 0
        assert output.stat().st_size > 1000


def test_outputs(headwater: Any, reader: Path, tmp_path: Path) -> None:
    ran = headwater("inspect", "outputs", reader, "who is by the mill?", "the mill.", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["says"] == "span"
    output = tmp_path / "o.html"
    ran = headwater("inspect", "outputs", reader, "who?", "the mill.", "--output", output)
    assert (ran.code, ran.out) == (0, f"{output}\n")
    assert "mill" in output.read_text(encoding="utf-8")


def test_batch(headwater: Any, reader: Path, tmp_path: Path) -> None:
    lines = [json.dumps({"text": "The mill is by the river. " * 9}) for _ in range(4)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    store = tmp_path / "store"
    built = ("corpus", "build", tmp_path / "a.jsonl", "--vocabulary", reader, "--output", store)
    assert headwater(*built).code == 0
    given = ("inspect", "batch", "--objective", "mlm", "--corpus", store)
    ran = headwater(*given, "--set", "mlm.max_length=32", "--sequences", 2)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("mlm, epoch 0: the first batch has ")
    assert ran.out.count("original") == 2
    ran = headwater(*given, "--set", "mlm.max_length=32", "--json", "--epoch", 3)
    found = json.loads(ran.out)
    assert (found["epoch"], len(found["sequences"])) == (3, 3)
    output = tmp_path / "b.html"
    assert headwater(*given, "--output", output).code == 0
    assert 'class="masked"' in output.read_text(encoding="utf-8")
    # A recipe says the same, and `--model` what is trained.
    (tmp_path / "r.toml").write_text(
        'objective = "mlm"\nnetwork = { preset = "bert-tiny" }\n[corpus]\n'
        f"train = {json.dumps(str(store))}\n[mlm]\nmax_length = 32\n"
    )
    again = headwater("inspect", "batch", tmp_path / "r.toml", "--json", "--epoch", 3)
    assert json.loads(again.out) == found
    ran = headwater(*given, "--model", reader, "--set", "mlm.max_length=32", "--json", "--epoch", 3)
    assert json.loads(ran.out) == found
    ran = headwater(*given, "--rows", 2, "--json")
    assert len(json.loads(ran.out)["sequences"]) == 2
    assert "warning: --rows is called --sequences now" in ran.err
    assert headwater(*given, "--rows", 2, "--sequences", 2).code == 2
    assert "--rows" not in headwater("inspect", "batch", "--help").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("inputs", "MODEL", " "), "the text is empty"),
        (("inputs", "MODEL", "mill " * 127), "129 tokens, special ones included; this model reads"),
        (("inputs", "HERE/absent", "a"), "absent"),
        (("inputs", "MODEL", "a", "--output", "HERE/a.jpg"), ".png or .html"),
        (("attention", "MODEL", "a", "--layer", 1), "--layer 1: "),
        (("attention", "MODEL", "a", "--head", -1), "has heads 0 to 1"),
        (("attention", "MODEL"), "give a model and a text"),
        (("attention", "MODEL", "a", "--patterns"), "leave the model and the text out"),
        (("attention", "MODEL", "a", "--output", "MODEL/config.json/a.png"), "this is a file"),
        (("outputs", "MODEL", "a"), "give a question and a text that may answer it"),
        (("outputs", "MODEL", "a", "--output", "HERE/a.png"), "must end in .html"),
        (("batch",), "give a RECIPE.toml"),
        (("batch", "HERE/absent.toml"), "no such file"),
        (("batch", "--objective", "lm", "--corpus", "HERE"), "not a token store"),
        (("batch", "--objective", "nothing", "--corpus", "HERE"), "objective"),
    ],
)
def test_a_mistake_is_one_line(
    headwater: Any, reader: Path, tmp_path: Path, arguments: tuple[object, ...], said: str
) -> None:
    given = [
        str(each).replace("HERE", str(tmp_path)).replace("MODEL", str(reader)) for each in arguments
    ]
    ran = headwater("inspect", *given)
    assert ran.code == 2, ran.err
    assert ran.out == ""
    assert ran.err.startswith("headwater: ")
    assert len(ran.err.splitlines()) == 1
    assert said in ran.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["inputs", "batch", "attention", "outputs"])
def test_help_imports_nothing_heavy(verb: str) -> None:
    code = (
        f"import sys; from headwater import cli; sys.argv = ['headwater', 'inspect', '{verb}', "
        f"'--help']\ntry: cli.main()\nfinally: print(sorted(set({HEAVY}) & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: headwater inspect" in ran.stdout
    assert ran.stdout.splitlines()[-1] == "[]"
