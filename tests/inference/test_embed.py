"""Vectors of texts: those of sentence-transformers, for its folders and for any other encoder."""

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headwater
import tiny
from headwater.errors import UserError

TEXTS = [
    "the mill stood",
    "",
    "a river",
    "the mill is good . " * 30,
    "The River, is BAD?",
    "the",
    "a mill a river a mill",
]


def by_theirs(
    folder: Path, texts: Sequence[str] = TEXTS, **options: Any
) -> np.ndarray[Any, np.dtype[np.float32]]:
    package = pytest.importorskip("sentence_transformers")
    model = package.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    found: np.ndarray[Any, np.dtype[np.float32]] = model.encode(
        list(texts), show_progress_bar=False, **options
    )
    return found


def encoder(folder: Path, **changes: Any) -> Path:
    words = tiny.wordpiece(folder.with_name("vocabulary"), tiny.WORDS, tiny.LETTERS + "?,")
    return tiny.model_folder(folder, words, **changes)


def their_folder(folder: Path, pooling: Any, *layers: str, prompts: Any = None) -> Path:
    """A folder that sentence-transformers writes, on a tiny encoder."""
    package = pytest.importorskip("sentence_transformers")
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    body = Transformer(str(encoder(folder.with_name("body"))), max_seq_length=24)
    modules: list[Any] = [body, Pooling(16, pooling)]
    width = 16 * (1 if isinstance(pooling, str) else len(pooling))
    for layer in layers:
        torch.manual_seed(1)
        activation = torch.nn.Identity() if layer == "Identity" else torch.nn.Tanh()
        made = Dense(width, 5, activation_function=activation, bias=layer != "Identity")
        modules.append(Normalize() if layer == "Normalize" else made)
        width = width if layer == "Normalize" else 5
    model = package.SentenceTransformer(modules=modules, prompts=prompts, device="cpu")
    model.save(str(folder), create_model_card=False)
    return folder


@pytest.mark.parametrize(
    ("pooling", "layers"),
    [
        ("mean", ("Normalize",)),
        ("cls", ()),
        ("max", ("Normalize",)),
        ("mean_sqrt_len_tokens", ()),
        ("weightedmean", ()),
        ("lasttoken", ("Normalize",)),
        (("cls", "mean", "max"), ("Tanh", "Normalize")),
        ("mean", ("Tanh", "Identity")),
    ],
)
def test_every_pooling_and_layer_equals_theirs(
    tmp_path: Path, pooling: Any, layers: tuple[str, ...]
) -> None:
    folder = their_folder(tmp_path / "theirs", pooling, *layers)
    ours = headwater.load(folder).embed(TEXTS)
    theirs = by_theirs(folder)
    assert ours.dtype == np.float32 and ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_real_minilm_equals_on_real_texts(minilm: Path, shared: Path) -> None:
    lines = (shared / "data/text/wikitext2_valid_test/valid.txt").read_text("utf-8").splitlines()
    texts = [line.strip() for line in lines if line.strip()][:60]
    ours = headwater.load(minilm).embed(texts)
    np.testing.assert_allclose(ours, by_theirs(minilm, texts), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", tiny.ENCODERS)
def test_a_plain_encoder_gives_means_and_says_so(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "headwater")
    if kind == "roberta":
        words = tiny.byte_pairs(tmp_path / "vocabulary", "t h", "th e")
        sizes = tiny.ENCODERS[kind] | {"max_position_embeddings": 700}
        folder = tiny.model_folder(tmp_path / "body", words, **sizes)
    else:
        folder = encoder(tmp_path / "body", **tiny.ENCODERS[kind])
    ours = headwater.load(folder).embed(TEXTS)
    assert "no modules.json; a vector is the mean of a text's outputs" in caplog.messages[-1]
    np.testing.assert_allclose(ours, by_theirs(folder), atol=1e-5)


def test_a_head_of_another_kind_is_left_aside(tmp_path: Path) -> None:
    reader = tiny.reader(tmp_path / "reader")
    found = headwater.load(reader).embed(TEXTS)
    assert found.shape == (len(TEXTS), 16)
    np.testing.assert_allclose(found, by_theirs(reader), atol=1e-5)


def test_prompts_stand_before_texts(tmp_path: Path) -> None:
    prompts = {"query": "a river ", "passage": "the ", "other": "good "}
    folder = their_folder(tmp_path / "theirs", "mean", prompts=prompts)
    model = headwater.load(folder)
    for name in ("query", "passage", "other"):
        theirs = by_theirs(folder, prompt_name=name)
        np.testing.assert_allclose(model.embed(TEXTS, prompt=name), theirs, atol=1e-5)
    np.testing.assert_array_equal(
        model.embed(TEXTS, prompt="document"), model.embed(TEXTS, prompt="passage")
    )
    np.testing.assert_allclose(model.embed(TEXTS), by_theirs(folder), atol=1e-5)
    with pytest.raises(UserError, match="prompt 'pasage': did you mean 'passage'"):
        model.embed(TEXTS, prompt="pasage")
    plain = headwater.load(their_folder(tmp_path / "plain" / "theirs", "mean"))
    np.testing.assert_array_equal(plain.embed(TEXTS, prompt="document"), plain.embed(TEXTS))


def test_a_default_prompt_is_taken_where_none_is_named(tmp_path: Path) -> None:
    folder = their_folder(tmp_path / "theirs", "mean", prompts={"query": "a river "})
    file = folder / "config_sentence_transformers.json"
    content = json.loads(file.read_text("utf-8")) | {"default_prompt_name": "query"}
    file.write_text(json.dumps(content), "utf-8")
    model = headwater.load(folder)
    np.testing.assert_array_equal(model.embed(TEXTS), model.embed(TEXTS, prompt="query"))
    np.testing.assert_allclose(model.embed(TEXTS), by_theirs(folder), atol=1e-5)


def test_older_folders_say_length_and_case_in_a_file_of_their_own(tmp_path: Path) -> None:
    folder = their_folder(tmp_path / "theirs", "mean")
    old = {"max_seq_length": 9, "do_lower_case": True}
    (folder / "sentence_bert_config.json").write_text(json.dumps(old), "utf-8")
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 16, "pooling_mode_max_tokens": True}), "utf-8"
    )
    ours = headwater.load(folder).embed(TEXTS)
    np.testing.assert_allclose(ours, by_theirs(folder), atol=1e-5)
    np.testing.assert_array_equal(ours[3], headwater.load(folder).embed(TEXTS[3][:60]))


def test_one_text_none_and_any_order(tmp_path: Path) -> None:
    model = headwater.load(encoder(tmp_path / "body"))
    found = model.embed(TEXTS)
    assert model.embed("the mill stood").shape == (16,) and model.embed([]).shape == (0, 16)
    np.testing.assert_allclose(model.embed(TEXTS[::-1])[::-1], found, atol=1e-6)
    np.testing.assert_allclose(model.embed(TEXTS[0]), found[0], atol=1e-6)
    for wrong in (None, 3, [None]):
        with pytest.raises(UserError, match="texts"):
            model.embed(wrong)  # type: ignore[arg-type]


def test_other_families_are_refused(tmp_path: Path) -> None:
    words = tiny.unigram(tmp_path / "words", ["the", "mill"])
    folder = tiny.model_folder(tmp_path / "t5", words, family="t5")
    with pytest.raises(UserError, match="is a T5, which does a task by writing; an encoder gives"):
        headwater.load(folder).embed("the mill")


Change = Callable[[Path], None]


def json_file(name: str, content: object) -> Change:
    return lambda folder: (folder / name).write_text(json.dumps(content), "utf-8") and None


MODULES = [
    {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
    for n, (path, kind) in enumerate((("", "Transformer"), ("1_Pooling", "Pooling")))
]
DENSE = {"idx": 2, "name": "2", "path": "2_Dense", "type": "x.Dense"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (json_file("modules.json", {}), "modules.json: 'modules' must be a list, not an object"),
        (json_file("modules.json", [{"type": "x.Router", "path": ""}]), "these are Router"),
        (json_file("modules.json", [*MODULES, DENSE | {"type": "x.LSTM"}]), "Pooling, LSTM"),
        (json_file("modules.json", [*MODULES, DENSE | {"path": "../x"}]), "a folder in this one"),
        (json_file("modules.json", [MODULES[0], {"type": "x.Pooling"}]), "'path' is missing"),
        (json_file("modules.json", [*MODULES, DENSE]), "'in_features' is missing"),
        (json_file("1_Pooling/config.json", {"pooling_mode": "min"}), "'min'; known are cls, max"),
        (json_file("config_sentence_transformers.json", {"prompts": {"a": 1}}), "object of texts"),
        (
            json_file("config_sentence_transformers.json", {"default_prompt_name": "x"}),
            "default_prompt_name 'x' is no prompt",
        ),
    ],
)
def test_what_is_wrong_with_a_folder_is_said_in_one_line(
    tmp_path: Path, change: Change, expected: str
) -> None:
    folder = encoder(tmp_path / "body")
    (folder / "1_Pooling").mkdir()
    json_file("modules.json", MODULES)(folder)
    json_file("1_Pooling/config.json", {"pooling_mode": "mean"})(folder)
    assert headwater.load(folder).embed("the").shape == (16,)
    change(folder)
    model = headwater.load(folder)  # what it does besides is not in question
    with pytest.raises(UserError, match=expected) as found:
        model.embed("the")
    assert "\n" not in str(found.value)


def test_dense_layers_are_compared_with_what_they_stand_on(tmp_path: Path) -> None:
    folder = their_folder(tmp_path / "theirs", "mean", "Tanh")
    file = folder / "2_Dense" / "config.json"
    good = json.loads(file.read_text("utf-8"))
    for change, expected in (
        ({"in_features": 8}, "in_features is 8, not 16"),
        ({"out_features": 8}, "its config.json asks for"),
        ({"activation_function": "os.system"}, "known are Tanh, Identity"),
        ({"use_residual": True}, "use_residual = true is not supported"),
    ):
        file.write_text(json.dumps(good | change), "utf-8")
        with pytest.raises(UserError, match=expected):
            headwater.load(folder).embed("the")


def test_pooling_without_the_prompt_is_refused_where_there_is_one(tmp_path: Path) -> None:
    folder = their_folder(tmp_path / "theirs", "mean", prompts={"query": "a river "})
    json_file("1_Pooling/config.json", {"pooling_mode": "mean", "include_prompt": False})(folder)
    model = headwater.load(folder)
    assert model.embed("the").shape == (16,)
    with pytest.raises(UserError, match="include_prompt"):
        model.embed("the", prompt="query")
