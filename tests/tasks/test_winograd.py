"""Winograd schemas as T5 does them, on every official row of WSC and WNLI and on known examples."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import UserError
from headwater.tasks.winograd import (
    WNLI_SIMPLE,
    WSC,
    as_in_text,
    mark_pronoun,
    matches,
    resolve,
)

COUNCIL = "The city councilmen refused the demonstrators a permit because they feared violence."
MARKED = COUNCIL.replace("they", "*they*")


def _row(label: bool | None, candidate: str, index: int) -> dict[str, object]:
    target = {"span1_text": candidate, "span1_index": index, "span2_text": "they", "span2_index": 9}
    return {"text": COUNCIL, "target": target, "idx": index} | (
        {} if label is None else {"label": label}
    )


def _file(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "val.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_city_councilmen(tmp_path: Path) -> None:
    path = _file(
        tmp_path, _row(True, "The city councilmen", 0), _row(False, "The demonstrators", 4)
    )
    right, wrong = WSC.read([path])
    said = WSC.to_text(right)
    assert (said.inputs, said.targets) == (f"wsc: {MARKED}", ("The city councilmen",))
    assert WSC.to_text(wrong).inputs == f"wsc: {MARKED}"
    assert WSC.to_text(wrong).targets == ()  # nothing to train on
    assert wrong.text_b == "the demonstrators"  # as it stands in the text
    answers = {each.id: WSC.from_text(each, "the councilmen ") for each in (right, wrong)}
    assert answers == {"0": "True", "4": "False"}
    assert WSC.score(WSC.read([path]), answers) == {"accuracy": 100.0}
    assert WSC.from_text(wrong, "Demonstrators") == "True"
    for nothing in ("", " ", "the", "His"):  # names no noun, so it is wrong on a false row too
        assert WSC.from_text(wrong, nothing) == ""
    assert WSC.score(WSC.read([path]), {"0": "True", "4": ""}) == {"accuracy": 50.0}
    dumped = WSC.prediction_file.dump(WSC.read([path]), answers)
    assert dumped == '{"idx": 0, "label": "True"}\n{"idx": 4, "label": "False"}\n'
    hidden = WSC.read([_file(tmp_path, _row(None, "The city councilmen", 0))], answered=False)
    assert WSC.to_text(hidden[0]).targets == ()


def test_every_official_row_of_wsc_is_marked(shared: Path) -> None:
    counts = {}
    for name in ("train", "val", "test"):
        examples = WSC.read([shared / f"data/superglue/WSC/{name}.jsonl"], answered=name != "test")
        counts[name] = Counter(each.label for each in examples)
        assert all(WSC.to_text(each).inputs.count("*") == 2 for each in examples)
    assert counts == {
        "train": {"False": 295, "True": 259},
        "val": {"False": 66, "True": 38},
        "test": {None: 146},
    }


def test_rows_that_the_published_code_mends_by_hand() -> None:
    glued = 'John laughed out quite loud. "Good for him," he said. '
    assert (
        mark_pronoun(glued, "him", 7) == 'John laughed out quite loud. "Good for *him* ," he said.'
    )
    late = "they might want to use it , but really"
    assert mark_pronoun(late, "it", 4) == "they might want to use *it* , but really"
    assert mark_pronoun("He saw himself there .", "him", 2) is None
    assert mark_pronoun("He saw .", "he", 9) is None
    assert as_in_text("The traffic light.", "I saw the traffic light .", 2) == "the traffic light"
    assert as_in_text("the lawyer", "The lawyer asked .", 0) == "The lawyer"
    assert as_in_text("old\nelms", "two old elms", 1) == "old elms"
    assert as_in_text("Kamenev and Zinoviev", "Kamenev, then Zinoviev", 0) == "Kamenev and Zinoviev"


@pytest.mark.parametrize(
    ("candidate", "answer", "same"),
    [
        ("The worm", "the worm", True),
        ("bunny", "fuzzy bunny", True),
        ("the fuzzy bunny", "bunny", True),
        ("Bob's hat", "Bob", False),
        ("Bob", "Tom", False),
        ("his father", "Her father", True),
        ("the dog", "", False),
    ],
)
def test_an_answer_matches_its_candidate(candidate: str, answer: str, same: bool) -> None:
    assert matches(candidate, answer) is same


@given(st.lists(st.sampled_from(["Bob", "the", "hat", "Ann's", "x"]), min_size=1))
def test_a_candidate_matches_itself_in_any_case(words: list[str]) -> None:
    assert matches(" ".join(words), " ".join(words).upper()) or "" in words


def test_wnli_as_a_schema(shared: Path) -> None:
    assert resolve("The fish ate the worm. It was tasty.", "The worm was tasty.") == (
        "The fish ate the worm. *It* was tasty.",
        "The worm",
    )
    assert resolve("The dog sleeps.", "The cat sleeps.") is None
    unclear = resolve(
        "There is a gap in the wall. You see the garden behind it.", "You see it all."
    )
    assert unclear is not None
    assert unclear[0].endswith("behind *it* .")
    dev = WNLI_SIMPLE.read([shared / "data/glue"])
    said = WNLI_SIMPLE.to_text(dev[1])
    assert (len(dev), dev[1].label) == (71, "entailment")
    assert said.inputs == "wsc: Jane knocked on Susan's door but *she* did not answer."
    assert said.targets == ("Susan",)
    answers = {each.id: WNLI_SIMPLE.from_text(each, "Susan") for each in dev}
    assert answers["1"] == "entailment"
    assert answers["0"] == "not_entailment"
    unresolved = [each.id for each in dev if not each.text_b]
    assert len(unresolved) == 1


def test_one_line_where_the_pronoun_is_not(tmp_path: Path) -> None:
    row = _row(True, "The city councilmen", 0)
    row["target"] = {**row["target"], "span2_index": 2}  # type: ignore[dict-item]
    with pytest.raises(UserError, match=r"val.jsonl, line 1: 'they' is not word 2 of the text"):
        WSC.read([_file(tmp_path, row)])
    with pytest.raises(UserError, match=r"line 1: 'span2_text' is missing; a text was expected"):
        WSC.read([_file(tmp_path, {"text": "a", "label": True})])
    path = tmp_path / "dev.tsv"
    path.write_text("index\tsentence1\tsentence2\tlabel\n0\tA dog.\tA cat.\t1\n")
    with pytest.raises(UserError, match=r"dev.tsv, line 2: sentence1 has no pronoun to resolve"):
        WNLI_SIMPLE.read([path])
