"""BERT's ids equal those of its published tokenizer, in Rust and in Python."""

from pathlib import Path

import pytest
from transformers import BertTokenizer
from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Caf", "caf", "##e", "##é", "cafe", "中"]


@pytest.fixture(scope="session")
def bert_folder(shared: Path) -> Path:
    return shared / "data/tokenizers/bert-base-uncased"


@pytest.fixture(scope="session")
def bert(bert_folder: Path) -> Vocabulary:
    return load_vocabulary(bert_folder)


def _small(folder: Path, config: str = "{}") -> Vocabulary:
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(config)
    return load_vocabulary(folder)


def test_ids_equal_the_rust_reference_on_every_real_line(
    bert: Vocabulary, bert_folder: Path, real_lines: list[str]
) -> None:
    reference = BertTokenizer(str(bert_folder / "vocab.txt"))
    expected = reference(real_lines, add_special_tokens=False)["input_ids"]
    found = [encoding.ids.tolist() for encoding in bert.encode_batch(real_lines)]
    assert [i for i, ids in enumerate(found) if ids != expected[i]] == []


@pytest.mark.parametrize("stride", [10, pytest.param(1, marks=pytest.mark.slow)])
def test_ids_equal_the_python_reference(
    bert: Vocabulary, bert_folder: Path, real_lines: list[str], stride: int
) -> None:
    """The reference in plain Python shares no code with the Rust library."""
    reference = BertTokenizerLegacy(str(bert_folder / "vocab.txt"))
    lines = real_lines[::stride]
    expected = [reference.convert_tokens_to_ids(reference.tokenize(line)) for line in lines]
    found = [encoding.ids.tolist() for encoding in bert.encode_batch(lines)]
    assert [i for i, ids in enumerate(found) if ids != expected[i]] == []


def test_real_tokenizer_json_and_its_vocab_txt_agree(minilm: Path, real_lines: list[str]) -> None:
    """The file asks for sequences cut and padded to 128 tokens, which is not its affair here."""
    by_json, by_lines = load_vocabulary(minilm), load_vocabulary(minilm / "vocab.txt")
    lines = real_lines[::50]
    for one, other in zip(by_json.encode_batch(lines), by_lines.encode_batch(lines), strict=True):
        assert one.ids.tolist() == other.ids.tolist()
    assert len(by_json.encode("word " * 300)) == 300
    assert by_json.fingerprint == by_lines.fingerprint


def test_special_tokens_and_their_roles(bert: Vocabulary) -> None:
    assert (bert.pad_id, bert.unk_id, bert.cls_id, bert.sep_id, bert.mask_id, bert.eos_id) == (
        (0, 100, 101, 102, 103, None)
    )
    assert bert.size == 30_522
    assert bert.encode("a [MASK]").ids.tolist() == [bert.id_of("a"), 103]


def test_case_and_accents_follow_the_settings(tmp_path: Path) -> None:
    def tokens(config: str) -> list[str]:
        vocabulary = _small(tmp_path, config)
        return [vocabulary.token(int(i)) for i in vocabulary.encode("Café").ids]

    assert tokens("{}") == ["cafe"]
    assert tokens('{"do_lower_case": false}') == ["Caf", "##é"]
    assert tokens('{"do_lower_case": false, "strip_accents": true}') == ["Caf", "##e"]
    assert tokens('{"strip_accents": false}') == ["caf", "##é"]


def test_settings_win_over_tokenizer_json(tmp_path: Path) -> None:
    _small(tmp_path).save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    vocabulary = load_vocabulary(tmp_path)
    assert [vocabulary.token(int(i)) for i in vocabulary.encode("Café").ids] == ["Caf", "##é"]


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes("\r\n".join(WORDS).encode())
    assert load_vocabulary(tmp_path).id_of("cafe") == WORDS.index("cafe")


def test_decode_equals_the_reference(
    bert: Vocabulary, bert_folder: Path, real_lines: list[str]
) -> None:
    reference = BertTokenizer(str(bert_folder / "vocab.txt"))
    for text in ["An unaffable man, doesn't he?", *real_lines[::200]]:
        ids = [101, *bert.encode(text).ids.tolist(), 102]
        assert bert.decode(ids) == reference.decode(ids, skip_special_tokens=True)
        assert bert.decode(ids, skip_special=False) == reference.decode(ids)
    assert bert.decode(bert.encode("An unaffable man.").ids.tolist()) == "an unaffable man."


def test_transformers_opens_what_was_saved(bert: Vocabulary, tmp_path: Path) -> None:
    bert.save(tmp_path)
    reference = BertTokenizer.from_pretrained(tmp_path)
    text = "Déjà vu — unaffable [SEP] 中文"
    ids = bert.encode(text).ids.tolist()
    assert reference(text)["input_ids"] == [101, *ids, 102]
    assert BertTokenizer(str(tmp_path / "vocab.txt"))(text)["input_ids"] == [101, *ids, 102]
