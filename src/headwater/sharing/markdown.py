"""Names and numbers as Markdown: a file's name may hold what Markdown or a shell would obey."""

import shlex

_OBEYED = str.maketrans({"|": r"\|", "<": "&lt;", "`": r"\`"})


def plain(text: str) -> str:
    """Return a text as it is to be read, on one line."""
    return " ".join(text.translate(_OBEYED).split())


def code(text: str) -> str:
    """Return a text as code, on one line, also in a table."""
    shown = " ".join(text.replace("|", r"\|").replace("`", "'").split())
    return f"`{shown}`"


def row(*cells: str) -> str:
    """Return a row of a table, of texts that are Markdown already."""
    return f"| {' | '.join(cells)} |"


def argument(text: str) -> str:
    """Return an argument of a command, on one line."""
    return shlex.quote(" ".join(text.split()))
