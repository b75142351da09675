"""A `tokenizer.json` that asks for memory or time without end is refused in one line."""

import json
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from headwater.errors import UserError
from headwater.text import expansion
from headwater.text.expansion import most_from_one
from headwater.text.loading import load_vocabulary
from headwater.text.rust import has_risky_regex, rust_errors
from headwater.text.vocabulary import Vocabulary

SHORT = "aab"
LONG = "a" * 40 + "!"


def _opened(folder: Path, **parts: Any) -> Vocabulary:
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    tokenizer.save(str(folder / "tokenizer.json"))
    return load_vocabulary(folder)


def _replaces(count: int, size: int = 1000) -> Any:
    return normalizers.Sequence([normalizers.Replace("a", "a" * size)] * count)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_an_expansion_without_end_is_refused_when_it_is_opened(count: int, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tokenizer\.json: its normalizer can write [\d,]+ char"):
        _opened(tmp_path, normalizer=_replaces(count))


def test_what_stands_between_two_expansions_does_not_hide_them(tmp_path: Path) -> None:
    inner = normalizers.Sequence([_replaces(1), normalizers.Replace(Regex("b*"), "a" * 1000)])
    with pytest.raises(UserError, match="its normalizer can write"):
        _opened(tmp_path, normalizer=normalizers.Sequence([inner, normalizers.NFC()]))
    splitters = [pre_tokenizers.ByteLevel(add_prefix_space=False)] * 12
    with pytest.raises(UserError, match="its pre_tokenizer can write"):
        _opened(tmp_path, pre_tokenizer=pre_tokenizers.Sequence(splitters))


def test_deep_nesting_and_large_ids_are_one_line(tmp_path: Path) -> None:
    _opened(tmp_path)
    file = tmp_path / "tokenizer.json"
    content = json.loads(file.read_text("utf-8"))
    deep: Any = {"type": "NFC"}
    for _ in range(300):
        deep = {"type": "Sequence", "normalizers": [deep]}
    file.write_text(json.dumps({**content, "normalizer": deep}))
    with pytest.raises(UserError, match=r"nested too deeply|recursion limit"):
        load_vocabulary(file)
    content["model"]["vocab"]["a"] = 4_000_000_000
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"has the id 4,000,000,000; at most 10,000,000"):
        load_vocabulary(file)


def test_a_search_in_endless_words_is_refused(tmp_path: Path) -> None:
    ids = {"[UNK]": 0, "a": 1, "##a": 2}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=10**9))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(UserError, match="max_input_chars_per_word is 1000000000; at most 1000"):
        load_vocabulary(tmp_path)


def test_a_text_that_grows_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "LONGEST", 50_000)
    vocabulary = _opened(tmp_path, normalizer=_replaces(1))
    assert len(vocabulary.encode("b" * 400)) == 1  # it could grow, and does not
    for encode in (vocabulary.encode, lambda text: vocabulary.encode_batch(["b", text])):
        with pytest.raises(UserError, match="400 characters long, and more than 50,000 once"):
            encode("a" * 400)


def test_published_parts_stay_far_below_the_bound() -> None:
    parts = [
        *({"type": "Replace", "pattern": {"String": "``"}, "content": '"'}, {"type": "NFKD"}),
        *({"type": "StripAccents"}, {"type": "Lowercase"}, {"type": "Prepend", "prepend": "▁"}),
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
    ]
    assert most_from_one({"type": "Sequence", "normalizers": parts}) == 18 * 3 * 2 * 2


@pytest.mark.parametrize(
    "parts",
    [
        {"pre_tokenizer": pre_tokenizers.Split(Regex("(a+)+$"), "isolated")},
        {"pre_tokenizer": pre_tokenizers.Split(Regex("(a|aa)+$"), "removed")},
        {"normalizer": normalizers.Replace(Regex("(a+)+$"), "b")},
    ],
    ids=["split", "choice", "replace"],
)
def test_an_expression_that_tries_without_end_is_one_line(
    parts: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    vocabulary = _opened(tmp_path, **parts)
    assert len(vocabulary.encode(SHORT)) > 0
    for encode in (vocabulary.encode, lambda text: vocabulary.encode_batch(["b", text])):
        with pytest.raises(UserError, match=r"tokenizer\.json: .* takes too many steps") as caught:
            encode(LONG)
        assert "\n" not in str(caught.value)
    assert len(vocabulary.encode(SHORT)) > 0
    assert capfd.readouterr().err == ""


def test_what_fails_in_the_library_is_one_line(tmp_path: Path) -> None:
    """BPE may name no unknown token; then nothing stands for a letter that it does not know."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    vocabulary = load_vocabulary(tmp_path)
    with pytest.raises(UserError, match="these tokens give no text"):
        vocabulary.decode([2**40])


def test_stderr_of_what_goes_well_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with rust_errors(Path("tokenizer.json"), "not usable", may_panic=True):
        os.write(2, b"said by another thread\n")
    assert capfd.readouterr().err == "said by another thread\n"


def test_an_interruption_stays_one() -> None:
    with pytest.raises(KeyboardInterrupt), rust_errors(Path("x"), "y"):
        raise KeyboardInterrupt


def test_threads_may_share_an_expression(tmp_path: Path) -> None:
    splitter = pre_tokenizers.Split(Regex("(a+)+$"), "isolated")
    vocabulary = _opened(tmp_path, pre_tokenizer=splitter)
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(vocabulary.encode(SHORT))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 8


@pytest.mark.parametrize(
    ("pattern", "risky"),
    [("(a+)+$", True), ("(?:x|y){2,}", True), (r"(?i:'s|'t)|\p{L}+|\s+(?!\S)", False)],
)
def test_published_expressions_are_not_held_back(pattern: str, risky: bool) -> None:
    assert has_risky_regex({"pre_tokenizer": [{"pattern": {"Regex": pattern}}]}) is risky


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs files in memory")
def test_no_temporary_folder_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))  # as in a read-only container
    assert list(_opened(tmp_path).encode("a").ids) == [1]
