"""The scripts that compare two ways of training run from the start to one table, and once only."""

import gzip
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import tiny

ROOT = Path(__file__).resolve().parents[1]
ELECTRA = {
    **{"embedding_size": 16, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1},
    **{"intermediate_size": 32, "max_position_embeddings": 64},
}
QUICK = {"device": "cpu", "precision": "fp32", "logging_steps": 1}


@pytest.fixture
def script(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, headwater: Callable[..., Any]
) -> Callable[[str], ModuleType]:
    """Load a script of recipes/; its commands run in this process and are noted in `asked`."""

    def load(name: str) -> ModuleType:
        file = ROOT / "recipes" / name / "compare.py"
        spec = importlib.util.spec_from_file_location(f"compare_{name}", file)
        assert spec is not None and spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
        found.asked = []

        def ask(*arguments: object) -> str:
            found.asked.append(arguments[0])
            ran = headwater(*arguments)
            assert ran.code == 0, ran.err
            return str(ran.out)

        monkeypatch.setattr(found.verbs, "headwater", ask)
        monkeypatch.setattr(found, "HERE", tmp_path)
        return found

    monkeypatch.syspath_prepend(str(ROOT / "recipes"))
    monkeypatch.chdir(tmp_path)
    return load


def write(file: Path, recipe: str, **tables: dict[str, Any]) -> None:
    """Write a recipe: lines of its own, and tables."""
    lines = [recipe]
    for name, values in tables.items():
        lines += [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]
    file.write_text("\n".join(lines))


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)


def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, output: Path) -> list[str]:
    """Run it twice, and return the rows of its table; what is finished is not trained again."""

    def compare() -> None:
        monkeypatch.setattr(sys, "argv", ["compare.py", str(output)])
        script.main()

    compare()
    table = (output / "table.md").read_text()
    logs = {each: each.stat().st_mtime_ns for each in output.rglob("log.jsonl")}
    before = script.asked.count("evaluate")
    compare()
    assert (output / "table.md").read_text() == table
    assert logs == {each: each.stat().st_mtime_ns for each in output.rglob("log.jsonl")}
    assert script.asked.count("evaluate") == before
    return table.splitlines()[2:]


def test_objectives_are_compared_at_equal_cost(
    script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = tiny.wordpiece(tmp_path / "words", tiny.WORDS, letters=tiny.LETTERS)
    tiny.token_store(tmp_path / "store", words, tiny.example_corpus(tmp_path / "corpus.jsonl"))
    rows = [(f"the mill {n} is {('bad', 'good')[n % 2]} .", n % 2) for n in range(60)]
    for name in ("train", "dev"):
        tiny.tab_separated(tmp_path / f"{name}.tsv", rows, tiny.SST2)
    masked = {"max_length": 16, "next_sentence": False}
    training = {"steps": 4, "batch": {"examples": 8}, **QUICK}
    corpus = {"train": str(tmp_path / "store")}
    for name, objective, more in (
        ("replaced", "replaced_tokens", {"generator_hidden_size": 8}),
        ("masked", "mlm", {}),
    ):
        network = {"preset": "electra-small-discriminator", "sizes": ELECTRA | more}
        tables = {"network": network, "corpus": corpus, "mlm": masked, "training": training}
        write(tmp_path / f"{name}.toml", f'objective = "{objective}"', **tables)
    data = {"train": str(tmp_path / "train.tsv"), "validation_share": 0.3}
    own = {"vocabulary": str(tmp_path / "words"), "sizes": ELECTRA}
    network = {"preset": "electra-small-discriminator", **own}
    given = {"data": data, "training": training | {"eval_steps": 4}}
    write(tmp_path / "random.toml", 'task = "sst2"', network=network, **given)
    write(tmp_path / "sst2.toml", 'model = "given"\ntask = "sst2"', **given)
    compare = script("electra")
    monkeypatch.setattr(compare, "DEV", tmp_path / "dev.tsv")
    monkeypatch.setattr(compare, "SEEDS", 2)
    random, masked_row, replaced = (
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in run(compare, monkeypatch, tmp_path / "out")
    )
    assert random[:3] == ["random weights", "0", "0"]
    assert (masked_row[0], replaced[0], replaced[1]) == ("masked tokens", "replaced tokens", "4")
    costs = float(masked_row[2]), float(replaced[2])
    assert abs(costs[0] / costs[1] - 1) < 0.5 / int(masked_row[1]) + 0.01  # whole steps
    assert all("±" in row[-1] for row in (random, masked_row, replaced))


def test_warm_starts_are_compared_with_random_weights(
    script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = tiny.wordpiece(tmp_path / "words", tiny.WORDS, letters=tiny.LETTERS)
    tiny.model_folder(tmp_path / "bert", words)
    captions = tmp_path / "data/translation/multi30k"
    captions.mkdir(parents=True)
    for part in ("train", "val", "test_2016_flickr"):
        for language, line in (("en", "The mill is good .\n"), ("de", "Die Mühle ist groß .\n")):
            with gzip.open(captions / f"{part}.{language}.gz", "wt", encoding="utf-8") as file:
                file.write(line * 8)
    summaries = tmp_path / "data/summarization/scitldr_a"
    summaries.mkdir(parents=True)
    record = {"source": ["the mill is good ."], "target": ["a mill ."], "paper_id": "a"}
    for part in ("train", "dev", "test"):
        rows = [record | {"paper_id": f"{part}{n}"} for n in range(8)]
        tiny.json_lines(summaries / f"{part}.jsonl", rows)
    config = tiny.bert_config(vocab_size=words.size)
    sizes = {
        name: getattr(config, name)
        for name in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    }
    training = {"steps": 2, "eval_steps": 2, "batch": {"examples": 4}, **QUICK}
    tables: dict[str, Any] = {
        "text": {"max_inputs": 16, "max_targets": 4},
        "decoder": {"layers": 1, "positions": 8},
        "training": training,
    }
    network = {"preset": "bert-base-uncased", "vocabulary": str(tmp_path / "words")}
    captioned = {"train": ["runs/warm/text/train.en"], "validation": ["runs/warm/text/val.en"]}
    summarized = {
        "train": [str(summaries / "train.jsonl")],
        "validation": [str(summaries / "dev.jsonl")],
    }
    for name, task, data in (
        ("translate", "translate_en_de", captioned),
        ("summarize", "scitldr", summarized),
    ):
        own = f'task = "{task}"'
        write(tmp_path / f"{name}.toml", f'model = "{tmp_path}/bert"\n{own}', data=data, **tables)
        random = {"network": {**network, "sizes": sizes}, "data": data, **tables}
        write(tmp_path / f"{name}-random.toml", own, **random)
    compare = script("warm")
    monkeypatch.setattr(compare, "DATA", tmp_path / "data")
    task, _, metrics = compare.TASKS["summarize"]
    given = {**compare.TASKS, "summarize": (task, summaries / "test.jsonl", metrics)}
    monkeypatch.setattr(compare, "TASKS", given)
    rows = run(compare, monkeypatch, tmp_path / "out")
    starts = [tuple(cell.strip() for cell in row.strip("|").split("|"))[:2] for row in rows]
    assert starts == [
        *(("translate_en_de", "random"), ("translate_en_de", "MiniLM")),
        *(("scitldr", "random"), ("scitldr", "MiniLM")),
    ]
    assert (tmp_path / "runs/warm/text/train.de").read_text() == "die muhle ist groß .\n" * 8


def test_a_script_ends_as_its_command_does(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The command's own line says why; a traceback of the script would hide it."""
    monkeypatch.syspath_prepend(str(ROOT / "recipes"))
    verbs = importlib.import_module("verbs")
    with pytest.raises(SystemExit) as ended:
        verbs.headwater("doctor", "absent.toml")
    assert ended.value.code == 2
    assert capfd.readouterr().err.endswith("absent.toml: no such recipe\n")
