"""Offsets: whatever the text, normalizing the span of a token gives the token.

Tokens that share a character (three bytes of an emoji, the letters of a ligature) are taken
together, because only together do they spell what their character becomes.
"""

import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.bert.tokenization_bert_legacy import BasicTokenizer

from headwater.text.loading import load_vocabulary
from headwater.text.unigram import SentencePieceVocabulary
from headwater.text.vocabulary import Vocabulary

HARD = [
    *("Café", "Cafe\u0301", "naïve", "nai\u0308ve", "Ångström", "A\u030angstro\u0308m", "e\u0301"),
    *("ﬁne", "eﬀort", "½", "№", "ﷺ", "Ⅷ", "１２３", "Ｆｏｏ", "ß", "ŒUVRE", "İstanbul", "ΣΊΣΥΦΟΣ"),
    *("👍", "👍🏽", "👩\u200d👩\u200d👧", "❤\ufe0f", "🇩🇪", "☕"),
    *("中文", "東京タワー", "가나다", "한국어", "ไทย", "हिन्दी", "עִבְרִית", "العربية"),
    *(" ", "  ", "   ", "\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "\u200b", "\ufeff"),
    *("\x00", "\x07", "\x85", "\xad", "co\xadop", "\u200e", "\u202e", "\ufffd"),
    *(".", ",", "--", "…", "«", "»", "'s", "don't", "-", "_", "▁", "Ġ", "##", "#", "<", ">"),
    *("the", "The", "unaffable", "tokenization", "1879", "x", "Zürich", "Straße", "a" * 120),
]
TEXTS = st.lists(st.sampled_from(HARD), max_size=12).map("".join) | st.text(max_size=30)


@pytest.fixture(scope="session")
def vocabularies(shared: Path) -> dict[str, Vocabulary]:
    folder = shared / "data/tokenizers"
    folders = {"bert": "bert-base-uncased", "gpt2": "gpt2", "t5": "t5", "rust": "t5/tokenizer.json"}
    return {name: load_vocabulary(folder / where) for name, where in folders.items()}


def is_blank(character: str) -> bool:
    """White space, controls and format characters (U+200B), which vocabularies drop or take so."""
    return character.isspace() or unicodedata.category(character)[0] in "ZC"


def is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


def clusters(vocabulary: Vocabulary, text: str) -> Iterator[tuple[list[str], str]]:
    """Yield tokens that share characters, with the characters they came from."""
    encoding = vocabulary.encode(text)
    tokens: list[str] = []
    start = end = 0
    columns = (encoding.ids, encoding.starts, encoding.ends)
    for id, s, e in zip(*(column.tolist() for column in columns), strict=True):
        if tokens and s >= end:
            yield tokens, text[start:end]
            tokens = []
        start, end = (min(start, s), max(end, e)) if tokens else (s, e)
        tokens.append(vocabulary.token(id))
    if tokens:
        yield tokens, text[start:end]


def assert_in_order(vocabulary: Vocabulary, text: str) -> None:
    encoding = vocabulary.encode(text)
    starts, ends = encoding.starts.tolist(), encoding.ends.tolist()
    assert all(0 <= start <= end <= len(text) for start, end in zip(starts, ends, strict=True))
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    for start, end in zip(starts, ends, strict=True):
        source = text[start:end]
        assert all(is_blank(c) or c == "▁" for c in source) or source == source.strip(" ")


def assert_covers(vocabulary: Vocabulary, text: str, may_vanish: Callable[[str], bool]) -> None:
    encoding = vocabulary.encode(text)
    covered = set()
    for start, end in zip(encoding.starts.tolist(), encoding.ends.tolist(), strict=True):
        covered.update(range(start, end))
    lost = [text[i] for i in range(len(text)) if i not in covered and not may_vanish(text[i])]
    assert lost == []


@pytest.mark.parametrize("name", ["bert", "gpt2", "t5", "rust"])
def test_spans_stand_in_order_inside_the_text(
    vocabularies: dict[str, Vocabulary], name: str
) -> None:
    @settings(deadline=None, max_examples=300, derandomize=True)
    @given(TEXTS)
    def check(text: str) -> None:
        assert_in_order(vocabularies[name], text)

    check()


def test_wordpiece_spans_normalize_to_their_tokens(vocabularies: dict[str, Vocabulary]) -> None:
    """The reference normalizer is the published Python one."""
    bert, basic = vocabularies["bert"], BasicTokenizer(do_lower_case=True)

    @settings(deadline=None, max_examples=500, derandomize=True)
    @given(st.lists(st.sampled_from(HARD), max_size=12).map("".join))
    def check(text: str) -> None:
        for tokens, source in clusters(bert, text):
            assert source
            if "[UNK]" not in tokens:
                spelled = tokens[0].removeprefix("##") if len(tokens[0]) > 2 else tokens[0]
                spelled += "".join(token.removeprefix("##") for token in tokens[1:])
                assert "".join(basic.tokenize(source)) == spelled
        assert_covers(bert, text, lambda c: is_blank(c) or is_mark(c) or c == "\ufffd")

    check()


def test_bpe_spans_hold_the_bytes_of_their_tokens(vocabularies: dict[str, Vocabulary]) -> None:
    gpt2 = vocabularies["gpt2"]

    @settings(deadline=None, max_examples=500, derandomize=True)
    @given(TEXTS)
    def check(text: str) -> None:
        for tokens, source in clusters(gpt2, text):
            spelled = gpt2.decode([gpt2.id_of(token) for token in tokens])
            assert source == (spelled if spelled.isspace() else spelled.strip())
        assert_covers(gpt2, text, str.isspace)

    check()


@pytest.mark.parametrize("name", ["t5", "rust"])
def test_unigram_spans_normalize_to_their_tokens(
    vocabularies: dict[str, Vocabulary], name: str
) -> None:
    vocabulary, published = vocabularies[name], vocabularies["t5"]
    assert isinstance(published, SentencePieceVocabulary)

    @settings(deadline=None, max_examples=500, derandomize=True)
    @given(st.lists(st.sampled_from(HARD), max_size=12).map("".join))
    def check(text: str) -> None:
        for tokens, source in clusters(vocabulary, text):
            if "<unk>" not in tokens:
                spelled = published.normalize(source).replace("▁", "")
                assert spelled == "".join(tokens).replace("▁", "")
        # T5's rules make a space of U+FFFD, and to its tokens a written ▁ is a space
        assert_covers(vocabulary, text, lambda c: is_blank(c) or c in "\ufffd▁")

    check()


@pytest.mark.parametrize("name", ["bert", "gpt2", "t5", "rust"])
@pytest.mark.parametrize(
    "answer", ["Café", "Cafe\u0301", "nai\u0308ve", "Zürich", "👍🏽", "❤\ufe0f", "ﬁne", "中文", "½"]
)
def test_an_answer_is_cut_out_exactly(
    vocabularies: dict[str, Vocabulary], name: str, answer: str
) -> None:
    """From the first character of its first token to the last character of its last one."""
    text = f"It was  {answer} of course."
    begin = text.index(answer)
    encoding = vocabularies[name].encode(text)
    inside = [
        (start, end)
        for start, end in zip(encoding.starts.tolist(), encoding.ends.tolist(), strict=True)
        if start < begin + len(answer) and end > begin and not text[start:end].isspace()
    ]
    assert text[inside[0][0] : inside[-1][1]] == answer


def test_word_marks_have_no_span_of_their_own(vocabularies: dict[str, Vocabulary]) -> None:
    """The mark T5 puts before the first word came from nothing; one between words, from a space."""
    for name in ("t5", "rust"):
        encoding = vocabularies[name].encode("中 中")
        assert encoding.starts.tolist() == [0, 0, 1, 2]
        assert encoding.ends.tolist() == [0, 1, 2, 3]
