"""Links and anchors of the Markdown files lead somewhere; the site's navigation has all pages."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for folder in ("docs", "src", "benchmarks", "recipes", "studies")
    for path in (ROOT / folder).rglob("*.md")
) + sorted(ROOT.glob("*.md"))
FENCED = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    found: dict[str, int] = {}
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for heading in re.findall(r"^#{1,6} +(.+?) *$", text, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {
        f"{slug}-{number}" if number else slug
        for slug, most in found.items()
        for number in range(most + 1)
    }


def broken(page: Path) -> Iterator[str]:
    for target in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = page.parent / path if path else page
        named = not anchor or there.suffix != ".md"
        if not there.exists() or not (named or anchor in anchors(there)):
            yield target


def test_every_link_and_anchor_leads_somewhere() -> None:
    assert len(PAGES) > 50
    found = {str(page.relative_to(ROOT)): list(broken(page)) for page in PAGES}
    assert {page: links for page, links in found.items() if links} == {}


def test_a_broken_link_or_anchor_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b`, c\n\n## Twice\n\n## Twice\n\n"
        "[a](#a-b-c) [b](page.md#twice-1) [c](https://a.example)\n"
        "[d](#absent) [e](absent.md)\n\n```\n[f](absent.md)\n```\n",
        encoding="utf-8",
    )
    assert list(broken(page)) == ["#absent", "absent.md"]


def test_the_navigation_of_the_site_has_every_page_of_docs() -> None:
    def named(entry: Any) -> Iterator[str]:
        if isinstance(entry, str):
            yield entry
        else:
            for each in entry.values() if isinstance(entry, dict) else entry:
                yield from named(each)

    settings = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    pages = list(named(settings["project"]["nav"]))
    assert len(pages) == len(set(pages))
    there = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if page.name != "table.md"}
    assert set(pages) == there | {"index.md"}
