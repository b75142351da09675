"""What `make docs` builds the site from: every link leads somewhere, notebooks are pages."""

import tomllib
from pathlib import Path

import pytest
from docs import stage

from test_links import broken


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "STAGED", folder)
        stage.main()
    return folder


def test_every_link_of_the_site_leads_somewhere(staged: Path) -> None:
    pages = sorted(staged.rglob("*.md"))
    assert len(pages) > 50
    found = {str(page.relative_to(staged)): list(broken(page)) for page in pages}
    assert {page: links for page, links in found.items() if links} == {}


@pytest.mark.parametrize(("name", "pictures"), [("06-context", 3), ("07-bert", 4)])
def test_a_notebook_is_a_page_with_its_pictures(staged: Path, name: str, pictures: int) -> None:
    course = staged / "course"
    text = (course / f"{name}-notebook.md").read_text(encoding="utf-8")
    assert f"]({name}-notebook.md)" in (course / f"{name}.md").read_text(encoding="utf-8")
    assert text.count("![") == pictures
    assert text.count("```python") > 3
    assert f"]({name}.ipynb)" in text
    assert len(list(course.glob(f"{name}-notebook-*.png"))) == pictures
    first = (course / f"{name}-notebook-1.png").read_bytes()
    assert first.startswith(b"\x89PNG")


def test_the_search_works_from_disk_and_asks_no_other_host(staged: Path) -> None:
    project = tomllib.loads((stage.ROOT / "zensical.toml").read_text("utf-8"))["project"]
    assert "offline" in project["plugins"] and project["theme"]["font"] is False
    [shim] = [each["path"] for each in project["extra"]["polyfills"]]
    assert "iframe-worker" in shim, "by this name zensical knows that its own is not needed"
    text = (staged / shim).read_text("utf-8")
    assert "IFrameWorker" in text and "Copyright (c)" in text and "http" not in text
