"""What no data can mend is said before any are read: here there are none."""

from typing import Any

import pytest

from headwater.errors import UserError
from headwater.runs.recipe import PretrainRecipe, Recipe
from headwater.runs.run import begin

ABSENT = {"train": "absent", "validation": "absent"}
BERT = {"preset": "bert-base-uncased"}
MIXED = [{"task": "rte", "data": ABSENT}, {"unlabelled": {"objective": "mlm", "corpus": ABSENT}}]

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"training": {"device": "gpu9"}}, "device 'gpu9': expected auto, cpu, cuda"),
    ({"training": {"device": "cpu", "precision": "fp16"}}, "precision 'fp16' needs a CUDA GPU"),
    ({"network": BERT | {"sizes": {"hiden_size": 3}}}, "no size 'hiden_size'; did you mean 'hid"),
    ({"network": BERT | {"sizes": {"hidden_size": "x"}}}, "expected one like 768"),
    ({"network": BERT | {"sizes": {"num_attention_heads": 5}}}, "not a multiple of num_att"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_machine_and_sizes(changes: dict[str, Any], message: str) -> None:
    tuned = {"network": BERT, "task": "rte", "data": ABSENT}
    trained = {"network": BERT, "objective": "mlm", "corpus": ABSENT}
    for recipe in (
        Recipe.check({**tuned, **changes}, "test"),
        PretrainRecipe.check({**trained, **changes}, "test"),
    ):
        with pytest.raises(UserError, match=message):
            begin(recipe)


@pytest.mark.parametrize(
    ("learned", "name", "message"),
    [
        ({"task": "rte", "data": ABSENT}, "acuracy", "= 'acuracy': did you mean 'accuracy'"),
        ({"task": "rte", "data": ABSENT}, "f1", "= 'f1': there are accuracy"),
        ({"mixture": {"tasks": MIXED}}, "f1", "there are average, rte/accuracy, mlm/loss"),
        ({"objective": "mlm", "corpus": ABSENT}, "los", "did you mean 'loss'"),
    ],
)
def test_the_metric_that_chooses(learned: dict[str, Any], name: str, message: str) -> None:
    kind = PretrainRecipe if "objective" in learned else Recipe
    values = {"network": BERT, **learned, "training": {"metric_for_best_model": name}}
    with pytest.raises(UserError, match=message):
        begin(kind.check(values, "test"))


@pytest.mark.parametrize(
    "learned",
    [
        {"task": "rte", "data": {"train": "absent"}},  # nothing is measured
        {"mixture": {"tasks": MIXED}, "training": {"metric_for_best_model": "mlm/loss"}},
        {"objective": "mlm", "mlm": {"next_sentence": True}, "corpus": ABSENT}
        | {"training": {"metric_for_best_model": "next_sentence"}},
    ],
)
def test_what_is_right_comes_to_the_data(learned: dict[str, Any]) -> None:
    kind = PretrainRecipe if "objective" in learned else Recipe
    values = {"network": BERT, "training": {"metric_for_best_model": "x"}, **learned}
    with pytest.raises(UserError, match="absent"):
        begin(kind.check(values, "test"))
