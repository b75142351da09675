"""The licence of a data file, where a README or LICENSE beside it says one."""

import re
from pathlib import Path

from headwater.errors import UserError
from headwater.files import read_text

_NAMES = ("README.md", "README.txt", "README", "LICENSE", "LICENSE.txt", "LICENCE")
_MOST = 2**20  # bytes of such a file
_LICENCE = re.compile(
    r"\b(CC[ -]BY(?:-SA|-NC|-ND|-NC-SA|-NC-ND)?(?:[ -]\d(?:\.\d)?)?|CC0(?:[ -]1\.0)?|Apache"
    r"(?:[ -]2\.0)|MIT|BSD(?:-[23]-Clause)?|public domain|ODC-BY|GPL-?\d(?:\.\d)?)(?!\w)",
    re.IGNORECASE,
)


def licence_near(file: Path) -> str | None:
    """Return the licences that the text beside a file names; of a README the lines on the file.

    None where there is no such text, or none names a licence.
    """
    for name in _NAMES:
        beside = file.parent / name
        if not beside.is_file():
            continue
        try:
            lines = read_text(beside, _MOST).splitlines()
        except UserError:
            continue
        own = [line for line in lines if file.name in line or file.stem in line]
        for chosen in (own, lines):
            found = dict.fromkeys(match[0] for line in chosen for match in _LICENCE.finditer(line))
            if found:
                return ", ".join(found)
    return None
