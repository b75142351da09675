"""What an index knows of a model that answers from it, as `headwater index calibrate` chose it.

That is how much the search's order counts, how far "no answer" must be ahead, and what the model's
scores are worth.
"""

import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path

from headwater.documents.model_digest import digest
from headwater.documents.settings import read_setting, write_setting
from headwater.documents.store import transaction
from headwater.documents.update import writing


@dataclass(frozen=True, slots=True)
class Calibration:
    """rank_weight, threshold: see `SpanPassageReader`; None: that of the model.

    questions: on how many it was chosen.
    slope, intercept: see `ScoreScaling`.
    """

    rank_weight: float
    threshold: float | None
    questions: int
    slope: float = 1.0
    intercept: float = 0.0


def calibration_of(connection: sqlite3.Connection, folder: Path | None) -> Calibration | None:
    """Return what an index knows of the model in a folder, if anything."""
    known = read_setting(connection, "calibration")
    if not known or folder is None:
        return None
    found = known.get(digest(folder))
    return None if found is None else Calibration(**found)


def keep_calibration(index: Path, folder: Path, calibration: Calibration) -> None:
    """Let an index know it, in the place of what it knew of the model in that folder."""
    name = digest(folder)
    with writing(index) as connection, transaction(connection):
        known = read_setting(connection, "calibration")
        write_setting(connection, "calibration", known | {name: asdict(calibration)})
