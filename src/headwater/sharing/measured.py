"""The measured parts of a card: scores with intervals, calibration, overlap; each from files.

    | set | task | file | items | metric | score | 95% interval |
    | dev | `squad` | `dev-v1.1.json` | 10,570 | f1 | 80.66 | 79.98 to 81.32 |

The files are those of `evaluate --output` and of `overlap --json`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from headwater.sharing import recorded
from headwater.sharing.markdown import argument, code, plain, row

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
        about, intervals = recorded.circumstances(folder), recorded.intervals(folder)
        task = code(about["task"]) if about else ""
        files = ", ".join(code(Path(each).name) for each in about.get("data", ()))
        items = f"{about['examples']:,}" if about else ""
        for metric, value in recorded.metrics(folder).items():
            if not _NO_SCORE.search(metric):
                score = "no number" if value is None else f"{value:.2f}"
                both = _between(intervals[metric]) if metric in intervals else ""
                name = plain(folder.name)
                yield row(name, task, files, items, plain(metric), score, both)
    yield ""
    yield "Scores are percent. Intervals: 10,000 bootstrap resamples of the examples, seed 0."
    yield from _repeated([about for each in folders if (about := recorded.circumstances(each))])
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
        files = " ".join(argument(Path(file).name) for file in each["data"])
        model = argument(without_folders(each["model"]))
        precision = each["precision"]
        chosen = "" if precision == "auto" else f" --precision {precision}"
        task = argument(each["task"])
        yield f"headwater evaluate --model {model} --task {task} --data {files}{chosen}"
    yield "```"


def without_folders(model: str) -> str:
    """Return a model's name without the folders of this disk."""
    return Path(model).name if Path(model).is_absolute() else model


def calibration(folders: Sequence[Path]) -> Iterator[str]:
    """Yield how far the scores of what is said can be believed, where it was measured."""
    found = {
        plain(folder.name): measured
        for folder in folders
        if (measured := recorded.calibration(folder))
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
    yield from (row(*columns), "|---" * len(columns) + "|")
    for name, measured in found.items():
        cells = [name, f"{measured['answers']:,}", f"{measured['expected_calibration_error']:.3f}"]
        for within in bands.values():
            inside = [each for each in measured["bins"] if within(each["low"])]
            cells.append(_share(sum(each["answers"] for each in inside), inside))
        yield row(*cells)
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
    found = [recorded.overlap(file) for file in files]
    yield "| test | items | with 8 words in common | overlapping | words of training text |"
    yield "|---|---|---|---|---|"
    for each in found:
        items = each["items"]
        counts = (f"{len(ids)} ({len(ids) / max(1, items):.2%})" for ids in _ids(each))
        yield row(_base(each["test"]), f"{items:,}", *counts, f"{each['words']:,}")
    yield ""
    yield "An item overlaps if 13 neighbouring words of one of its texts stand in training text; of"
    yield "a text of 8 to 12 words, 8 of them (docs/overlap.md). Shorter texts tell nothing:"
    yield f"{'; '.join(dict.fromkeys(map(_short, found)))}."
    for names in dict.fromkeys(tuple(map(_base, each["train"])) for each in found):
        yield f"Training text: {', '.join(names)}."
    yield ""
    for each in found:
        yield from _scores_beside(each)


def _scores_beside(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the scores of the whole test beside those of its clean part."""
    groups = {group: found["scores"][group] for group in _GROUPS if group in found["scores"]}
    if not groups:
        return
    heads = [f"{_GROUPS[name]} ({each['examples']:,})" for name, each in groups.items()]
    yield row(_base(found["test"]), *heads)
    yield "|---" * (len(groups) + 1) + "|"
    for metric in next(iter(groups.values()))["intervals"]:
        cells = (
            f"{each['metrics'][metric]:.2f} ({_between(each['intervals'][metric])})"
            if metric in each["intervals"]
            else ""
            for each in groups.values()
        )
        yield row(plain(metric), *cells)
    yield ""


def _ids(found: Mapping[str, Any]) -> tuple[Sequence[str], Sequence[str]]:
    return found["matched"], found["overlapping"]


def _short(found: Mapping[str, Any]) -> str:
    """Say how many texts of a test are too short to tell, by field."""
    counts = (
        f"{part['short']:,} of {part['texts']:,} ({name})" for name, part in found["parts"].items()
    )
    return f"{_base(found['test'])} {', '.join(counts)}"


def _base(name: str) -> str:
    """Return a file's name as code, without folders, which are those of one disk."""
    return code(Path(name).name)


def _between(interval: Sequence[float]) -> str:
    low, high = interval
    return f"{low:.2f} to {high:.2f}"
