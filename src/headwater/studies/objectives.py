"""Study `objectives`: what should an encoder-decoder be pre-trained to do?

Raffel et al. 2020, section 3.3 and figure 5 choose step by step: language modeling, BERT-style or
deshuffling (table 4); how much is corrupted (table 6); how long the spans are (table 7).
"""

from collections.abc import Mapping
from typing import Any

from headwater.studies import full, quick
from headwater.studies.study import T5_COLUMNS, Cell, Claim, Place, Published, Study, slug

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


def cells(place: Place) -> list[Cell]:
    """Each objective on each task, three seeds."""
    found = []
    for seed in place.seeds:
        for setting, changes in SETTINGS.items():
            name = slug(setting)
            found += (
                _quick(place, name, setting, changes, seed)
                if place.budget == "quick"
                else (_full(place, name, setting, changes, seed))
            )
    return found


def _quick(place: Place, name: str, setting: str, changes: dict[str, Any], seed: int) -> list[Cell]:
    body = quick.body(
        place, "t5", seed, f"t5-{name}", training={"steps": 500}, **_long(changes, 32)
    )
    return quick.tests(place, setting, name, body, seed, QUICK_TASKS, quick.TUNED_T5)


def _full(place: Place, name: str, setting: str, changes: dict[str, Any], seed: int) -> list[Cell]:
    body = full.pretrained(
        place, f"t5-{name}", "t5", seed, {"objective": "span_corruption"} | _long(changes, 128)
    )
    return full.tests(place, setting, name, body, seed)


def _long(changes: dict[str, Any], length: int) -> dict[str, Any]:
    """Give the rows of an objective their length."""
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

OBJECTIVES = Study(
    name="objectives",
    asks="what should an encoder-decoder be pre-trained to do?",
    setup={
        "quick": "A T5 of 2 + 2 layers, 64 wide, is pre-trained on a made-up language "
        "(docs/studies.md) by each objective for 500 steps of 2,048 tokens, one body for each "
        "seed, and learns two tasks as text to text in 200 steps of 16 examples: the kind of a "
        "noun (200 labelled examples; guessing gives 25) and whether one of two nouns is an animal "
        "(100; 50). Accuracy in percent on 600 test examples.",
        "full": "A T5 of the sizes of the one given by --model is pre-trained on the token store "
        "DIR/text/sentinels by each objective for 5,000 steps of 4,096 tokens, and learns SST-2, "
        "MRPC and RTE in 1,000 steps of 32 examples each. Scores are on the official dev sets.",
    },
    prepare=quick.prepare,
    cells=cells,
    claims={"quick": _CLAIMS, "full": _CLAIMS},
    published=(
        Published(
            "Raffel et al. 2020, table 4.",
            T5_COLUMNS,
            {
                "prefix LM": (80.69, 18.94, 77.99, 65.27, 26.86, 39.73, 27.49),
                "BERT-style": (82.96, 19.17, 80.65, 69.85, 26.78, 40.03, 27.41),
                "deshuffling": (73.17, 18.59, 67.61, 58.47, 26.11, 39.30, 25.62),
            },
        ),
        Published(
            "Raffel et al. 2020, table 6: how much is corrupted, as single tokens.",
            T5_COLUMNS,
            {
                "10%": (82.82, 19.00, 80.38, 69.55, 26.87, 39.28, 27.44),
                "15%": (83.28, 19.24, 80.88, 71.36, 26.98, 39.82, 27.65),
                "25%": (83.00, 19.54, 80.96, 70.48, 27.04, 39.83, 27.47),
                "50%": (81.27, 19.32, 79.80, 70.33, 27.01, 39.90, 27.49),
            },
        ),
        Published(
            "Raffel et al. 2020, table 7: how long spans are, at 15%.",
            T5_COLUMNS,
            {
                "single tokens": (83.28, 19.24, 80.88, 71.36, 26.98, 39.82, 27.65),
                "2": (83.54, 19.39, 82.09, 72.20, 26.76, 39.99, 27.63),
                "3": (83.49, 19.62, 81.84, 72.53, 26.86, 39.65, 27.62),
                "5": (83.40, 19.24, 82.05, 72.23, 26.88, 39.40, 27.53),
                "10": (82.85, 19.33, 81.84, 70.44, 26.79, 39.49, 27.69),
            },
        ),
    ),
)
