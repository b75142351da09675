"""Study `architectures`: encoder-decoder, language model or prefix LM?

Raffel et al. 2020, section 3.2 and table 2 compare them where parameters or cost are equal. P are
the parameters of one stack, M is the cost of a stack of inputs and one of targets:

    encoder-decoder          2P    M        shared: P, M        half as deep: P, M/2
    language model, prefix    P    M

each pre-trained by denoising (span corruption here) and by language modeling: a random prefix is
read and the rest is predicted; the language model, which has no prefix, predicts all of it.
"""

from collections.abc import Mapping
from typing import Any

from headwater.studies import full, quick
from headwater.studies.study import T5_COLUMNS, Cell, Claim, Place, Published, Study, slug

QUICK_TASKS = {"kind": 200, "either": 100}
TWO, SHARED, HALF = "encoder-decoder (2P, M)", "shared (P, M)", "half as deep (P, M/2)"
MODEL, PREFIX = "language model (P, M)", "prefix LM (P, M)"
NAMES: Mapping[str, dict[str, Any]] = {
    TWO: {},
    SHARED: {"architecture": "shared"},
    HALF: {"half": True},
    MODEL: {"architecture": "language_model"},
    PREFIX: {"architecture": "prefix_lm"},
}
OBJECTIVES = ("denoising", "LM")


def cells(place: Place) -> list[Cell]:
    """Each architecture by each objective on each task, three seeds."""
    return [
        cell
        for seed in place.seeds
        for name, sizes in NAMES.items()
        for objective in OBJECTIVES
        for cell in _cells(place, name, sizes, objective, seed)
    ]


def _cells(
    place: Place, name: str, sizes: Mapping[str, Any], objective: str, seed: int
) -> list[Cell]:
    setting = f"{name}, {objective}"
    run = slug(f"{name.partition(' (')[0]}, {objective}")
    asked = _asked(name, objective)
    if place.budget == "quick":
        body = quick.body(
            place, "t5", seed, f"t5-{run}", objective=asked, lm={"length": 32},
            network={"sizes": _sizes(sizes, 2)}, training={"steps": 400},
        )  # fmt: skip
        return quick.tests(place, setting, run, body, seed, QUICK_TASKS, quick.TUNED_T5)
    changes = {"objective": asked, "lm": {"length": 128}}
    changes |= {"span_corruption": {"inputs": 128}}
    depth = full.depth(full.model(place, "t5"))
    body = full.pretrained(place, f"t5-{run}", "t5", seed, changes, _sizes(sizes, depth))
    return full.tests(place, setting, run, body, seed)


def _asked(name: str, objective: str) -> str:
    """Return the objective of pre-training; a language model alone has no prefix that it reads."""
    if objective == "denoising":
        return "span_corruption"
    return "lm" if name == MODEL else "prefix_lm"


def _sizes(sizes: Mapping[str, Any], depth: int) -> dict[str, Any]:
    layers = max(1, depth // 2) if sizes.get("half") else depth
    own = {key: value for key, value in sizes.items() if key != "half"}
    return own | {"num_layers": layers, "num_decoder_layers": layers}


_CLAIMS = (
    Claim("the encoder-decoder beats the prefix LM at equal cost (denoising)",
          f"{TWO}, denoising", f"{PREFIX}, denoising"),
    Claim("a shared encoder-decoder beats the prefix LM at equal parameters and cost (denoising)",
          f"{SHARED}, denoising", f"{PREFIX}, denoising"),
    Claim("the prefix LM beats the language model at equal parameters and cost (denoising)",
          f"{PREFIX}, denoising", f"{MODEL}, denoising"),
    Claim("half the depth beats the language model at equal parameters (denoising)",
          f"{HALF}, denoising", f"{MODEL}, denoising"),
    Claim("two stacks beat one shared at equal cost (denoising)",
          f"{TWO}, denoising", f"{SHARED}, denoising"),
    Claim("sharing beats halving the depth at equal parameters (denoising)",
          f"{SHARED}, denoising", f"{HALF}, denoising"),
    Claim("denoising beats LM (encoder-decoder)", f"{TWO}, denoising", f"{TWO}, LM"),
    Claim("denoising beats LM (prefix LM)", f"{PREFIX}, denoising", f"{PREFIX}, LM"),
)  # fmt: skip

ARCHITECTURES = Study(
    name="architectures",
    asks="encoder-decoder, language model or prefix LM, at equal parameters and at equal cost?",
    setup={
        "quick": "T5s of 2 + 2 layers, 64 wide, of each architecture (docs/pretraining.md) are "
        "pre-trained on a made-up language (docs/studies.md) for 400 steps of 2,048 tokens, one "
        "body for each seed, and learn two tasks as text to text in 200 steps of 16 examples: the "
        "kind of a noun (200 labelled examples; guessing gives 25) and whether one of two nouns is "
        "an animal (100; 50). Accuracy in percent on 600 test examples. P are the parameters of "
        "one stack, M is the cost of reading and writing with two.",
        "full": "The same architectures at the sizes of the T5 given by --model are pre-trained on "
        "the token store DIR/text/sentinels for 5,000 steps of 4,096 tokens, and learn SST-2, MRPC "
        "and RTE in 1,000 steps of 32 examples each. Scores are on the official dev sets. P are "
        "the parameters of one stack, M is the cost of reading and writing with two.",
    },
    prepare=quick.prepare,
    cells=cells,
    claims={"quick": _CLAIMS, "full": _CLAIMS},
    published=(
        Published(
            "Raffel et al. 2020, table 2.",
            T5_COLUMNS,
            {
                f"{TWO}, denoising": (83.28, 19.24, 80.88, 71.36, 26.98, 39.82, 27.65),
                f"{SHARED}, denoising": (82.81, 18.78, 80.63, 70.73, 26.72, 39.03, 27.46),
                f"{HALF}, denoising": (80.88, 18.97, 77.59, 68.42, 26.38, 38.40, 26.95),
                f"{MODEL}, denoising": (74.70, 17.93, 61.14, 55.02, 25.09, 35.28, 25.86),
                f"{PREFIX}, denoising": (81.82, 18.61, 78.94, 68.11, 26.43, 37.98, 27.39),
                f"{TWO}, LM": (79.56, 18.59, 76.02, 64.29, 26.27, 39.17, 26.86),
                f"{SHARED}, LM": (79.60, 18.13, 76.35, 63.50, 26.62, 39.17, 27.05),
                f"{HALF}, LM": (78.67, 18.26, 75.32, 64.06, 26.13, 38.42, 26.89),
                f"{MODEL}, LM": (73.78, 17.54, 53.81, 56.51, 25.23, 34.31, 25.38),
                f"{PREFIX}, LM": (79.68, 17.84, 76.87, 64.86, 26.28, 37.51, 26.76),
            },
        ),
    ),
)
