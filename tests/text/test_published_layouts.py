"""Vocabularies in the layouts of further families give the ids of `AutoTokenizer`."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors, trainers
from tokenizers.pre_tokenizers import ByteLevel

from headwater.text.loading import load_vocabulary
from headwater.text.sequence_layout import encoder_layout

ODD = [
    "x <mask> y<mask> <s>foo</s>",
    "[CLS] a [MASK]b [SEP]",
    "",
    " ",
    "a    b\n\n  c\td",
    "Ａ é 中文",
]


def electra(folder: Path, data: Path, lines: list[str]) -> None:
    shutil.copy(data / "bert-base-uncased" / "vocab.txt", folder)


def mpnet(folder: Path, data: Path, lines: list[str]) -> None:
    """BERT's words between special tokens like RoBERTa's, and the tokenizer.json of the class."""
    words = (data / "bert-base-uncased" / "vocab.txt").read_text(encoding="utf-8").split()
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *words, "<mask>"]
    vocab = {token: index for index, token in enumerate(tokens)}
    transformers.MPNetTokenizer(vocab=vocab, unk_token="[UNK]").save_pretrained(folder)


def bart(folder: Path, data: Path, lines: list[str]) -> None:
    """GPT-2's tokens in BART's order; no file names a class."""
    ids = json.loads((data / "gpt2" / "vocab.json").read_text(encoding="utf-8"))
    del ids["<|endoftext|>"]
    order = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ids, key=ids.__getitem__), "<mask>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(order)}))
    shutil.copy(data / "gpt2" / "merges.txt", folder)
    flags = {"lstrip": True, "rstrip": False, "single_word": False, "normalized": False}
    mask = {"__type": "AddedToken", "content": "<mask>", "special": True, **flags}
    (folder / "tokenizer_config.json").write_text(json.dumps({"mask_token": mask}))


def modernbert(folder: Path, data: Path, lines: list[str]) -> None:
    """A byte-level BPE after NFC; runs of spaces and the special tokens are added above it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer, tokenizer.decoder = (
        ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
    )
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=["|||IP_ADDRESS|||", "<|padding|>"],
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([line[:200] for line in lines[::20]], trainer)
    tokenizer.add_tokens([AddedToken(" " * count, normalized=True) for count in range(24, 1, -1)])
    special = ("<|endoftext|>", "[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")
    tokenizer.add_special_tokens(
        [AddedToken(each, lstrip=each == "[MASK]", normalized=False) for each in special]
    )
    around = [(each, tokenizer.token_to_id(each)) for each in ("[CLS]", "[SEP]")]
    pair = "[CLS] $A [SEP] $B [SEP]"
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", pair, around)
    roles = {f"{each}_token": f"[{each.upper()}]" for each in ("unk", "cls", "sep", "pad", "mask")}
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **roles).save_pretrained(
        folder
    )


FAMILIES: dict[str, Callable[[Path, Path, list[str]], None]] = {
    "electra": electra,
    "distilbert": electra,
    "mpnet": mpnet,
    "bart": bart,
    "roberta": bart,
    "modernbert": modernbert,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_ids_are_those_of_the_class(
    family: str, tmp_path: Path, shared: Path, real_lines: list[str]
) -> None:
    FAMILIES[family](tmp_path, shared / "data" / "tokenizers", real_lines)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": family}))
    vocabulary = load_vocabulary(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path, model_max_length=10**9)
    lines = [*real_lines, *ODD]
    published = theirs(lines, add_special_tokens=False)["input_ids"]
    ours = [each.ids.tolist() for each in vocabulary.encode_batch(lines)]
    different = [line for line, a, b in zip(lines, ours, published, strict=True) if a != b]
    assert not different
    assert vocabulary.size == len(theirs)
    for role in ("pad", "cls", "sep", "mask"):
        assert getattr(vocabulary, f"{role}_id") == getattr(theirs, f"{role}_token_id"), role
    pair = [vocabulary.encode(text).ids for text in ("the first", "another")]
    laid_out = encoder_layout(vocabulary).sequence(*pair)["input_ids"].tolist()
    assert laid_out == theirs("the first", "another")["input_ids"]
    vocabulary.save(tmp_path / "saved")
    shutil.copy(tmp_path / "config.json", tmp_path / "saved")
    again = load_vocabulary(tmp_path / "saved")
    reopened = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert again.fingerprint == vocabulary.fingerprint
    for text in (*real_lines[::500], *ODD):
        ids = vocabulary.encode(text).ids.tolist()
        assert again.encode(text).ids.tolist() == ids
        assert reopened(text, add_special_tokens=False)["input_ids"] == ids
