"""Fresh weights of every family are spread as those of the published code."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from headwater.checkpoints.description import read_config
from headwater.checkpoints.state_dict import published as by_table
from headwater.models.build import build_model, build_multi_task
from headwater.models.config import TaskHead
from headwater.models.families import keys_of
from headwater.models.modernbert.config import ModernBertConfig

SIZES = {
    "vocab_size": 300,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "max_position_embeddings": 60,
    "initializer_range": 0.05,
}
DEBERTA = {
    **{"relative_attention": True, "position_biased_input": False, "share_att_key": True},
    **{"pos_att_type": ["p2c", "c2p"], "norm_rel_ebd": "layer_norm", "legacy": False},
    **{"position_buckets": 32, "conv_kernel_size": 3},
}
T5 = {
    **{"vocab_size": 300, "d_model": 64, "d_kv": 32, "d_ff": 96, "num_layers": 2, "num_heads": 4},
    **{"initializer_factor": 0.7, "decoder_start_token_id": 0},
}
BART = {
    **{"vocab_size": 300, "d_model": 64, "encoder_layers": 2, "decoder_layers": 2},
    **{"encoder_ffn_dim": 96, "decoder_ffn_dim": 96, "encoder_attention_heads": 4},
    **{"decoder_attention_heads": 4, "max_position_embeddings": 60, "init_std": 0.05},
}
MODERN = SIZES | dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), 0)
NARROW = SIZES | {"embedding_size": 32}
CASES: list[tuple[str, str, str | None, dict[str, Any]]] = [
    ("Bert", "ForMaskedLM", "masked_lm", SIZES),
    ("Roberta", "ForSequenceClassification", "sequence", SIZES),
    ("Electra", "ForMaskedLM", "masked_lm", NARROW),
    ("Albert", "ForMaskedLM", "masked_lm", NARROW),
    ("DebertaV2", "ForMaskedLM", "masked_lm", SIZES | DEBERTA),
    ("ModernBert", "ForMaskedLM", "masked_lm", MODERN),
    ("ModernBert", "ForMaskedLM", "masked_lm", MODERN | {"tie_word_embeddings": False}),
    ("ModernBert", "ForSequenceClassification", "sequence", MODERN),
    ("ModernBert", "ForTokenClassification", "token", MODERN),
    ("MPNet", "ForMaskedLM", "masked_lm", SIZES),
    ("T5", "ForConditionalGeneration", None, T5),
    ("MT5", "ForConditionalGeneration", None, T5 | {"tie_word_embeddings": False}),
    ("UMT5", "ForConditionalGeneration", None, T5),
    ("Bart", "ForConditionalGeneration", None, BART),
]


@pytest.mark.parametrize(("name", "kind", "head", "sizes"), CASES)
def test_fresh_weights_are_spread_as_published(
    name: str, kind: str, head: str | None, sizes: dict[str, Any], tmp_path: Path
) -> None:
    torch.manual_seed(4)
    theirs = getattr(transformers, name + kind)(getattr(transformers, f"{name}Config")(**sizes))
    theirs.config.save_pretrained(tmp_path)
    config = read_config(json.loads((tmp_path / "config.json").read_text()), "config.json")
    ours, keys = build_model(config, head), keys_of(config)
    expected = by_table(dict(theirs.named_parameters(remove_duplicate=False)), keys, tmp_path)
    for own, parameter in ours.named_parameters():
        other = expected[keys.name_in_file(own, head)].detach()
        found, wanted = parameter.detach().std().item(), other.std().item()
        # The deviation of a sample of n has itself one of about 1 / sqrt(2n).
        allowed = wanted * (0.02 + 5 / (2 * parameter.numel()) ** 0.5)
        assert found == pytest.approx(wanted, abs=allowed), (own, found, wanted)
        assert parameter.mean().item() == pytest.approx(other.mean().item(), abs=0.03), own
        if parameter.dim() == 2:
            zeros = [int((each == 0).all(1).sum()) for each in (parameter, other)]
            assert zeros[0] == zeros[1], own


def test_a_head_of_several_tasks_is_drawn_as_one_alone() -> None:
    config = ModernBertConfig(vocab_size=300, hidden_size=64, num_attention_heads=4, pad_token_id=0)
    small = replace(config, num_hidden_layers=2, intermediate_size=96)
    torch.manual_seed(4)
    model = build_multi_task(small, {"cola": TaskHead("sequence", ("0", "1"))})
    alone = build_model(small, "sequence")
    found, wanted = (
        each.get_parameter(f"{name}.dense.weight").std().item()
        for each, name in ((model, "heads.cola"), (alone, "head"))
    )
    assert found == pytest.approx(wanted, rel=0.3)
