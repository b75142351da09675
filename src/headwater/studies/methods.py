"""Study `methods`: how should a pre-trained model be adapted, and how much of it has to train?

Raffel et al. 2020, section 3.5.1: training every parameter is best; adapters come close once their
inner size is large enough for the task; gradual unfreezing loses a little everywhere. Beside them
LoRA (Hu et al. 2022), features of a frozen body (Peters et al. 2019) and a head alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from headwater.studies import full, quick
from headwater.studies.study import T5_COLUMNS, Cell, Claim, Place, Published, Result, Study, slug

QUICK_TASKS = {"kind": 100, "either": 100, "find": 25}
"""Labelled examples of each task."""
_TAUGHT = 800
"""Steps of pre-training: a body that has learned all (1,000) gives every method full marks."""
ALL, GRADUAL, HEAD = "all", "gradual unfreezing", "head only"
FEATURES, LORA, RANDOM = "features", "lora", "all, random start"
_QUICK_ADAPTERS, _FULL_ADAPTERS = (4, 16, 64), (32, 128, 512, 2048)
_RATES = {"all": 1.0, "gradual_unfreezing": 1.0, "adapters": 3.0, "lora": 3.0, "head_only": 10.0,
          "features": 3.0}  # fmt: skip
"""Times the rate of `all`: what is small or new learns at a higher one."""


def _ways(
    adapters: tuple[int, ...], rank: int, features: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the methods by the names of the table."""
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


def cells(place: Place) -> list[Cell]:
    """Each method on each task, three seeds."""
    if place.budget == "quick":
        return _quick(place)
    name = full.model(place, "t5", "bert")
    return _full_t5(place, name) if full.family(name) == "t5" else _full_bert(place, name)


def _quick(place: Place) -> list[Cell]:
    found = []
    for seed in place.seeds:
        body = quick.body(place, "bert", seed, training={"steps": _TAUGHT})
        for task, most in QUICK_TASKS.items():
            measure = quick.measure(place, task)
            ways = _ways(_QUICK_ADAPTERS, 4, {"layers": "mix", "lstm": 32}) | {
                RANDOM: quick.random_start(place, "bert")
            }
            for setting, way in ways.items():
                training = {"steps": 300, "learning_rate": _rate(1e-3, way), "eval_steps": 50}
                start = None if setting == RANDOM else body
                run = quick.adapted(
                    place, slug(f"{setting}-{task}"), task, seed, start,
                    most=most, training=training, **way,
                )  # fmt: skip
                found.append(Cell(setting, task, seed, run, measure))
    return found


def _full_bert(place: Place, name: str) -> list[Cell]:
    found = []
    rate = full.rate(place, name)
    for seed in place.seeds:
        for task in (*full.GLUE, "squad"):
            data = full.task(place, task)
            for setting, way in _starts(name).items():
                training = {"steps": 1000, "eval_steps": 500, "learning_rate": _rate(rate, way)}
                run = full.adapted(
                    place,
                    slug(f"{setting}-{task}"),
                    data,
                    seed,
                    most=10000,
                    training=training,
                    **way,
                )
                found.append(Cell(setting, task, seed, run, data.measure))
    return found


def _full_t5(place: Place, name: str) -> list[Cell]:
    """As the paper's table: GLUE's tasks as one equal mixture, and three tasks by themselves."""
    found = []
    rate = full.rate(place, name)
    glue = {task: full.task(place, task) for task in full.GLUE}
    others = ("squad", "scitldr", "translate_en_de")
    for seed in place.seeds:
        for setting, way in _starts(name).items():
            if way.get("method") == "features":
                continue  # it learns no task that is written
            training = {"steps": 2000, "eval_steps": 500, "learning_rate": _rate(rate, way)}
            run = full.mixed(
                place, slug(f"{setting}-glue"), list(glue.values()), seed, training, way
            )
            found += [Cell(setting, task, seed, run, data.measure) for task, data in glue.items()]
            for task in others:
                data = full.task(place, task)
                run = full.adapted(
                    place, slug(f"{setting}-{task}"), data, seed, training=training, **way
                )
                found.append(Cell(setting, task, seed, run, data.measure))
    return found


def _rate(base: float, way: Mapping[str, Any]) -> float:
    """Return the rate of a way to adapt from that of all parameters."""
    return base * _RATES[way.get("method", "all")]


def _starts(name: str) -> Mapping[str, dict[str, Any]]:
    ways = _ways(_FULL_ADAPTERS, 8, {"layers": "last", "lstm": 128})
    return {
        **{setting: way | {"model": name} for setting, way in ways.items()},
        RANDOM: full.random_like(name),
    }


def glue_average(place: Place, results: Sequence[Result]) -> Iterable[Result]:
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


def _claims(adapters: tuple[int, ...], head: bool) -> list[Claim]:
    names = [f"adapters, d = {size}" for size in adapters]
    claims = [
        Claim("every parameter beats the smallest adapters", ALL, names[0]),
        Claim("larger adapters beat the smallest", names[-1], names[0]),
        Claim("every parameter beats gradual unfreezing", ALL, GRADUAL),
        Claim("every parameter from pre-training beats a random start", ALL, RANDOM),
    ]
    if head:
        claims += [
            Claim("every parameter beats a head alone", ALL, HEAD),
            Claim("every parameter beats features", ALL, FEATURES),
        ]
    return claims


METHODS = Study(
    name="methods",
    asks="how should a pre-trained model be adapted, and how much of it has to train?",
    setup={
        "quick": "A BERT of two layers, 64 wide, pre-trained for 800 steps on a made-up language, "
        "one body for each seed (docs/studies.md), learns three tasks: the kind of a noun (100 "
        "labelled examples; guessing gives 25), whether one of two nouns is an animal (100; "
        "50), and where the one animal among three nouns stands (25; 33, exact match). Every "
        "method trains for 300 steps of 16 examples, at 1e-3 times a factor that was set "
        "beforehand: 3 for adapters, LoRA and features, 10 for a head alone.",
        "full": "The model given by --model, at 1e-4 (BERT) or 1e-3 (T5) times the factors of the "
        "quick budget. A BERT learns five tasks of GLUE and SQuAD, each by itself, for 1,000 steps "
        "of 32 examples; a T5 learns the five tasks of GLUE as an equal mixture and SQuAD, "
        "summarization (SciTLDR, ROUGE-2) and translation (Multi30k, BLEU) each by itself, for "
        "2,000 steps of 32. Scores are on the official dev or test files.",
    },
    prepare=quick.prepare,
    cells=cells,
    claims={"quick": _claims(_QUICK_ADAPTERS, True), "full": _claims(_FULL_ADAPTERS, False)},
    published=(
        Published(
            "Raffel et al. 2020, table 10.",
            T5_COLUMNS,
            {
                "all": (83.28, 19.24, 80.88, 71.36, 26.98, 39.82, 27.65),
                "adapters, d = 32": (80.52, 15.08, 79.32, 60.40, 13.84, 17.88, 15.54),
                "adapters, d = 512": (81.54, 17.78, 79.18, 64.30, 23.45, 33.98, 25.81),
                "gradual unfreezing": (82.50, 18.95, 79.17, 70.79, 26.71, 39.02, 26.93),
            },
            "Its rows for d = 128 and d = 2048 hold the same figures, so that at least one of them "
            "is a slip of the pen: neither is quoted here.",
        ),
        Published(
            "Howard and Ruder 2018, section 5: training the last layer alone underfits badly. "
            "Devlin et al. 2019, table 7: features are 0.3 F1 behind fine-tuning on "
            "CoNLL-2003. Peters et al. 2019 (To Tune or Not to Tune?): which is better depends on "
            "how alike pre-training and task are."
        ),
    ),
    derive=glue_average,
)
