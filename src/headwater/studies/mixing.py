"""Study `mixing`: one model for several tasks, and how often it should see each.

Raffel et al. 2020, section 3.5.2 and table 11: models for one task each are best; of the mixtures
those in proportion to the examples, with a cap, or at a temperature of 2 come closest, equal shares
are worst. Section 3.5.3 and table 12: a mixture that is then fine-tuned on each task catches up.
"""

from typing import Any

from headwater.studies import full, quick
from headwater.studies.study import T5_COLUMNS, Cell, Claim, Place, Published, Run, Study, slug

QUICK_TASKS = {"kind": 100, "mood": 400, "either": 3200}
SINGLE, EQUAL, PROPORTIONAL = "a model for each task", "equal", "proportional"
CAPPED, WARM, THEN = "proportional, capped", "temperature 2", "equal, then fine-tuned"
QUICK_STEPS, FULL_STEPS = 150, 400
"""For each task; a mixture trains for as many steps as its tasks together."""


def _rates(cap: int) -> dict[str, dict[str, Any]]:
    return {
        EQUAL: {"rates": "equal"},
        PROPORTIONAL: {"rates": "proportional"},
        CAPPED: {"rates": "proportional", "cap": cap},
        WARM: {"rates": "temperature", "temperature": 2.0},
    }


def cells(place: Place) -> list[Cell]:
    """Each way of mixing on each task, three seeds."""
    one = _quick if place.budget == "quick" else _full
    return [cell for seed in place.seeds for cell in one(place, seed)]


def _quick(place: Place, seed: int) -> list[Cell]:
    body = quick.body(place, "t5", seed, training={"steps": 500})
    tests = {task: quick.measure(place, task) for task in QUICK_TASKS}

    def alone(name: str, task: str, start: Run) -> Run:
        training = {"steps": QUICK_STEPS, "learning_rate": 2e-3, "eval_steps": 50}
        most = QUICK_TASKS[task]
        return quick.adapted(place, f"{name}-{task}", task, seed, start, most=most,
                             training=training)  # fmt: skip

    found = [Cell(SINGLE, t, seed, alone("single", t, body), tests[t]) for t in QUICK_TASKS]
    for setting, rates in _rates(400).items():
        parts = []
        for task in QUICK_TASKS:
            recipe = alone("part", task, body).recipe
            parts.append({"task": recipe["task"], "data": recipe["data"]})
        recipe = dict(recipe)
        del recipe["task"], recipe["data"]
        steps = QUICK_STEPS * len(QUICK_TASKS)
        recipe["training"] = recipe["training"] | {"steps": steps, "eval_steps": 150}
        recipe["mixture"] = rates | {"tasks": parts}
        run = Run(f"{slug(setting)}-{seed}", recipe, (body,))
        found += [Cell(setting, task, seed, run, tests[task]) for task in QUICK_TASKS]
        if setting == EQUAL:
            found += [
                Cell(THEN, task, seed, alone("then", task, run), tests[task])
                for task in QUICK_TASKS
            ]
    return found


def _full(place: Place, seed: int) -> list[Cell]:
    name = full.model(place, "bert", "t5")
    tasks = {task: full.task(place, task) for task in full.GLUE}
    own = {"steps": FULL_STEPS, "eval_steps": 100, "learning_rate": full.rate(place, name)}
    found = []
    for task, data in tasks.items():
        run = full.adapted(place, f"single-{task}", data, seed, model=name, training=own)
        found.append(Cell(SINGLE, task, seed, run, data.measure))
    both = own | {"steps": FULL_STEPS * len(tasks), "eval_steps": 500}
    for setting, rates in _rates(2000).items():
        changes = {"model": name, "mixture": rates}
        mixed = full.mixed(place, slug(setting), list(tasks.values()), seed, both, changes)
        for task, data in tasks.items():
            found.append(Cell(setting, task, seed, mixed, data.measure))
            if setting == EQUAL:
                run = full.adapted(place, f"then-{task}", data, seed, start=mixed, training=own)
                found.append(Cell(THEN, task, seed, run, data.measure))
    return found


_CLAIMS = (
    Claim("a model for each task beats an equal mixture", SINGLE, EQUAL),
    Claim("a model for each task beats a temperature of 2", SINGLE, WARM),
    Claim("a temperature of 2 beats equal shares", WARM, EQUAL),
    Claim("capped proportions beat equal shares", CAPPED, EQUAL),
    Claim("a mixture that is then fine-tuned beats the mixture", THEN, EQUAL),
)

MIXING = Study(
    name="mixing",
    asks="one model for several tasks: how often should it see each, and what does it cost?",
    setup={
        "quick": "A T5 of 2 + 2 layers, 64 wide, pre-trained by span corruption on a made-up "
        "language, one body for each seed (docs/studies.md), learns three tasks as text to text: "
        "the kind of a noun (100 labelled examples; guessing gives 25), the mood of a sentence "
        "(400; 50) and whether one of two nouns is an animal (3,200; 50). Each alone for 150 steps "
        "of 16 examples, all together for 450; the cap is 400 examples. `equal, then fine-tuned` "
        "adds 150 steps on each task. Accuracy in percent on 600 test examples.",
        "full": "The model given by --model learns five tasks of GLUE: each alone for 400 steps of "
        "32 examples, all together for 2,000; the cap is 2,000 examples. `equal, then fine-tuned` "
        "adds 400 steps on each task. Scores are on the official dev sets.",
    },
    prepare=quick.prepare,
    cells=cells,
    claims={"quick": _CLAIMS, "full": _CLAIMS},
    published=(
        Published(
            "Raffel et al. 2020, table 11.",
            T5_COLUMNS,
            {
                "a model for each task": (83.28, 19.24, 80.88, 71.36, 26.98, 39.82, 27.65),
                "equal": (76.13, 19.02, 76.51, 63.37, 23.89, 34.31, 26.78),
                "proportional, K = 2^16": (80.45, 19.04, 77.25, 69.95, 24.35, 34.99, 27.10),
                "proportional, K = 2^19": (81.42, 19.24, 79.78, 67.30, 25.21, 36.30, 27.76),
                "proportional, K = 2^21": (79.83, 18.79, 79.50, 65.10, 25.82, 37.22, 27.13),
                "temperature 2": (81.90, 19.28, 79.42, 69.92, 25.42, 36.72, 27.20),
                "temperature 8": (77.21, 19.10, 77.14, 66.07, 24.55, 35.35, 27.17),
            },
        ),
        Published(
            "Raffel et al. 2020, table 12.",
            T5_COLUMNS,
            {
                "multi-task": (81.42, 19.24, 79.78, 67.30, 25.21, 36.30, 27.76),
                "multi-task, then fine-tuned": (83.11, 19.12, 80.26, 71.03, 27.08, 39.80, 28.07),
            },
        ),
    ),
)
