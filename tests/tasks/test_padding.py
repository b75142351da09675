"""Padded punctuation: the published text, back to the context, and the way through every verb."""

import json
import re
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from headwater.data.example import AnswerSpan, Examples, SpanExample
from headwater.data.predictions import JSON
from headwater.errors import UserError
from headwater.evaluation.one_task import evaluate_files, predict_file
from headwater.inference.loaded import load
from headwater.runs.recipe import Recipe
from headwater.runs.run import finetune
from headwater.tasks.glue import RTE
from headwater.tasks.padding import pad_punctuation, unpadded
from headwater.tasks.squad import SQUAD_V1, SQUAD_V2
from headwater.text.loading import load_vocabulary
from headwater.training.identity import compare

ODD = st.text(st.sampled_from("ab Z9_.,-'\"é漢\t\n\u00a0\u2028()%"), max_size=30)


def published(text: str) -> str:
    """The two replacements of T5's `_pad_punctuation`; RE2 knows ASCII alone, and no \\v."""
    text = re.sub(r"(\W)", r" \1 ", text, flags=re.ASCII)
    return re.sub(r"[\t\n\f\r ]+", " ", text)


@settings(deadline=None)
@given(ODD | st.text())
def test_the_text_is_the_published_one(text: str) -> None:
    assert pad_punctuation(text) == published(text).strip(" ")
    assert pad_punctuation(pad_punctuation(text)) == pad_punctuation(text)


@settings(deadline=None)
@given(ODD, st.data())
def test_what_stands_in_the_context_comes_back(context: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(context)))
    part = context[start : data.draw(st.integers(start, len(context)))]
    padded = pad_punctuation(part)
    found = unpadded(padded, context)
    assert pad_punctuation(found) == padded
    if f" {padded} " in f" {pad_punctuation(context)} " and padded:
        assert found in context and found == found.strip("\t\n\f\r ")


def test_what_stands_in_no_context_stays_as_it_is() -> None:
    assert unpadded("7 , 5", "In 1,000 books.") == "7 , 5"
    assert unpadded("", "In 1,000 books.") == "" and unpadded("a", "") == "a"
    assert unpadded("00", "In 1,000 books.") == "00"  # a part of a word is none of its words


EXAMPLE = SpanExample("q", "A question?", "Some (old) context.", (AnswerSpan("(old)", 5),))


def test_a_question_reads_as_t5_learned_it() -> None:
    task = SQUAD_V1.padded()
    said = task.to_text(EXAMPLE)
    assert said.inputs == "question: A question ? context: Some ( old ) context ."
    assert said.targets == ("( old )",)
    assert SQUAD_V1.to_text(EXAMPLE).inputs == "question: A question? context: Some (old) context."
    assert task.from_text(EXAMPLE, "( old ) context") == "(old) context"
    null = SQUAD_V2.padded().to_text(SpanExample("q", "Who?", "Ann.", (), True))
    assert null.targets == ("unanswerable",)
    with pytest.raises(UserError, match="task rte: pad_punctuation is for questions on a text"):
        RTE.padded()


def test_tokens_are_those_of_the_published_text(shared: Path) -> None:
    vocabulary = load_vocabulary(shared / "data/tokenizers/t5")
    theirs = f"question: {published('A question?')} context: {published('Zoë (old), 1,000.')}"
    theirs = re.sub(r"\s+", " ", theirs, flags=re.ASCII)
    example = SpanExample("q", "A question?", "Zoë (old), 1,000.", ())
    ours = SQUAD_V1.padded().to_text(example).inputs
    assert list(vocabulary.encode(ours).ids) == list(vocabulary.encode(theirs).ids)


def test_scores_are_those_of_padded_texts() -> None:
    """Google scores padded golds: `1 , 000 m` has three words, and `1,000 m` two."""
    example = SpanExample("q", "How far?", "It is 1,000 m.", (AnswerSpan("1,000 m", 6),))
    examples, task = Examples([example]), SQUAD_V1.padded()
    assert SQUAD_V1.score(examples, {"q": "000 m"})["f1"] == pytest.approx(50.0)
    for said in ("000 m", "000  m"):
        assert task.score(examples, {"q": said})["f1"] == pytest.approx(80.0)
    assert task.score(examples, {"q": "1 , 000 m"}) == task.score(examples, {"q": "1,000 m"})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 that learned one padded answer by heart."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("padded")
    words = ["question:", "context:", "won", "who", "Ann", "Bob", "(", ")", "?", "."]
    vocabulary = tiny.unigram(folder / "vocabulary", words, tiny.LETTERS + "AB()?.:")
    model = tiny.model_folder(folder / "model", vocabulary, family="t5")
    questions = [tiny.question(f"q{n}", "who won?", "(Ann)", 4) for n in range(4)]
    data = tiny.squad_file(folder / "data.json", tiny.paragraph("Bob (Ann) won.", *questions))
    values = {
        "model": str(model),
        "task": "squad",
        "data": {"train": [str(data)], "validation": [str(data)]},
        "text": {"max_inputs": 64, "max_targets": 8, "pad_punctuation": True},
        "training": {
            "steps": 60,
            "eval_steps": 60,
            "learning_rate": 0.02,
            "optimizer": "adamw",
            "schedule": "constant",
            "device": "cpu",
        },
    }
    finetune(Recipe.check(values, "test"), folder / "run")
    return folder


def test_the_setting_travels_with_the_model(run: Path) -> None:
    extra = json.loads((run / "run/model/headwater.json").read_text())
    assert extra["text"]["pad_punctuation"] is True
    (answer,) = load(run / "run").answer("who won?", "Bob (Ann) won.")
    assert answer.text == "(Ann)"
    metrics = evaluate_files(str(run / "run"), "squad", [run / "data.json"], run / "out")
    assert metrics["exact_match"] == 100.0
    assert set(JSON.read(run / "out/predictions.json", Examples([])).values()) == {"(Ann)"}
    predict_file(str(run / "run"), "squad", run / "data.json", run / "said.json")
    assert "(Ann)" in (run / "said.json").read_text()


def test_a_published_model_is_told(run: Path) -> None:
    other = load(run / "run", pad_punctuation=False)
    assert other.read_as(SQUAD_V1) is SQUAD_V1
    assert load(run / "model", pad_punctuation=True).read_as(SQUAD_V1) == SQUAD_V1.padded()
    assert load(run / "model").read_as(SQUAD_V1) is SQUAD_V1


def test_what_does_not_write_is_refused(tmp_path: Path) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "vocabulary", ["who"])
    model = str(tiny.model_folder(tmp_path / "model", vocabulary, "span"))
    with pytest.raises(UserError, match="pad_punctuation is for models that write"):
        load(model, pad_punctuation=True)
    values = {
        "model": model,
        "task": "squad",
        "data": {"train": ["absent.json"]},
        "text": {"pad_punctuation": True},
    }
    with pytest.raises(UserError, match="pad_punctuation is for models that write"):
        finetune(Recipe.check(values, "test"), tmp_path / "run")


def test_a_run_from_before_the_setting_goes_on() -> None:
    compare({"text": {"max_inputs": 5}}, {"text": {"max_inputs": 5, "pad_punctuation": False}})
    with pytest.raises(UserError, match="pad_punctuation was not set, is now True"):
        compare({"text": {}}, {"text": {"pad_punctuation": True}})
