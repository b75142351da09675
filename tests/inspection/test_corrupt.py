"""The noise of an objective on one text: what it hides and what it asks for make up the text."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.errors import UserError
from headwater.inspection.corrupt import corrupted

TEXT = "Thank you for inviting me to your party last week"
WORDS = TEXT.split()


def parts(shown: Any) -> dict[str, str]:
    [found] = shown.content["texts"]
    return dict(found)


@pytest.mark.parametrize("seed", range(5))
def test_spans_put_back_give_the_text(seed: int) -> None:
    found = parts(corrupted(TEXT, "span_corruption", seed, None, ["span_corruption.mean_span=1"]))
    assert found["original"] == f"{TEXT} </s>"
    targets = found["targets"].split()
    spans: dict[str, list[str]] = {}
    for token in targets[:-1]:
        if token.startswith("<extra_id_"):
            spans[token] = []
        else:
            spans[list(spans)[-1]].append(token)
    back = [w for token in found["inputs"].split() for w in spans.get(token, [token])]
    assert back == [*WORDS, "</s>"] and targets[-1] == "</s>"
    assert sum(map(len, spans.values())) == 2  # 15% of ten words, rounded


def test_seeds_differ_and_repeat() -> None:
    found = [parts(corrupted(TEXT, "mlm", seed, None, []))["inputs"] for seed in (0, 1, 2, 3, 0)]
    assert found[0] == found[-1] and len(set(found)) > 1
    assert all("[CLS]" in each and "[SEP]" in each for each in found)


def test_a_model_cuts_by_its_vocabulary(tmp_path: Path) -> None:
    words = tiny.wordpiece(tmp_path / "words", ["thank", "you"], tiny.LETTERS)
    folder = tiny.model_folder(tmp_path / "model", words)
    found = parts(corrupted("thank you party", "mlm", 0, str(folder), []))
    assert found["original"].replace(" ", "") == "[CLS]thankyouparty[SEP]"


@pytest.mark.parametrize(
    ("text", "objective", "message"),
    [
        (TEXT, "lm", "objective 'lm' has no noise"),
        (TEXT, "span_corruptoin", "did you mean 'span_corruption'"),
        ("word", "mlm", "fewer than two tokens"),
    ],
)
def test_what_has_no_noise_is_refused(text: str, objective: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        corrupted(text, objective, 0, None, [])


def test_the_command(headwater: Callable[..., Any], tmp_path: Path) -> None:
    ran = headwater("inspect", "corrupt", TEXT, "--seed", 3, "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["texts"][0]["original"] == f"{TEXT} </s>"
    shown = headwater("inspect", "corrupt", TEXT, "--set", "span_corruption.noise_density=0.3").out
    assert "inputs" in shown and "targets" in shown
    ran = headwater("inspect", "corrupt", TEXT, "--output", tmp_path / "a.html")
    assert "<extra_id_0>" not in ran.out and (tmp_path / "a.html").exists()
    assert headwater("inspect", "corrupt", TEXT, "--objective", "lm").code == 2
