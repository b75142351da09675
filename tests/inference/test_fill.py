"""`fill`: the tokens of a gap with the probabilities of `transformers`, and a T5's words."""

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import tiny
from headwater.checkpoints.folder import save_model
from headwater.errors import UserError
from headwater.inference.gaps import with_sentinels
from headwater.inference.generated import Generated
from headwater.inference.loaded import load
from headwater.inference.span_filler import SpanFiller
from headwater.models.text_to_text import TextToText
from headwater.text.vocabulary import Vocabulary

GAPS = "who [MASK] it , [MASK] won"


@pytest.fixture(scope="module")
def bytes_(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """RoBERTa's layout, whose mask is `<mask>`."""
    return tiny.byte_pairs(tmp_path_factory.mktemp("bytes"), "b o", "bo b", "Ġ bob")


@pytest.mark.parametrize(
    ("family", "head"),
    [("bert", "masked_lm"), ("bert", "pretraining"), ("roberta", "masked_lm"),
     ("distilbert", "masked_lm")],
)  # fmt: skip
def test_tokens_are_those_of_the_published_model(
    tmp_path: Path, words: Vocabulary, bytes_: Vocabulary, family: str, head: str
) -> None:
    vocabulary = bytes_ if family == "roberta" else words
    sizes = tiny.ENCODERS[family] | {"initializer_range": 0.3, "max_position_embeddings": 64}
    made = tiny.model_folder(tmp_path / "m", vocabulary, head, **sizes)
    theirs: Any = transformers.AutoModelForMaskedLM.from_pretrained(made).eval()
    reader = transformers.AutoTokenizer.from_pretrained(made)
    model = load(made, "cpu")
    batch = reader(GAPS.replace("[MASK]", reader.mask_token), return_tensors="pt")
    with torch.no_grad():
        logits = theirs(**batch).logits[batch["input_ids"] == reader.mask_token_id]
    top = logits.softmax(-1).topk(4)
    found = model.fill(GAPS, top_k=4)
    assert [[each.id for each in gap] for gap in found] == top.indices.tolist()
    for gap, scores in zip(found, top.values.tolist(), strict=True):
        assert [each.score for each in gap] == pytest.approx(scores, abs=1e-5)
        assert [each.text for each in gap] == [reader.decode([each.id or 0]) for each in gap]
    written = GAPS.replace("[MASK]", "<mask>", 1).replace("[MASK]", "____")
    assert [[each.id for each in gap] for gap in model.fill(written, top_k=4)] == [
        [each.id for each in gap] for gap in found
    ]


def test_texts_are_filled_in_their_order(tmp_path: Path, words: Vocabulary) -> None:
    made = tiny.model_folder(tmp_path / "m", words, "masked_lm", initializer_range=0.3)
    model = load(made, "cpu")
    texts = ["bob [MASK]", f"{'the old red ' * 9}[MASK] it", "[MASK] won [MASK]"]
    together = model.fill(texts, top_k=2)
    assert [len(gaps) for gaps in together] == [1, 1, 2]
    for text, gaps in zip(texts, together, strict=True):
        for gap, alone in zip(gaps, model.fill(text, top_k=2), strict=True):
            assert [each.id for each in gap] == [each.id for each in alone]
            assert [e.score for e in gap] == pytest.approx([e.score for e in alone], abs=1e-5)


def test_a_text_without_a_gap_or_too_long(tmp_path: Path, words: Vocabulary) -> None:
    sizes = {"max_position_embeddings": 12}
    model = load(tiny.model_folder(tmp_path / "m", words, "masked_lm", **sizes), "cpu")
    with pytest.raises(UserError, match=r"text 1 has no gap .* write \[MASK\] or ___"):
        model.fill(["bob [MASK]", "bob"])
    with pytest.raises(UserError, match=r"text 0 has 13 tokens, .* and this model reads 12"):
        model.fill("[MASK] " * 11)


@pytest.mark.parametrize("family", ["cbow", "elmo"])
def test_a_model_of_words_tells_a_word_from_those_around_it(tmp_path: Path, family: str) -> None:
    vocabulary = tiny.example_words(tmp_path / "v")
    model = load(tiny.model_folder(tmp_path / "m", vocabulary, family=family), "cpu")
    [gap] = model.fill("the [MASK] spring", top_k=3)
    assert [each.text for each in gap] == [vocabulary.token(each.id or 0) for each in gap]
    assert 1 > gap[0].score >= gap[1].score >= gap[2].score > 0
    with pytest.raises(UserError, match="no gap"):
        model.fill("[MASK]")


def test_gaps_are_numbered_as_sentinels() -> None:
    assert with_sentinels("a [MASK] b ___ c") == ("a <extra_id_0> b <extra_id_1> c", 2)
    assert with_sentinels("<extra_id_0> b <extra_id_1>") == ("<extra_id_0> b <extra_id_1>", 2)
    assert with_sentinels("none") == ("none", 0)


def test_a_t5_writes_the_words_of_each_gap(tmp_path: Path) -> None:
    vocabulary = tiny.example_unigram()
    made = tiny.model_folder(tmp_path / "m", vocabulary, family="t5")
    model = load(made, "cpu")
    assert [len(gaps) for gaps in model.fill(["the [MASK] of", "a ___ b <extra_id_1> c"])] == [1, 2]
    assert isinstance(model.network, TextToText)
    filler = SpanFiller(model.network, vocabulary)

    def beam(text: str, log_probability: float) -> Generated:
        return Generated(vocabulary.encode(text).ids.tolist(), log_probability)

    beams = [
        beam("<extra_id_0> the spring <extra_id_1> water <extra_id_2> x", -1.0),
        beam("<extra_id_0> a hill <extra_id_1> water", -2.0),
        beam("<extra_id_0> the spring <extra_id_1> stone", -2.0),
    ]
    first, second = filler._fillings(beams, 2, 5)
    assert [each.text for each in first] == ["the spring", "a hill"]
    assert [each.text for each in second] == ["water", "stone"]
    assert [each.score for each in first] == pytest.approx([0.5032, 0.1353], abs=1e-4)
    (nothing,) = filler._fillings([beam("the spring", -1.0)], 1, 5)
    assert [each.text for each in nothing] == [""]  # an output without any sentinel
    with pytest.raises(UserError, match="no gap"):
        model.fill("the spring")


@pytest.mark.parametrize("start", [0, 30])
def test_a_t5_fills_as_the_published_model_writes(tmp_path: Path, start: int) -> None:
    vocabulary = tiny.example_unigram()
    network = tiny.t5(vocab_size=vocabulary.size, seed=5)
    for weight in network.parameters():
        weight.data *= 2
    save_model(tmp_path / "m", network, vocabulary=vocabulary)
    file = tmp_path / "m" / "generation_config.json"
    settings = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps(settings | {"decoder_start_token_id": start}))
    theirs: Any = transformers.T5ForConditionalGeneration.from_pretrained(tmp_path / "m").eval()
    text = "the <extra_id_0> of the hill"
    ids = [*vocabulary.encode(text).ids.tolist(), vocabulary.eos_id]
    first, second = vocabulary.sentinel(0), vocabulary.sentinel(1)
    written = theirs.generate(
        torch.tensor([ids]),
        num_beams=4,
        num_return_sequences=4,
        max_new_tokens=18,
        do_sample=False,
        eos_token_id=[vocabulary.eos_id, second],
    )
    expected: dict[str, float] = defaultdict(float)
    for row in written.tolist():
        assert row[0] == start
        ends = [n for n, id in enumerate(row) if n and id in (0, vocabulary.eos_id, second)]
        end = ends[0] if ends else len(row)
        after = row[row.index(first) + 1 : end] if first in row[1:end] else []
        said = torch.tensor([row[: end + 1]])  # with the token that ends it
        with torch.no_grad():
            logits = theirs(torch.tensor([ids]), decoder_input_ids=said[:, :-1]).logits
        chances = logits[0].log_softmax(-1).gather(1, said[0, 1:, None])
        expected[vocabulary.decode(after).strip()] += math.exp(chances.sum())
    [gap] = load(tmp_path / "m", "cpu").fill(text, top_k=4)
    assert {each.text: each.score for each in gap} == pytest.approx(expected, rel=1e-3)
