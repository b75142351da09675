"""Whole words: every word and every punctuation mark is a token, or unknown.

What models had before subwords, and what word vectors need (Mikolov et al. 2013, section 3;
Peters et al. 2018 count their perplexity over words). Text is split as for WordPiece, at white
space and around punctuation; the commonest words are kept and numbered by falling frequency, as
`nn/sampled.py` expects. With room for `the`, `.` and `old`:

    The old mill.  ->  [UNK] old [UNK] .       in lower case: the old [UNK] .

It is written as a `tokenizer.json` whose model is WordLevel, which `transformers` opens.
"""

import json
from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.trainers import WordLevelTrainer

from headwater.text.tokenizer_json import (
    USUAL_TOKENS,
    bert_normalizer,
    describe_added,
    describe_tokenizer,
)

SPECIAL = tuple(USUAL_TOKENS["WordLevel"].values())


def count_words(lines: Iterable[str], size: int, least: int, *, lower_case: bool) -> dict[str, int]:
    """Return the ids of the special tokens and of the commonest words, `size` at most.

    A word must occur `least` times. Of equally common words the first by letters is first.
    """
    tokenizer = Tokenizer(WordLevel(unk_token=USUAL_TOKENS["WordLevel"]["unk"]))
    tokenizer.normalizer = BertNormalizer(lowercase=lower_case)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    trainer = WordLevelTrainer(
        vocab_size=size, min_frequency=least, special_tokens=list(SPECIAL), show_progress=False
    )
    tokenizer.train_from_iterator(lines, trainer=trainer)
    ids: dict[str, int] = json.loads(tokenizer.to_str())["model"]["vocab"]
    return ids


def describe_words(ids: dict[str, int], *, lower_case: bool) -> dict[str, Any]:
    """Return the `tokenizer.json` of a vocabulary of words."""
    unknown = USUAL_TOKENS["WordLevel"]["unk"]
    return describe_tokenizer(
        {"type": "WordLevel", "vocab": ids, "unk_token": unknown},
        [describe_added(token, ids[token]) for token in SPECIAL],
        normalizer=bert_normalizer(lowercase=lower_case),
        pre_tokenizer={"type": "BertPreTokenizer"},
    )
