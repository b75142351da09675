"""Learned vocabularies: exact size, the same each time, and `transformers` reads the same ids."""

import gzip
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertTokenizer, GPT2Tokenizer, T5Tokenizer

from headwater.errors import UserError
from headwater.text.loading import load_vocabulary
from headwater.text.special_tokens import describe, tokens
from headwater.text.training import (
    LONGEST_SENTENCE,
    VocabularyPlan,
    _cut,
    _draw,
    train_vocabulary,
)
from headwater.text.vocabulary import Vocabulary

SIZES = {"wordpiece": 420, "bpe": 500, "unigram": 400}
READERS = {"wordpiece": BertTokenizer, "bpe": GPT2Tokenizer, "unigram": T5Tokenizer}
GERMAN_AND_FRENCH = "ÄÖÜäöüßéèêëàâçîïôûùœæÿ"
GPT2_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


@pytest.fixture(scope="module")
def captions(shared: Path) -> list[str]:
    """German, French and English in turn, 600 lines."""
    lines = []
    for language in ("de", "fr", "en"):
        file = shared / f"data/translation/multi30k/train.{language}.gz"
        with gzip.open(file, "rt", encoding="utf-8", newline="\n") as opened:
            lines.append([line.rstrip("\n") for line in itertools.islice(opened, 200)])
    return [line for three in zip(*lines, strict=True) for line in three]


@pytest.fixture(scope="module", params=SIZES)
def learned(
    request: pytest.FixtureRequest,
    captions: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> SimpleNamespace:
    """A vocabulary of each kind, learned from the first 450 lines."""
    folder = tmp_path_factory.mktemp("learned") / request.param
    vocabulary = train_vocabulary(_plan(request.param), captions[:450], folder)
    return SimpleNamespace(
        kind=request.param,
        folder=folder,
        vocabulary=vocabulary,
        seen=captions[:450],
        unseen=captions[450:],
    )


def _plan(kind: str, size: int | None = None, **choices: object) -> VocabularyPlan:
    if kind != "bpe":
        choices = {"letters": GERMAN_AND_FRENCH, **choices}
    return VocabularyPlan(kind=kind, size=size or SIZES[kind], **choices)  # type: ignore[arg-type]


def _tokens(vocabulary: Vocabulary, text: str) -> list[str]:
    return [vocabulary.token(id) for id in vocabulary.encode(text).ids.tolist()]


def _bare(text: str) -> str:
    return "".join(text.split())


def test_size_is_exact_and_special_tokens_stand_where_published(learned: SimpleNamespace) -> None:
    vocabulary, size = learned.vocabulary, SIZES[learned.kind]
    assert len({vocabulary.token(id) for id in range(size)}) == vocabulary.size == size
    about = describe(vocabulary)
    assert about["kind"] == learned.kind
    if learned.kind == "wordpiece":
        assert about["special"] == {"pad": 0, "unk": 1, "cls": 2, "sep": 3, "mask": 4}
        assert [vocabulary.token(id) for id in (0, 4)] == ["[PAD]", "[MASK]"]
    elif learned.kind == "bpe":
        assert about["special"] == {"eos": size - 1}
        assert vocabulary.token(size - 1) == "<|endoftext|>"
        assert [vocabulary.token(id) for id in range(3)] == ["!", '"', "#"]  # as GPT-2's
    else:
        assert about["special"] == {"pad": 0, "eos": 1, "unk": 2}
        assert [vocabulary.sentinel(n) for n in (0, 99)] == [size - 1, size - 100]
    assert about["sentinels"] == (100 if learned.kind == "unigram" else 0)


def test_loaded_again_it_is_the_same(learned: SimpleNamespace) -> None:
    again = load_vocabulary(learned.folder)
    assert again.fingerprint == learned.vocabulary.fingerprint
    for line in learned.unseen:
        assert again.encode(line).ids.tolist() == learned.vocabulary.encode(line).ids.tolist()


def test_transformers_reads_the_same_ids_from_the_folder(learned: SimpleNamespace) -> None:
    reader = READERS[learned.kind].from_pretrained(learned.folder)
    texts = [*learned.unseen, "Œuvre,  déjà vu: ﬁn… 中文 100 %", "SCHLUẞ\tund Straße\n\nzwei"]
    assert len(reader) == learned.vocabulary.size
    expected = reader(texts, add_special_tokens=False)["input_ids"]
    assert [e.ids.tolist() for e in learned.vocabulary.encode_batch(texts)] == expected


def test_round_trip_on_unseen_lines(learned: SimpleNamespace) -> None:
    """BPE gives every byte back, Unigram the text in NFKC, WordPiece all but the spaces.

    Unknown are only letters that the texts learned from hold three times at most.
    """
    counts = Counter(GERMAN_AND_FRENCH * 4 + "".join(learned.seen))
    for line in learned.unseen:
        ids = learned.vocabulary.encode(line).ids.tolist()
        if learned.vocabulary.unk_id in ids:
            assert min(counts[letter] for letter in line) <= 3
            continue
        decoded = learned.vocabulary.decode(ids)
        if learned.kind == "bpe":
            assert decoded == line
        elif learned.kind == "unigram":
            assert decoded == " ".join(unicodedata.normalize("NFKC", line).split())
        else:
            assert _bare(decoded) == _bare(line)


def test_tokens_are_longer_than_letters(learned: SimpleNamespace) -> None:
    count = sum(len(learned.vocabulary.encode(line)) for line in learned.unseen)
    assert count < 0.65 * sum(map(len, learned.unseen))


def test_the_same_texts_give_the_same_vocabulary(
    learned: SimpleNamespace, captions: list[str], tmp_path: Path
) -> None:
    (tmp_path / "again").mkdir()  # an empty folder may stand there
    again = train_vocabulary(_plan(learned.kind), iter(captions[:450]), tmp_path / "again")
    assert again.fingerprint == learned.vocabulary.fingerprint
    other = train_vocabulary(_plan(learned.kind), captions[:440], tmp_path / "other")
    assert other.fingerprint != again.fingerprint


def test_rare_letters_are_tokens_when_asked_for(captions: list[str], tmp_path: Path) -> None:
    """ÿ and Œ stand nowhere in these lines; ô stands in them too rarely for coverage 0.98."""
    assert not set("ÿŒ") & set("".join(captions))
    for kind in ("wordpiece", "unigram"):
        for letters, known in (("ÿŒ ô", True), ("", False)):
            plan = _plan(kind, letters=letters, coverage=0.98)
            vocabulary = train_vocabulary(plan, captions, tmp_path / f"{kind}{known}")
            for letter in "ÿŒô":
                ids = vocabulary.encode(f"a{letter} {letter}").ids.tolist()
                assert (vocabulary.unk_id not in ids) == known, (kind, letter)


def test_lower_case_drops_case_and_accents(captions: list[str], tmp_path: Path) -> None:
    plan = VocabularyPlan(kind="wordpiece", size=300, lower_case=True)
    folder = tmp_path / "lower"
    train_vocabulary(plan, captions, folder)
    ours, reader = load_vocabulary(folder), BertTokenizer.from_pretrained(folder)
    assert (
        _tokens(ours, "Ein MÄDCHEN")
        == _tokens(ours, "ein madchen")
        == reader.tokenize("ein mädchen")
    )
    with pytest.raises(UserError, match="no such token"):
        ours.id_of("E")


@pytest.mark.parametrize("kind", SIZES)
def test_the_size_that_an_error_names_is_the_limit(kind: str, tmp_path: Path) -> None:
    texts = ["low lower lowest newer wider low low"] * 40
    limits = {}
    for size, words in ((5, r"alone are (\d+)"), (90_000, r"give (\d+) tokens at most")):
        plan = VocabularyPlan(kind=kind, size=size)
        with pytest.raises(UserError, match=f"size {size}: ") as caught:
            train_vocabulary(plan, texts, tmp_path / "out")
        found = re.search(words, str(caught.value))
        assert found and "\n" not in str(caught.value)
        limits[size] = int(found[1])
        assert list(tmp_path.iterdir()) == []
    for limit, over in ((limits[5], -1), (limits[90_000], 1)):
        assert train_vocabulary(_named(kind, limit), texts, tmp_path / f"{limit}").size == limit
        with pytest.raises(UserError):
            train_vocabulary(_named(kind, limit + over), texts, tmp_path / "out")


def _named(kind: str, size: int) -> VocabularyPlan:
    return VocabularyPlan(kind=kind, size=size)


def test_each_merge_of_bpe_joins_a_commonest_pair(captions: list[str], tmp_path: Path) -> None:
    """The published algorithm, in plain Python; which of equal pairs comes first is left open."""
    train_vocabulary(VocabularyPlan(kind="bpe", size=297), captions[:90], tmp_path / "bpe")
    lines = (tmp_path / "bpe/merges.txt").read_text(encoding="utf-8").splitlines()[1:]
    assert len(lines) == 297 - 257
    letters = load_vocabulary(tmp_path / "bpe")
    texts = Counter(w for line in captions[:90] for w in regex.findall(GPT2_WORDS, line))
    words = {tuple(_byte_letters(letters, word)): n for word, n in texts.items()}
    for line in lines:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in itertools.pairwise(word):
                pairs[pair] += count
        first, second = line.split(" ")
        assert pairs[first, second] == max(pairs.values())
        joined: Counter[tuple[str, ...]] = Counter()
        for word, count in words.items():
            joined[tuple(_joined(word, first, second))] += count
        words = dict(joined)


def _byte_letters(vocabulary: Vocabulary, word: str) -> Iterator[str]:
    """The stand-ins of a word's bytes: GPT-2 numbers them in an order of its own."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    order = printable + [byte for byte in range(256) if byte not in printable]
    for byte in word.encode():
        yield vocabulary.token(order.index(byte))


def _joined(word: tuple[str, ...], first: str, second: str) -> Iterator[str]:
    index = 0
    while index < len(word):
        both = word[index : index + 2] == (first, second)
        yield first + second if both else word[index]
        index += 2 if both else 1


def test_a_text_of_one_endless_line_is_learned_from(captions: list[str], tmp_path: Path) -> None:
    """sentencepiece would pass over a line of more than 4,192 bytes."""
    text = " ".join(captions)
    assert len(text) > 30_000
    for kind in SIZES:
        vocabulary = train_vocabulary(_plan(kind), [text], tmp_path / kind)
        assert len(vocabulary.encode(text)) < 0.65 * len(text)


@given(st.text(st.sampled_from("ab \t€"), max_size=900))
def test_a_cut_line_is_whole_and_cut_at_spaces(line: str) -> None:
    parts = list(_cut(line))
    assert "".join(parts) == line
    assert all(0 < len(part) <= LONGEST_SENTENCE for part in parts)
    for part, following in itertools.pairwise(parts):
        assert following[0] == " " or " " not in part[1:]


def test_the_sample_is_even_and_the_same_each_time() -> None:
    items = [str(number) for number in range(10_000)]
    drawn, total = _draw(items, 1_000)
    assert (len(set(drawn)), total) == (1_000, 10_000)
    assert drawn == _draw(iter(items), 1_000)[0]
    tenths = Counter(int(item) // 1_000 for item in drawn)
    spread = (1_000 * 0.1 * 0.9) ** 0.5
    assert all(abs(tenths[tenth] - 100) < 4 * spread for tenth in range(10))
    assert _draw(items[:5], 9) == (items[:5], 5)


def test_what_is_learned_from_is_reported(
    captions: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = VocabularyPlan(kind="bpe", size=270)
    texts = ["\n\n".join(captions[:300]), " \n", captions[300]]
    cut = sum(len(list(_cut(line))) for line in captions[:301])
    with caplog.at_level("INFO", "headwater.text"):
        train_vocabulary(plan, texts, tmp_path / "bpe", sentences=100)
    assert caplog.messages == [f"learning 270 tokens from 100 of {cut} sentences"]


def test_an_output_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")

    def never() -> Iterator[str]:
        pytest.fail("the texts were read before the output was looked at")
        yield ""

    with pytest.raises(UserError, match="out: exists already"):
        train_vocabulary(_plan("bpe"), never(), tmp_path / "out")
    assert (tmp_path / "out/mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"kind": "unigrm"}, "did you mean 'unigram'"),
        ({"kind": "bpe", "lower_case": True}, "lower case: a bpe vocabulary keeps case"),
        ({"kind": "bpe", "letters": "ä"}, "knows every letter"),
        ({"kind": "unigram", "coverage": 99.9}, "a share from 0.98 to 1"),
        ({"kind": "unigram", "coverage": float("nan")}, "a share from 0.98 to 1"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(choices: dict[str, object], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        VocabularyPlan(size=500, **choices)  # type: ignore[arg-type]


def test_what_is_a_word_by_itself_is_never_a_continuation(tmp_path: Path) -> None:
    texts = ["Ein Müller, 中文! 中中 low lower lowest"] * 20
    vocabulary = train_vocabulary(VocabularyPlan(kind="wordpiece", size=46), texts, tmp_path / "v")
    assert vocabulary.unk_id not in vocabulary.encode("中文, Eü!").ids.tolist()
    assert vocabulary.id_of("##ü")
    for token in ("##中", "##文", "##,", "##!"):
        with pytest.raises(UserError, match="no such token"):
            vocabulary.id_of(token)


@pytest.mark.parametrize("kind", SIZES)
def test_no_text_is_one_clear_line(kind: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no text to learn from"):
        train_vocabulary(_plan(kind), ["", " \n\t "], tmp_path / "out")
    if kind != "bpe":  # which has bytes for anything
        with pytest.raises(UserError, match=r"no text to learn|give \d+ tokens at most"):
            train_vocabulary(_plan(kind, letters=""), ["\x01\x02\ufffd"], tmp_path / "out")
    with pytest.raises(UserError, match="half a character"):
        train_vocabulary(_plan(kind), ["fine", "\ud83d"], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_tokens_name_their_offsets(learned: SimpleNamespace) -> None:
    line = learned.unseen[0]
    found = tokens(learned.vocabulary, line)
    assert [each["id"] for each in found] == learned.vocabulary.encode(line).ids.tolist()
    assert _bare("".join(line[each["start"] : each["end"]] for each in found)) == _bare(line)
