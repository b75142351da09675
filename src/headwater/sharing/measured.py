"""The measured parts of a card: scores with intervals, calibration, overlap; each from files.

    | set | task | file | items | metric | score | 95% interval |
    | dev | `squad` | `dev-v1.1.json` | 10,570 | f1 | 80.66 | 79.98 to 81.32 |

The files are those of `evaluate --output` and of `overlap --json`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from headwater.errors import UserError
from headwater.evaluation.circumstances import FILE
from headwater.files import read_json

_NO_SCORE = re.compile(r"(^|_)total$|_thresh$|^best_")  # of SQuAD 2.0: chosen on the test itself
_GROUPS = {"all": "all", "clean": "clean", "unmatched": "without 8 words in common"}
_LOW, _HIGH = 0.5, 0.8  # scores between which bins of a calibration are put together


def scores(folders: Sequence[Path]) -> Iterator[str]:
    """Yield a table of the scores in folders that `evaluate --output` wrote, and how to repeat it.

    A folder's name is that of its set.
    """
    yield "| set | task | file | items | metric | score | 95% interval |"
    yield "|---|---|---|---|---|---|---|"
    for folder in folders:
        about, intervals = _optional(folder / FILE), _optional(folder / "intervals.json")
        task = f"`{about['task']}`" if about else ""
        files = ", ".join(f"`{Path(each).name}`" for each in about.get("data", ()))
        items = f"{about['examples']:,}" if about else ""
        for metric, value in read_json(folder / "metrics.json").items():
            if not _NO_SCORE.search(metric):
                both = f"{_between(intervals[metric])}" if metric in intervals else ""
                cells = folder.name, task, files, items, metric, f"{value:.2f}", both
                yield f"| {' | '.join(cells)} |"
    yield ""
    yield "Scores are percent. Intervals: 10,000 bootstrap resamples of the examples, seed 0."
    yield from _repeated([about for each in folders if (about := _optional(each / FILE))])
    yield ""


def _repeated(evaluations: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield on which machine it was measured, and with which commands."""
    if not evaluations:
        return
    machines = {
        f"{each['machine']} (headwater {each['headwater']}, PyTorch {each['torch']})": None
        for each in evaluations
    }
    yield f"Measured on: {'; '.join(machines)}."
    yield from ("", "```sh")
    for each in evaluations:
        files = " ".join(Path(file).name for file in each["data"])
        model = Path(each["model"]).name if Path(each["model"]).is_absolute() else each["model"]
        precision = each["precision"]
        chosen = "" if precision == "auto" else f" --precision {precision}"
        yield f"headwater evaluate --model {model} --task {each['task']} --data {files}{chosen}"
    yield "```"


def calibration(folders: Sequence[Path]) -> Iterator[str]:
    """Yield how far the scores of what is said can be believed, where it was measured."""
    found = {
        folder.name: measured
        for folder in folders
        if (measured := _optional(folder / "calibration.json"))
    }
    if not found:
        yield from ("Not measured: none of the evaluations has probabilities.", "")
        return
    bands: dict[str, Callable[[float], bool]] = {
        f"below {_LOW}": lambda low: low < _LOW,
        f"{_LOW} to {_HIGH}": lambda low: _LOW <= low < _HIGH,
        f"{_HIGH} and more": lambda low: low >= _HIGH,
    }
    columns = ["set", "said", "expected calibration error"]
    columns += [f"right, of scores {band}" for band in bands]
    yield from (f"| {' | '.join(columns)} |", "|---" * len(columns) + "|")
    for name, measured in found.items():
        cells = [name, f"{measured['answers']:,}", f"{measured['expected_calibration_error']:.3f}"]
        for within in bands.values():
            inside = [each for each in measured["bins"] if within(each["low"])]
            cells.append(_share(sum(each["answers"] for each in inside), inside))
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "What is said is an answer, a class or an entity. The error is the mean distance between"
    yield "its score and the share that is right, in ten bins (Guo et al. 2017). An answer is right"
    yield "with an F1 of 0.5 or more, an entity with the right words and type."
    yield ""


def _share(count: int, bins: Sequence[Mapping[str, Any]]) -> str:
    if not count:
        return "none"
    right = sum(each["answers"] * each["right"] for each in bins)
    return f"{right / count:.0%} of {count:,}"


def overlap(files: Sequence[Path]) -> Iterator[str]:
    """Yield how much of each test stands in training text, and the scores without that."""
    found = [_overlap_in(file) for file in files]
    yield "| test | items | with 8 words in common | overlapping | words of training text |"
    yield "|---|---|---|---|---|"
    for each in found:
        items, name = each["items"], _base(each["test"])
        counts = (f"{len(ids)} ({len(ids) / items:.2%})" for ids in _ids(each))
        yield f"| `{name}` | {items:,} | {' | '.join(counts)} | {each['words']:,} |"
    yield ""
    yield "An item overlaps if 13 neighbouring words of one of its texts stand in training text; of"
    yield "a text of 8 to 12 words, 8 of them (docs/overlap.md). Shorter texts tell nothing:"
    yield f"{'; '.join(dict.fromkeys(map(_short, found)))}."
    for names in dict.fromkeys(tuple(map(_base, each["train"])) for each in found):
        yield f"Training text: {', '.join(f'`{name}`' for name in names)}."
    yield ""
    for each in found:
        yield from _scores_beside(each)


def _scores_beside(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the scores of the whole test beside those of its clean part."""
    groups = {group: found["scores"][group] for group in _GROUPS if group in found["scores"]}
    if not groups:
        return
    heads = [f"{_GROUPS[name]} ({each['examples']:,})" for name, each in groups.items()]
    yield f"| `{_base(found['test'])}` | {' | '.join(heads)} |"
    yield "|---" * (len(groups) + 1) + "|"
    for metric in next(iter(groups.values()))["intervals"]:
        cells = (
            f"{each['metrics'][metric]:.2f} ({_between(each['intervals'][metric])})"
            if metric in each["intervals"]
            else ""
            for each in groups.values()
        )
        yield f"| {metric} | {' | '.join(cells)} |"
    yield ""


def _overlap_in(file: Path) -> Mapping[str, Any]:
    found = read_json(file)
    wanted = {"test", "train", "items", "words", "parts", "matched", "overlapping", "scores"}
    if not isinstance(found, dict) or not wanted <= found.keys():
        raise UserError(f"{file}: is not what `headwater overlap ... --json` prints")
    return found


def _ids(found: Mapping[str, Any]) -> tuple[Sequence[str], Sequence[str]]:
    return found["matched"], found["overlapping"]


def _short(found: Mapping[str, Any]) -> str:
    """Say how many texts of a test are too short to tell, by field."""
    counts = (
        f"{part['short']:,} of {part['texts']:,} ({name})" for name, part in found["parts"].items()
    )
    return f"`{_base(found['test'])}` {', '.join(counts)}"


def _base(name: str) -> str:
    """Return a file's name without folders, which are those of one disk."""
    return Path(name).name


def _between(interval: Sequence[float]) -> str:
    low, high = interval
    return f"{low:.2f} to {high:.2f}"


def _optional(file: Path) -> dict[str, Any]:
    return dict(read_json(file)) if file.is_file() else {}
