"""What is published with a release tells the same as the package."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

from headwater import __version__

ROOT = Path(__file__).resolve().parents[1]


def test_the_citation_names_this_version_and_licence() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {__version__}\n" in citation
    assert "\nlicense: Apache-2.0\n" in citation


def test_every_dependency_has_its_licence_listed() -> None:
    rows = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if "|" in row]
    listed = {plain(name): licence for name, _, licence, _ in cells}
    always = [each for each in requires("headwater") or [] if "extra ==" not in each]
    needed = {plain(re.split(r"[^\w.-]", each)[0]) for each in always}
    assert needed - listed.keys() == set()
    assert [name for name in needed if listed[name].upper() in ("", "UNKNOWN")] == []


def test_what_reads_html_comes_with_the_cleaner_that_it_imports() -> None:
    """pip 23 skips it: jusText asks for it as an extra, by a name that lxml spells otherwise."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].items()
    names = {
        extra: {plain(re.split(r"[^\w.-]", each)[0]) for each in needs} for extra, needs in extras
    }
    readers = {extra for extra, needs in names.items() if "trafilatura" in needs}
    assert readers
    assert {extra for extra in readers if "lxml-html-clean" not in names[extra]} == set()


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
