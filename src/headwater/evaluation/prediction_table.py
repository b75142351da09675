"""A table of predictions: the columns of the input, then the prediction and its probabilities.

    sentence,prediction,probability_no,probability_yes            .csv and .tsv
    It rained.,no,0.93,0.07
    {"sentence": "It rained.", "prediction": "no", "probabilities": {"no": 0.93, "yes": 0.07}}

The tags of a sentence have a space between them, and so have the probabilities of each; in .jsonl
both are lists. A number has no probability. In .tsv a tab or a line end of a cell is a space.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from headwater.data.row import Row
from headwater.errors import UserError
from headwater.inference.answer import Decision, Predictor
from headwater.inference.label_predictors import Classifier, Tagger

ENDINGS = (".csv", ".tsv", ".jsonl")
Record = dict[str, Any]


def check_ending(output: Path) -> None:
    """Refuse a name that is none of a table."""
    if output.suffix.lower() not in ENDINGS:
        raise UserError(
            f"{output}: predictions with probabilities are a table; end the name in "
            f"{', '.join(ENDINGS)}"
        )


def labels_of(predictor: Predictor[Any], model: str) -> tuple[str, ...]:
    """Return the labels that probabilities are of, in their order; none of a number or of tags."""
    match predictor:
        case Classifier():
            return predictor.labels
        case Tagger():
            return ()
    raise UserError(f"{model} writes its predictions, and gives no probabilities")


def records(
    rows: Iterable[Row], decisions: Mapping[str, Decision], labels: Sequence[str], numbers: bool
) -> Iterator[Record]:
    """Yield the cells of each row with what is predicted for it.

    Args:
        rows: one for each decision, in their order.
        numbers: whether numbers are predicted.
    """
    for row, decision in zip(rows, decisions.values(), strict=True):
        if twice := {"prediction", "probabilities"} & row.cells.keys():
            raise UserError(f"{row.columns_where}: a column {twice.pop()!r} is there already")
        record = dict(row.cells)
        if numbers:
            record["prediction"] = float(decision.text)
        elif labels:
            chances = dict(zip(labels, decision.probabilities, strict=True))
            record |= {"prediction": decision.text, "probabilities": chances}
        else:
            tags = decision.text.split()
            record |= {"prediction": tags, "probabilities": decision.probabilities}
        yield record


def dump(output: Path, found: Iterable[Record]) -> str:
    """Return the table in the form that the file's name asks for."""
    kind = output.suffix.lower()
    if kind == ".jsonl":
        return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in found)
    flat = [_flat(each) for each in found]
    columns = list(dict.fromkeys(name for each in flat for name in each))
    content = io.StringIO()
    if kind == ".csv":
        writer = csv.DictWriter(content, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(flat)
    else:
        lines = [columns, *([each.get(name, "") for name in columns] for each in flat)]
        content.writelines("\t".join(" ".join(c.split()) for c in line) + "\n" for line in lines)
    return content.getvalue()


def _flat(record: Record) -> dict[str, str]:
    """Return a record's cells as texts, with a column for the probability of each label."""
    cells = {**record}
    chances = cells.pop("probabilities", None)
    if isinstance(chances, dict):
        cells |= {f"probability_{label}": chance for label, chance in chances.items()}
    elif chances is not None:
        cells["prediction"] = " ".join(cells["prediction"])
        cells["probabilities"] = " ".join(map(_text, chances))
    return {name: _text(value) for name, value in cells.items()}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
