"""The BPE of the first GPT (Radford et al. 2018, section 4.1): letters, not bytes.

A text is cleaned, lower-cased and split as for BERT; the last letter of a word carries `</w>`:

    The cat sat.  ->  the</w> cat</w> sat</w> .</w>

The published code used `spaCy` and `ftfy`; `transformers` and this module split without them. No
token ends a document.
"""

from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.text.special_tokens import END_OF_WORD
from headwater.text.tokenizer_json import (
    USUAL_TOKENS,
    bert_normalizer,
    bpe_model,
    describe_tokenizer,
)


def describe_gpt1(ids: dict[str, int], merges: list[str], file: Path) -> dict[str, Any]:
    """Return the `tokenizer.json` of the ids of a `vocab.json` and its merges."""
    unknown = USUAL_TOKENS["BPE"]["unk"]
    if unknown not in ids:
        raise UserError(f"{file}: the unk token {unknown} is missing; this kind of BPE needs one")
    return describe_tokenizer(
        bpe_model(ids, merges, unknown=unknown, end_of_word=END_OF_WORD),
        {*USUAL_TOKENS["BPE"].values()} & ids.keys(),
        normalizer=bert_normalizer(lowercase=True),
        pre_tokenizer={"type": "BertPreTokenizer"},
        decoder={"type": "BPEDecoder", "suffix": END_OF_WORD},
    )
