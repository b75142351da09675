"""Copies the Markdown of the project to build/docs, from which `make docs` builds the site.

On GitHub the pages link to files all over the project. The site holds docs/, with README as its
first page, and below `project/` the other Markdown files. Links are adjusted to these places; one
to what the site does not hold (code, recipes) keeps its text only. A notebook becomes a page with
its pictures, and lies beside it to be downloaded.
"""

import os
import re
import shutil
from functools import partial
from pathlib import Path

from docs.notebook_pages import page_of

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
STAGED = ROOT / "build" / "docs"
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
SCHEME = re.compile(r"[a-z]+:")


def places() -> dict[Path, Path]:
    """Return each file that the site holds, and its place in the staged folder."""
    found = {path: path.relative_to(DOCS) for path in DOCS.rglob("*") if path.is_file()}
    found = {path: place for path, place in found.items() if path.suffix not in {".py", ".pyc"}}
    for path in DOCS.rglob("*.ipynb"):
        found[path] = found[path].with_name(f"{path.stem}-notebook.md")
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


def page(text: str, source: Path, held: dict[Path, Path]) -> str:
    """Return a page's text with the links outside its blocks of code adjusted."""
    blocks = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    for number in range(0, len(blocks), 2):
        blocks[number] = staged(blocks[number], source, held)
    return "".join(blocks)


def main() -> None:
    held = places()
    shutil.rmtree(STAGED, ignore_errors=True)
    for source, place in held.items():
        target = STAGED / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            text = page(source.read_text(encoding="utf-8"), source, held)
            target.write_text(text, encoding="utf-8")
            continue
        shutil.copyfile(source, target.with_name(source.name))
        if source.suffix == ".ipynb":
            text, pictures = page_of(source, target, partial(staged, source=source, held=held))
            download = f"\nTo run it yourself: [{source.name}]({source.name}).\n"
            target.write_text(text + download, encoding="utf-8")
            for path, picture in pictures.items():
                path.write_bytes(picture)


if __name__ == "__main__":
    main()
