"""Study `methods`: how should a pre-trained model be adapted, and how much of it has to train?

Raffel et al. 2020, section 3.5.1: training every parameter is best; adapters come close once their
inner size is large enough for the task; gradual unfreezing loses a little everywhere. Also LoRA
(Hu et al. 2022), features of a frozen body (Peters et al. 2019) and a head alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from headwater.studies import full, quick
from headwater.studies.study import Claim, Result, Study, StudyContext, Trial, slug

QUICK_TASKS = {"kind": 100, "either": 100, "find": 25}
"""Labelled examples of each task."""
_PRETRAINING_STEPS = 800
"""After all 1,000 steps, every method reaches the highest score."""
ALL, GRADUAL, HEAD = "all", "gradual unfreezing", "head only"
FEATURES, LORA, RANDOM = "features", "lora", "all, random start"
_QUICK_ADAPTERS, _FULL_ADAPTERS = (4, 16, 64), (32, 128, 512, 2048)
_RATES = {"all": 1.0, "gradual_unfreezing": 1.0, "adapters": 3.0, "lora": 3.0, "head_only": 10.0,
          "features": 3.0}  # fmt: skip
"""Factors of the rate of `all`: small or new parameters learn at a higher rate."""


def quick_trials(context: StudyContext, seed: int) -> list[Trial]:
    """Each method on each task of the made-up language."""
    body = quick.pretrained(context, "bert", seed, training={"steps": _PRETRAINING_STEPS})
    settings = _methods(_QUICK_ADAPTERS, 4, {"layers": "mix", "lstm": 32})
    settings[RANDOM] = quick.random_weights(context, "bert")
    trials = []
    for task, examples in QUICK_TASKS.items():
        for setting, changes in settings.items():
            rate = _learning_rate(1e-3, changes)
            training = {"steps": 300, "learning_rate": rate, "eval_steps": 50}
            run = quick.finetuned(
                context, slug(f"{setting}-{task}"), task, seed, None if setting == RANDOM else body,
                examples=examples, training=training, **changes,
            )  # fmt: skip
            trials.append(quick.trial(context, setting, task, seed, run))
    return trials


def full_trials(context: StudyContext, seed: int) -> list[Trial]:
    """Each method on official tasks, from the first T5 or BERT given."""
    model = full.model(context, "t5", "bert")
    grid = _full_t5 if full.family(model) == "t5" else _full_bert
    return grid(context, model, seed)


def _full_bert(context: StudyContext, model: str, seed: int) -> list[Trial]:
    base = full.learning_rate(context, model)
    trials = []
    for task in (*full.GLUE, "squad"):
        files = full.task_files(context, task)
        for setting, changes in _full_settings(model).items():
            rate = _learning_rate(base, changes)
            training = {"steps": 1000, "eval_steps": 500, "learning_rate": rate}
            run = full.finetuned(
                context, slug(f"{setting}-{task}"), files, seed,
                examples=10000, training=training, **changes,
            )  # fmt: skip
            trials.append(Trial(setting, task, seed, run, files.measure))
    return trials


def _full_t5(context: StudyContext, model: str, seed: int) -> list[Trial]:
    """As the paper's table: GLUE's tasks as one equal mixture, and three tasks by themselves."""
    base = full.learning_rate(context, model)
    glue = [full.task_files(context, task) for task in full.GLUE]
    others = [full.task_files(context, task) for task in ("squad", "scitldr", "translate_en_de")]
    trials = []
    for setting, changes in _full_settings(model).items():
        if changes.get("method") == "features":
            continue  # it learns no task whose answer is written
        rate = _learning_rate(base, changes)
        training = {"steps": 2000, "eval_steps": 500, "learning_rate": rate}
        mixed = full.mixed(context, slug(f"{setting}-glue"), glue, seed, training, changes)
        trials += [Trial(setting, each.task, seed, mixed, each.measure) for each in glue]
        for files in others:
            name = slug(f"{setting}-{files.task}")
            run = full.finetuned(context, name, files, seed, training=training, **changes)
            trials.append(Trial(setting, files.task, seed, run, files.measure))
    return trials


def _methods(
    adapters: tuple[int, ...], rank: int, features: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the keys of a recipe for each method, by setting."""
    return {
        ALL: {"method": "all"},
        **{
            f"adapters, d = {size}": {"method": "adapters", "adapters": {"size": size}}
            for size in adapters
        },
        GRADUAL: {"method": "gradual_unfreezing"},
        LORA: {"method": "lora", "lora": {"rank": rank, "alpha": 2.0 * rank}},
        FEATURES: {"method": "features", "features": features},
        HEAD: {"method": "head_only"},
    }


def _full_settings(model: str) -> Mapping[str, dict[str, Any]]:
    methods = _methods(_FULL_ADAPTERS, 8, {"layers": "last", "lstm": 128})
    settings = {setting: changes | {"model": model} for setting, changes in methods.items()}
    return settings | {RANDOM: full.random_like(model)}


def _learning_rate(base: float, changes: Mapping[str, Any]) -> float:
    """Return the rate of a method from that of training all parameters."""
    return base * _RATES[changes.get("method", "all")]


def glue_average(context: StudyContext, results: Sequence[Result]) -> Iterable[Result]:
    """Yield the mean over GLUE's tasks of each setting and seed, where there are several."""
    for setting, seed in dict.fromkeys((each.setting, each.seed) for each in results):
        own = [
            each
            for each in results
            if (each.setting, each.seed) == (setting, seed) and each.column in full.GLUE
        ]
        if len(own) > 1:
            average = fmean(each.value for each in own)
            yield replace(own[0], column="GLUE average", value=average)


def _claims(adapters: tuple[int, ...]) -> tuple[Claim, ...]:
    smallest, largest = (f"adapters, d = {size}" for size in (adapters[0], adapters[-1]))
    return (
        Claim("every parameter beats the smallest adapters", ALL, smallest),
        Claim("larger adapters beat the smallest", largest, smallest),
        Claim("every parameter beats gradual unfreezing", ALL, GRADUAL),
        Claim("every parameter from pre-training beats a random start", ALL, RANDOM),
    )


_FROZEN_BODY = (
    Claim("every parameter beats a head alone", ALL, HEAD),
    Claim("every parameter beats features", ALL, FEATURES),
)

METHODS = Study(
    "methods",
    quick_trials,
    full_trials,
    {"quick": (*_claims(_QUICK_ADAPTERS), *_FROZEN_BODY), "full": _claims(_FULL_ADAPTERS)},
    derive=glue_average,
)
