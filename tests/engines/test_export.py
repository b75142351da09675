"""`headwater export`: a folder that every verb opens, and what it says of itself."""

import importlib.util
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from headwater.checkpoints.folder import load_model
from headwater.errors import UserError
from headwater.evaluation import export as exporting
from headwater.evaluation.agreement import Agreement
from headwater.evaluation.export import export
from headwater.inference.loaded import load
from headwater.pipelines.text_generation import GenerationOptions, TextGeneration
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune

TEXT = "the mill is by the river. where is the river? the river is by the mill. " * 8
QUESTION = "where is the mill?"


def _needs(extra: str, *modules: str) -> pytest.MarkDecorator:
    missing = any(importlib.util.find_spec(each) is None for each in modules)
    return pytest.mark.skipif(missing, reason=f"needs the extra {extra}")


onnx = _needs("onnx", "onnx", "onnxruntime")
ctranslate2 = _needs("ctranslate2", "ctranslate2")


def read_json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


@onnx
def test_a_reader_answers_as_before(reader: Path, tmp_path: Path) -> None:
    found = export(str(reader), "onnx", tmp_path / "e")
    assert found.agreement["difference"] < 1e-4
    ours, theirs = load(reader, "cpu", precision="fp32"), load(tmp_path / "e")
    expected = ours.answer(QUESTION, TEXT, top_k=5)
    answers = theirs.answer(QUESTION, TEXT, top_k=5)
    assert [each.text for each in answers] == [each.text for each in expected]
    assert [a.score for a in answers] == pytest.approx([a.score for a in expected], abs=1e-4)
    with ThreadPoolExecutor(4) as pool:
        several = list(pool.map(lambda _: theirs.answer(QUESTION, TEXT, top_k=5), range(8)))
    assert several == [answers] * 8


@onnx
def test_the_folder_says_what_it_is(reader: Path, tmp_path: Path, headwater: Any) -> None:
    ran = headwater("export", "onnx", reader, "--int8", "--output", tmp_path / "e", "--json")
    assert ran.code == 0, ran.err
    said, file = json.loads(ran.out), read_json(tmp_path / "e" / "engine.json")
    assert {"output": str(tmp_path / "e"), **file} == said
    assert (file["engine"], file["file"], file["quantization"]) == ("onnx", "model.onnx", "int8")
    sums = {"model.safetensors": read_json(reader / "manifest.json")["model.safetensors"]}
    assert file["source"] == {"name": str(reader), "sha256": sums}
    assert file["agreement"]["texts"] == 8
    assert 0 < file["agreement"]["difference"] < file["agreement"]["largest"]
    card = (tmp_path / "e" / "README.md").read_text(encoding="utf-8")
    assert sums["model.safetensors"] in card
    assert f"{file['agreement']['difference']:.4g}" in card
    for name in ("config.json", "headwater.json", "vocab.txt"):
        assert read_or_text(tmp_path / "e" / name) == read_or_text(reader / name)


def read_or_text(file: Path) -> Any:
    """Return what a file says; of a config.json all but the type of the weights, which are none."""
    if file.suffix != ".json":
        return file.read_text(encoding="utf-8")
    return {key: value for key, value in read_json(file).items() if key != "dtype"}


@onnx
def test_scores_of_both_are_written(reader: Path, tmp_path: Path, headwater: Any) -> None:
    asked = [tiny.question(str(n), QUESTION, "mill", 4) for n in range(5)]
    data = tiny.squad_file(tmp_path / "dev.json", tiny.paragraph(TEXT, *asked))
    given = ("--task", "squad", "--data", data)
    ran = headwater("export", "onnx", reader, "--output", tmp_path / "e", *given)
    assert ran.code == 0, ran.err
    assert "squad, 5 examples" in ran.out
    scores = read_json(tmp_path / "e" / "engine.json")["agreement"]["scores"]
    assert scores["original"] == scores["exported"]
    measured = [
        headwater("evaluate", "--model", model, *given, "--json").out
        for model in (reader, tmp_path / "e")
    ]
    assert measured[0] == measured[1]
    assert json.loads(measured[0])["f1"] == pytest.approx(scores["original"]["f1"])


@onnx
@pytest.mark.parametrize(
    ("head", "verb", "text"),
    [
        ("sequence", "classify", "the mill"),
        ("multi_label", "classify", "the mill"),
        ("regression", "classify", "the mill"),
        ("token", "tag", "the mill by the river"),
        ("masked_lm", "fill", "the mill by the ___ ."),
    ],
)
def test_verbs_say_the_same(
    head: str, verb: str, text: str, tmp_path: Path, headwater: Any
) -> None:
    words = tiny.wordpiece(tmp_path / "words", ["the", "mill", "river", "."], tiny.LETTERS)
    labels = ("O", "B-x", "I-x") if head in ("sequence", "multi_label", "token") else ()
    folder = tiny.model_folder(tmp_path / "model", words, head, labels=labels)
    export(str(folder), "onnx", tmp_path / "e")
    said = [
        headwater(verb, text, "--model", model, "--json").out for model in (folder, tmp_path / "e")
    ]
    assert _rounded(json.loads(said[0])) == _rounded(json.loads(said[1]))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value


@onnx
def test_lora_is_merged_and_adapters_are_refused(tmp_path: Path) -> None:
    words = tiny.wordpiece(tmp_path / "words", tiny.WORDS, tiny.LETTERS)
    body = tiny.model_folder(tmp_path / "body", words)
    data = tiny.cola(tmp_path / "train.tsv", 8)
    for method in ("lora", "adapters"):
        values = {
            "task": "cola",
            "model": str(body),
            "method": method,
            "data": {"train": str(data)},
            "training": tiny.exact_training(2, 4, learning_rate=0.1),
        }
        finetune(Recipe.check(values, "test"), tmp_path / method)
    export(str(tmp_path / "lora"), "onnx", tmp_path / "e")
    ours, theirs = load(tmp_path / "lora", precision="fp32"), load(tmp_path / "e")
    expected = [each.score for each in ours.classify("the mill is good .")]
    found = [each.score for each in theirs.classify("the mill is good .")]
    assert found == pytest.approx(expected, abs=1e-4)
    with pytest.raises(
        UserError, match="method 'adapters', which stays beside the body; only whole"
    ):
        export(str(tmp_path / "adapters"), "onnx", tmp_path / "other")


@ctranslate2
def test_a_writer_writes_as_before(writer: Path, tmp_path: Path, headwater: Any) -> None:
    found = export(str(writer), "ctranslate2", tmp_path / "e")
    assert found.agreement["difference"] < 1e-3
    assert found.agreement["equal_texts"] == 1
    options = ("--max-new-tokens", "6", "--json")
    said = [
        headwater("generate", "the spring flows", "--model", model, *options)
        for model in (writer, tmp_path / "e")
    ]
    assert said[0] == said[1]
    ours, theirs = load(writer, precision="fp32"), load(tmp_path / "e")
    assert theirs.generates
    expected = ours.answer(QUESTION, "the spring flows again")
    assert theirs.answer(QUESTION, "the spring flows again")[0].text == expected[0].text


@ctranslate2
def test_ctranslate2_opens_the_folder_alone(writer: Path, tmp_path: Path) -> None:
    import ctranslate2

    export(str(writer), "ctranslate2", tmp_path / "e", quantization="int8")
    translator = ctranslate2.Translator(str(tmp_path / "e"), intra_threads=1)
    [found] = translator.translate_batch([["▁the", "</s>"]], beam_size=1, max_decoding_length=3)
    assert len(found.hypotheses[0]) <= 3
    written = read_json(tmp_path / "e" / "config.json")
    assert written["model_type"] == "t5"
    assert written["decoder_start_token"] == "<pad>"


@ctranslate2
def test_a_gpt2_goes_on_as_before(tmp_path: Path) -> None:
    words = tiny.byte_pairs(tmp_path / "words", "Ġ t", "h e")
    folder = tiny.model_folder(tmp_path / "model", words, family="gpt", n_positions=64)
    found = export(str(folder), "ctranslate2", tmp_path / "e")
    assert found.agreement["equal_texts"] == 1
    ours, theirs = load(folder, precision="fp32"), load(tmp_path / "e")
    prompts = ["the mill", "a", "by the"]
    expected = ours.generate(prompts, max_new_tokens=5)
    assert theirs.generate(prompts, max_new_tokens=5) == expected
    here, there = (TextGeneration(each) for each in (ours, theirs))
    options = GenerationOptions(max_new_tokens=5)
    assert here.stepwise(options) and not there.stepwise(options)
    assert there.run(prompts, options) == here.run(prompts, options)
    with pytest.raises(UserError, match="CTranslate2 writes whole texts"):
        there.stepwise(GenerationOptions(details=True))


@onnx
def test_outputs_that_differ_are_not_written(
    reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "compare", lambda *_: Agreement(8, 0.02, 3.0))
    with pytest.raises(UserError, match=r"outputs differ by 0\.02 .* nothing was written"):
        export(str(reader), "onnx", tmp_path / "e")
    assert not list(tmp_path.iterdir())
    export(str(reader), "onnx", tmp_path / "e", quantization="int8")  # what it costs is written
    monkeypatch.setattr(exporting, "compare", lambda *_: Agreement(8, float("inf"), 3.0))
    with pytest.raises(UserError, match="outputs differ by inf"):
        export(str(reader), "onnx", tmp_path / "other", quantization="int8")


@pytest.fixture(scope="module")
def exported(reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "e"
    export(str(reader), "onnx", folder)
    return folder


@onnx
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("finetune", "--task", "squad", "--data", "x.json", "--output", "r", "--model", "E"),
            "made of",
        ),
        (("merge", "E", "--output", "m"), "an export, which runs and does no more"),
        (("inspect", "outputs", "E", "the mill"), "an export, into which nothing can look"),
        (("inspect", "attention", "E", "the mill"), "inspect the model that it was made of"),
        (("export", "onnx", "E", "--output", "other"), "an export already; export the model"),
        (("classify", "the mill", "--device", "cuda", "--model", "E"), "runs on the CPU"),
        (("classify", "the mill", "--precision", "bf16", "--model", "E"), "leave 'bf16' out"),
    ],
)
def test_what_an_export_cannot_do_is_one_line(
    arguments: tuple[str, ...],
    expected: str,
    exported: Path,
    headwater: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.squad_file(tmp_path / "x.json", tiny.paragraph(TEXT, tiny.question("1", "?", "mill", 4)))
    ran = headwater(*(exported if each == "E" else each for each in arguments))
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert expected in ran.err


@onnx
def test_a_body_cannot_be_an_export(exported: Path, reader: Path) -> None:
    with pytest.raises(UserError, match="holds a whole model"):
        load(exported).adapted(reader)
    with pytest.raises(UserError, match="an export, which runs and does no more"):
        load_model(exported)


@onnx
@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda e: (e / "engine.json").write_text("{"), "engine.json, line 1"),
        (lambda e: (e / "engine.json").write_text("[]"), "engine.json: a JSON object was expected"),
        (lambda e: (e / "engine.json").write_text('{"engine": "tvm"}'), "engine.json: "),
        (lambda e: (e / "model.onnx").unlink(), "model.onnx: missing, but engine.json names it"),
        (lambda e: _cut(e / "model.onnx"), "model.onnx: damaged, its sha256 is not the one in"),
        (lambda e: _cut(e / "model.onnx", e / "manifest.json"), "ONNX Runtime cannot open it"),
        (lambda e: _cut(e / "vocab.txt"), "vocab.txt: damaged"),
    ],
)
def test_a_damaged_folder_is_one_line(
    damage: Any, expected: str, reader: Path, tmp_path: Path, headwater: Any
) -> None:
    export(str(reader), "onnx", tmp_path / "e")
    damage(tmp_path / "e")
    (tmp_path / "text.txt").write_text(TEXT)
    ran = headwater("ask", "who?", "--context", tmp_path / "text.txt", "--model", tmp_path / "e")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran.err
    assert expected in ran.err


def _cut(file: Path, *removed: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    for each in removed:
        each.unlink()


@ctranslate2
def test_a_damaged_model_bin_is_one_line(writer: Path, tmp_path: Path) -> None:
    export(str(writer), "ctranslate2", tmp_path / "e")
    _cut(tmp_path / "e" / "model.bin", tmp_path / "e" / "manifest.json")
    with pytest.raises(UserError, match="CTranslate2 cannot open it: "):
        load(tmp_path / "e")


@onnx
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("onnx", "--task", "squad"), "--task and --data belong together"),
        (("ctranslate2", "--quantization", "int4"), "'int4': ctranslate2 has float32, int8"),
        (("ctranslate2",), "for encoders there is `export onnx`"),
    ],
)
def test_wrong_options_are_one_line(
    arguments: tuple[str, ...], expected: str, reader: Path, tmp_path: Path, headwater: Any
) -> None:
    engine, *options = arguments
    if engine == "ctranslate2":
        pytest.importorskip("ctranslate2", reason="needs the extra ctranslate2")
    ran = headwater("export", engine, reader, "--output", tmp_path / "e", *options)
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert expected in ran.err
    assert not (tmp_path / "e").exists()


@onnx
def test_an_older_folder_stays(reader: Path, tmp_path: Path, headwater: Any) -> None:
    (tmp_path / "kept.txt").write_text("kept")
    ran = headwater("export", "onnx", reader, "--output", tmp_path)
    assert ran.code == 2
    assert "exists already" in ran.err
    assert [each.name for each in tmp_path.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize(
    ("engine", "module"), [("onnx", "onnxruntime"), ("ctranslate2", "ctranslate2")]
)
def test_a_missing_extra_is_named(
    engine: str,
    module: str,
    reader: Path,
    tmp_path: Path,
    headwater: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    ran = headwater("export", engine, reader, "--output", tmp_path / "e")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert f"needs {module}, which is missing; pip install 'headwater[{engine}]'" in ran.err
    assert not (tmp_path / "e").exists()


def test_no_engine_is_imported_before_it_is_used() -> None:
    code = "import sys, headwater, headwater.cli, headwater.inference.loaded\n"
    code += "import headwater.evaluation.export\n"
    code += "found = {'onnx', 'onnxruntime', 'ctranslate2'} & sys.modules.keys()\n"
    code += "assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)


@onnx
def test_threads_are_those_of_torch(reader: Path, tmp_path: Path) -> None:
    export(str(reader), "onnx", tmp_path / "e")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        network: Any = load(tmp_path / "e").network
        options = network.body._session.get_session_options()
        assert options.intra_op_num_threads == 1
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    finally:
        torch.set_num_threads(before)
