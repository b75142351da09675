"""A config.json with unusual values: outputs equal to the published code, or one line."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import tiny
from headwater.checkpoints.description import read_config
from headwater.checkpoints.folder import load_model
from headwater.errors import UserError
from models import test_bert_parity as parity

RELU = {"hidden_act": "relu"}
UNUSUAL = [
    *((family, "masked_lm", RELU) for family in ("bert", "electra", "albert", "mpnet")),
    *((family, "masked_lm", RELU) for family in ("roberta", "xlm-roberta", "camembert")),
    ("modernbert", "masked_lm", {"hidden_activation": "silu", "classifier_activation": "relu"}),
    ("deberta-v2", "sequence", {"pooler_hidden_act": "tanh", "hidden_act": "silu"}),
    ("deberta-v2", None, {"position_buckets": 8, "max_position_embeddings": 17}),
    ("deberta-v2", None, {"position_buckets": 16, "max_position_embeddings": 17}),
    ("deberta-v2", None, {"position_buckets": 16, "max_relative_positions": 14}),
    ("deberta-v2", None, {"position_buckets": -1, "max_relative_positions": 5}),
]


@pytest.mark.parametrize(("family", "head", "changes"), UNUSUAL, ids=str)
def test_an_encoder_equals(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    family: str,
    head: str | None,
    changes: dict[str, Any],
) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(3)
    usual = parity.CONFIGS[family]

    def unusual(**extra: Any) -> Any:
        config = usual(**extra)
        for name, value in changes.items():
            setattr(config, name, value)
        return config

    monkeypatch.setitem(parity.CONFIGS, family, unusual)
    theirs = parity.reference(family, head, torch.float32)
    theirs.save_pretrained(tmp_path)
    batch = parity.batch_for(family, head)
    ours = load_model(tmp_path).model
    given = [batch.get(name) for name in ("input_ids", "attention_mask", "token_type_ids")]
    found = ours(*given) if head is None else ours(batch)
    for left, right in parity.outputs_of(found, parity.ask_reference(theirs, batch, head), batch):
        parity.assert_close(left, right, 1e-5, str(changes))


@pytest.mark.filterwarnings("ignore:Version v4.12.0")  # of every published loss
def test_the_decoder_of_a_roberta_scores_with_gelu(tmp_path: Path) -> None:
    torch.manual_seed(3)
    sizes = parity.SIZES | {"type_vocab_size": 1, **RELU}
    encoder = transformers.RobertaConfig(**sizes)
    decoder = transformers.RobertaConfig(**sizes, **DECODING)
    both = transformers.EncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    both.pad_token_id, both.decoder_start_token_id, both.eos_token_id = 1, 0, 2
    theirs = transformers.EncoderDecoderModel(both).eval()
    tiny.draw_weights(theirs, 0.3)
    theirs.save_pretrained(tmp_path)
    batch = {"input_ids": torch.randint(3, 60, (2, 7)), "labels": torch.randint(3, 60, (2, 5))}
    mask = torch.ones(2, 7, dtype=torch.bool)
    expected = theirs(**batch, attention_mask=mask.long()).logits
    found = load_model(tmp_path).model(batch | {"attention_mask": mask})
    parity.assert_close(found, expected, 1e-5, "scores")


ROBERTA = {"model_type": "roberta", "pad_token_id": 1}
DECODING = {"is_decoder": True, "add_cross_attention": True}
BOTH = {
    "model_type": "encoder-decoder",
    "encoder": ROBERTA,
    "decoder": ROBERTA | DECODING,
    "pad_token_id": 1,
}
T5 = {"model_type": "t5", "feed_forward_proj": "gated-gelu"}
DEBERTA = {"model_type": "deberta-v2", **parity.DEBERTA}
REFUSED = [
    (T5 | {"dense_act_fn": "relu"}, "dense_act_fn = 'relu'"),
    (T5 | {"is_gated_act": False}, "is_gated_act = False"),
    (BOTH | {"decoder_start_token_id": 1}, "decoder_start_token_id 1 is the padding"),
    (DEBERTA | {"position_buckets": 16, "max_relative_positions": 9}, "at least 10"),
]


@pytest.mark.parametrize(("content", "message"), REFUSED, ids=str)
def test_a_config_that_contradicts_itself_is_refused(content: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_config(content, "config.json")


def test_both_names_of_a_feed_forward_may_stand_in_a_config() -> None:
    read = partial(read_config, where="config.json")
    assert read(T5 | {"dense_act_fn": "gelu_new", "is_gated_act": True}) == read(T5)


def test_a_decoder_may_start_with_any_other_token() -> None:
    read = partial(read_config, where="config.json")
    assert read(BOTH | {"decoder_start_token_id": 0}) != read(BOTH | {"decoder_start_token_id": 2})
