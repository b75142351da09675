"""Study `transfer`: what is pre-training worth, measured in labelled examples?

The claim of the whole field (Radford et al. 2018; Devlin et al. 2019; Howard and Ruder 2018): a
model that has read raw text predicts better, learns sooner and needs fewer labelled examples.

    score
      |        ______ pre-trained
      |   ____/   ___
      |  /     __/     random start
      | /  ___/
      +------------------- labelled examples
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.studies import full, quick
from headwater.studies.study import Claim, Result, Study, StudyContext, Trial
from headwater.training.log import read_log

PRETRAINED, RANDOM = "pre-trained", "random start"
QUICK_SIZES = (25, 50, 100, 200, 400, 800)
FULL_SIZES = (100, 300, 1000, 3000, 10000, 30000)
STEPS, SECONDS = "steps to the score", "processor seconds to the score"


def quick_trials(context: StudyContext, seed: int) -> list[Trial]:
    """Each start with each number of labelled examples of a made-up task."""
    body = quick.pretrained(context, "bert", seed)
    random = quick.random_weights(context, "bert")
    trials = []
    for size in QUICK_SIZES:
        for setting, start, weights in ((PRETRAINED, body, {}), (RANDOM, None, random)):
            run = quick.finetuned(
                context, _run_name(setting, size), "kind", seed, start,
                examples=size, training={"eval_steps": 10}, **weights,
            )  # fmt: skip
            trials.append(quick.trial(context, setting, "kind", seed, run, f"{size:,}"))
    return trials


def full_trials(context: StudyContext, seed: int) -> list[Trial]:
    """Each start with each number of labelled examples of SST-2."""
    files, body = full.task_files(context, "sst2"), full.model(context, "bert")
    training: dict[str, Any] = {"steps": 1500, "eval_steps": 100, "early_stopping_patience": 8}
    training["learning_rate"] = full.learning_rate(context, body)
    trials = []
    for size in FULL_SIZES:
        for setting, weights in ((PRETRAINED, {"model": body}), (RANDOM, full.random_like(body))):
            name = _run_name(setting, size)
            run = full.finetuned(
                context, name, files, seed, examples=size, training=training, **weights
            )
            trials.append(Trial(setting, f"{size:,}", seed, run, files.measure))
    return trials


def _run_name(setting: str, size: int) -> str:
    return f"{setting.split()[0]}-{size}"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A score on the validation data, with the steps and seconds of the training so far.

    seconds: of the processor, which other work on the machine does not lengthen; None in the logs
        of older versions, which have the time of the clock alone.
    """

    score: float
    step: int
    seconds: float | None


def time_to_score(context: StudyContext, results: Sequence[Result]) -> Iterable[Result]:
    """Yield when each run with the most examples first reached the best score of its random start.

    Scores are on the validation data; the random start is that of the same seed, which reaches its
    own best by definition. A run that never reaches it counts with all steps of its budget, even if
    early stopping ended it before, and with the seconds that they would have taken.
    """
    last = results[-1].column
    trials = [each for each in TRANSFER.trials(context) if each.column == last]
    runs = {(trial.setting, trial.seed): trial.run for trial in trials}
    logs = {key: _evaluations(Path(context.run(run.name))) for key, run in runs.items()}
    timed = all(each.seconds is not None for log in logs.values() for each in log)
    for result in results:
        if result.column == last:
            key = (result.setting, result.seed)
            goal = max(each.score for each in logs[RANDOM, result.seed])
            step, seconds = _reached(logs[key], goal, int(runs[key].recipe["training"]["steps"]))
            yield replace(result, column=STEPS, value=float(step))
            if timed:
                yield replace(result, column=SECONDS, value=seconds)


def _reached(log: Sequence[Evaluation], goal: float, budget: int) -> tuple[int, float]:
    """Return the step and the seconds of the first score that is high enough."""
    for each in log:
        if each.score >= goal:
            return each.step, each.seconds or 0.0
    return budget, (log[-1].seconds or 0.0) * budget / log[-1].step


def _evaluations(run: Path) -> list[Evaluation]:
    file = run / "log.jsonl"
    found = [
        Evaluation(next(iter(line["evaluation"].values())), line["step"],
                   line.get("processor_seconds"))
        for line in read_log(file) if "evaluation" in line
    ]  # fmt: skip
    if not found:
        raise UserError(f"{file}: holds no evaluation; the study needs its runs' logs to the end")
    return found


def _claims(sizes: Sequence[int]) -> tuple[Claim, ...]:
    few, many = f"{sizes[0]:,}", f"{sizes[-1]:,}"
    return (
        Claim("better predictions at the fewest examples", PRETRAINED, RANDOM, (few,)),
        Claim("better predictions at the most examples", PRETRAINED, RANDOM, (many,)),
        Claim("fewer steps to the random start's best score", PRETRAINED, RANDOM, (STEPS,), True),
        Claim("less training time to that score", PRETRAINED, RANDOM, (SECONDS,), True),
    )


TRANSFER = Study(
    "transfer",
    quick_trials,
    full_trials,
    {"quick": _claims(QUICK_SIZES), "full": _claims(FULL_SIZES)},
    derive=time_to_score,
)
