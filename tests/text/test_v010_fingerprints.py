"""Vocabularies have the fingerprints that v0.1.0 gave them: runs and token stores hold these."""

from pathlib import Path

import pytest

from headwater.text.loading import load_vocabulary

FOLDERS = Path(__file__).parents[1] / "fixtures/v0.1.0"
WORDPIECE, UNIGRAM = "be51700ada109806", "5dbe67dd9e75c541"


@pytest.mark.parametrize(
    ("folder", "fingerprint"),
    [
        ("body", WORDPIECE),
        ("squad-stopped", WORDPIECE),
        ("lora-finished", WORDPIECE),
        ("t5-stopped", UNIGRAM),
        ("text", UNIGRAM),
        ("examples/vocabulary", UNIGRAM),
    ],
)
def test_a_folder_of_v010(folder: str, fingerprint: str, tmp_path: Path) -> None:
    vocabulary = load_vocabulary(FOLDERS / folder)
    assert vocabulary.fingerprint.startswith(fingerprint)
    vocabulary.save(tmp_path)
    assert load_vocabulary(tmp_path).fingerprint == vocabulary.fingerprint


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("gpt2", "0acb510f7f17be26"),
        ("bert-base-uncased", "38e0caaa290846f8"),
        ("t5", "256da685e6b31627"),
        ("t5/tokenizer.json", "98cd8406813284f0"),
    ],
)
def test_a_published_vocabulary(name: str, fingerprint: str, shared: Path) -> None:
    found = load_vocabulary(shared / "data/tokenizers" / name).fingerprint
    assert found.startswith(fingerprint)
