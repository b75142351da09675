"""A notebook as Markdown with its pictures, for the site; GitHub shows notebooks themselves."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def page_of(
    notebook: Path, place: Path, adjusted: Callable[[str], str]
) -> tuple[str, dict[Path, bytes]]:
    """Return the Markdown that shows a notebook at `place`, and the pictures beside it.

    `adjusted` gets the text of each cell of Markdown, to set its links right.
    """
    parts: list[str] = []
    pictures: dict[Path, bytes] = {}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        text = cell["cell_type"] == "markdown"
        parts.append(adjusted(source) if text else f"```python\n{source}\n```")
        for output in cell.get("outputs", ()):
            picture = output.get("data", {}).get("image/png")
            if picture is None:
                parts.append(f"```text\n{_text(output)}\n```")
                continue
            path = place.with_name(f"{place.stem}-{len(pictures) + 1}.png")
            pictures[path] = base64.b64decode("".join(picture))
            parts.append(f"![what the cell above draws]({path.name})")
    return "\n\n".join(parts) + "\n", pictures


def _text(output: dict[str, Any]) -> str:
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    return "".join(text).rstrip()
