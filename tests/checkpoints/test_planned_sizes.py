"""What a config.json plans is bounded before memory or time is taken for it."""

import json
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.checkpoints.folder import load_model
from headwater.errors import UserError
from headwater.models import memory

HUGE = 10**12


@pytest.mark.parametrize(
    ("family", "head", "changes", "said"),
    [
        ("bert", "sequence", {"num_labels": HUGE, "id2label": None}, "from 1 to 1,000,000"),
        ("bert", "sequence", {"num_labels": 10**7, "id2label": None}, "from 1 to 1,000,000"),
        ("bert", "sequence", {"vocab_size": HUGE}, "from 1 to 100,000,000"),
        ("bert", "sequence", {"vocab_size": 10**8}, r"word_embeddings\.weight is .* asks for"),
        ("bert", "sequence", {"num_hidden_layers": 10**9}, "from 1 to 1,000"),
        ("bert", "sequence", {"max_position_embeddings": 10**8}, "position_embeddings"),
        ("t5", None, {"relative_attention_num_buckets": 10**8}, "relative_attention"),
        ("gpt", None, {"n_positions": 10**8}, "wpe"),
        ("elmo", None, {"filters": [[1, 32]] * 10**6}, "up to 50, a width"),
        ("elmo", None, {"filters": [[1, 10**9]]}, "a number up to 100,000"),
        ("elmo", None, {"cells": 10**8}, "config.json asks for"),
        ("cbow", None, {"vocab_size": 10**8}, "config.json asks for"),
    ],
)
def test_it_is_one_line(
    tmp_path: Path, family: str, head: str | None, changes: dict[str, Any], said: str
) -> None:
    vocabulary = tiny.example_words(tmp_path / "v")
    folder = tiny.model_folder(tmp_path / "m", vocabulary, head, family=family)
    (folder / "manifest.json").unlink()
    content = json.loads((folder / "config.json").read_text()) | changes
    content = {key: value for key, value in content.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=said) as line:
        load_model(folder)
    assert "\n" not in str(line.value) and len(str(line.value)) < 1000


def test_a_new_head_must_have_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "v", tiny.WORDS)
    folder = tiny.model_folder(tmp_path / "m", vocabulary)
    monkeypatch.setattr(memory, "_memory", lambda: 100)
    with pytest.raises(UserError, match="a new head of bert needs"):
        load_model(folder, "sequence", labels=[f"label{n}" for n in range(100)])


def test_the_fix_is_named(tmp_path: Path) -> None:
    vocabulary = tiny.wordpiece(tmp_path / "v", tiny.WORDS)
    folder = tiny.model_folder(tmp_path / "m", vocabulary)
    (folder / "manifest.json").unlink()
    content = json.loads((folder / "config.json").read_text())
    for layers, said in ((3, r"missing: .* and 12 more; fetch"), (1, "unexpected.* save both")):
        changed = content | {"num_hidden_layers": layers}
        (folder / "config.json").write_text(json.dumps(changed))
        with pytest.raises(UserError, match=said):
            load_model(folder)
