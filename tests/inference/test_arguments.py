"""What a caller gives wrongly is one line that names it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import headwater
import tiny
from headwater.errors import UserError
from headwater.inference.extractive_reader import ExtractiveReader
from headwater.inference.loaded import LoadedModel, load
from headwater.text.vocabulary import Vocabulary

NAN = float("nan")


@pytest.fixture(scope="module")
def models(
    tmp_path_factory: pytest.TempPathFactory, words: Vocabulary, t5_words: Vocabulary
) -> dict[str, LoadedModel]:
    folder = tmp_path_factory.mktemp("models")
    heads = {"reader": "span", "classifier": "sequence", "tagger": "token", "filler": "masked_lm"}
    made = {
        name: tiny.model_folder(folder / name, words, head, labels=("O", "B-x"))
        for name, head in heads.items()
    }
    for family in ("t5", "gpt"):
        made[family] = tiny.model_folder(folder / family, t5_words, family=family)
    return {name: load(each, "cpu") for name, each in made.items()}


Call = Callable[[Any], Any]

CASES: list[tuple[str, Call, str]] = [
    ("reader", lambda m: m.answer(5, "bob"), "question: a text was expected, not 5"),
    ("reader", lambda m: m.answer(None, "bob"), "question: a text was expected, not None"),
    ("reader", lambda m: m.answer("who?", None), "finds answers in a text: give a context"),
    ("reader", lambda m: m.answer("who?", 5), "context: a text was expected, not 5"),
    ("reader", lambda m: m.answer("who?", ["bob"]), "context: a text was expected, not a list"),
    ("reader", lambda m: m.answer("who?", {"a": 3}), "context 'a': a text was expected, not 3"),
    ("reader", lambda m: m.answer("who?", "bob", top_k="3"), "top_k = '3': a whole number from 1"),
    ("reader", lambda m: m.answer("who?", "bob", top_k=0), "top_k = 0: a whole number from 1 on"),
    ("reader", lambda m: m.answer("who?", "bob", top_k=True), "top_k = True: a whole number"),
    ("reader", lambda m: m.answer("who?", "bob", top_k=1.5), "top_k = 1.5: a whole number"),
    ("reader", lambda m: m.answer("who?", "bob", top_k=None), "top_k = None: a whole number"),
    ("reader", lambda m: m.answer("who?", "bob", top_k=NAN), "top_k = nan: a whole number"),
    ("reader", lambda m: m.answer_batch(["ab"]), "pair 0: a question and a context were expected"),
    ("reader", lambda m: m.answer_batch("ab"), "pairs: a list of pairs of question and context"),
    ("reader", lambda m: m.answer_batch(None), "pairs: a list of pairs of question and context"),
    ("reader", lambda m: m.answer_batch([("who?", 3)]), "pair 0: context: a text was expected"),
    ("reader", lambda m: m.answer_batch([("who?", "b", "c")]), "pair 0: a question and a context"),
    ("reader", lambda m: m.answer_batch([("who?", "b")], top_k="1"), "top_k = '1'"),
    ("t5", lambda m: m.answer(["who?"]), "question: a text was expected, not a list"),
    ("t5", lambda m: m.answer("who?", top_k=0), "top_k = 0"),
    (
        "t5",
        lambda m: m.answer("who \ud83d?", "bob"),
        "question holds half a character (\\ud83d without its pair) at position 4",
    ),
    ("gpt", lambda m: m.answer(b"bob"), "question: a text was expected, not a bytes"),
    ("gpt", lambda m: m.answer("bob", top_k=0), "top_k = 0"),
    ("t5", lambda m: m.generate(None), "texts: a text or a list of texts was expected, not None"),
    ("t5", lambda m: m.generate([3]), "texts[0]: a text was expected, not 3"),
    ("t5", lambda m: m.generate({"a": "b"}), "texts: a text or a list of texts was expected"),
    ("t5", lambda m: m.generate(["a"], max_new_tokens="3"), "max_new_tokens"),
    ("t5", lambda m: m.generate(["a"], num_beams=True), "num_beams"),
    ("t5", lambda m: m.generate(["a"], length_penalty=NAN), "length_penalty"),
    ("t5", lambda m: m.generate(["a"], do_sample=True, temperature=NAN), "temperature"),
    ("classifier", lambda m: m.classify(5), "text: a text or a list of texts was expected, not 5"),
    ("classifier", lambda m: m.classify([5]), "text[0]: a text was expected, not 5"),
    ("classifier", lambda m: m.classify(["bob", " "]), "text[1]: the text is empty"),
    ("classifier", lambda m: m.classify(""), "text: the text is empty"),
    ("classifier", lambda m: m.classify([""]), "text: the text is empty"),
    ("classifier", lambda m: m.classify("bob", 5), "text_pair: a text was expected, not 5"),
    ("classifier", lambda m: m.classify("bob", ["eve"]), "text_pair: a text was expected"),
    ("classifier", lambda m: m.classify(["bob"], "eve"), "text_pair: a list of texts was expected"),
    ("classifier", lambda m: m.classify(["a", "b"], ["c"]), "text_pair: 2 texts were expected"),
    ("classifier", lambda m: m.classify("bob", top_k=0), "top_k = 0"),
    ("classifier", lambda m: m.classify("bob", top_k="3"), "top_k = '3'"),
    ("classifier", lambda m: m.classify("bob", task=3), "has no head for task 3"),
    ("tagger", lambda m: m.tag(None), "text: a text or a list of texts was expected, not None"),
    ("tagger", lambda m: m.tag("bob", aggregation="max"), "aggregation = 'max': first or simple"),
    ("tagger", lambda m: m.tag("bob", aggregation=None), "aggregation = None: first or simple"),
    ("filler", lambda m: m.fill(5), "text: a text or a list of texts was expected, not 5"),
    ("filler", lambda m: m.fill("[MASK] a", top_k=None), "top_k = None"),
    ("filler", lambda m: m.fill("[MASK] a", top_k=False), "top_k = False"),
    ("reader", lambda m: m.adapted(5), "model: a name or a path was expected, not 5"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "call", "expected"), CASES, ids=range(len(CASES)))
def test_a_wrong_argument_is_named(
    models: dict[str, LoadedModel], model: str, call: Call, expected: str
) -> None:
    with pytest.raises(UserError) as caught:
        call(models[model])
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: headwater.load(5), "model: a name or a path was expected, not 5"),
        (lambda: headwater.load(None), "model: a name or a path was expected, not None"),
        (lambda: headwater.load("reader", device=0), "device: a text was expected, not 0"),
        (
            lambda: headwater.load("reader", label_names="yes"),
            "label_names: a list of names was expected, not 'yes'",
        ),
        (lambda: headwater.load("reader", label_names=[1]), "label_names: a text was expected"),
        (lambda: headwater.load_vocabulary(5), "vocabulary: a name or a path was expected, not 5"),
        (lambda: headwater.task(5), "task: a text was expected, not 5"),
        (lambda: headwater.task(None), "task: a text was expected, not None"),
    ],
)
def test_wrong_names_are_named(call: Callable[[], Any], expected: str) -> None:
    with pytest.raises(UserError) as caught:
        call()
    assert expected in str(caught.value)


@pytest.mark.parametrize("threshold", [NAN, float("inf"), True, "1"])
def test_a_threshold_is_a_number(words: Vocabulary, threshold: Any) -> None:
    with pytest.raises(UserError, match=r"threshold = .*: a number was expected"):
        ExtractiveReader(tiny.bert("span"), words, threshold=threshold)


def test_whole_numbers_of_numpy_and_paths_are_taken(
    tmp_path: Path, words: Vocabulary, models: dict[str, LoadedModel]
) -> None:
    import numpy as np

    assert len(models["classifier"].classify("bob", top_k=np.int64(1))) == 1
    assert models["t5"].generate("bob", max_new_tokens=2) == models["t5"].generate(
        ("bob",), max_new_tokens=2
    )
    assert load(tiny.model_folder(tmp_path / "m", words), "cpu").name == str(tmp_path / "m")
