"""The JSON files that a card is written from, checked: they may be damaged, or of other things."""

from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from headwater.errors import UserError
from headwater.evaluation.calibration import Bin
from headwater.evaluation.circumstances import FILE, Circumstances
from headwater.evaluation.overlap import Overlap
from headwater.files import read_json

_NUMBERS = TypeAdapter(dict[str, float | None])
_INTERVALS = TypeAdapter(dict[str, tuple[float, float]])
_CIRCUMSTANCES, _OVERLAP = TypeAdapter(Circumstances), TypeAdapter(Overlap)
_ANY, _BINS = TypeAdapter(dict[str, Any]), TypeAdapter(tuple[Bin, ...])
_EVALUATE, _COMPARED = "`headwater evaluate --output` writes", "`headwater overlap --json` prints"

_OF_ALL = ("answers", "expected_calibration_error")  # of a calibration, beside its bins

Json = dict[str, Any]


def metrics(folder: Path) -> Json:
    """Return the scores of a folder that `evaluate` wrote; None of one that is no number."""
    file = folder / "metrics.json"
    content = read_json(file)
    if isinstance(content, dict) and "tasks" in content:
        raise UserError(f"{folder}: was measured on several tasks; give the folder of one, in it")
    return _checked(file, content, _NUMBERS, _EVALUATE)


def intervals(folder: Path) -> Json:
    """Return the intervals of the scores; of an earlier version there are none."""
    return _optional(folder / "intervals.json", _INTERVALS)


def circumstances(folder: Path) -> Json:
    """Return what was measured on which machine; of an earlier version that is not known."""
    return _optional(folder / FILE, _CIRCUMSTANCES)


def calibration(folder: Path) -> Json:
    """Return the bins of what was said, where there were probabilities."""
    file = folder / "calibration.json"
    content = read_json(file) if file.is_file() else {}
    if not content:
        return {}
    found = _checked(file, content, _ANY, _EVALUATE)
    _checked(file, found.get("bins"), _BINS, _EVALUATE)
    if not all(isinstance(found.get(name), int | float) for name in _OF_ALL):
        raise UserError(f"{file}: is not what {_EVALUATE} ({' and '.join(_OF_ALL)} are numbers)")
    return found


def overlap(file: Path) -> Json:
    """Return what `overlap --json` printed."""
    return _checked(file, read_json(file), _OVERLAP, _COMPARED)


def _optional(file: Path, kind: TypeAdapter[Any]) -> Json:
    return _checked(file, read_json(file), kind, _EVALUATE) if file.is_file() else {}


def _checked(file: Path, content: Any, kind: TypeAdapter[Any], source: str) -> Json:
    """Return a file's content, if it is of that kind."""
    try:
        kind.validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise UserError(f"{file}: is not what {source} ({said})") from None
    return cast(Json, content)
