"""Study `context`: from one vector per word to a model that reads a sentence in both directions.

    CBOW   one vector for each word, in any context              Mikolov et al. 2013
    ELMo   two readers, left to right and right to left           Peters et al. 2018
    GPT    one transformer, left to right                         Radford et al. 2018
    BERT   one transformer, in both directions                    Devlin et al. 2019

All four give features to the same small model, so that only the body differs. BERT is also
fine-tuned. A word with two senses is where one vector per word must fail.
"""

from typing import Any

from headwater.studies import full, quick
from headwater.studies.study import Claim, Study, StudyContext, Trial, slug

BODIES = {"CBOW": "cbow", "ELMo": "elmo", "GPT": "gpt", "BERT": "bert"}
TUNED = "BERT, fine-tuned"
QUICK_TASKS = {"sense": 1000, "kind": 200}
FULL_TASKS = ("sst2", "mrpc", "rte", "wnut17")
_PRETRAINING_STEPS = {"cbow": 400, "elmo": 600, "gpt": 800, "bert": 1200}


def quick_trials(context: StudyContext, seed: int) -> list[Trial]:
    """Tiny bodies, whose features feed one linear layer."""
    bodies = {family: quick.pretrained(context, family, seed, training={"steps": steps})
              for family, steps in _PRETRAINING_STEPS.items()}  # fmt: skip
    trials = []
    for task, examples in QUICK_TASKS.items():
        for setting, (family, method) in _settings(0).items():
            rate = 5e-3 if method else 1e-3
            training = {"steps": 300, "learning_rate": rate, "eval_steps": 100}
            name = slug(f"{setting}-{task}")
            run = quick.finetuned(
                context, name, task, seed, bodies[family],
                examples=examples, training=training, **method,
            )  # fmt: skip
            trials.append(quick.trial(context, setting, task, seed, run))
    return trials


def full_trials(context: StudyContext, seed: int) -> list[Trial]:
    """The bodies given, whose features feed a BiLSTM."""
    trials = []
    for task in FULL_TASKS:
        files = full.task_files(context, task)
        for setting, (family, method) in _settings(128).items():
            model = full.model(context, family)
            rate = 1e-3 if method else full.learning_rate(context, model)
            training = {"steps": 1500, "learning_rate": rate, "eval_steps": 300}
            run = full.finetuned(
                context, slug(f"{setting}-{task}"), files, seed,
                examples=20000, training=training, model=model, **method,
            )  # fmt: skip
            trials.append(Trial(setting, task, seed, run, files.measure))
    return trials


def _settings(lstm: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the family and the recipe's method of each setting."""
    settings: dict[str, tuple[str, dict[str, Any]]] = {}
    for setting, family in BODIES.items():
        features = {"layers": "last" if family == "cbow" else "mix", "lstm": lstm}
        settings[setting] = (family, {"method": "features", "features": features})
    return settings | {TUNED: ("bert", {})}


_CLAIMS = (
    Claim("ELMo's features beat CBOW's", "ELMo", "CBOW"),
    Claim("GPT's features beat ELMo's", "GPT", "ELMo"),
    Claim("BERT's features beat GPT's", "BERT", "GPT"),
    Claim("BERT's features beat CBOW's", "BERT", "CBOW"),
    Claim("fine-tuning beats features", TUNED, "BERT"),
)
_SENSE = (
    Claim("a word with two senses: ELMo beats CBOW", "ELMo", "CBOW", ("sense",)),
    Claim("a word with two senses: BERT beats GPT", "BERT", "GPT", ("sense",)),
)

CONTEXT = Study(
    "context", quick_trials, full_trials, {"quick": (*_CLAIMS, *_SENSE), "full": _CLAIMS}
)
