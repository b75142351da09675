"""WordPiece: BERT's vocabulary, longest match first inside each word (Devlin et al. 2019, 3.2).

Text is cleaned of control characters, Chinese characters are set apart, accents and case are
dropped where the model is uncased, words are split at white space and punctuation, and each word
is cut greedily into the longest tokens that `vocab.txt` holds; the id of a token is its line:

    unaffable -> un ##aff ##able
"""

from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.files import SMALL, read_lines
from headwater.text.pair_layout import BERT
from headwater.text.saved_layout import layout_of
from headwater.text.settings import Settings
from headwater.text.tokenizer import TokenizerVocabulary
from headwater.text.tokenizer_json import (
    LONGEST_WORD,
    USUAL_TOKENS,
    bert_normalizer,
    describe_tokenizer,
)


def read_wordpiece(file: Path, settings: Settings) -> TokenizerVocabulary:
    """Read a `vocab.txt`, one token a line; lower case unless the settings say otherwise."""
    ids = _read_lines(file)
    tokens = {**USUAL_TOKENS["WordPiece"], **settings.tokens}
    for role in USUAL_TOKENS["WordPiece"]:
        if tokens[role] not in ids:
            raise UserError(f"{file}: the {role} token {tokens[role]} is missing; add its line")
    return TokenizerVocabulary(_describe(ids, tokens, settings), settings, file)


def _read_lines(file: Path) -> dict[str, int]:
    lines = read_lines(file, SMALL)
    if not lines:
        raise UserError(f"{file}: empty; expected one token a line")
    ids: dict[str, int] = {}
    for number, token in enumerate(lines, start=1):
        if not token:
            raise UserError(f"{file}, line {number}: empty; expected one token a line")
        if token in ids:
            first = ids[token] + 1
            raise UserError(f"{file}, line {number}: {token!r} stands on line {first} already")
        ids[token] = number - 1
    return ids


def _describe(ids: dict[str, int], tokens: dict[str, str], settings: Settings) -> dict[str, Any]:
    """Return the `tokenizer.json` of a BERT vocabulary."""
    return describe_tokenizer(
        {
            "type": "WordPiece",
            "unk_token": tokens["unk"],
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": LONGEST_WORD,
            "vocab": ids,
        },
        (tokens[role] for role in USUAL_TOKENS["WordPiece"]),
        normalizer=bert_normalizer(
            lowercase=settings.flags.get("do_lower_case", True),
            strip_accents=settings.flags.get("strip_accents"),
            chinese=settings.flags.get("tokenize_chinese_chars", True),
        ),
        pre_tokenizer={"type": "BertPreTokenizer"},
        post_processor=layout_of(tokens, ids, BERT),
        decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
    )
