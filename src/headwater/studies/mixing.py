"""Study `mixing`: one model for several tasks, and how often it should see each.

Raffel et al. 2020, section 3.5.2 and table 11: models for one task each are best; of the mixtures
those in proportion to the examples, with a cap, or at a temperature of 2 come closest, equal shares
are worst. Section 3.5.3 and table 12: a mixture that is then fine-tuned on each task catches up.
"""

from typing import Any

from headwater.studies import full, quick
from headwater.studies.study import Claim, GridRun, Study, StudyContext, Trial, slug

QUICK_TASKS = {"kind": 100, "mood": 400, "either": 3200}
SINGLE, EQUAL, PROPORTIONAL = "a model for each task", "equal", "proportional"
CAPPED, WARM, THEN = "proportional, capped", "temperature 2", "equal, then fine-tuned"
QUICK_STEPS, FULL_STEPS = 150, 400
"""For each task; a mixture trains for as many steps as its tasks together."""


def quick_trials(context: StudyContext, seed: int) -> list[Trial]:
    """Each way of mixing on each task of the made-up language."""
    body = quick.pretrained(context, "t5", seed, training={"steps": 500})

    def one_task(name: str, task: str, start: GridRun) -> GridRun:
        training = {"steps": QUICK_STEPS, "learning_rate": 2e-3, "eval_steps": 50}
        return quick.finetuned(context, f"{name}-{task}", task, seed, start,
                               examples=QUICK_TASKS[task], training=training)  # fmt: skip

    def trial(setting: str, task: str, run: GridRun) -> Trial:
        return Trial(setting, task, seed, run, quick.measure(context, task))

    components = {task: one_task("single", task, body) for task in QUICK_TASKS}
    trials = [trial(SINGLE, task, run) for task, run in components.items()]
    for setting, rates in _rates(400).items():
        run = GridRun(f"{slug(setting)}-{seed}", _mixed(components, rates), (body,))
        trials += [trial(setting, task, run) for task in QUICK_TASKS]
        if setting == EQUAL:
            trials += [trial(THEN, task, one_task("then", task, run)) for task in QUICK_TASKS]
    return trials


def _mixed(components: dict[str, GridRun], rates: dict[str, Any]) -> dict[str, Any]:
    """Return the recipe of a mixture of the tasks of some runs, which are otherwise alike."""
    recipes = [run.recipe for run in components.values()]
    tasks = [{"task": recipe["task"], "data": recipe["data"]} for recipe in recipes]
    recipe = {key: value for key, value in recipes[0].items() if key not in ("task", "data")}
    steps = {"steps": QUICK_STEPS * len(tasks), "eval_steps": 150}
    return recipe | {"training": recipe["training"] | steps, "mixture": rates | {"tasks": tasks}}


def full_trials(context: StudyContext, seed: int) -> list[Trial]:
    """Each way of mixing on each task of GLUE, from the model given."""
    model = full.model(context, "bert", "t5")
    tasks = {task: full.task_files(context, task) for task in full.GLUE}
    rate = full.learning_rate(context, model)
    training = {"steps": FULL_STEPS, "eval_steps": 100, "learning_rate": rate}
    trials = []
    for task, files in tasks.items():
        run = full.finetuned(context, f"single-{task}", files, seed, model=model, training=training)
        trials.append(Trial(SINGLE, task, seed, run, files.measure))
    together = training | {"steps": FULL_STEPS * len(tasks), "eval_steps": 500}
    for setting, rates in _rates(2000).items():
        changes = {"model": model, "mixture": rates}
        mixed = full.mixed(context, slug(setting), list(tasks.values()), seed, together, changes)
        for task, files in tasks.items():
            trials.append(Trial(setting, task, seed, mixed, files.measure))
            if setting == EQUAL:
                run = full.finetuned(context, f"then-{task}", files, seed, start=mixed,
                                     training=training)  # fmt: skip
                trials.append(Trial(THEN, task, seed, run, files.measure))
    return trials


def _rates(cap: int) -> dict[str, dict[str, Any]]:
    return {
        EQUAL: {"rates": "equal"},
        PROPORTIONAL: {"rates": "proportional"},
        CAPPED: {"rates": "proportional", "cap": cap},
        WARM: {"rates": "temperature", "temperature": 2.0},
    }


_CLAIMS = (
    Claim("a model for each task beats an equal mixture", SINGLE, EQUAL),
    Claim("a model for each task beats a temperature of 2", SINGLE, WARM),
    Claim("a temperature of 2 beats equal shares", WARM, EQUAL),
    Claim("capped proportions beat equal shares", CAPPED, EQUAL),
    Claim("a mixture that is then fine-tuned beats the mixture", THEN, EQUAL),
)

MIXING = Study("mixing", quick_trials, full_trials, {"quick": _CLAIMS, "full": _CLAIMS})
