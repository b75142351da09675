"""An encoder-decoder of any two sides equals the published code, in both directions."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

import tiny
from headwater.checkpoints.folder import load_model, save_model
from headwater.checkpoints.state_dict import published as by_table
from headwater.inference.decoding import generate_ids
from headwater.inference.generated import DecoderTokens
from headwater.inference.generation_config import GenerationConfig
from headwater.models.encoder_decoder.network import EncoderDecoder
from headwater.models.families import keys_of
from headwater.models.losses import IGNORED
from models.test_bert_parity import CONFIGS

pytestmark = pytest.mark.filterwarnings("ignore:Version v4.12.0")  # of every published loss
START, END = 2, 3
CLOSE = {"atol": 1e-5, "rtol": 1e-4}
DECODING = {"is_decoder": True, "add_cross_attention": True}
PAIRS = [
    ("roberta", "roberta", 24),
    ("bert", "gpt2", 24),
    ("roberta", "gpt2", 16),
    ("xlm-roberta", "xlm-roberta", 24),
    ("distilbert", "camembert", 24),
    ("electra", "bert", 24),
    ("albert", "roberta", 24),
    ("mpnet", "bert", 24),
    ("deberta-v2", "bert", 24),
    ("modernbert", "gpt2", 24),
    ("albert", "bert", 36),
]


def published(encoder: str, decoder: str, width: int) -> Any:
    """A model with random weights; its decoder knows fewer tokens, and is as wide or not."""
    if decoder == "gpt2":
        own: Any = transformers.GPT2Config(
            vocab_size=50, n_embd=width, n_layer=2, n_head=2, n_positions=20, **DECODING
        )
    else:
        own = CONFIGS[decoder](**DECODING)
        own.vocab_size, own.hidden_size = 50, width
    config = transformers.EncoderDecoderConfig(
        encoder=CONFIGS[encoder]().to_dict(),
        decoder=own.to_dict(),
        pad_token_id=1,
        decoder_start_token_id=START,
    )
    model = transformers.EncoderDecoderModel(config)
    tiny.draw_weights(model, 0.3)
    return model.eval()


def batch() -> dict[str, Tensor]:
    ids, labels = torch.randint(5, 50, (3, 7)), torch.randint(5, 50, (3, 6))
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    ids[1, 5:] = 1
    labels[2, 4:] = IGNORED
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def gradients(model: torch.nn.Module) -> dict[str, Tensor]:
    every = model.named_parameters(remove_duplicate=False)  # which of two names is first, varies
    found = {name: each.grad for name, each in every if each.grad is not None}
    return {name: grad for name, grad in found.items() if grad.abs().max() > 1e-6}


def same_losses(theirs: Any, ours: EncoderDecoder, inputs: dict[str, Tensor]) -> None:
    """Compare scores, the loss and the gradient of every parameter."""
    expected, labelled = theirs(**inputs), inputs["labels"] != IGNORED
    torch.testing.assert_close(ours(inputs)[labelled], expected.logits[labelled], **CLOSE)
    loss = ours.loss_sums(inputs)["tokens"] / ours.loss_counts(inputs)["tokens"]
    torch.testing.assert_close(loss, expected.loss, **CLOSE)
    for model in (theirs, ours):
        model.zero_grad()
    loss.backward()
    expected.loss.backward()
    keys = keys_of(ours.config)
    named = by_table(gradients(theirs), keys, Path("theirs"))
    mine = {keys.name_in_file(name, None): each for name, each in gradients(ours).items()}
    assert len(mine) > 40
    for name, each in mine.items():
        torch.testing.assert_close(each, named[name], **CLOSE, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize(("encoder", "decoder", "width"), PAIRS)
def test_any_two_sides_equal_the_published(
    encoder: str, decoder: str, width: int, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(5)
    theirs, inputs = published(encoder, decoder, width), batch()
    theirs.save_pretrained(tmp_path / "theirs")
    ours = load_model(tmp_path / "theirs").model
    assert isinstance(ours, EncoderDecoder)
    assert (ours.decoder.projection is None) == (width == 24)
    same_losses(theirs, ours, inputs)
    save_model(tmp_path / "ours", ours)
    again = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "ours").eval()
    same_losses(again, ours, inputs)
    del inputs["labels"]
    for beams in (1, 3):
        same_texts(again, ours, inputs, GenerationConfig(max_new_tokens=9, num_beams=beams))


def same_texts(
    theirs: Any, ours: EncoderDecoder, inputs: dict[str, Tensor], config: GenerationConfig
) -> None:
    """Compare what is written, greedily or with beams."""
    beams = config.num_beams
    texts = theirs.generate(
        **inputs, max_new_tokens=9, do_sample=False, num_beams=beams, eos_token_id=END
    )
    with torch.no_grad():
        found = generate_ids(ours, inputs, DecoderTokens(START, (END,)), config)
    for [best, *_], text in zip(found, texts.tolist(), strict=True):
        ids = text[1:]
        expected = ids[: ids.index(END)] if END in ids else ids[: len(best.ids)]
        assert best.ids == expected
