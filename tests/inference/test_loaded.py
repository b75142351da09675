"""`load`: from a folder to answers."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.checkpoints.folder import save_model
from headwater.errors import UserError
from headwater.inference.loaded import load
from headwater.text.vocabulary import Vocabulary

TEXT = "It was the old red Bob. Eve left, and Zed was here and there in a red. " * 12


def save(folder: Path, words: Vocabulary, head: str | None, extra: Any = None, **sizes: Any) -> str:
    small = {"vocab_size": words.size, "hidden_size": 32, "num_attention_heads": 4}
    network = tiny.bert(head, seed=1, **small | {"intermediate_size": 64} | sizes)
    for weight in network.parameters():
        weight.data *= 2
    save_model(folder, network, vocabulary=words, extra=extra)
    return str(folder)


def test_eight_threads_answer_as_one(tmp_path: Path, words: Vocabulary) -> None:
    model = load(save(tmp_path / "m", words, "span"), device="cpu")
    questions = [f"who {'was ' * (n % 4)}it {n}?" for n in range(48)]
    serial = [model.answer(question, TEXT, top_k=3) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda q: model.answer(q, TEXT, top_k=3), questions))
    assert together == serial
    assert len({answers[0].start for answers in serial}) > 1
    batch = model.answer_batch([(question, TEXT) for question in questions], top_k=3)
    assert [a[0].text for a in batch] == [a[0].text for a in serial]


def test_extra_settings_are_followed(tmp_path: Path, words: Vocabulary) -> None:
    spans = {"max_length": 40, "max_query_length": 8, "max_answer_length": 2}
    silent = load(
        save(tmp_path / "m", words, "span", {"no_answer_threshold": -1e6, "spans": spans})
    )
    assert silent.answer("who?", TEXT)[0].no_answer
    spoken = load(save(tmp_path / "n", words, "span", {"spans": spans}))
    answers = spoken.answer("who?", TEXT, top_k=20)
    assert all(len(words.encode(each.text)) <= 2 for each in answers)


def test_windows_fit_a_network_with_few_positions(tmp_path: Path, words: Vocabulary) -> None:
    model = load(save(tmp_path / "m", words, "span", max_position_embeddings=24))
    assert model.answer("who was the old red one in it and there? " * 5, TEXT)[0].text


def test_what_a_model_cannot_do_is_reported_with_the_fix(tmp_path: Path, words: Vocabulary) -> None:
    body = load(save(tmp_path / "body", words, None))
    with pytest.raises(UserError, match="headwater finetune"):
        body.answer("who?", TEXT)
    reader = load(save(tmp_path / "reader", words, "span"))
    with pytest.raises(UserError, match="generate needs a T5 or a GPT; use ask"):
        reader.generate(["bob"])
    with pytest.raises(UserError, match="give a context"):
        reader.answer("who?")
    with pytest.raises(UserError, match="pair 1: the context is empty"):
        reader.answer_batch([("who?", "bob"), ("who?", " ")])


@pytest.mark.parametrize("value", ["1", True, [1.0]])
def test_a_wrong_threshold_is_refused(tmp_path: Path, words: Vocabulary, value: Any) -> None:
    with pytest.raises(UserError, match="no_answer_threshold"):
        load(save(tmp_path / "m", words, "span", {"no_answer_threshold": value}))


def test_a_vocabulary_of_another_model_is_refused(tmp_path: Path, words: Vocabulary) -> None:
    with pytest.raises(UserError, match="not of the same model"):
        load(save(tmp_path / "m", words, "span", vocab_size=words.size - 1))


def test_a_t5_folder_answers_and_writes(tmp_path: Path, shared: Path) -> None:
    from headwater.text.loading import load_vocabulary

    vocabulary = load_vocabulary(next((shared / "data" / "tokenizers").rglob("spiece.model")))
    model = load(tiny.model_folder(tmp_path / "t5", vocabulary, family="t5", seed=2, num_layers=1))
    texts = model.generate(["translate: yes", "no"], max_new_tokens=5, num_beams=2)
    assert len(texts) == 2 and all(isinstance(text, str) for text in texts)
    assert len(model.answer("who won?")) == 1
    assert 1 <= len(model.answer("who won?", "Bob won.", top_k=2)) <= 2
    with pytest.raises(UserError, match="num_beams"):
        model.generate(["x"], num_beems=3)


def test_torch_is_not_needed_for_the_answer_type() -> None:
    modules = "headwater.inference.answer, headwater.inference.generation_config"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_answers_are_json(tmp_path: Path, words: Vocabulary) -> None:
    model = load(save(tmp_path / "m", words, "span"))
    answers = model.answer("who?", {"a.txt": TEXT}, top_k=2)
    again = json.loads(json.dumps([each.to_dict() for each in answers]))
    assert again[0]["source"] == "a.txt" and again[0]["text"] == answers[0].text


def save_t5(folder: Path, words: Vocabulary, extra: Any = None) -> str:
    """A small T5 over a vocabulary in a folder of its own, with `[SEP]` as its end."""
    return str(tiny.model_folder(folder, words, family="t5", seed=2, extra=extra, num_layers=1))


@pytest.mark.parametrize(
    ("extra", "key"),
    [
        ({"text": 3}, "text"),
        ({"text": {"max_targets": "x"}}, "max_targets"),
        ({"text": {"max_inputs": 0}}, "max_inputs"),
        ({"text": {"max_imputs": 9}}, "max_imputs"),
        ({"task": 3}, "task"),
    ],
)
def test_wrong_settings_of_a_t5_are_refused(
    tmp_path: Path, t5_words: Vocabulary, extra: Any, key: str
) -> None:
    with pytest.raises(UserError, match=f"headwater.json.*{key}"):
        load(save_t5(tmp_path / "m", t5_words, extra), device="cpu")


def test_wrong_spans_are_refused(tmp_path: Path, words: Vocabulary) -> None:
    for spans in (3, {"max_length": "x"}):
        with pytest.raises(UserError, match=r"headwater\.json: spans"):
            load(save(tmp_path / "m", words, "span", {"spans": spans}))


def test_eight_threads_write_as_one(tmp_path: Path, t5_words: Vocabulary) -> None:
    extra = {"text": {"max_inputs": 32, "max_targets": 4}}
    model = load(save_t5(tmp_path / "m", t5_words, extra), device="cpu")
    questions = [f"who {'was ' * (n % 4)}it {n}?" for n in range(24)]
    serial = [model.answer(question, TEXT[:90]) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda q: model.answer(q, TEXT[:90]), questions))
    assert together == serial
    assert len({answers[0].score for answers in serial}) > 1


def test_a_caller_chooses_the_precision(tmp_path: Path, words: Vocabulary) -> None:
    folder = save(tmp_path / "m", words, "span")
    rounded, exact, usual = (
        load(folder, "cpu", precision=name).answer("who?", TEXT)[0].score
        for name in ("bf16", "fp32", "auto")
    )
    assert rounded == pytest.approx(exact, rel=0.1)
    assert rounded != exact == usual  # so small a network gains nothing
    assert load(folder).answer("who?", TEXT)[0].score == exact
