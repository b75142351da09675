"""GPT-2's and RoBERTa's ids equal `transformers`' and the algorithm as GPT-2 published it."""

import json
import shutil
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import pytest
import regex
from tokenizers import AddedToken
from transformers import GPT2Tokenizer, RobertaTokenizer

from headwater.text.loading import load_vocabulary
from headwater.text.vocabulary import Vocabulary

ODD = "x <mask> y<mask> <s>foo</s>  two  spaces\n\ttab é 中文 👩‍👩‍👧 'll I'LL \x00 \u00a0 end "


@pytest.fixture(scope="session")
def gpt2_folder(shared: Path) -> Path:
    return shared / "data/tokenizers/gpt2"


@pytest.fixture(scope="session")
def roberta_folder(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GPT-2's tokens in RoBERTa's order: its special tokens first, the mask last."""
    folder = tmp_path_factory.mktemp("roberta")
    ids = json.loads((gpt2_folder / "vocab.json").read_text(encoding="utf-8"))
    del ids["<|endoftext|>"]
    order = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ids, key=ids.__getitem__), "<mask>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(order)}))
    shutil.copyfile(gpt2_folder / "merges.txt", folder / "merges.txt")
    return folder


@pytest.fixture(scope="session")
def gpt2(gpt2_folder: Path) -> Vocabulary:
    return load_vocabulary(gpt2_folder)


@pytest.fixture(scope="session")
def roberta(roberta_folder: Path) -> Vocabulary:
    return load_vocabulary(roberta_folder)


def byte_stand_ins() -> dict[int, str]:
    """GPT-2's printable character for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {
        byte: chr(256 + index) for index, byte in enumerate(others)
    }


class PublishedBpe:
    """GPT-2's algorithm (Sennrich et al. 2016 over bytes), written from its description."""

    words = regex.compile(
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    )

    def __init__(self, folder: Path) -> None:
        self.ids = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")[1:]
        self.ranks = {tuple(line.split()): rank for rank, line in enumerate(lines) if line}
        self.letters = byte_stand_ins()
        self.word = lru_cache(maxsize=None)(self._word)

    def _word(self, word: str) -> list[int]:
        tokens = [self.letters[byte] for byte in word.encode()]
        while len(tokens) > 1:
            pairs = list(pairwise(tokens))
            best = min(pairs, key=lambda pair: self.ranks.get(pair, len(self.ranks)))
            if best not in self.ranks:
                break
            joined, index = [], 0
            while index < len(tokens):
                same = tuple(tokens[index : index + 2]) == best
                joined.append("".join(best) if same else tokens[index])
                index += 2 if same else 1
            tokens = joined
        return [self.ids[token] for token in tokens]

    def encode(self, text: str) -> list[int]:
        return [id for word in self.words.findall(text) for id in self.word(word)]


def test_gpt2_ids_equal_the_reference_on_every_real_line(
    gpt2: Vocabulary, gpt2_folder: Path, real_lines: list[str]
) -> None:
    reference = GPT2Tokenizer(
        str(gpt2_folder / "vocab.json"), str(gpt2_folder / "merges.txt"), model_max_length=10**9
    )
    expected = reference(real_lines, add_special_tokens=False)["input_ids"]
    found = [encoding.ids.tolist() for encoding in gpt2.encode_batch(real_lines)]
    assert [i for i, ids in enumerate(found) if ids != expected[i]] == []


@pytest.mark.parametrize("stride", [10, pytest.param(1, marks=pytest.mark.slow)])
def test_gpt2_ids_equal_the_published_algorithm(
    gpt2: Vocabulary, gpt2_folder: Path, real_lines: list[str], stride: int
) -> None:
    reference = PublishedBpe(gpt2_folder)
    lines = real_lines[::stride]
    found = [encoding.ids.tolist() for encoding in gpt2.encode_batch(lines)]
    assert [i for i, line in enumerate(lines) if found[i] != reference.encode(line)] == []


@pytest.mark.parametrize("prefix", [False, True])
def test_roberta_ids_equal_the_reference(
    roberta_folder: Path, tmp_path: Path, real_lines: list[str], prefix: bool
) -> None:
    files = [str(roberta_folder / name) for name in ("vocab.json", "merges.txt")]
    # the published folder's mask takes the space before it along
    mask = AddedToken("<mask>", lstrip=True, special=True, normalized=False)
    reference = RobertaTokenizer(
        *files, add_prefix_space=prefix, mask_token=mask, model_max_length=10**9
    )
    for file in files:
        shutil.copy(file, tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"add_prefix_space": prefix}))
    vocabulary = load_vocabulary(tmp_path)
    lines = [*real_lines[::10], ODD, "", " ", "Hello"]
    expected = reference(lines, add_special_tokens=False)["input_ids"]
    found = [encoding.ids.tolist() for encoding in vocabulary.encode_batch(lines)]
    assert [i for i, ids in enumerate(found) if ids != expected[i]] == []


def test_roles(gpt2: Vocabulary, roberta: Vocabulary) -> None:
    assert (gpt2.eos_id, gpt2.pad_id, gpt2.cls_id, gpt2.unk_id) == (50_256, None, None, None)
    found = (roberta.cls_id, roberta.pad_id, roberta.sep_id, roberta.eos_id, roberta.unk_id)
    assert found == (0, 1, 2, 2, 3)
    assert roberta.mask_id == roberta.size - 1


def test_decode_is_exact(gpt2: Vocabulary, roberta: Vocabulary, real_lines: list[str]) -> None:
    for text in [*real_lines[::200], "  two  spaces\n\ttab é 👩‍👩‍👧 . , 'll "]:
        assert gpt2.decode(gpt2.encode(text).ids.tolist()) == text
        assert roberta.decode([0, *roberta.encode(text).ids.tolist(), 2]) == text


def test_transformers_opens_what_was_saved(
    gpt2: Vocabulary, roberta: Vocabulary, tmp_path: Path
) -> None:
    gpt2.save(tmp_path / "gpt2")
    roberta.save(tmp_path / "roberta")
    opened = GPT2Tokenizer.from_pretrained(tmp_path / "gpt2")
    assert opened(ODD)["input_ids"] == gpt2.encode(ODD).ids.tolist()
    opened = RobertaTokenizer.from_pretrained(tmp_path / "roberta")
    text = ODD.replace("<mask>", "")
    assert opened(text)["input_ids"] == [0, *roberta.encode(text).ids.tolist(), 2]
    assert opened.mask_token_id == roberta.mask_id


def test_the_three_files_alone_give_the_same_ids(roberta: Vocabulary, tmp_path: Path) -> None:
    roberta.save(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    again = load_vocabulary(tmp_path)
    assert again.encode(ODD).ids.tolist() == roberta.encode(ODD).ids.tolist()
    assert again.fingerprint == roberta.fingerprint
