"""The features that are shown are those that are trained on, and their texts are whole again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny
from headwater.checkpoints.hub import BUNDLED
from headwater.corpus.store import TokenStore
from headwater.errors import UserError
from headwater.inspection.batch import batch, recipe_of, texts
from headwater.objectives.mlm import MaskedLM
from headwater.training.plan import Plan

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory, vocabularies: Any) -> dict[str, Path]:
    """A token store for each family, of four documents."""
    folder = tmp_path_factory.mktemp("stores")
    return {
        family: tiny.token_store(folder / family, vocabularies[family])
        for family in ("bert", "t5", "cbow")
    }


def shown(stores: Any, family: str, objective: str, *settings: str, epoch: int = 0) -> Any:
    options = {"objective": objective, "corpus": {"train": str(stores[family])}}
    given = ["training.batch={examples = 4}", *settings]
    return batch(recipe_of(None, options, given), 4, epoch)


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_masked_features_are_those_of_the_first_step(stores: Any) -> None:
    setting = "mlm.max_length=40"
    said = shown(stores, "bert", "mlm", setting, epoch=1).content
    options = {"objective": "mlm", "corpus": {"train": str(stores["bert"])}}
    recipe = recipe_of(None, options, ["training.batch={examples = 4}", setting])
    store = TokenStore.open(stores["bert"])
    rows = MaskedLM(store, store.load_vocabulary(), recipe.mlm, 0)
    numbers = Plan(rows, recipe.training).epoch(1)[0][0]
    assert [each["sequence"] for each in said["sequences"]] == numbers.tolist()
    for each, expected in zip(said["sequences"], rows.features(numbers, 1), strict=True):
        for name, values in expected.items():
            assert each["features"][name] == values.tolist()


def test_masked_features_show_the_original(stores: Any, vocabularies: Any) -> None:
    said = shown(stores, "bert", "mlm", "mlm.max_length=40")
    vocabulary = vocabularies["bert"]
    for each in said.content["sequences"]:
        ids, labels = (np.array(each["features"][name]) for name in ("input_ids", "labels"))
        original = vocabulary.decode(np.where(labels < 0, ids, labels), skip_special=False)
        assert squeezed(each["texts"][0]["original"]) == squeezed(original)
        assert each["texts"][0]["inputs"].count("[MASK]") == (ids == vocabulary.mask_id).sum()
        follows = each["features"]["next_sentence_label"] == 0
        assert each["texts"][0]["pair"].startswith("B follows A") == follows
    inputs = [span for part in said.page.elements for span in getattr(part, "spans", ())]
    assert {"masked", "noise", "special", "plain"} <= {span.highlight for span in inputs}


def test_noise_is_new_in_each_epoch(stores: Any) -> None:
    first, again, second = (
        shown(stores, "t5", "span_corruption", "span_corruption.inputs=30", epoch=epoch).content
        for epoch in (0, 0, 1)
    )
    assert first == again
    assert first["sequences"] != second["sequences"]


@pytest.mark.parametrize("packing", ["false", "true"])
@pytest.mark.parametrize("variant", ["span_corruption", "replace_spans"])
def test_spans_are_put_back(stores: Any, vocabularies: Any, variant: str, packing: str) -> None:
    said = shown(
        *(stores, "t5", "span_corruption", "span_corruption.inputs=40"),
        *(f"span_corruption.variant={variant}", f"span_corruption.packing={packing}"),
    )
    tokens = TokenStore.open(stores["t5"])
    whole = squeezed(
        "".join(
            vocabularies["t5"].decode(tokens.document(index).tolist(), skip_special=False) + "</s>"
            for index in range(len(tokens))
        )
    )
    found = [text for row in said.content["sequences"] for text in row["texts"]]
    assert len(found) >= 4
    for text in found:
        original = squeezed(text["original"]).removesuffix("</s>")
        assert len(original) > 20
        assert original in whole
        assert "<extra_id_0>" in text["inputs"]


@pytest.mark.parametrize("variant", ["drop_tokens", "bert_style", "mass_style", "deshuffling"])
def test_the_other_variants_have_inputs_and_targets(stores: Any, variant: str) -> None:
    settings = ("span_corruption.inputs=30", f"span_corruption.variant={variant}")
    said = shown(stores, "t5", "span_corruption", *settings)
    for row in said.content["sequences"]:
        assert set(row["texts"][0]) == {"inputs", "targets"}
    highlights = {
        span.highlight for part in said.page.elements for span in getattr(part, "spans", ())
    }
    assert ("sentinel" in highlights) == (variant in ("bert_style", "mass_style"))


def test_a_prefix_is_marked_and_not_asked_for(stores: Any) -> None:
    said = shown(stores, "bert", "prefix_lm", "lm.length=24")
    for row in said.content["sequences"]:
        text = row["texts"][0]
        assert squeezed(text["inputs"]).endswith(squeezed(text["targets"]))
        prefix = row["features"]["prefix_length"]
        assert len(text["targets"].split()) <= 24 - prefix
    line = next(part for part in said.page.elements if getattr(part, "label", "") == "inputs")
    assert next(span.highlight for span in line.spans) == "prefix"


def test_words_in_windows_and_from_both_sides(stores: Any) -> None:
    said = shown(stores, "cbow", "cbow", "cbow.length=8", "cbow.window=2")
    windows = [part for part in said.page.elements if getattr(part, "label", "") == "window"]
    for window in windows:
        assert sum(span.highlight == "noise" for span in window.spans) == 1
        assert len("".join(span.text for span in window.spans).split()) == 5
    text = shown(stores, "cbow", "bilm", "lm.length=8").content["sequences"][0]["texts"][0]
    assert text["inputs"].split()[1:] == text["next"].split()
    assert text["inputs"].split()[:-1] == text["previous"].split()


def test_a_t5_that_models_language_has_pairs(stores: Any) -> None:
    said = shown(stores, "t5", "prefix_lm", "network.preset=t5-small", "lm.length=20")
    row = said.content["sequences"][0]
    assert set(row["texts"][0]) == {"inputs", "targets"}
    assert len(row["features"]["input_ids"]) + len(row["features"]["labels"]) == 20


def test_packed_examples_are_parted() -> None:
    row = {
        "input_ids": np.array([5, 6, 7, 8]),
        "labels": np.array([1, 2, 3]),
        "blocks": np.array([1, 1, 1, 2]),
        "label_blocks": np.array([1, 2, 2]),
    }
    first, second = texts(row)
    assert (first["input_ids"].tolist(), first["labels"].tolist()) == ([5, 6, 7], [1])
    assert (second["input_ids"].tolist(), second["labels"].tolist()) == ([8], [2, 3])
    assert list(texts({"input_ids": np.array([1])})) == [{"input_ids": np.array([1])}]


@pytest.mark.parametrize("family", ["bert", "t5"])
def test_fine_tuning_features(family: str, tmp_path: Path) -> None:
    data = str(EXAMPLES / "questions.json")
    lines = [f"data.train = [{json.dumps(data)}]", 'task = "squad_v2"']
    if family == "bert":
        lines.insert(0, f"model = {json.dumps(str(BUNDLED['reader']))}")
    else:
        vocabulary = json.dumps(str(EXAMPLES / "vocabulary"))
        lines.append(f'network = {{ preset = "t5-small", vocabulary = {vocabulary} }}')
    (tmp_path / "recipe.toml").write_text("\n".join(lines))
    said = batch(recipe_of(tmp_path / "recipe.toml", {}, []), 50, 0)
    asked = {
        text["question"]: text
        for article in json.loads(Path(data).read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for text in paragraph["qas"]
    }
    assert said.content["sequences"]
    for row in said.content["sequences"]:
        text = row["texts"][0]
        match = [
            each
            for question, each in asked.items()
            if squeezed(question).lower() in squeezed(text["inputs"]).lower()
        ]
        answers = [squeezed(one["text"]).lower() for one in match[0]["answers"]]
        shown_answer = squeezed(text["answer" if family == "bert" else "targets"]).lower()
        assert any(shown_answer.startswith(each) for each in answers or ["none", "unanswerable"])


def test_masked_tokens_of_a_mixture_are_no_labels(stores: Any, tmp_path: Path) -> None:
    (tmp_path / "dev.tsv").write_text("sentence1\tsentence2\tlabel\n" + "The mill\tIt\t0\n" * 4)
    vocabulary = json.dumps(str(stores["bert"] / "vocabulary"))
    (tmp_path / "recipe.toml").write_text(
        f"""
        network = {{ preset = "bert-base-uncased", vocabulary = {vocabulary} }}
        mixture.rates = "equal"
        [[mixture.tasks]]
        task = "rte"
        data = {{ train = [{json.dumps(str(tmp_path / "dev.tsv"))}] }}
        [[mixture.tasks]]
        [mixture.tasks.unlabelled]
        objective = "mlm"
        corpus = {{ train = {json.dumps(str(stores["bert"]))} }}
        mlm = {{ max_length = 20 }}
        """
    )
    kinds = set()
    for epoch in range(6):
        for row in batch(recipe_of(tmp_path / "recipe.toml", {}, []), 1, epoch).content[
            "sequences"
        ]:
            kinds.add(tuple(row["texts"][0]))
    assert kinds == {("inputs", "label"), ("original", "inputs", "targets", "pair")}


@pytest.mark.parametrize(
    ("options", "settings", "said"),
    [
        ({}, [], "give a RECIPE.toml, or --objective and --corpus"),
        ({"objective": "mml", "corpus": {"train": "x"}}, [], "objective"),
        ({"objective": "mlm", "corpus": {"train": "absent"}}, [], "not a token store"),
        ({"corpus": {"train": "x"}}, [], "missing key 'objective'"),
        ({"objective": "mlm", "corpus": {"train": "x"}}, ["mlm.lenght=3"], "max_length"),
    ],
)
def test_mistakes_are_reported(options: Any, settings: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        batch(recipe_of(None, options, settings), 1, 0)
