"""Vocabularies of whole words: counted, exact in size, and `transformers` reads the same ids."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import AutoTokenizer

from headwater.errors import UserError
from headwater.objectives.token_classes import continuation_tokens
from headwater.text.loading import load_vocabulary
from headwater.text.special_tokens import describe
from headwater.text.training import VocabularyPlan, train_vocabulary
from headwater.text.vocabulary import Vocabulary

TEXTS = ["The old mill stood by the river.", "The river froze; the mill stood still."] * 2


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """All ten words that stand twice in the texts, and the three special tokens."""
    folder = tmp_path_factory.mktemp("word") / "small"
    return train_vocabulary(VocabularyPlan(kind="word", size=14), TEXTS, folder)


def _words(vocabulary: Vocabulary, text: str) -> list[str]:
    return [vocabulary.token(id) for id in vocabulary.encode(text).ids.tolist()]


def test_words_are_numbered_by_falling_frequency(real_lines: list[str], tmp_path: Path) -> None:
    lines = real_lines[:3000]
    plan = VocabularyPlan(kind="word", size=2000, lower_case=True)
    learned = train_vocabulary(plan, lines, tmp_path / "v")
    normalize, splitter = BertNormalizer(lowercase=True).normalize_str, BertPreTokenizer()
    counts = Counter(
        word for line in lines for word, _ in splitter.pre_tokenize_str(normalize(line))
    )
    expected = sorted(counts, key=lambda word: (-counts[word], word))[:1997]
    assert [learned.token(id) for id in range(3)] == ["[PAD]", "[UNK]", "[EOS]"]
    assert [learned.token(id) for id in range(3, 2000)] == expected
    assert describe(learned)["special"] == {"pad": 0, "unk": 1, "eos": 2}
    assert describe(learned)["kind"] == "word"


@pytest.mark.parametrize("lower_case", [True, False])
def test_transformers_reads_the_same_ids_from_the_folder(
    real_lines: list[str], tmp_path: Path, lower_case: bool
) -> None:
    plan = VocabularyPlan(kind="word", size=1500, lower_case=lower_case)
    learned = train_vocabulary(plan, real_lines[:2000], tmp_path / "v")
    reader = AutoTokenizer.from_pretrained(tmp_path / "v")
    texts = [*real_lines[1500:3500], "Œuvre,  déjà vu: ﬁn… 中文 100 % [EOS] don't"]
    assert len(reader) == learned.size == 1500
    assert reader.pad_token_id == learned.pad_id and reader.eos_token_id == learned.eos_id
    expected = reader(texts, add_special_tokens=False)["input_ids"]
    assert [each.ids.tolist() for each in learned.encode_batch(texts)] == expected
    again = load_vocabulary(tmp_path / "v")
    assert again.fingerprint == learned.fingerprint
    again.save(tmp_path / "copy")
    copied = (tmp_path / "copy/tokenizer.json").read_bytes()
    assert copied == (tmp_path / "v/tokenizer.json").read_bytes()


def test_rare_words_are_unknown_and_keep_their_offsets(small: Vocabulary) -> None:
    text = "The  weir by the river\tfroze."
    found = small.encode(text)
    assert _words(small, text) == ["The", "[UNK]", "by", "the", "river", "froze", "."]
    spans = zip(found.starts.tolist(), found.ends.tolist(), strict=True)
    assert [text[start:end] for start, end in spans] == text.replace(".", " .").split()
    assert small.decode(found.ids.tolist()) == "The by the river froze ."
    assert small.decode(found.ids.tolist(), skip_special=False).split()[1] == "[UNK]"


@given(st.text(st.sampled_from("The mill.é ü\t\u0301中"), max_size=60))
def test_offsets_cover_every_word_once(small: Vocabulary, text: str) -> None:
    found = small.encode(text)
    joined = "".join(text[s:e] for s, e in zip(found.starts, found.ends, strict=True))
    assert joined.replace("\u0301", "") == "".join(text.split()).replace("\u0301", "")


def test_lower_case_drops_case_and_accents(tmp_path: Path) -> None:
    plan = VocabularyPlan(kind="word", size=5, lower_case=True)
    learned = train_vocabulary(plan, ["Café CAFÉ cafe, ,"], tmp_path / "v")
    assert _words(learned, "CAFÉ, Tee") == ["cafe", ",", "[UNK]"]


def test_no_token_goes_on_with_a_word(small: Vocabulary) -> None:
    assert small.whole_words
    assert not continuation_tokens(small).any()


@pytest.mark.parametrize(
    ("size", "expected"), [(3, r"one word alone are 4"), (15, r"give 14 tokens at most")]
)
def test_sizes_that_cannot_be(size: int, expected: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"size {size}: .*{expected}"):
        train_vocabulary(VocabularyPlan(kind="word", size=size), TEXTS, tmp_path / "v")
    assert list(tmp_path.iterdir()) == []


def test_letters_are_refused() -> None:
    with pytest.raises(UserError, match="letters: words are taken whole"):
        VocabularyPlan(kind="word", size=50, letters="äöü")


def test_a_file_without_its_unknown_word_is_refused(small: Vocabulary, tmp_path: Path) -> None:
    small.save(tmp_path / "v")
    file = tmp_path / "v" / "tokenizer.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    del content["model"]["vocab"]["[UNK]"]
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match=re.escape("the unk_token '[UNK]' is not in")):
        load_vocabulary(tmp_path / "v")
