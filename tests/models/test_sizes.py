"""Parameter counts equal the published ones exactly; counted without memory for the weights."""

import pytest
import torch

from headwater.errors import UserError
from headwater.models.build import build_model, empty_model
from headwater.models.families import presets

PUBLISHED = {
    "bert-tiny": 4_385_920,
    "bert-mini": 11_170_560,
    "bert-small": 28_763_648,
    "bert-medium": 41_373_184,
    "bert-base-uncased": 109_482_240,
    "bert-base-cased": 108_310_272,
    "bert-large-uncased": 335_141_888,
    "bert-large-cased": 333_579_264,
    "minilm-l6-h384": 22_713_216,
    "roberta-base": 124_645_632,
    "roberta-large": 355_359_744,
    "xlm-roberta-base": 278_043_648,
    "xlm-roberta-large": 559_890_432,
    "camembert-base": 110_621_952,
    "camembert-large": 336_661_504,
    "distilbert-base-uncased": 66_362_880,
    "distilbert-base-cased": 65_190_912,
    "electra-small-discriminator": 13_483_008,
    "electra-small-generator": 13_483_008,
    "electra-base-discriminator": 108_891_648,
    "electra-base-generator": 33_511_168,
    "electra-large-discriminator": 334_092_288,
    "electra-large-generator": 50_999_552,
    "deberta-v3-xsmall": 70_682_112,
    "deberta-v3-small": 141_304_320,
    "deberta-v3-base": 183_831_552,
    "deberta-v3-large": 434_012_160,
    "mdeberta-v3-base": 278_218_752,
    "deberta-v2-xlarge": 884_593_152,
    "deberta-v2-xxlarge": 1_564_549_632,
    "albert-base-v2": 11_683_584,
    "albert-large-v2": 17_683_968,
    "albert-xlarge-v2": 58_724_864,
    "albert-xxlarge-v2": 222_595_584,
    "modernbert-base": 149_014_272,
    "modernbert-large": 394_781_696,
    "mpnet-base": 109_486_464,
    "bart-base": 139_420_416,
    "bart-large": 406_291_456,
    "cbow": 18_030_000,
    "elmo": 93_600_864,  # with the 16 numbers of a position without a character
    "elmo-medium": 28_027_744,
    "elmo-small": 13_593_312,
    "gpt": 116_534_784,
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
    "t5-small": 60_506_624,
    "t5-base": 222_903_552,
    "t5-large": 737_668_096,
    "t5-3b": 2_851_598_336,
    "t5-11b": 11_307_321_344,
    "t5-v1_1-small": 76_961_152,
    "t5-v1_1-base": 247_577_856,
    "t5-v1_1-large": 783_150_080,
    "t5-v1_1-xl": 2_849_757_184,
    "t5-v1_1-xxl": 11_135_332_352,
    "flan-t5-small": 76_961_152,
    "flan-t5-base": 247_577_856,
    "flan-t5-large": 783_150_080,
    "flan-t5-xl": 2_849_757_184,
    "flan-t5-xxl": 11_135_332_352,
    "mt5-small": 300_176_768,
    "mt5-base": 582_401_280,
    "mt5-large": 1_229_581_312,
    "mt5-xl": 3_742_619_648,
    "mt5-xxl": 12_921_057_280,
    "umt5-small": 306_601_984,
    "umt5-base": 592_043_520,
    "umt5-large": 1_242_449_920,
    "umt5-xl": 3_768_356_864,
    "umt5-xxl": 12_972_531_712,
    "byt5-small": 299_637_760,
    "byt5-base": 581_653_248,
    "byt5-large": 1_228_183_552,
    "byt5-xl": 3_737_801_728,
    "byt5-xxl": 12_906_899_328,
}


def test_every_preset_is_counted() -> None:
    assert presets().keys() == PUBLISHED.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_count_is_the_published_one(name: str) -> None:
    with torch.device("meta"):
        model = empty_model(presets()[name], None)
    assert sum(parameter.numel() for parameter in model.parameters()) == PUBLISHED[name]


def test_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'bert-base-cased'"):
        build_model("bert-base-case")


def test_a_t5_takes_no_head() -> None:
    with pytest.raises(UserError, match="takes no span head"):
        build_model("t5-small", "span")


def test_unknown_head_lists_them() -> None:
    with pytest.raises(UserError, match="there are span, sequence"):
        build_model("bert-tiny", "spam")
