"""The pages of this folder by their names."""

from pathlib import Path

from docs.reference.commands import commands_page
from docs.reference.python import python_page
from docs.reference.settings import settings_page

FOLDER = Path(__file__).resolve().parent


def pages() -> dict[str, str]:
    """Return the text of each page, as the code is now."""
    return {
        "commands.md": commands_page(),
        "python.md": python_page(),
        "settings.md": settings_page(),
    }
