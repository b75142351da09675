"""What pre-training must withstand: poor corpora, poor vocabularies, wrong lengths."""

import json
from pathlib import Path
from typing import Any

import pytest

import tiny
from headwater.checkpoints.hub import BUNDLED
from headwater.corpus.build import build
from headwater.corpus.store import TokenStore
from headwater.errors import UserError
from headwater.runs.recipe import PretrainRecipe
from headwater.runs.run import pretrain
from headwater.text.loading import load_vocabulary

ROOT = Path(__file__).resolve().parents[1]
VOCABULARIES = {"wordpiece": BUNDLED["reader"], "unigram": ROOT / "examples" / "vocabulary"}
MLM = {"max_length": 32, "next_sentence": False}
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "pairs": ("mlm", "bert-base-uncased", {"mlm": {"max_length": 32}}),
    "mlm": ("mlm", "bert-base-uncased", {"mlm": MLM}),
    "mlm packed": ("mlm", "bert-base-uncased", {"mlm": {**MLM, "packing": True}}),
    "lm": ("lm", "gpt2", {"lm": {"length": 32}}),
    "lm packed": ("lm", "gpt2", {"lm": {"length": 32, "packing": True}}),
    "prefix_lm packed": ("prefix_lm", "gpt2", {"lm": {"length": 32, "packing": True}}),
    "spans": ("span_corruption", "t5-small", {"span_corruption": {"inputs": 32}}),
    "spans packed": (
        "span_corruption",
        "t5-small",
        {"span_corruption": {"inputs": 32, "packing": True}},
    ),
}


@pytest.fixture(autouse=True)
def no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.pictures.curves.draw_curves", lambda lines, picture: None)


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Stores of one real text among empty documents, single words, and binary rubbish."""
    folder = tmp_path_factory.mktemp("poor")
    documents = ["", "a", "   ", tiny.example_text(), "", "Ada wrote. It rained.", "\n\n", "b"]
    lines = [json.dumps({"text": document}).encode() for document in documents]
    rubbish = bytes(range(256)) * 8
    content = b"\n".join([*lines, rubbish, b'{"text": "cut sho', b"[1, 2]", lines[-1], b""])
    (folder / "poor.jsonl").write_bytes(content)
    (folder / "rubbish.txt").write_bytes(b"\x00\xff\xfe" * 500)
    for kind, where in VOCABULARIES.items():
        inputs = [folder / "poor.jsonl", folder / "rubbish.txt"]
        build(inputs, load_vocabulary(where), folder / kind)
    return {kind: folder / kind for kind in VOCABULARIES}


def recipe_of(case: str, stores: dict[str, Path], **changes: Any) -> PretrainRecipe:
    objective, preset, tables = CASES[case]
    store = stores["unigram" if preset == "t5-small" else "wordpiece"]
    return tiny.pretrain_recipe(objective, preset, store, **tables | changes)


@pytest.mark.parametrize("case", CASES)
def test_a_poor_corpus_trains_every_objective(
    case: str, poor: dict[str, Path], tmp_path: Path
) -> None:
    assert TokenStore.open(poor["wordpiece"]).info.empty_documents >= 4
    outcome = pretrain(recipe_of(case, poor), tmp_path / "run")
    assert (outcome.reason, outcome.step) == ("finished", 3)
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert len(losses) >= 3 and all(loss is not None and 0 < loss < 20 for loss in losses)


@pytest.mark.parametrize(
    ("case", "changes", "message"),
    [
        ("mlm", {"mlm": {**MLM, "max_length": 65}}, r"mlm\.max_length = 65: this model reads 64"),
        ("pairs", {"mlm": {}}, r"mlm\.max_length = 512: .* set mlm\.max_length=64"),
        ("lm packed", {"lm": {"length": 65, "packing": True}}, r"lm\.length = 65: .* reads 64"),
        ("spans", {"span_corruption": {"inputs": 9000}}, r"unigram: .* has 100"),
        (
            "spans",
            {"span_corruption": {"inputs": 9000, "variant": "drop_tokens"}},
            r"unigram: the corpus holds \d+ tokens, fewer than one sequence of \d+",
        ),
    ],
)
def test_a_wrong_length_is_reported_before_anything_is_trained(
    case: str, changes: dict[str, Any], message: str, poor: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        pretrain(recipe_of(case, poor, **changes), tmp_path / "run")
    assert not list((tmp_path / "run").glob("*"))


@pytest.mark.parametrize(
    ("case", "kind", "message"),
    [
        ("mlm packed", "unigram", r"unigram: this vocabulary has no mask token"),
        ("spans packed", "wordpiece", r"wordpiece: this vocabulary has no end-of-sequence token"),
    ],
)
def test_a_vocabulary_that_lacks_something_is_named(
    case: str, kind: str, message: str, poor: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        pretrain(recipe_of(case, dict.fromkeys(poor, poor[kind])), tmp_path / "run")
    assert not list((tmp_path / "run").glob("*"))


@pytest.mark.parametrize(
    ("case", "sizes", "message"),
    [
        ("spans", {"relative_attention_num_buckets": 1}, "relative_attention_num_buckets 1 and"),
        ("spans", {"relative_attention_max_distance": 16}, "a distance of more than half"),
        ("spans", {"d_ff": 10**8, "d_model": 10**5}, r"needs [\d,]+ TiB for its parameters alone"),
        ("spans", {"d_kv": 10**8, "d_model": 10**8, "num_heads": 10**8}, "too large for"),
        ("spans", {"d_ff": 10**9}, "d_ff = 1000000000: a number from 1 to 100,000,000"),
        ("spans", {"num_layers": 10**6}, "num_layers = 1000000: a number from 1 to 1,000 was"),
        ("spans", {"dropout_rate": 1.5}, "dropout_rate = 1.5: a share from 0 to below 1"),
        ("mlm", {"hidden_dropout_prob": 1}, "hidden_dropout_prob = 1: a share from 0 to below 1"),
        ("mlm", {"attention_probs_dropout_prob": -0.1}, "a share from 0 to below 1"),
        ("lm", {"resid_pdrop": 2.0}, "resid_pdrop = 2.0: a share from 0 to below 1"),
    ],
)
def test_sizes_that_no_network_has_are_refused(
    case: str, sizes: dict[str, Any], message: str, poor: dict[str, Path], tmp_path: Path
) -> None:
    preset = CASES[case][1]
    network = {"preset": preset, "sizes": tiny.PRESET_SIZES[preset] | sizes}
    with pytest.raises(UserError, match=message):
        pretrain(recipe_of(case, poor, network=network), tmp_path / "run")


@pytest.mark.parametrize("architecture", ["shared", "language_model", "prefix_lm"])
def test_one_stack_has_one_depth(architecture: str, poor: dict[str, Path], tmp_path: Path) -> None:
    sizes = {"architecture": architecture, "num_layers": 2} | tiny.PRESET_SIZES["t5-small"]
    del sizes["num_decoder_layers"]
    network = {"preset": "t5-small", "sizes": sizes}
    assert pretrain(recipe_of("spans", poor, network=network), tmp_path / "run").step == 3


def test_a_length_of_spans_where_there_are_none_to_choose(poor: dict[str, Path]) -> None:
    for table in ({"variant": "bert_style", "mean_span": 2.0}, {"mean_span": 0.5}):
        with pytest.raises(UserError, match="mean_span"):
            recipe_of("spans", poor, span_corruption=table)
    usual = {"variant": "bert_style", "mean_span": 3.0}  # as the resolved recipe of a run has it
    assert recipe_of("spans", poor, span_corruption=usual).span_corruption.mean_span == 3.0


def test_a_mixture_of_two_vocabularies_is_refused(poor: dict[str, Path], tmp_path: Path) -> None:
    corpus = {"train": [str(poor["wordpiece"]), str(poor["unigram"])]}
    with pytest.raises(UserError, match="unigram: built with another vocabulary"):
        pretrain(recipe_of("lm", poor, corpus=corpus), tmp_path / "run")


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ({"train": []}, "a list of 1 or more was expected"),
        ({"train": ["a", "b"], "repeats": [2]}, "1 numbers for 2 stores; give one for each"),
        ({"train": "a", "repeats": [0]}, "a number from 1 on was expected"),
        ({"train": "a", "repeats": [10**12]}, "a number of at most 1000 was expected"),
        ({"train": 3}, "list"),
    ],
)
def test_a_wrong_mixture_is_refused(
    corpus: dict[str, Any], message: str, poor: dict[str, Path]
) -> None:
    with pytest.raises(UserError, match=message):
        recipe_of("lm", poor, corpus=corpus)


def test_one_store_in_a_list_is_that_store(poor: dict[str, Path], tmp_path: Path) -> None:
    alone, listed = tmp_path / "alone", tmp_path / "listed"
    pretrain(recipe_of("lm", poor), alone)
    pretrain(recipe_of("lm", poor, corpus={"train": [str(poor["wordpiece"])]}), listed)
    logs = [(run / "log.jsonl").read_text().splitlines() for run in (alone, listed)]
    one, other = (json.loads(lines[0])["loss"] for lines in logs)
    assert one == other
