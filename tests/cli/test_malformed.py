"""Broken input through every verb: one clear line, exit code 2, no traceback, nothing written."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import tiny

CONTEXT = "the mill is by the river"


def _question(**changes: Any) -> dict[str, Any]:
    question = tiny.question("q1", "where is the mill ?", "by the river", 12) | changes
    return {key: value for key, value in question.items() if value is not ...}


def _squad(*questions: Any, context: Any = CONTEXT) -> bytes:
    return json.dumps(tiny.squad(tiny.paragraph(context, *questions))).encode()


def _answer(**changes: Any) -> dict[str, Any]:
    return _question(answers=[{"text": "by the river", "answer_start": 12, **changes}])


GOOD = _squad(_question())

DATA: dict[str, bytes] = {
    # encoding
    "latin-1": GOOD.replace(b"river", b"r\xe9ver"),
    "utf-16": GOOD.decode().encode("utf-16"),
    "cut inside a character": '{"data": "é'.encode()[:-1],
    "nul byte": GOOD.replace(b"mill", b"mi\0l"),
    "all nul": b"\0" * 64,
    "random bytes": bytes(range(256)),
    # emptiness
    "empty": b"",
    "only white space": b" \n\t\n",
    "only a byte-order mark": b"\xef\xbb\xbf",
    "no articles": b'{"data": []}',
    "no paragraphs": b'{"data": [{"paragraphs": []}]}',
    "no questions": _squad(),
    # JSON
    "cut short": GOOD[: len(GOOD) // 2],
    "trailing comma": b'{"data": [],}',
    "single quotes": b"{'data': []}",
    "two values": GOOD + GOOD,
    "a number": b"42",
    "a text": b'"data"',
    "null": b"null",
    "NaN": GOOD.replace(b"12", b"NaN"),
    "Infinity": GOOD.replace(b"12", b"Infinity"),
    "too deep": b"[" * 50_000,
    "lone surrogate": GOOD.replace(b"mill ?", b"\\ud800 ?"),
    "lone surrogate in a key": b'{"\\udfff": 1}',
    "not JSON at all": b"id,question,context\n1,who,me\n",
    "JSON lines": b'{"id": 1}\n{"id": 2}\n',
    "a 10 MB line": b'{"data": "' + b"x" * 10_000_000,
    "a 10 MB number": b'{"data": ' + b"9" * 10_000_000 + b"}",
    # schema
    "no data": b'{"version": "1.1"}',
    "data is an object": b'{"data": {}}',
    "data is null": b'{"data": null}',
    "article is a text": b'{"data": ["x"]}',
    "paragraphs missing": b'{"data": [{"title": "t"}]}',
    "context missing": b'{"data": [{"paragraphs": [{"qas": []}]}]}',
    "context is a list": _squad(_question(), context=["a"]),
    "qas is a number": b'{"data": [{"paragraphs": [{"context": "a", "qas": 3}]}]}',
    "question missing": _squad(_question(question=...)),
    "question is a number": _squad(_question(question=5)),
    "id missing": _squad(_question(id=...)),
    "id is a fraction": _squad(_question(id=7.5)),
    "id is true": _squad(_question(id=True)),
}
"""Broken for whoever reads questions, with their answers or without."""

LABELLED: dict[str, bytes] = {
    "answers missing": _squad(_question(answers=...)),
    "answers is an object": _squad(_question(answers={})),
    "answer is a text": _squad(_question(answers=["by the river"])),
    "answer text missing": _squad(_question(answers=[{"answer_start": 0}])),
    "answer text is null": _squad(_answer(text=None)),
    "impossible is a text": _squad(_question(is_impossible="no")),
}
"""Broken for whoever needs the answers too."""

UNTRAINED: dict[str, bytes] = {
    "context is empty": _squad(_question(), context=""),
    "context is white space": _squad(_question(), context=" \n "),
    "only an empty question": _squad(_question(question="  ")),
    "duplicate ids": _squad(_question(), _question()),
    "answer not in the context": _squad(_answer(text="in Spain")),
    "answer in two places": _squad(_answer(text="the", answer_start=1)),
    "impossible with answers": _squad(_question(is_impossible=True)),
    "possible without": _squad(_question(answers=[], is_impossible=False)),
}
"""Counted by the official scripts, so by `score` and `evaluate`; nothing to learn from."""

MEANT: dict[str, bytes] = {
    "start missing": _squad(_question(answers=[{"text": "mill"}])),
    "start is a text": _squad(_answer(answer_start="12")),
    "start is a fraction": _squad(_answer(answer_start=12.5)),
    "start is true": _squad(_answer(answer_start=True)),
    "id is a number": _squad(_question(id=7)),
}
"""Not as the format has it, but with one meaning: read by every verb."""


def assert_one_clear_line(ran: Any, *names: str) -> None:
    assert ran.code == 2, ran
    last = ran.err.strip().splitlines()[-1]
    assert last.startswith("headwater: "), ran.err
    assert "Traceback" not in ran.err + ran.out
    assert len(last) < 600
    for name in names:
        assert name in last


@pytest.mark.parametrize("kind", [*DATA, *LABELLED])
def test_broken_questions(kind: str, headwater: Any, reader: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_bytes({**DATA, **LABELLED}[kind])
    out = tmp_path / "out"
    predictions = tmp_path / "predictions.json"
    predictions.write_text("{}")
    before = sorted(tmp_path.iterdir())
    task = "squad_v2"
    given = ("--model", reader, "--task", task)
    calls = [
        ("evaluate", *given, "--data", broken, "--output", out),
        ("score", task, "--data", broken, "--predictions", predictions),
        ("finetune", *given, "--data", broken, "--output", out, "--set", "training.steps=1"),
    ]  # fmt: skip
    if kind in DATA:
        calls.append(("predict", *given, "--input", broken, "--output", out))
    for call in calls:
        assert_one_clear_line(headwater(*call), "broken.json")
        assert sorted(tmp_path.iterdir()) == before, call[0]


@pytest.mark.parametrize("kind", [*UNTRAINED, *MEANT])
def test_questions_that_the_official_script_counts(
    kind: str, headwater: Any, reader: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "odd.json"
    odd.write_bytes({**UNTRAINED, **MEANT}[kind])
    predictions = tmp_path / "predictions.json"
    predictions.write_text('{"q1": "by the river", "7": "by the river"}')
    given = ("--model", reader, "--task", "squad_v2", "--data", odd)
    for call in [
        ("evaluate", *given, "--json"),
        ("score", "squad_v2", "--data", odd, "--predictions", predictions, "--json"),
    ]:
        ran = headwater(*call)
        assert ran.code == 0, ran
        assert json.loads(ran.out)["total"] == 1
    before = sorted(tmp_path.iterdir())
    ran = headwater("finetune", *given, "--output", tmp_path / "out", "--set", "training.steps=1")
    if kind in MEANT:
        assert ran.code == 0, ran
    else:
        assert_one_clear_line(ran, "odd.json")
        assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"caf\xe9 by the river"),
        ("a.txt", b"the mill\0"),
        ("a.txt", b""),
        ("a.txt", b" \n\n"),
        ("a.txt", "the mill".encode("utf-16")),
        ("a.txt.gz", b"not gzip"),
        ("a.txt.gz", gzip.compress(b"the mill" * 99, mtime=0)[:-7]),
        ("folder/a.pdf", b"%PDF"),
        ("folder/a.txt", b"\xff\xfe"),
        ("folder/a.md", b"   "),
    ],
)
def test_broken_contexts(
    headwater: Any, reader: Path, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    context = tmp_path / name.split("/")[0]
    ran = headwater("ask", "where is the mill ?", "--context", context, "--model", reader)
    assert_one_clear_line(ran, context.name)
    assert ran.out == ""


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"q1": 3}', b'{"q1": null}', b'{"q1": "a"', b"\xff", b'{"q1": "\\ud800"}'],
)
def test_broken_predictions(headwater: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.json").write_bytes(GOOD)
    (tmp_path / "broken.json").write_bytes(content)
    ran = headwater(
        "score",
        "squad",
        "--data",
        tmp_path / "data.json",
        "--predictions",
        tmp_path / "broken.json",
    )
    assert_one_clear_line(ran, "broken.json")


@pytest.mark.parametrize(
    "content", [b"{", b'{"q1": "0.5"}', b'{"q1": NaN}', b'{"q1": true}', b"[0.5]", b'{"q1": 1e999}']
)
def test_broken_probabilities(headwater: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.json").write_bytes(GOOD)
    (tmp_path / "predictions.json").write_text('{"q1": "by the river"}')
    (tmp_path / "broken.json").write_bytes(content)
    ran = headwater(
        *("score", "squad_v2", "--data", tmp_path / "data.json"),
        *("--predictions", tmp_path / "predictions.json"),
        *("--no-answer-probabilities", tmp_path / "broken.json"),
    )
    assert_one_clear_line(ran, "broken.json")


def test_wrong_paths_and_names(headwater: Any, reader: Path, tmp_path: Path) -> None:
    data, folder = tmp_path / "data.json", tmp_path / "folder"
    data.write_bytes(GOOD)
    folder.mkdir()
    given = ("--model", reader, "--task", "squad")
    before = sorted(tmp_path.iterdir())
    for call, name in [
        (("ask", "who ?", "--context", tmp_path / "absent.txt", "--model", reader), "absent.txt"),
        (("ask", "who ?", "--context", data, "--model", tmp_path / "absent"), "absent"),
        (("ask", "who ?", "--context", data, "--model", data), "data.json"),
        (("ask", "who ?", "--context", data, "--model", folder), "folder"),
        (("ask", " ", "--context", data, "--model", reader), "question"),
        (("ask", "who ?", "--model", reader), "give a context"),
        (("ask", "who ?", "--context", data, "--model", reader, "--device", "gpu9"), "gpu9"),
        (("evaluate", *given, "--data", folder), "folder"),
        (("evaluate", *given, "--data", data, "--output", data), "data.json"),
        (("evaluate", "--model", reader, "--task", "sqaud", "--data", data), "'squad'"),
        (("predict", *given, "--input", folder, "--output", tmp_path / "p"), "folder"),
        (("predict", *given, "--input", data, "--output", folder), "folder"),
        (("predict", *given, "--input", data, "--output", data / "x" / "y"), "data.json"),
        (("score", "squad", "--data", data, "--predictions", folder), "folder"),
        (("finetune", *given, "--data", folder, "--output", tmp_path / "run"), "folder"),
        (("finetune", tmp_path / "absent.toml"), "absent.toml"),
        (("finetune", *given, "--data", data), "--output"),
        (("finetune", "--model", reader, "--output", tmp_path / "run"), "task"),
        (("finetune", *given, "--data", data, "--output", data), "data.json"),
    ]:
        assert_one_clear_line(headwater(*call), name)
        assert sorted(tmp_path.iterdir()) == before, call


def test_an_unreadable_file(
    headwater: Any, reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.json"
    secret.write_bytes(GOOD)
    open_file = Path.open

    def refuse(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == "secret.json":  # root may read anything, so the refusal is made
            raise PermissionError(13, "Permission denied")
        return open_file(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", refuse)
    given = ("--model", reader, "--task", "squad")
    for call in [
        ("ask", "who ?", "--context", secret, "--model", reader),
        ("evaluate", *given, "--data", secret),
        ("predict", *given, "--input", secret, "--output", tmp_path / "out"),
        ("score", "squad", "--data", secret, "--predictions", secret),
        ("finetune", *given, "--data", secret, "--output", tmp_path / "out"),
    ]:
        assert_one_clear_line(headwater(*call), "secret.json", "Permission denied")
    assert sorted(tmp_path.iterdir()) == [secret]


@pytest.mark.parametrize(
    "content",
    [
        b"model = ",
        b"model = 'x'\ntask = 'squad'\n",
        b"modle = 'x'",
        b"\xff\xfe",
        b"[data]\ntrain = 'one.json'\n",
        b"training = 3",
    ],
)
def test_broken_recipes(headwater: Any, tmp_path: Path, content: bytes) -> None:
    recipe = tmp_path / "broken.toml"
    recipe.write_bytes(content)
    ran = headwater("finetune", recipe, "--output", tmp_path / "run")
    assert_one_clear_line(ran, "broken.toml")
    assert sorted(tmp_path.iterdir()) == [recipe]


@pytest.mark.parametrize("key", ["validation", "held_out"])
@pytest.mark.parametrize("kind", ["latin-1", "empty", "cut short", "qas is a number"])
def test_broken_files_beside_good_training_data(
    headwater: Any, reader: Path, tmp_path: Path, key: str, kind: str
) -> None:
    good, broken = tmp_path / "good.json", tmp_path / "broken.json"
    good.write_bytes(GOOD)
    broken.write_bytes(DATA[kind])
    before = sorted(tmp_path.iterdir())
    ran = headwater(
        *("finetune", "--model", reader, "--task", "squad", "--data", good),
        *("--output", tmp_path / "run", "--set", f"data.{key}=['{broken}']"),
    )
    assert_one_clear_line(ran, "broken.json")
    assert sorted(tmp_path.iterdir()) == before


def _damage(folder: Path, how: str) -> str:
    """Damage a model folder; return what the message must name."""
    weights, config = folder / "model.safetensors", folder / "config.json"
    content = weights.read_bytes()
    match how:
        case "flipped bit in the header":
            weights.write_bytes(content[:9] + bytes([content[9] ^ 0x40]) + content[10:])
        case "truncated":
            weights.write_bytes(content[: len(content) // 2])
        case "no weights":
            weights.unlink()
            return "safetensors"
        case "pickled weights":
            weights.rename(folder / "pytorch_model.bin")
            return "pytorch_model.bin"
        case "config.json":
            config.write_text("{")
            return "config.json"
        case "config.json without sizes":
            config.write_text('{"model_type": "bert", "hidden_size": "x"}')
            return "config.json"
        case "vocabulary":
            for name in ("vocab.txt", "tokenizer.json"):
                (folder / name).unlink(missing_ok=True)
            return folder.name
        case "headwater.json":
            (folder / "headwater.json").write_text("[1")
            return "headwater.json"
        case "headwater.json of wrong types":
            (folder / "headwater.json").write_text('{"spans": 3}')
            return "headwater.json"
    return "model.safetensors"


@pytest.mark.parametrize(
    "how",
    [
        "flipped bit in the header",
        "truncated",
        "no weights",
        "pickled weights",
        "config.json",
        "config.json without sizes",
        "vocabulary",
        "headwater.json",
        "headwater.json of wrong types",
    ],
)
def test_damaged_models(headwater: Any, reader: Path, tmp_path: Path, how: str) -> None:
    folder, data = tmp_path / "damaged", tmp_path / "data.json"
    shutil.copytree(reader, folder)
    name = _damage(folder, how)
    data.write_bytes(GOOD)
    for call in [
        ("ask", "where ?", "--context", data, "--model", folder),
        ("evaluate", "--model", folder, "--task", "squad", "--data", data),
    ]:
        assert_one_clear_line(headwater(*call), name)


def test_the_text_itself_as_context(headwater: Any, reader: Path) -> None:
    ran = headwater("ask", "where ?", "--context", f"{CONTEXT}. " * 50, "--model", reader)
    assert_one_clear_line(ran, "standard input", "file, a folder")
