"""mT5's and umT5's vocabularies, which spell rare characters in bytes, cut as their files say."""

import io
import json
import logging
import struct
from pathlib import Path

import pytest
import sentencepiece

from headwater.text.loading import load_vocabulary
from headwater.text.special_tokens import describe, sentinel_ids
from headwater.text.vocabulary import Vocabulary

USER_DEFINED = 4
ROLES = {
    "mt5": {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
    "umt5": {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3},
}
SENTINELS = 100
SPELLED = [
    "中文 a",
    "a🙂b",
    "🙂",
    "é 中",
    "<0x41> the",
    "the <unk> x",
    "",
    "  ",
    "ﬁ½ 中½",
    "x</s>中",
]


def sentinels(count: int) -> bytes:
    """Further tokens of a SentencePiece file, as mT5's has them: `▁<extra_id_99>` and so on."""
    found = b""
    for number in reversed(range(count)):
        name = f"▁<extra_id_{number}>".encode()
        token = bytes((0x0A, len(name))) + name + b"\x15" + struct.pack("<f", 0.0)
        token += bytes((0x18, USER_DEFINED))
        found += bytes((0x0A, len(token))) + token
    return found


def trained(lines: list[str], family: str) -> bytes:
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=written,
        vocab_size=900,
        hard_vocab_limit=False,
        character_coverage=0.99,
        byte_fallback=True,
        num_threads=1,
        minloglevel=2,
        **ROLES[family],
    )
    return written.getvalue() + (sentinels(SENTINELS) if family == "mt5" else b"")


@pytest.fixture(scope="module", params=ROLES)
def folder(
    request: pytest.FixtureRequest, real_lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "spiece.model").write_bytes(
        trained([line[:200] for line in real_lines[::20]], request.param)
    )
    (folder / "config.json").write_text(json.dumps({"model_type": request.param}))
    stated = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0 if request.param == "mt5" else 300}
    (folder / "tokenizer_config.json").write_text(json.dumps(stated))
    return folder


def processor_of(folder: Path) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))


def test_ids_are_those_of_the_file_on_every_real_line(folder: Path, real_lines: list[str]) -> None:
    vocabulary, processor = load_vocabulary(folder), processor_of(folder)
    published = processor.encode(real_lines)
    ours = [each.ids.tolist() for each in vocabulary.encode_batch(real_lines)]
    different = [line for line, a, b in zip(real_lines, ours, published, strict=True) if a != b]
    assert not different
    spelled = sum(processor.is_byte(id) for ids in published for id in ids)
    assert spelled > 1000
    for line, ids in zip(real_lines[::50], ours[::50], strict=True):
        assert vocabulary.decode(ids) == processor.decode(ids), line


def pieces(vocabulary: Vocabulary, text: str) -> list[tuple[str, str]]:
    """Each token with the part of the text that it came from."""
    found = vocabulary.encode(text)
    names = map(vocabulary.token, found.ids.tolist())
    ends = zip(found.starts.tolist(), found.ends.tolist(), strict=True)
    return [(name, text[start:end]) for name, (start, end) in zip(names, ends, strict=True)]


def test_each_byte_names_its_character(folder: Path) -> None:
    vocabulary = load_vocabulary(folder)
    emoji = [f"<0x{byte:02X}>" for byte in "🙂".encode()]
    kanji = [f"<0x{byte:02X}>" for byte in "丂".encode()]
    found = pieces(vocabulary, "the 🙂丂 the")
    assert found[0] == ("▁the", "the") and found[-1] == ("▁the", "the")
    assert found[-len(emoji + kanji) - 1 : -1] == [
        *((each, "🙂") for each in emoji),
        *((each, "丂") for each in kanji),
    ]


@pytest.mark.parametrize("text", SPELLED)
def test_odd_texts(folder: Path, text: str) -> None:
    vocabulary, processor = load_vocabulary(folder), processor_of(folder)
    found = vocabulary.encode(text)
    if "<unk>" not in text and "</s>" not in text:  # special tokens, as of T5
        assert found.ids.tolist() == processor.encode(text)
        assert vocabulary.decode(found.ids.tolist()) == processor.decode(found.ids.tolist())
    assert all(
        0 <= start <= end <= len(text) for start, end in zip(found.starts, found.ends, strict=True)
    )


def test_bytes_that_are_no_character_are_decoded(folder: Path) -> None:
    vocabulary, processor = load_vocabulary(folder), processor_of(folder)
    half = [processor.piece_to_id(f"<0x{byte:02X}>") for byte in "🙂".encode()[:2]]
    the = processor.encode("the")
    assert vocabulary.decode([*the, *half, *the]) == processor.decode([*the, *half, *the])


def test_sentinels_are_found(folder: Path) -> None:
    vocabulary, processor = load_vocabulary(folder), processor_of(folder)
    size = len(processor)
    many, first = (SENTINELS, size - 1) if folder.name.startswith("mt5") else (300, size + 299)
    assert sentinel_ids(vocabulary) == [first - number for number in range(many)]
    assert vocabulary.sentinel(1) == first - 1
    assert describe(vocabulary)["sentinels"] == many
    assert vocabulary.size == first + 1
    ids = vocabulary.encode("the <extra_id_0> the <extra_id_2>").ids.tolist()
    assert [first - id for id in ids if id > first - many] == [0, 2]


def test_a_saved_folder_is_the_same_and_says_what_others_do(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vocabulary = load_vocabulary(folder)
    with caplog.at_level(logging.WARNING):
        vocabulary.save(tmp_path)
    assert sum("spells rare characters in bytes" in each for each in caplog.messages) == 1
    again = load_vocabulary(tmp_path)
    assert again.fingerprint == vocabulary.fingerprint
    assert again.ids == vocabulary.ids
