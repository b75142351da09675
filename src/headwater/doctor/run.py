"""What a run's log tells: whether it learned, too much or too little, and what to change.

Read are `log.jsonl` and `config.toml` of a run folder; see `training.record` for their lines.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headwater.config import read_toml
from headwater.doctor.finding import PADDING, Finding, above, judged
from headwater.errors import UserError, counted
from headwater.training.log import read_log

FLAT = 0.02
"""A loss that fell by a smaller share than this between the first and the last tenth is flat."""

EXPLODING = 10.0
"""A gradient norm of so many times the median one."""

LOST = 1.0
"""Points of the main metric, or percent of a loss, that are lost between the best and the last."""

_FEWEST = 10  # lines of the log by which a trend is told


def check_run(folder: Path) -> Iterator[Finding]:
    """Yield what there is to say of a run, finished or not."""
    lines = _whole_log(folder / "log.jsonl")
    config = folder / "config.toml"
    training = read_toml(config).get("training", {}) if config.is_file() else {}
    steps = [line for line in lines if "loss" in line]
    evaluations = [line for line in lines if "evaluation" in line]
    if not steps:
        raise UserError(f"{folder / 'log.jsonl'}: holds no training step yet; nothing to tell")
    last = steps[-1]["step"]
    yield Finding("note", "steps", last, f"The log goes to step {last}.")
    yield from _losses(steps)
    yield from _gradients(steps)
    padding = [line["padding"] for line in lines if "epoch" in line] or [steps[-1]["padding"]]
    said = f"{padding[-1]:.1%} of what the model read was padding."
    yield above("padding", round(padding[-1], 4), PADDING, said, "training.batch.tokens")
    yield from _evaluations(evaluations, training)


def _whole_log(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a log, if they are as a run writes them."""
    lines = read_log(file)
    for line in lines:
        if not (_are_numbers(line) and line["step"] >= 0):
            raise UserError(f"{file}: the line of step {line['step']} is not as a run writes it")
    return lines


def _are_numbers(line: dict[str, Any]) -> bool:
    """Tell whether what is read of a line is there, and is a number or None."""
    if "evaluation" in line:
        scores = line["evaluation"]
        return isinstance(scores, dict) and bool(scores) and _all_numbers(scores.values())
    wanted = ("loss", "gradient_norm") if "loss" in line else ()
    padded = "loss" in line or "epoch" in line
    return _all_numbers(line.get(name, "") for name in wanted) and (
        not padded or isinstance(line.get("padding"), int | float)
    )


def _all_numbers(values: Iterable[Any]) -> bool:
    return all(value is None or isinstance(value, int | float) for value in values)


def _losses(steps: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    unknown = sum(line["loss"] is None for line in steps)
    if unknown:
        said = f"The loss was no finite number in {unknown} of {len(steps)} logged spans."
        yield Finding("warning", "loss not finite", unknown, said, "training.precision")
    losses = np.array([line["loss"] for line in steps if line["loss"] is not None], np.float64)
    if len(losses) < _FEWEST:
        return
    tenth = max(1, len(losses) // 10)
    first, last = float(losses[:tenth].mean()), float(losses[-tenth:].mean())
    fallen = (first - last) / abs(first) if first else 0.0
    way = "up" if fallen < 0 else "down"
    said = f"The training loss went from {first:.3g} to {last:.3g}, {way} by {abs(fallen):.0%}."
    yield judged(fallen >= FLAT, "loss", round(fallen, 4), said, "training.learning_rate")


def _gradients(steps: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    norms = [line["gradient_norm"] for line in steps if line["gradient_norm"] is not None]
    if unknown := len(steps) - len(norms):
        said = f"The gradient norm was no finite number in {unknown} of {len(steps)} logged spans."
        yield Finding("warning", "gradient norm not finite", unknown, said, "training.precision")
    if len(norms) < _FEWEST:
        return
    later = np.array(norms[len(norms) // 10 :], np.float64)  # a new head begins with large ones
    median = float(np.median(later))
    ratio = float(later.max()) / median if median else 0.0
    where = [line for line in steps if line["gradient_norm"] == later.max()][-1]["step"]
    said = f"The largest gradient norm was {ratio:.1f} times the median one, before step {where}."
    yield above("gradient norm", round(ratio, 2), EXPLODING, said, "training.max_grad_norm")


def _evaluations(
    evaluations: Sequence[dict[str, Any]], training: dict[str, Any]
) -> Iterator[Finding]:
    if not evaluations:
        said = "Nothing was measured during the run, so that its last weights were kept."
        yield Finding("warning", "evaluations", 0, said, "data.validation")
        return
    name = training.get("metric_for_best_model") or next(iter(evaluations[0]["evaluation"]))
    pairs = [(line["step"], line["evaluation"].get(name)) for line in evaluations]
    known = [(step, value) for step, value in pairs if value is not None]
    if len(known) < 2:
        said = f"{name} was measured {counted(len(known), 'time')}; a trend takes two."
        yield Finding("note", "evaluations", len(known), said, "training.eval_steps")
        return
    lowest = training.get("best_is", "highest") == "lowest"
    values = np.array([value for _, value in known], np.float64)
    better = -values if lowest else values
    if (values == values[0]).all():
        said = f"{name} was {values[0]:.4g} in all {len(values)} evaluations, as of one answer."
        yield Finding("warning", "best step", None, said, "training.learning_rate")
        return
    best = int(better.argmax())
    step, last = known[best][0], known[-1][0]
    lost = float(better[best] - better[-1])
    lost = 100 * lost / abs(values[best]) if lowest and values[best] else lost
    yield from _best(name, float(values[best]), step, last, lost)
    unit = "%" if lowest else "points"
    said = f"From its best to its last evaluation, {name} lost {lost:.2f} {unit}."
    yield above("overfitting", round(lost, 3), LOST, said, "training.early_stopping_patience")
    yield from _noise(name, values)


def _best(name: str, value: float, step: int, last: int, lost: float) -> Iterator[Finding]:
    share = step / max(1, last)
    said = f"The best {name}, {value:.4g}, came at step {step} of {last}."
    if share <= 0.5 and lost > 0:
        yield Finding(
            "warning", "best step", step, said, "training.epochs or training.steps: fewer"
        )
    elif share == 1.0:
        more = f"{said} It may still rise." if name != "loss" else f"{said} It may still fall."
        yield Finding("note", "best step", step, more, "training.epochs or training.steps: more")
    else:
        yield Finding("fine", "best step", step, said)


def _noise(name: str, values: Any) -> Iterator[Finding]:
    """Compare the jumps between evaluations with all that was gained."""
    if len(values) < 4:
        return
    jumps = np.diff(values[len(values) // 2 :])
    noise, gained = float(np.abs(jumps).mean()), float(values.max() - values.min())
    said = (
        f"Between evaluations of the second half {name} jumped by {noise:.3g}; "
        f"in the whole run it moved by {gained:.3g}."
    )
    noisy = gained > 0 and noise > 0.25 * gained
    key = "data.validation: more examples"
    yield judged(not noisy, "evaluation noise", round(noise, 4), said, key, "note")
