"""Study `objectives`: what should an encoder-decoder be pre-trained to do?

Raffel et al. 2020, section 3.3 and figure 5 choose step by step: language modeling, BERT-style or
deshuffling (table 4); how much is corrupted (table 6); how long the spans are (table 7).
"""

from collections.abc import Mapping
from typing import Any

from headwater.studies import full, quick
from headwater.studies.study import Claim, Study, StudyContext, Trial, slug

QUICK_TASKS = {"kind": 200, "either": 100}
SPANS, BERT, DESHUFFLING, PREFIX = "spans of 3, 15%", "BERT-style", "deshuffling", "prefix LM"
LITTLE, HALF, LONG = "spans of 3, 10%", "spans of 3, 50%", "spans of 10, 15%"

SETTINGS: Mapping[str, dict[str, Any]] = {
    SPANS: {},
    BERT: {"span_corruption": {"variant": "bert_style"}},
    DESHUFFLING: {"span_corruption": {"variant": "deshuffling"}},
    PREFIX: {"objective": "prefix_lm"},
    LITTLE: {"span_corruption": {"noise_density": 0.1}},
    HALF: {"span_corruption": {"noise_density": 0.5}},
    LONG: {"span_corruption": {"mean_span": 10.0}},
}


def quick_trials(context: StudyContext, seed: int) -> list[Trial]:
    """Each objective on each task of the made-up language."""
    trials = []
    for setting, changes in SETTINGS.items():
        name = slug(setting)
        body = quick.pretrained(
            context, "t5", seed, f"t5-{name}", training={"steps": 500}, **_of_length(changes, 32)
        )
        trials += quick.trials(context, setting, name, body, seed, QUICK_TASKS, quick.T5_TRAINING)
    return trials


def full_trials(context: StudyContext, seed: int) -> list[Trial]:
    """Each objective at the sizes of a given T5."""
    trials = []
    for setting, changes in SETTINGS.items():
        name = slug(setting)
        recipe = {"objective": "span_corruption"} | _of_length(changes, 128)
        body = full.pretrained(context, f"t5-{name}", "t5", seed, recipe)
        trials += full.trials(context, setting, name, body, seed)
    return trials


def _of_length(changes: dict[str, Any], length: int) -> dict[str, Any]:
    """Add the length of an objective's sequences to its table."""
    if changes.get("objective") == "prefix_lm":
        return changes | {"lm": {"length": length}}
    table = {"inputs": length} | changes.get("span_corruption", {})
    return changes | {"span_corruption": table}


_CLAIMS = (
    Claim("BERT-style denoising beats deshuffling", BERT, DESHUFFLING),
    Claim("BERT-style denoising beats prefix language modeling", BERT, PREFIX),
    Claim("prefix language modeling beats deshuffling", PREFIX, DESHUFFLING),
    Claim("spans beat BERT-style denoising", SPANS, BERT),
    Claim("15% corrupted beats 50%", SPANS, HALF),
    Claim("15% corrupted beats 10%", SPANS, LITTLE),
    Claim("spans of 3 beat spans of 10", SPANS, LONG),
)

OBJECTIVES = Study("objectives", quick_trials, full_trials, {"quick": _CLAIMS, "full": _CLAIMS})
