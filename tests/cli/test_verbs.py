"""Each verb does its work, for a person and for a script, and starts fast."""

import io
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import tiny

VERBS = [
    "ask",
    "classify",
    "tag",
    "fill",
    "generate",
    "export",
    "finetune",
    "pretrain",
    "corpus",
    "vocabulary",
    "evaluate",
    "compare",
    "overlap",
    "doctor",
    "launch",
    "plan",
    "card",
    "push",
    "predict",
    "score",
    "submit",
    "merge",
    "convert",
    "study",
    "models",
    "tasks",
]
TEXT = "the mill is by the river. who is by the mill? a fox."


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.json"
    where = tiny.question("q1", "where ?", "by the river", 12)
    who = tiny.unanswerable("q2", "who ?")
    return tiny.squad_file(path, tiny.paragraph("the mill is by the river", where, who))


def test_ask_json_gives_exact_offsets(headwater: Any, reader: Path, tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text(TEXT, encoding="utf-8")
    ran = headwater("ask", "where ?", "--context", text, "--model", reader, "--top-k", 3, "--json")
    assert ran.code == 0
    answers = json.loads(ran.out)
    assert len(answers) == 3
    for answer in answers:
        if not answer["no_answer"]:
            assert TEXT[answer["start"] : answer["end"]] == answer["text"]
            assert answer["text"] in answer["sentence"]
            assert answer["source"] == str(text)


def test_ask_says_that_a_question_is_cut(headwater: Any, reader: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    given = ("--context", tmp_path / "a.txt", "--model", reader)
    ran = headwater("ask", "where is the mill ? " * 5, *given)  # 25 tokens, and it reads 24
    assert ran.code == 0
    assert "tokens at its end that are not read: 1" in ran.err and ran.err.count("\n") == 1
    assert headwater("ask", "where is the mill ?", *given).err == ""


def test_ask_shows_a_person_the_evidence(headwater: Any, reader: Path, tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text(TEXT, encoding="utf-8")
    given = ("ask", "where ?", "--context", text, "--model", reader, "--top-k", 2)
    answers = json.loads(headwater(*given, "--json").out)
    shown = headwater(*given).out
    for answer in answers:
        if answer["no_answer"]:
            assert "does not answer" in shown
        else:
            assert f"[{answer['text']}]" in shown
            assert f"characters {answer['start']} to {answer['end']}" in shown


def test_ask_reads_standard_input(
    headwater: Any, reader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    ran = headwater("ask", "where ?", "--context", "-", "--model", reader, "--json")
    assert ran.code == 0
    assert json.loads(ran.out)[0]["source"] is None


def test_ask_reads_every_text_of_a_folder(headwater: Any, reader: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.txt").write_text("the mill is by the river.")
    (tmp_path / "deep" / "b.md").write_text("a fox is by the mill.")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "c.bin").write_bytes(b"\xff")
    ran = headwater(
        "ask", "where ?", "--context", tmp_path, "--model", reader, "--top-k", 50, "--json"
    )
    sources = {Path(answer["source"]).name for answer in json.loads(ran.out) if answer["source"]}
    assert sources == {"a.txt", "b.md"}


def test_evaluate_writes_what_score_scores(
    headwater: Any, reader: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ran = headwater(
        *("evaluate", "--model", reader, "--task", "squad_v2", "--data", data),
        *("--output", out, "--json"),
    )
    assert ran.code == 0, ran.err
    metrics = json.loads(ran.out)
    assert metrics == json.loads((out / "metrics.json").read_text())
    assert metrics["total"] == 2
    again = headwater(
        *("score", "squad_v2", "--data", data, "--predictions", out / "predictions.json"),
        *("--no-answer-probabilities", out / "no_answer_probabilities.json", "--json"),
    )
    assert json.loads(again.out) == metrics


def test_predict_needs_no_answers(headwater: Any, reader: Path, tmp_path: Path) -> None:
    asked = tmp_path / "asked.json"
    tiny.squad_file(asked, tiny.paragraph("the mill", tiny.question("q1", "what ?")))
    out, probabilities = tmp_path / "p.json", tmp_path / "n.json"
    ran = headwater(
        *("predict", "--model", reader, "--task", "squad_v2", "--input", asked, "--output", out),
        *("--no-answer-probabilities", probabilities),
    )
    assert ran.code == 0, ran.err
    assert set(json.loads(out.read_text())) == {"q1"}
    assert 0 <= json.loads(probabilities.read_text())["q1"] <= 1
    ran = headwater(
        "predict", "--model", reader, "--task", "squad", "--input", asked, "--output", out
    )
    assert json.loads(out.read_text())["q1"] in ("the", "mill", "the mill")


def test_score_gives_the_official_figures(headwater: Any, shared: Path) -> None:
    golden = shared / "golden"
    ran = headwater(
        *("score", "squad_v2", "--json"),
        *("--data", shared / "data/qa/squad_v2.0/dev-v2.0.first12articles.json"),
        *("--predictions", golden / "squad_v2.0.predictions.json"),
        *("--no-answer-probabilities", golden / "squad_v2.0.no_answer_probabilities.json"),
    )
    official = json.loads((golden / "squad_v2.0.scores.json").read_text())
    assert json.loads(ran.out) == pytest.approx(official, abs=1e-9)


def test_score_says_how_many_predictions_are_missing(
    headwater: Any, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "p.json").write_text('{"q1": "by the river"}')
    ran = headwater("score", "squad_v2", "--data", data, "--predictions", tmp_path / "p.json")
    assert ran.code == 0
    assert "questions without a prediction, which count 0: 1 of 2" in ran.err
    assert "exact" in ran.out


def test_lists(headwater: Any) -> None:
    assert "squad_v2" in json.loads(headwater("tasks", "--json").out)
    listed = headwater("models").out
    assert "reader" in listed
    assert "t5-small" in listed
    assert all(len(line) < 120 for line in listed.splitlines())


TRAINING = ("--set", "training.steps=6", "--set", "training.save_steps=2",
            "--set", "training.logging_steps=1", "--set", "training.batch={examples=1}",
            "--set", "spans={max_length=64, max_query_length=16}")  # fmt: skip


def test_finetune_leaves_a_model_and_goes_on_to_the_bit(
    headwater: Any, reader: Path, data: Path, tmp_path: Path
) -> None:
    given = ("finetune", "--model", reader, "--task", "squad_v2", "--data", data, *TRAINING)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    ran = headwater(*given, "--output", whole)
    assert ran.code == 0, ran.err
    assert ran.out.strip() == str(whole)
    for name in ("config.toml", "log.jsonl", "curves.png", "model/config.json", "state/latest"):
        assert (whole / name).is_file(), name
    limit = ("--set", "training.time_limit_minutes=0.0000001")
    for _ in range(6):
        assert headwater(*given, "--output", parts, *limit, "--resume").code == 0
    assert headwater("finetune", "--output", parts, "--resume").code == 0
    weights = "model/model.safetensors"
    assert (whole / weights).read_bytes() == (parts / weights).read_bytes()
    asked = headwater("ask", "where ?", "--context", data, "--model", parts, "--json")
    assert asked.code == 0, asked.err


def test_finetune_refuses_a_used_folder_and_another_recipe(
    headwater: Any, reader: Path, data: Path, tmp_path: Path
) -> None:
    given = ("finetune", "--model", reader, "--task", "squad_v2", "--data", data, *TRAINING)
    out = tmp_path / "run"
    assert headwater(*given, "--output", out, "--set", "training.time_limit_minutes=1e-9").code == 0
    again = headwater(*given, "--output", out)
    assert again.code == 2
    assert "--resume" in again.err
    other = headwater(*given, "--output", out, "--resume", "--set", "training.learning_rate=0.5")
    assert other.code == 2
    assert "learning_rate" in other.err
    data.write_text(data.read_text().replace("river", "rover"))
    changed = headwater(*given, "--output", out, "--resume")
    assert changed.code == 2
    assert "data" in changed.err


@pytest.mark.parametrize("arguments", [[], *[[verb] for verb in VERBS]])
def test_no_help_imports_torch(arguments: list[str]) -> None:
    code = (
        "import sys; sys.argv = ['headwater', *sys.argv[1:], '--help']\n"
        "from headwater import cli\n"
        "try: cli.main()\n"
        "except SystemExit as stop: assert stop.code in (0, None), stop.code\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)


def test_importing_headwater_imports_no_torch() -> None:
    modules = "headwater, headwater.cli, headwater.runs.recipe"
    code = f"import sys, {modules}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.timing
def test_help_is_quick() -> None:
    command = [str(Path(sys.executable).parent / "headwater"), "--help"]
    subprocess.run(command, check=True, capture_output=True)
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - begin)
    assert statistics.median(seconds) < 0.3, seconds


def test_no_subcommand_shows_help_and_unknown_ones_are_the_users_mistake(headwater: Any) -> None:
    assert "Commands" in headwater().out + headwater().err
    assert headwater("aks").code == 2
    assert headwater("ask").code == 2


def _script(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).parent / "headwater"), *arguments]


@pytest.mark.skipif(os.name == "nt", reason="pipes of another kind")
@pytest.mark.parametrize(
    "arguments",
    [
        ("models",),
        ("--help",),
        ("ask", "--help"),
        ("ask", "Who?", "--context", str(Path(__file__).parents[2] / "examples" / "spring.txt")),
    ],
)
def test_a_closed_pipe_ends_quietly(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(_script(*arguments), stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, "")


def test_json_through_a_terminal_of_few_characters(
    headwater: Any, reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "caf\u00e9.txt"
    text.write_text(TEXT, encoding="utf-8")
    raw = io.BytesIO()
    for encoding in ("ascii", "cp1252"):
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
        given = ("ask", "where ?", "--context", text, "--model", reader, "--top-k", 2)
        assert headwater(*given, "--json").code == 0
        sys.stdout.flush()
        sources = {answer["source"] for answer in json.loads(raw.getvalue().decode(encoding))}
        assert str(text) in sources
        assert headwater(*given).code == 0
        raw.seek(0)
        raw.truncate()


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode there")
def test_a_file_name_that_is_not_utf_8(headwater: Any, reader: Path, tmp_path: Path) -> None:
    text = tmp_path / os.fsdecode(b"caf\xe9.txt")
    text.write_text(TEXT, encoding="utf-8")
    given = ("ask", "where ?", "--context", text, "--model", reader, "--top-k", 2)
    ran = headwater(*given, "--json")
    assert ran.code == 0
    assert str(text) in {answer["source"] for answer in json.loads(ran.out)}
    assert headwater(*given).code == 0


def test_finetune_json_says_how_the_run_ended(
    headwater: Any, reader: Path, data: Path, tmp_path: Path
) -> None:
    ran = headwater(
        *("finetune", "--model", reader, "--task", "squad_v2", "--data", data, *TRAINING),
        *("--set", "training.steps=1", "--output", tmp_path / "run", "--json"),
    )
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) == {
        "output": str(tmp_path / "run"),
        "reason": "finished",
        "step": 1,
        "best_step": None,
        "best_value": None,
        "exit_code": 0,
    }


def test_version(headwater: Any) -> None:
    assert headwater("--version").out == "headwater 0.2.0\n"


def test_predict_never_overwrites_what_it_reads(
    headwater: Any, reader: Path, data: Path, tmp_path: Path
) -> None:
    before = data.read_bytes()
    given = ("predict", "--model", reader, "--task", "squad_v2", "--input", data)
    link = tmp_path / "link.json"
    link.symlink_to(data)
    same = tmp_path / "same.json"
    for options in (
        ("--output", data),
        ("--output", link),
        ("--output", "-"),
        ("--output", same, "--no-answer-probabilities", same),
        ("--output", "/dev/null"),
    ):
        ran = headwater(*given, *options)
        assert ran.code == 2, options
        assert ran.err.startswith("headwater: ")
        assert data.read_bytes() == before
        assert not same.exists()
    assert Path("/dev/null").is_char_device()


def test_a_link_keeps_pointing_to_what_is_written(
    headwater: Any, reader: Path, data: Path, tmp_path: Path
) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("old")
    link.symlink_to(target)
    ran = headwater(
        *("predict", "--model", reader, "--task", "squad", "--input", data, "--output", link)
    )
    assert ran.code == 0, ran.err
    assert link.is_symlink()
    assert set(json.loads(target.read_text())) == {"q1", "q2"}


def test_hidden_files_and_empty_names_are_not_read(
    headwater: Any, reader: Path, tmp_path: Path
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "a.txt").write_text("the mill")
    (tmp_path / ".b.txt").write_text("the mill")
    ran = headwater("ask", "where ?", "--context", tmp_path, "--model", reader)
    assert (ran.code, "no .txt or .md" in ran.err) == (2, True)
    (tmp_path / "c.txt").write_text("the mill")
    for options in (("--context", ""), ("--context", tmp_path, "--model", "")):
        ran = headwater("ask", "where ?", "--model", reader, *options)
        assert (ran.code, "is empty" in ran.err) == (2, True)


def test_scores_that_are_not_finite_are_no_answer(
    headwater: Any, reader: Path, tmp_path: Path
) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(reader, broken)
    (broken / "manifest.json").unlink()
    weights = load_file(broken / "model.safetensors")
    weights["qa_outputs.bias"][0] = float("nan")
    save_file(weights, broken / "model.safetensors")
    text = tmp_path / "a.txt"
    text.write_text("the mill")
    ran = headwater("ask", "where ?", "--context", text, "--model", broken)
    assert (ran.code, "not finite" in ran.err) == (2, True)
