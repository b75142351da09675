"""A study writes into a folder of its own."""

from pathlib import Path

import pytest

from headwater.errors import UserError
from headwater.studies.run_study import run_study
from headwater.studies.study import StudyContext


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files than a study's; name another folder"):
        run_study("transfer", StudyContext(tmp_path, "quick"), 1, "headwater study transfer")
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]
