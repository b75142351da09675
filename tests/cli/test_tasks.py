"""`headwater tasks` and `tasks show`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny

Headwater = Callable[..., Any]

WORDS = ["it", "rains", "ada", "##ly", ".", "the"]


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    folder = tmp_path / "encoder"
    tiny.wordpiece(folder, WORDS)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    return folder


def shown(headwater: Headwater, *arguments: object) -> dict[str, Any]:
    ran = headwater("tasks", "show", *arguments, "--json")
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_alone_it_lists(headwater: Headwater) -> None:
    names = json.loads(headwater("tasks", "--json").out)
    for name in ("squad", "rte", "wnut17", "translate_en_de", "scitldr", "nq_open"):
        assert names[name]
        assert f"\n{name} " in "\n" + headwater("tasks").out


def test_a_pair_both_ways(headwater: Headwater, tmp_path: Path, encoder: Path) -> None:
    (tmp_path / "RTE").mkdir()
    header = "index\tsentence1\tsentence2\tlabel\n"
    lines = "".join(f"{n}\tIt rains.\tAdaly.\tnot_entailment\n" for n in range(4))
    (tmp_path / "RTE/dev.tsv").write_text(header + lines)
    found = shown(headwater, "rte", "--data", tmp_path, "--model", encoder)
    assert len(found["examples"]) == 3
    assert found["examples"][0] == {
        "id": "0",
        "inputs": "rte sentence1: It rains. sentence2: Adaly.",
        "targets": ["not_entailment"],
        "features": [
            {
                "tokens": "[CLS] it rains . [SEP] ada ##ly . [SEP]",
                "label": "1 not_entailment",
            }
        ],
    }
    screen = headwater("tasks", "show", "rte", "--data", tmp_path, "--model", encoder).out
    assert "  tokens    [CLS] it rains . [SEP] ada ##ly . [SEP]\n" in screen
    assert "labels      entailment, not_entailment\n" in screen


def test_tags_stand_at_first_tokens(headwater: Headwater, tmp_path: Path, encoder: Path) -> None:
    (tmp_path / "a.conll").write_text("Adaly\tB-person\nrains\tO\n")
    found = shown(headwater, "ner", "--data", tmp_path / "a.conll", "--model", encoder)
    (row,) = found["examples"][0]["features"]
    assert row == {"tokens": "[CLS] ada ##ly rains [SEP]", "labels": "ada/B-person rains/O"}
    assert found["labels"] == ["O", "B-person"]
    assert found["examples"][0]["targets"] == ["person: Adaly"]


def test_a_number_a_span_and_a_text(headwater: Headwater, tmp_path: Path, encoder: Path) -> None:
    (tmp_path / "stars.toml").write_text(
        'kind = "regression"\nmetrics = ["pearson"]\ntemplate = "s: {t}"\ntexts = ["t"]\n'
    )
    (tmp_path / "a.csv").write_text("t,score\nIt rains,2.5\n")
    stars = shown(
        *(headwater, tmp_path / "stars.toml", "--data", tmp_path / "a.csv", "--model", encoder)
    )
    assert stars["examples"][0]["features"] == [{"tokens": "[CLS] it rains [SEP]", "label": "2.5"}]
    (tmp_path / "where.toml").write_text(
        'kind = "span"\nmetrics = ["f1"]\ntemplate = "{question} {context}"\n'
    )
    (tmp_path / "b.csv").write_text("question,context,answer\nrains,the adaly.,adaly\n")
    where = shown(
        *(headwater, tmp_path / "where.toml", "--data", tmp_path / "b.csv", "--model", encoder)
    )
    assert where["examples"][0]["features"] == [
        {"tokens": "[CLS] rains [SEP] the ada ##ly . [SEP]", "answer": "4:5 ada ##ly"}
    ]
    (tmp_path / "a.jsonl").write_text('{"article": "It rains.", "highlights": "rain"}\n')
    news = shown(*(headwater, "cnn_dailymail", "--data", tmp_path / "a.jsonl", "--model", encoder))
    assert "does not write" in news["examples"][0]["features"][0]["tokens"]
    assert news["examples"][0]["inputs"] == "summarize: It rains."


def test_hidden_labels_are_not_shown(headwater: Headwater, tmp_path: Path, encoder: Path) -> None:
    (tmp_path / "test.tsv").write_text("index\tsentence1\tsentence2\n0\tIt rains.\tAdaly.\n")
    found = shown(headwater, "rte", "--data", tmp_path / "test.tsv", "--model", encoder)
    assert found["examples"][0]["targets"] == []
    assert list(found["examples"][0]["features"][0]) == ["tokens"]
    said = headwater("tasks", "show", "rte", "--data", tmp_path / "test.tsv", "--model", encoder)
    assert "  target    (unknown: " in said.out and "hides the labels" in said.out


def test_the_files_of_this_folder(
    headwater: Headwater, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = headwater("tasks", "show", "wnut17")
    assert ran.code == 2
    assert "task wnut17: no official files in this folder; name one by --data" in ran.err
    (tmp_path / "emerging.dev.conll").write_text("Adaly\tB-person\n\n")
    assert shown(headwater, "wnut17", "--model", encoder)["files"] == ["emerging.dev.conll"]


def test_a_text_to_text_vocabulary(headwater: Headwater, shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "t5"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "t5"}')
    (model,) = (shared / "data/tokenizers").rglob("spiece.model")
    (folder / "spiece.model").symlink_to(model)
    data = shared / "data/translation/multi30k/val.en.gz"
    found = shown(headwater, "translate_en_de", "--data", data, "--model", folder)
    (row,) = found["examples"][0]["features"]
    assert row["tokens"].startswith("▁translate ▁English ▁to ▁German :")
    assert row["targets"].startswith("▁Eine ▁Gruppe")


def test_the_example_of_the_documentation(
    headwater: Headwater, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/own_tasks.md").read_text()
    declaration = page.split("```toml\n")[1].split("```")[0]
    blocks = page.split("```\n")
    table = next(block for block in blocks if block.startswith("subject,"))
    expected = next(block for block in blocks if block.startswith("example 0\n"))
    monkeypatch.chdir(tmp_path)
    Path("tickets.toml").write_text(declaration)
    Path("tickets.csv").write_text(table)
    assert expected in headwater("tasks", "show", "tickets.toml", "--data", "tickets.csv").out


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param(["0\tIt rains.\tAdaly.\tmaybe"], "unknown label 'maybe'", id="the first"),
        pytest.param(
            ["0\tIt rains.\tAdaly.\tentailment", "1\tIt rains.\tIt.\tmaybe"],
            "unknown label 'maybe'",
            id="a later one",
        ),
    ],
)
def test_a_wrong_label_is_not_a_hidden_one(
    headwater: Headwater, tmp_path: Path, encoder: Path, lines: list[str], said: str
) -> None:
    file = tmp_path / "dev.tsv"
    file.write_text("\n".join(["index\tsentence1\tsentence2\tlabel", *lines]) + "\n")
    ran = headwater("tasks", "show", "rte", "--data", file, "--model", encoder)
    assert ran.code == 2 and said in ran.err
    file.write_text("index\tsentence1\tsentence2\n0\tIt rains.\tAdaly.\n")
    found = shown(headwater, "rte", "--data", file, "--model", encoder)
    assert found["examples"][0]["targets"] == []
