"""`classify`: the labels and probabilities of `transformers`' pipeline, texts in order."""

from pathlib import Path
from typing import Any

import pytest
import transformers

import tiny
from headwater.data.example import PairExample
from headwater.errors import UserError
from headwater.inference.loaded import LoadedModel, load
from headwater.inference.text_labels import Label
from headwater.models.build import build_multi_task
from headwater.models.config import TaskHead
from headwater.tasks.names import TASKS
from headwater.text.vocabulary import Vocabulary

LABELS = ("no", "yes", "maybe")
TEXTS = ["who won it?", "Café, bob! 👍🏽", "the old red " * 9, "é"]


def folder(path: Path, words: Vocabulary, head: str = "sequence", **changes: Any) -> Path:
    sizes = {"max_position_embeddings": 64, "initializer_range": 0.4}
    labels = LABELS if head == "sequence" else ()
    return tiny.model_folder(path, words, head, labels=labels, **sizes | changes)


@pytest.mark.parametrize("family", tiny.ENCODERS)
def test_probabilities_are_those_of_the_pipeline(
    tmp_path: Path, words: Vocabulary, family: str
) -> None:
    made = folder(tmp_path / "m", words, **tiny.ENCODERS[family] | {"pad_token_id": 0})
    model = load(made, "cpu")
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(made)
    reader = transformers.AutoTokenizer.from_pretrained(made)
    pipe = transformers.pipeline("text-classification", theirs, tokenizer=reader, device="cpu")
    found = model.classify(TEXTS)
    assert len(found) == len(TEXTS)
    for text, labels in zip(TEXTS, found, strict=True):
        expected = {each["label"]: each["score"] for each in pipe(text, top_k=None)}
        assert [each.label for each in labels] == list(expected)
        scores = [each.score for each in labels]
        assert scores == pytest.approx(list(expected.values()), abs=1e-5)
        assert [each.label for each in model.classify(text)] == list(expected)
    if family == "bert":  # the others have one segment
        expected = pipe({"text": "who won?", "text_pair": "bob won"}, top_k=None)
        [first, *_] = model.classify("who won?", "bob won")
        assert (first.label, first.score) == pytest.approx(
            (expected[0]["label"], expected[0]["score"]), abs=1e-5
        )


def test_the_label_is_that_of_predict(tmp_path: Path, words: Vocabulary) -> None:
    made = tiny.model_folder(
        tmp_path / "m", words, "sequence", labels=TASKS["rte"].labels, initializer_range=0.4
    )
    model = load(made, "cpu")
    examples = [PairExample(str(n), text, "bob won") for n, text in enumerate(TEXTS)]
    predicted = [each.text for each in model.predictor(TASKS["rte"])(examples)]
    classified = model.classify(TEXTS, ["bob won"] * len(TEXTS), top_k=1)
    assert [each[0].label for each in classified] == predicted


def test_pairs_and_texts_alone_are_read_together(tmp_path: Path, words: Vocabulary) -> None:
    model = load(folder(tmp_path / "m", words), "cpu")
    both = model.classify(["who won?", "bob"], ("it was", None), top_k=2)
    for (text, pair), labels in zip([("who won?", "it was"), ("bob", None)], both, strict=True):
        alone = model.classify(text, pair)
        assert [each.label for each in labels] == [each.label for each in alone[:2]]
    assert model.classify([]) == []
    assert model.classify((each for each in ["bob", "eve"]), ["it", "it"], top_k=1)  # type: ignore


def test_a_number_is_one_label(tmp_path: Path, words: Vocabulary) -> None:
    made = folder(tmp_path / "m", words, "regression")
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(made)
    reader = transformers.AutoTokenizer.from_pretrained(made)
    expected = theirs(**reader("bob won", return_tensors="pt")).logits.item()
    [found] = load(made, "cpu").classify("bob won")
    assert found == Label("score", pytest.approx(expected, abs=1e-5))


def test_all_that_the_model_reads_is_read(
    tmp_path: Path, words: Vocabulary, caplog: pytest.LogCaptureFixture
) -> None:
    """Of a folder that says nothing of lengths; 128 tokens are the default of training alone."""
    long = "the " * 140
    plain = load(folder(tmp_path / "m", words, max_position_embeddings=200), "cpu")
    assert plain.classify(f"{long} bob") != plain.classify(f"{long} red")
    extra = {"sequence": {"max_length": 128}}
    trained = load(folder(tmp_path / "n", words, max_position_embeddings=200, extra=extra), "cpu")
    assert trained.classify(f"{long} bob") == trained.classify(f"{long} red")
    assert "texts of more than 128 tokens, whose ends are not read: 1" in caplog.messages


def several(words: Vocabulary) -> LoadedModel:
    heads = {
        "one": TaskHead("sequence", ("no", "yes")),
        "two": TaskHead("sequence", LABELS),
        "names": TaskHead("token", ("O", "B-x")),
    }
    network = build_multi_task(tiny.bert_config(vocab_size=words.size), heads).eval()
    return LoadedModel(network, words, network.body.config, name="both")


def test_the_head_of_a_task(words: Vocabulary) -> None:
    model = several(words)
    assert {each.label for each in model.classify("bob", task="two")} == {*LABELS}
    assert isinstance(model.tag("bob"), list)
    with pytest.raises(UserError, match="several heads to classify with; name a task: one, two"):
        model.classify("bob")
    with pytest.raises(UserError, match="no head for task six; it has one, two, names"):
        model.classify("bob", task="six")
    with pytest.raises(UserError, match="and tag needs a head of kind token; use classify or tag"):
        model.tag("bob", task="one")


@pytest.mark.parametrize(
    ("made", "verb", "expected"),
    [
        ("bert", "classify", "m has no head, and classify needs a head of kind sequence, "
         "multi_label or regression; train one: headwater finetune --model"),
        ("span", "tag", "has a head of kind span, and tag needs a head of kind token; use ask, or"),
        ("sequence", "fill", "has a head of kind sequence, and fill needs a head of kind masked_lm"
         " or pretraining; use classify, or train one: headwater pretrain"),
        ("masked_lm", "generate", "and generate needs a T5 or a GPT; use fill"),
        ("next_sentence", "generate", "and generate needs a T5 or a GPT"),
        ("t5", "classify", "is a T5, which does a task by writing, and classify needs a head of "
         "kind sequence, multi_label or regression; use generate or ask"),
        ("t5 with sentinels", "classify", "multi_label or regression; use generate, ask or fill"),
        ("gpt", "fill", "is a GPT, which continues a text, and fill needs a head of kind masked_lm "
         "or pretraining; use generate"),
        ("cbow", "tag", "is a CBOW, which gives vectors of words, and tag needs a head of kind "
         "token; use fill"),
    ],
)  # fmt: skip
def test_what_a_model_has_and_which_verb_fits(
    tmp_path: Path, words: Vocabulary, t5_words: Vocabulary, made: str, verb: str, expected: str
) -> None:
    family = made.split()[0] if made.split()[0] in tiny.CONFIGS else "bert"
    head = made if family == "bert" and made != "bert" else None
    vocabulary = t5_words if made in ("t5", "gpt") else words
    if "sentinels" in made:
        vocabulary = tiny.example_unigram()
    model = load(tiny.model_folder(tmp_path / "m", vocabulary, head, family=family), "cpu")
    with pytest.raises(UserError) as caught:
        getattr(model, verb)("bob won [MASK]")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
