"""The table of families agrees with their records."""

import subprocess
import sys

from headwater.models.families import BY_MODEL_TYPE, FAMILIES, MODEL_TYPES


def test_the_table_names_what_the_records_hold() -> None:
    assert list(FAMILIES) == list(MODEL_TYPES)
    for name, types in MODEL_TYPES.items():
        assert FAMILIES[name].name == name
        assert tuple(FAMILIES[name].formats) == types
        assert all(BY_MODEL_TYPE[each] is FAMILIES[name] for each in types)
    assert "electric" not in FAMILIES and "electric" not in BY_MODEL_TYPE


def test_a_family_is_imported_on_its_first_use() -> None:
    code = (
        "import sys; from headwater.models.families import BY_MODEL_TYPE;"
        "BY_MODEL_TYPE['roberta'];"
        "print([each for each in sys.modules if each.endswith('.family')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == [
        "['headwater.models.family',",
        "'headwater.models.bert.family']",
    ]
