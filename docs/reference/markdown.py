"""Markdown that GitHub and the site show alike."""

import os.path
import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(`[^`]+`)")
_SPECIAL = re.compile(r"([*\[\\]|(?<!\w)_|_(?!\w))")
_PAGE = re.compile(r"\bdocs/([\w/-]+)\.md(#[\w-]+)?")


def plain(text: str) -> str:
    """Return a text so that it is shown as it stands, but for code; pages of docs become links."""
    parts = _CODE.split(text)
    for number in range(0, len(parts), 2):
        shown = _SPECIAL.sub(r"\\\1", parts[number].replace("<", "&lt;"))
        parts[number] = _PAGE.sub(_link, shown)
    return "".join(parts)


def _link(found: re.Match[str]) -> str:
    page, anchor = found[1], found[2] or ""
    return f"[{page.rpartition('/')[2]}]({os.path.relpath(page, 'reference')}.md{anchor})"


def sentence(text: str) -> str:
    """Return a text that begins as a sentence does."""
    return text[:1].upper() + text[1:]


def code(text: str) -> str:
    """Return a text as code, nothing where it is empty."""
    return f"`{text}`" if text else ""


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without the columns that are empty in each row, "" where there are no rows."""
    found = [[" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in rows]
    if not found:
        return ""
    kept = [column for column in range(len(names)) if any(row[column] for row in found)]
    lines = [
        [names[column] for column in kept],
        *([row[column] for column in kept] for row in found),
    ]
    shown = [re.sub(r"\|  (?=\|)", "| ", f"| {' | '.join(line)} |") for line in lines]
    return "\n".join([shown[0], "|---" * len(kept) + "|", *shown[1:]])


def page(*parts: str) -> str:
    """Return the parts of a page, a blank line between them."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
