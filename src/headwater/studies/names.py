"""All studies by name: the one place where a new one is entered."""

from headwater.errors import UserError, did_you_mean
from headwater.studies.context import CONTEXT
from headwater.studies.labelled import LABELLED
from headwater.studies.methods import METHODS
from headwater.studies.mixing import MIXING
from headwater.studies.pretraining import ARCHITECTURES, DATA, OBJECTIVES
from headwater.studies.study import Study
from headwater.studies.transfer import TRANSFER

_ALL = (TRANSFER, CONTEXT, ARCHITECTURES, OBJECTIVES, DATA, METHODS, MIXING, LABELLED)
STUDIES: dict[str, Study] = {each.name: each for each in _ALL}


def find(name: str) -> Study:
    """Return a study by its name."""
    if name not in STUDIES:
        raise UserError(f"unknown study {name!r}; {did_you_mean(name, STUDIES)}")
    return STUDIES[name]
