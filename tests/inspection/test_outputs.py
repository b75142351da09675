"""What is shown of a model's outputs is what the model gives."""

from typing import Any

import numpy as np
import pytest
import torch

from headwater.checkpoints.folder import save_model
from headwater.errors import UserError
from headwater.inspection.inputs import inputs
from headwater.inspection.outputs import outputs
from headwater.inspection.reading import read

TEXT = "the ___ mill"


def chances(model: Any, text: str, second: str | None = None) -> Any:
    """What the network itself gives for a text."""
    ids = torch.tensor([read(model.vocabulary, model.config, text, second).ids])
    with torch.no_grad():
        return model.network({"input_ids": ids})


def test_masked_tokens_are_ranked_by_probability(made: Any) -> None:
    model = made("bert", "masked_lm")
    said = outputs(model, TEXT, count=4)
    expected = chances(model, TEXT)[0].softmax(-1)
    blank = said.content["tokens"][2]
    assert blank["blank"] is True
    top = expected[2].topk(4)
    assert [each["id"] for each in blank["likeliest"]] == top.indices.tolist()
    shown = [each["probability"] for each in blank["likeliest"]]
    np.testing.assert_allclose(shown, top.values, rtol=1e-5)
    mill = said.content["tokens"][3]
    assert mill["probability"] == pytest.approx(float(expected[3, mill["id"]]), rel=1e-5)
    assert said.page.elements[0].text == "the blank, T2"


def test_next_sentences_and_classes(made: Any) -> None:
    said = outputs(made("bert", "pretraining"), "who?", "Ada.").content
    assert 0 < said["is_next"] < 1
    model = made("bert", "sequence", label_names=("bad", "good"))
    classes = outputs(model, "fine").content["classes"]
    expected = chances(model, "fine")[0].softmax(-1)
    assert classes["good"] == pytest.approx(float(expected[1]), rel=1e-5)
    tagged = outputs(made("bert", "token", label_names=("O", "B")), "Ada wrote").content["tokens"]
    assert [each["token"] for each in tagged] == ["[CLS]", "ada", "wrote", "[SEP]"]
    assert sum(tagged[1]["classes"].values()) == pytest.approx(1, rel=1e-5)
    number = outputs(made("bert", "regression", label_names=("x",)), "fine").content["number"]
    assert np.isfinite(number)
    follows = outputs(made("bert", "next_sentence"), "who?", "Ada.").content["classes"]
    assert set(follows) == {"B is next", "B is random"}


def test_a_reader_scores_each_token_and_answers(made: Any) -> None:
    model = made("bert", "span", extra={"spans": {"max_length": 32, "max_query_length": 8}})
    said = outputs(model, "who?", "Ada wrote it.")
    assert said.content["answers"][0]["text"] == model.answer("who?", "Ada wrote it.")[0].text
    assert len(said.content["tokens"]) == 9
    with pytest.raises(UserError, match="a question and a text"):
        outputs(model, "who?")


def test_a_gpt_says_what_comes_next(made: Any) -> None:
    model = made("gpt")
    said = outputs(model, "the old ___ was", count=2).content["tokens"]
    expected = chances(model, "the old")[0].softmax(-1)
    assert [each["token"] for each in said] == ["the", "old"]
    assert said[-1]["likeliest"][0]["id"] == int(expected[-1].argmax())
    assert said[0]["probability"] == pytest.approx(float(expected[0, said[1]["id"]]), rel=1e-5)
    assert said[-1]["probability"] is None


@pytest.mark.parametrize("architecture", ["encoder_decoder", "language_model"])
def test_a_t5_writes(made: Any, architecture: str) -> None:
    model = made("t5", architecture=architecture, num_decoder_layers=3)
    said = outputs(model, "the mill").content
    [written] = model.generate(["the mill"], max_length=6)
    ids = [each["id"] for each in said["tokens"]]
    assert model.vocabulary.decode(ids).strip() == written
    # Greedy: what is written is the likeliest at each step.
    assert ids == [each["likeliest"][0]["id"] for each in said["tokens"]]


def test_a_bare_body_gives_vectors(made: Any) -> None:
    model = made("bert")
    said = outputs(model, "the mill", count=3).content["tokens"]
    ids = torch.tensor([read(model.vocabulary, model.config, "the mill").ids])
    with torch.no_grad():
        hidden = model.network(ids)[0]
    assert said[1]["norm"] == pytest.approx(float(hidden[1].norm()), rel=1e-5)
    assert len(said[1]["nearest"]) == 3


@pytest.mark.parametrize("window", [2, 4])
def test_a_cbow_tells_a_word_from_its_window(made: Any, window: int) -> None:
    model = made("cbow", window=window)
    text = " ".join(["the"] * window + ["___"] + ["mill"] * window)
    reading = read(model.vocabulary, model.config, text)
    ids = torch.tensor([reading.ids])
    with torch.no_grad():
        logits = model.network({"input_ids": ids, "labels": ids[:, window : window + 1]})[0, 0]
    said = outputs(model, text).content["tokens"][window]
    expected = logits.softmax(-1).topk(5)
    assert [each["id"] for each in said["likeliest"]] == expected.indices.tolist()
    shown = [each["probability"] for each in said["likeliest"]]
    np.testing.assert_allclose(shown, expected.values, rtol=1e-5)


def test_an_elmo_does_not_see_the_word_it_tells(made: Any) -> None:
    model = made("elmo")
    blank, seen, other = (
        outputs(model, f"the {word} the").content["tokens"] for word in ("___", "mill", "the")
    )
    assert blank[1]["likeliest"] == seen[1]["likeliest"] == other[1]["likeliest"]
    assert seen[0]["likeliest"] != other[0]["likeliest"]
    first, _, _, table = outputs(model, "the ___ the").page.elements
    assert first.text == "the blank, 1"
    assert [row[0].text for row in table.rows] == ["0", "1", "2"]  # C and T1 are BERT's
    with pytest.raises(UserError, match="a single word"):
        outputs(model, "the")


def test_where_unknown_is_likeliest_a_known_word_is_named(made: Any) -> None:
    blanks, said = [], ""
    for change in (-10, 10):
        model = made("elmo")
        unknown = model.vocabulary.unk_id
        with torch.no_grad():
            model.network.softmax.bias[unknown] += change
        shown = outputs(model, "the ___ the", count=1)
        blanks.append(shown.content["tokens"][1])
        spans = (span for part in shown.page.elements for span in getattr(part, "spans", ()))
        said = "".join(span.text for span in spans)
    known, blank = blanks
    assert blank["likeliest"][0]["id"] == unknown != known["likeliest"][0]["id"]
    best = known["likeliest"][0]["token"]
    assert blank["likeliest_known"]["token"] == best
    assert 0 < blank["likeliest_known"]["probability"] < known["likeliest"][0]["probability"]
    assert "likeliest_known" not in known
    assert said.startswith(f"[UNK]: all that the vocabulary lacks; likeliest else: {best} ")


@pytest.mark.parametrize("family", ["bert", "gpt", "t5", "cbow", "elmo"])
def test_inputs_of_every_family(made: Any, family: str, tmp_path: Any) -> None:
    model = made(family)
    save_model(tmp_path / "model", model.network, vocabulary=model.vocabulary)
    shown = inputs(str(tmp_path / "model"), "the old mill")
    described = shown.content["tokens"]
    reading = read(model.vocabulary, model.config, "the old mill")
    assert [each["id"] for each in described] == list(reading.ids)
    assert ("segment" in described[0]) == (family == "bert")
    assert ("position" in described[0]) == (family in ("bert", "gpt"))
    assert ("character_ids" in described[0]) == (family == "elmo")


def test_an_elmo_reads_characters(made: Any, tmp_path: Any) -> None:
    model = made("elmo")
    save_model(tmp_path / "model", model.network, vocabulary=model.vocabulary)
    shown = inputs(str(tmp_path / "model"), "the ___")
    ids = [each["character_ids"] for each in shown.content["tokens"]]
    assert ids[0] == [259, *(byte + 1 for byte in b"the"), 260]
    assert torch.equal(
        model.network.words[[each["id"] for each in shown.content["tokens"]], :5].long()[0],
        torch.tensor(ids[0]),
    )
    columns = shown.page.elements[0]
    assert columns.labels == ("input", "id", "characters")
    assert [column[2].text for column in columns.columns] == ["t h e", "[ U N K ]"]
