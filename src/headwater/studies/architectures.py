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
from headwater.studies.study import Claim, Study, StudyContext, Trial, slug

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
_GRID = [(name, objective) for name in NAMES for objective in OBJECTIVES]


def quick_trials(context: StudyContext, seed: int) -> list[Trial]:
    """Each architecture by each objective, pre-trained on the made-up language."""
    trials = []
    for name, objective in _GRID:
        run = _run_name(name, objective)
        body = quick.pretrained(
            context, "t5", seed, f"t5-{run}", objective=_objective(name, objective),
            lm={"length": 32}, network={"sizes": _sizes(name, 2)}, training={"steps": 400},
        )  # fmt: skip
        setting = f"{name}, {objective}"
        trials += quick.trials(context, setting, run, body, seed, QUICK_TASKS, quick.T5_TRAINING)
    return trials


def full_trials(context: StudyContext, seed: int) -> list[Trial]:
    """Each architecture by each objective, at the sizes of a given T5."""
    depth = full.depth(full.model(context, "t5"))
    trials = []
    for name, objective in _GRID:
        run = _run_name(name, objective)
        changes = {"objective": _objective(name, objective), "lm": {"length": 128}}
        changes |= {"span_corruption": {"inputs": 128}}
        body = full.pretrained(context, f"t5-{run}", "t5", seed, changes, _sizes(name, depth))
        trials += full.trials(context, f"{name}, {objective}", run, body, seed)
    return trials


def _run_name(name: str, objective: str) -> str:
    return slug(f"{name.partition(' (')[0]}, {objective}")


def _objective(name: str, objective: str) -> str:
    """Return the objective of pre-training; only a language model reads no prefix."""
    if objective == "denoising":
        return "span_corruption"
    return "lm" if name == MODEL else "prefix_lm"


def _sizes(name: str, depth: int) -> dict[str, Any]:
    sizes = dict(NAMES[name])
    layers = max(1, depth // 2) if sizes.pop("half", False) else depth
    return sizes | {"num_layers": layers, "num_decoder_layers": layers}


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
    "architectures", quick_trials, full_trials, {"quick": _CLAIMS, "full": _CLAIMS}
)
