"""An encoder-decoder of two BERTs equals the published code, in both directions."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.errors import UserError
from headwater.inference.decoding import generate_ids
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.models.body import GeneratingBody
from headwater.models.encoder_decoder.config import EncoderDecoderConfig
from headwater.models.encoder_decoder.network import EncoderDecoder
from headwater.models.losses import IGNORED
from headwater.models.text_to_text import TextToText

pytestmark = pytest.mark.filterwarnings("ignore:Version v4.12.0")  # of every published loss
END = 3
CLOSE = {"atol": 1e-5, "rtol": 1e-4}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(7)


def published(**decoder: Any) -> Any:
    sizes = {"vocab_size": 40, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    encoder = transformers.BertConfig(num_hidden_layers=3, **sizes)
    own = {"num_hidden_layers": 2, "max_position_embeddings": 20, **sizes, **decoder}
    config = transformers.EncoderDecoderConfig(
        encoder=encoder.to_dict(),
        decoder=transformers.BertConfig(is_decoder=True, add_cross_attention=True, **own).to_dict(),
        pad_token_id=0,
        decoder_start_token_id=2,
    )
    model = transformers.EncoderDecoderModel(config)
    tiny.draw_weights(model, 0.4)
    return model.eval()


def batch() -> dict[str, Tensor]:
    ids, labels = torch.randint(5, 40, (3, 7)), torch.randint(5, 40, (3, 6))
    mask = torch.ones_like(ids, dtype=torch.bool)
    mask[1, 5:] = False
    labels[2, 4:] = IGNORED
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def same_outputs(theirs: Any, ours: TextToText) -> None:
    inputs = batch()
    with torch.no_grad():
        expected = theirs(**inputs)
        found = ours(inputs)
    labelled = inputs["labels"] != IGNORED
    torch.testing.assert_close(found[labelled], expected.logits[labelled], **CLOSE)
    loss = ours.loss_sums(inputs)["tokens"] / ours.loss_counts(inputs)["tokens"]
    torch.testing.assert_close(loss, expected.loss, **CLOSE)


def loaded(folder: Path) -> EncoderDecoder:
    model = load_model(folder).model
    assert isinstance(model, EncoderDecoder)
    return model


@pytest.mark.parametrize(
    "decoder",
    [
        {},
        {"tie_word_embeddings": False},
        {"vocab_size": 50},
        {"num_attention_heads": 4, "intermediate_size": 24, "hidden_act": "relu"},
    ],
    ids=str,
)
def test_a_published_folder_gives_the_same_outputs(decoder: dict[str, Any], tmp_path: Path) -> None:
    theirs = published(**decoder)
    theirs.save_pretrained(tmp_path / "theirs")
    ours = loaded(tmp_path / "theirs")
    assert not ours.config.shared_embeddings
    assert ours.config.tie_word_embeddings == decoder.get("tie_word_embeddings", True)
    same_outputs(theirs, ours)
    save_model(tmp_path / "ours", ours)
    again = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "ours").eval()
    same_outputs(again, ours)


def test_gradients_are_the_published_ones(tmp_path: Path) -> None:
    theirs, inputs = published(), batch()
    theirs.save_pretrained(tmp_path)
    ours = loaded(tmp_path)
    theirs(**inputs).loss.backward()
    (ours.loss_sums(inputs)["tokens"] / ours.loss_counts(inputs)["tokens"]).backward()
    for name in ("encoder.embeddings.word_embeddings", "decoder.bert.embeddings.word_embeddings"):
        side, _, _ = name.partition(".")
        mine = ours.get_parameter(f"{side}.embeddings.token.weight").grad
        expected = theirs.get_parameter(f"{name}.weight").grad
        torch.testing.assert_close(mine, expected, **CLOSE)


@pytest.mark.parametrize("tied", [True, False])
def test_a_shared_table_is_read_and_written(tied: bool, tmp_path: Path) -> None:
    ours = tiny.model(tiny.encoder_decoder_config(tie_word_embeddings=tied)).eval()
    assert isinstance(ours, EncoderDecoder)
    tables = [n for n, each in ours.named_parameters() if each.shape == (40, 16)]
    assert len(tables) == (1 if tied else 2)
    save_model(tmp_path / "ours", ours)
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "ours").eval()
    same_outputs(theirs, ours)
    again = loaded(tmp_path / "ours")
    assert again.config == ours.config
    same_outputs(theirs, again)
    theirs.save_pretrained(tmp_path / "theirs")
    assert loaded(tmp_path / "theirs").config == ours.config


@pytest.mark.parametrize("beams", [1, 3])
def test_what_is_written_is_the_published_text(beams: int, tmp_path: Path) -> None:
    theirs, inputs = published(), batch()
    theirs.save_pretrained(tmp_path)
    ours = loaded(tmp_path)
    del inputs["labels"]
    texts = theirs.generate(
        **inputs, max_new_tokens=12, num_beams=beams, do_sample=False, eos_token_id=END
    )
    config = GenerationConfig(max_new_tokens=12, num_beams=beams)
    with torch.no_grad():
        found = generate_ids(ours, inputs, DecoderTokens(2, (END,)), config)
    for [best, *_], text in zip(found, texts.tolist(), strict=True):
        ids = text[1:]
        expected = ids[: ids.index(END)] if END in ids else ids[: len(best.ids)]
        assert best.ids == expected


def test_steps_equal_decoding_at_once() -> None:
    model, inputs = tiny.model(tiny.encoder_decoder_config()).eval(), batch()
    assert isinstance(model, GeneratingBody)
    labels = inputs["labels"].masked_fill(inputs["labels"] == IGNORED, 5)
    at_once = model({**inputs, "labels": labels})
    mask = inputs["attention_mask"]
    cache = model.init_cache(model.encode(inputs["input_ids"], mask), mask)
    ids = torch.cat([torch.full((3, 1), 2), labels[:, :-1]], 1)
    steps = [model.step(ids[:, n : n + 1], cache) for n in range(6)]
    torch.testing.assert_close(torch.stack(steps, 1), at_once, **CLOSE)


def test_more_than_there_are_positions_for_is_refused() -> None:
    model = tiny.model(tiny.encoder_decoder_config(positions=4))
    with pytest.raises(UserError, match="6 tokens in a target; this model writes 4"):
        model(batch())


def test_what_does_not_fit_together_is_refused() -> None:
    bert = tiny.bert_config()
    wide = EncoderDecoderConfig(
        encoder=bert, decoder=replace(bert, hidden_size=32), shared_embeddings=True
    )
    with pytest.raises(UserError, match="vectors have 16 numbers and the decoder is 32 wide"):
        tiny.model(wide)
    for encoder in (tiny.gpt_config(), replace(bert, block="pre_norm")):
        with pytest.raises(UserError, match=r"encoder: .*; a published encoder such as BERT was"):
            EncoderDecoderConfig(encoder=encoder, decoder=bert)
    for decoder in (tiny.t5_config(), replace(bert, model_type="distilbert")):
        with pytest.raises(UserError, match=r"decoder: a .* is none; take bert, roberta, xlm-robe"):
            EncoderDecoderConfig(encoder=bert, decoder=decoder)
    more = replace(bert, vocab_size=50)
    with pytest.raises(UserError, match="the encoder has 40 tokens and the decoder 50"):
        EncoderDecoderConfig(encoder=bert, decoder=more, shared_embeddings=True)
    deeper = replace(bert, num_hidden_layers=3)
    with pytest.raises(UserError, match=r"tie_encoder_decoder: the encoder \(bert\) and the decod"):
        EncoderDecoderConfig(encoder=bert, decoder=deeper, tie_encoder_decoder=True)
    with pytest.raises(UserError, match="scores by its table; tie_word_embeddings is true"):
        EncoderDecoderConfig(decoder=tiny.gpt_config(), tie_word_embeddings=False)
    with pytest.raises(UserError, match="takes no span head"):
        tiny.model(tiny.encoder_decoder_config(), "span")


def test_a_decoder_that_is_none_is_refused(tmp_path: Path) -> None:
    theirs = published()
    theirs.config.decoder.add_cross_attention = False
    theirs.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="decoder: add_cross_attention = False is not supported"):
        load_model(tmp_path)
