"""SentencePiece models of encoders give the ids of their published classes."""

import io
import json
import re
import unicodedata
from pathlib import Path

import pytest
import sentencepiece
import transformers

from headwater.errors import UserError
from headwater.text.loading import load_vocabulary
from headwater.text.sequence_layout import encoder_layout
from headwater.text.vocabulary import Vocabulary

CLASSES = {
    "xlm-roberta": transformers.XLMRobertaTokenizer,
    "camembert": transformers.CamembertTokenizer,
}
FAIRSEQ = {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1}
DEBERTA = {
    **{"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3},
    **{"pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"},
}
ALBERT = {
    **{"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "pad_piece": "<pad>"},
    "control_symbols": "[CLS],[SEP],[MASK]",
}
SPELLED = ["a</s> b", "<s> x <pad>", "a <unk> b", "x<mask>y", "", "  ", "Ａ ﬁ ½ e\u0301"]


def trained(lines: list[str], **ids: int | str) -> bytes:
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=written,
        vocab_size=700,
        hard_vocab_limit=False,
        character_coverage=0.999,
        normalization_rule_name="nmt_nfkc",
        num_threads=1,
        minloglevel=2,
        **ids,
    )
    return written.getvalue()


@pytest.fixture(scope="module")
def fairseq_model(real_lines: list[str]) -> bytes:
    return trained([line[:200] for line in real_lines[::20]], **FAIRSEQ)


def folder_of(folder: Path, model_type: str, file: str, model: bytes) -> Vocabulary:
    (folder / file).write_bytes(model)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    return load_vocabulary(folder)


@pytest.mark.parametrize("model_type", CLASSES)
def test_ids_are_those_of_the_class(
    tmp_path: Path, real_lines: list[str], fairseq_model: bytes, model_type: str
) -> None:
    vocabulary = folder_of(tmp_path, model_type, "sentencepiece.bpe.model", fairseq_model)
    theirs = CLASSES[model_type].from_pretrained(tmp_path)
    lines = [*real_lines, *SPELLED]
    published = theirs(lines, add_special_tokens=False)["input_ids"]
    ours = [each.ids.tolist() for each in vocabulary.encode_batch(lines)]
    different = [line for line, a, b in zip(lines, ours, published, strict=True) if a != b]
    assert not different
    assert vocabulary.size == len(theirs)
    for role in ("pad", "unk", "eos", "cls", "sep", "mask"):
        assert getattr(vocabulary, f"{role}_id") == getattr(theirs, f"{role}_token_id"), role
    pair = [vocabulary.encode(text).ids for text in ("the first", "another")]
    laid_out = encoder_layout(vocabulary).sequence(*pair)["input_ids"].tolist()
    assert laid_out == theirs("the first", "another")["input_ids"]


@pytest.mark.parametrize("model_type", CLASSES)
def test_a_saved_folder_gives_the_same_ids(
    tmp_path: Path, fairseq_model: bytes, model_type: str
) -> None:
    vocabulary = folder_of(tmp_path, model_type, "sentencepiece.bpe.model", fairseq_model)
    saved = tmp_path / "saved"
    vocabulary.save(saved)
    (saved / "config.json").write_text(json.dumps({"model_type": model_type}))
    again = load_vocabulary(saved)
    theirs = transformers.AutoTokenizer.from_pretrained(saved)
    assert again.fingerprint == vocabulary.fingerprint
    for text in ("The first line", *SPELLED):
        ids = vocabulary.encode(text).ids.tolist()
        assert again.encode(text).ids.tolist() == ids
        assert theirs(text, add_special_tokens=False)["input_ids"] == ids
    assert theirs("a", "b")["input_ids"] == (
        encoder_layout(again)
        .sequence(again.encode("a").ids, again.encode("b").ids)["input_ids"]
        .tolist()
    )


def test_deberta_cuts_as_its_model_does(tmp_path: Path, real_lines: list[str]) -> None:
    model = trained([line[:200] for line in real_lines[::20]], **DEBERTA)
    vocabulary = folder_of(tmp_path, "deberta-v2", "spm.model", model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    assert vocabulary.mask_id == len(processor)
    assert vocabulary.size == len(processor) + 1
    assert (vocabulary.pad_id, vocabulary.cls_id, vocabulary.sep_id, vocabulary.unk_id) == (
        *(0, 1, 2, 3),
    )
    published = processor.encode(real_lines)
    ours = [each.ids.tolist() for each in vocabulary.encode_batch(real_lines)]
    different = [line for line, a, b in zip(real_lines, ours, published, strict=True) if a != b]
    assert len(different) <= 20, different[:5]


def test_albert_gives_the_ids_of_its_class(tmp_path: Path, real_lines: list[str]) -> None:
    model = trained([line[:200] for line in real_lines[::20]], **ALBERT)
    vocabulary = folder_of(tmp_path, "albert", "spiece.model", model)
    theirs = transformers.AlbertTokenizer.from_pretrained(tmp_path)
    comma = re.compile(r"\d,")  # the class forgets a rule of its own tokenizer.json on these
    lines = [line for line in real_lines if not comma.search(line)]
    lines += ["a[SEP] b", "[CLS] x <pad>", "a <unk> b", "x[MASK]y", "", "  ", "``É ''ﬁ ½ e\u0301"]
    published = theirs(lines, add_special_tokens=False)["input_ids"]
    ours = [each.ids.tolist() for each in vocabulary.encode_batch(lines)]
    different = [line for line, a, b in zip(lines, ours, published, strict=True) if a != b]
    assert not different
    assert vocabulary.size == len(theirs)
    for role in ("pad", "unk", "cls", "sep", "mask"):
        assert getattr(vocabulary, f"{role}_id") == getattr(theirs, f"{role}_token_id"), role
    pair = [vocabulary.encode(text).ids for text in ("the first", "another")]
    laid_out = encoder_layout(vocabulary).sequence(*pair)
    both = theirs("the first", "another", return_token_type_ids=True)
    assert laid_out["input_ids"].tolist() == both["input_ids"]
    saved = tmp_path / "saved"
    vocabulary.save(saved)
    again = load_vocabulary(saved)
    assert again.fingerprint == vocabulary.fingerprint
    reopened = transformers.AutoTokenizer.from_pretrained(saved)
    for text in ("The first line", "x[MASK]y", "``É ''ﬁ ½"):
        ids = vocabulary.encode(text).ids.tolist()
        assert again.encode(text).ids.tolist() == ids
        assert reopened(text, add_special_tokens=False)["input_ids"] == ids


def cut_by_albert(processor: sentencepiece.SentencePieceProcessor, text: str) -> list[int]:
    """As tokenization.py of Lan et al. cuts a text: clean, cut, cut numbers anew."""
    text = " ".join(text.strip().split()).replace("``", '"').replace("''", '"')
    text = unicodedata.normalize("NFKD", text)
    text = "".join(each for each in text if not unicodedata.combining(each)).lower()
    found: list[str] = []
    for piece in processor.encode(text, out_type=str):
        if len(piece) < 2 or piece[-1] != "," or not piece[-2].isdigit():
            found.append(piece)
            continue
        own = processor.encode(piece[:-1].replace("▁", ""), out_type=str)
        if piece[0] != "▁" and own[0][0] == "▁":
            own = own[1:] if len(own[0]) == 1 else [own[0][1:], *own[1:]]
        found += [*own, ","]
    return [processor.piece_to_id(piece) for piece in found]


def test_albert_cuts_as_its_authors_do(tmp_path: Path, real_lines: list[str]) -> None:
    lines = [line[:200] for line in real_lines[::20]]
    model = trained(lines, **ALBERT, user_defined_symbols='(,),",-,.,–,£,€')
    vocabulary = folder_of(tmp_path, "albert", "spiece.model", model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    published = [cut_by_albert(processor, line) for line in real_lines]
    ours = [each.ids.tolist() for each in vocabulary.encode_batch(real_lines)]
    different = [line for line, a, b in zip(real_lines, ours, published, strict=True) if a != b]
    assert len(different) <= 20, different[:5]


def test_albert_may_keep_case_and_accents(tmp_path: Path) -> None:
    lines = ["The river runs past the old Mill", "Éva read a book"] * 50
    model = trained(lines, **ALBERT)
    flags = {"tokenizer_class": "AlbertTokenizer", "do_lower_case": False, "keep_accents": True}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(flags))
    vocabulary = folder_of(tmp_path, "albert", "spiece.model", model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    for line in lines[:2]:
        assert vocabulary.encode(line).ids.tolist() == processor.encode(line)


def test_tokens_of_no_class_are_refused(tmp_path: Path, fairseq_model: bytes) -> None:
    (tmp_path / "sentencepiece.bpe.model").write_bytes(fairseq_model)
    with pytest.raises(UserError, match="nothing tells how its tokens are numbered; name the"):
        load_vocabulary(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "XLMRobertaTokenizer"}')
    (tmp_path / "sentencepiece.bpe.model").write_bytes(fairseq_model[:-100])
    with pytest.raises(UserError, match="not a whole SentencePiece model"):
        load_vocabulary(tmp_path)


def test_a_model_that_joins_pairs_is_refused(tmp_path: Path, real_lines: list[str]) -> None:
    model = trained([line[:100] for line in real_lines[:300]], model_type="bpe", **FAIRSEQ)
    with pytest.raises(UserError, match="not a Unigram model"):
        folder_of(tmp_path, "xlm-roberta", "sentencepiece.bpe.model", model)
