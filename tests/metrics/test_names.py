"""The table of metrics: what is named is measured, once, and nothing else is returned."""

from collections.abc import Mapping

import pytest

from headwater.metrics import names
from headwater.metrics.names import METRICS, MetricKind, Scored, measure

SAMPLES: Mapping[MetricKind, Scored] = {
    "sequence": Scored({"0-1": ("no",), "0-2": ("yes",)}, {"0-1": "no"}, ("no", "yes")),
    "multi_label": Scored({"0": ("a, b",), "1": ("",)}, {"0": "a", "1": ""}, ("a", "b")),
    "regression": Scored({"0": ("1.0",), "1": ("2.5",)}, {"0": "1", "1": "x"}),
    "token": Scored({"0": ("B-a O",), "1": ("O",)}, {"0": "B-a O"}),
    "span": Scored({"0": ("the Rhine", "Rhine")}, {"0": "Rhine"}),
    "null_span": Scored({"0": ("Rhine",), "1": ()}, {"0": "Rhine", "1": ""}, (), {"0": 0, "1": 1}),
    "text": Scored({"0": ("a b . c", "d"), "1": ("e",)}, {"0": "a b . c"}),
    "retrieval": Scored({"0": ("4",), "1": ("2", "7")}, {"0": "4 2", "1": "1 7"}),
    "trivia": Scored({"0": ("a-b",)}, {"0": "a b"}),
}


@pytest.mark.parametrize("kind", METRICS)
def test_every_metric_is_returned_by_its_name(kind: MetricKind) -> None:
    for name in METRICS[kind]:
        found = measure(kind, (name,), SAMPLES[kind])
        assert name in found and not (found.keys() - {name}) & METRICS[kind].keys()


def test_several_names_of_one_pass_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def both(scored: Scored) -> dict[str, float]:
        calls.append(scored)
        return {"one": 1.0, "two": 2.0, "detail": 3.0}

    monkeypatch.setattr(names, "METRICS", {"text": {"one": both, "two": both, "three": len}})
    assert measure("text", ("two", "one"), SAMPLES["text"]) == {"one": 1.0, "two": 2.0, "detail": 3}
    assert len(calls) == 1
    assert measure("text", ("one",), SAMPLES["text"]) == {"one": 1.0, "detail": 3.0}


def test_a_sentence_without_tags_has_no_entities() -> None:
    found = measure("token", ("recall", "accuracy"), SAMPLES["token"])
    assert found == {"recall": 100.0, "accuracy": 100.0, "f1 a": 100.0}
