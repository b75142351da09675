"""Copies the Markdown of the project to build/docs, from which `make docs` builds the site.

On GitHub the pages link to files all over the project. The site holds docs/, with README as its
first page, and below `project/` the other Markdown files. Links are adjusted to these places; one
to what the site does not hold (code, recipes) keeps its text only.
"""

import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
STAGED = ROOT / "build" / "docs"
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
SCHEME = re.compile(r"[a-z]+:")


def places() -> dict[Path, Path]:
    """Return each file that the site holds, and its place in the staged folder."""
    found = {path: path.relative_to(DOCS) for path in DOCS.rglob("*") if path.is_file()}
    found = {path: place for path, place in found.items() if path.suffix not in {".py", ".pyc"}}
    outside = [*ROOT.glob("*.md"), ROOT / "benchmarks" / "README.md"]
    outside += (ROOT / "src" / "headwater").rglob("*.md")
    found |= {path: Path("project") / path.relative_to(ROOT) for path in outside}
    return found | {ROOT / "README.md": Path("index.md")}


def staged(text: str, source: Path, held: dict[Path, Path]) -> str:
    """Return a page's text with its links as they are at its place in the site."""
    here = held[source].parent

    def adjusted(link: re.Match[str]) -> str:
        picture, shown, target = link.groups()
        path, _, anchor = target.partition("#")
        if SCHEME.match(target) or not path:
            return link[0]
        place = held.get(Path(os.path.normpath(source.parent / path)))
        if place is None:
            place = held.get(Path(os.path.normpath(source.parent / path / "README.md")))
        if place is None:
            return shown
        moved = os.path.relpath(place, here) + (f"#{anchor}" if anchor else "")
        return f"{picture}[{shown}]({moved})"

    return LINK.sub(adjusted, text)


def main() -> None:
    held = places()
    shutil.rmtree(STAGED, ignore_errors=True)
    for source, place in held.items():
        target = STAGED / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix != ".md":
            shutil.copyfile(source, target)
            continue
        text = source.read_text(encoding="utf-8")
        blocks = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
        for number in range(0, len(blocks), 2):
            blocks[number] = staged(blocks[number], source, held)
        target.write_text("".join(blocks), encoding="utf-8")


if __name__ == "__main__":
    main()
